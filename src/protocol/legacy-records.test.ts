import { describe, expect, test } from 'vitest'
import { type CompressionName, compress, DecompressionError } from './compression/compression.ts'
import { buildMessageSet, type PlacedRecord } from './legacy-builder.ts'
import {
  InvalidMessageError,
  isMessageCrcValid,
  type MessageToWrite,
  messageAttributes,
  messageContent,
  messageTimestamp,
  sizeOfMessage,
  writeMessage,
} from './legacy-message.ts'
import { messagesOf, readLegacyRecords } from './legacy-records.ts'
import { readRecords } from './record.ts'
import { baseOffset } from './record-batch.ts'
import { InvalidRecordError } from './varint.ts'

const CODECS: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4']

/** Messages as Kafka's Java classes wrote them. */
const golden = {
  plain0: '000000000000033000000014e093d1260000000000058756062ac7000000017f',
  plain1: '000000000000007a0000001f27a63e1c01080000018bd031b340000000018200000008215b9424daee6cc8',
  lz4In0:
    '000000000000000d00000039abb8efe90003ffffffff0000002b04224d1860401a1c00000012000100910d0000001402b3e7070f00b0' +
    '031043720000000330eab000000000',
  lz4In1:
    '00000000000003220000004a218aaa6901030000018bcfe62376ffffffff0000003404224d186040822500000016000100f0101eb829' +
    '05fc01000000018bcfe623760000000405dea77c0000000477308bdf00000000',
}
const bytesOf = (hex: string) => Buffer.from(hex, 'hex')

const record = (offset: bigint, fields: Partial<PlacedRecord> = {}): PlacedRecord => ({
  offset,
  timestamp: 1_700_000_000_000n,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  ...fields,
})
const three = [
  record(7n),
  record(9n, { key: null, value: null, timestamp: 1_700_000_000_500n }),
  record(10n, { key: Buffer.alloc(0), value: Buffer.alloc(300, 'abc'), timestamp: -1n }),
]

const contents = (set: Buffer): PlacedRecord[] =>
  Array.from(messagesOf(set), (at) => [...readLegacyRecords(set.subarray(at))])
    .flat()
    .map(({ offset, timestamp, key, value }) => ({ offset, timestamp, key, value }))

/** Any message, its checksum right. */
function message(fields: Partial<MessageToWrite> = {}): Buffer {
  const whole = {
    magic: 1,
    offset: 0n,
    attributes: 0,
    timestamp: 5n,
    key: null,
    value: null,
    ...fields,
  } as const
  const bytes = Buffer.alloc(sizeOfMessage(whole))
  writeMessage(bytes, 0, whole)
  return bytes
}

const wrapper = (inner: Buffer, fields: Partial<MessageToWrite> = {}) =>
  message({ attributes: 1, value: compress('gzip', inner), ...fields })

function errorOf(run: () => unknown): InvalidMessageError {
  try {
    run()
  } catch (error) {
    if (error instanceof InvalidMessageError) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('messages of Kafka', () => {
  test('are read', () => {
    expect(contents(bytesOf(golden.plain0))).toEqual([
      { offset: 816n, timestamp: -1n, key: bytesOf('8756062ac7'), value: bytesOf('7f') },
    ])
    expect(contents(bytesOf(golden.plain1))).toEqual([
      { offset: 122n, timestamp: 1700005000000n, key: bytesOf('82'), value: bytesOf('215b9424daee6cc8') },
    ])
    expect(contents(bytesOf(golden.lz4In0))).toEqual([
      { offset: 13n, timestamp: -1n, key: bytesOf('104372'), value: bytesOf('30eab0') },
    ])
    expect(contents(bytesOf(golden.lz4In1))).toEqual([
      { offset: 802n, timestamp: 1700000047990n, key: bytesOf('05dea77c'), value: bytesOf('77308bdf') },
    ])
    for (const hex of Object.values(golden)) expect(isMessageCrcValid(bytesOf(hex), 0)).toBe(true)
  })

  test('are built to the byte', () => {
    const plain0 = bytesOf(golden.plain0)
    expect(buildMessageSet({ magic: 0, records: contents(plain0), compression: 'none' })).toEqual(plain0)
    const plain1 = bytesOf(golden.plain1)
    const logAppendTimeMs = 1700005000000n
    expect(
      buildMessageSet({ magic: 1, records: contents(plain1), compression: 'none', logAppendTimeMs }),
    ).toEqual(plain1)
  })

  test('the header of an lz4 frame has the checksum that its format expects (KAFKA-3160)', () => {
    const checksumOf = (magic: 0 | 1) => {
      const set = buildMessageSet({ magic, records: three, compression: 'lz4' })
      return messageContent(set, 0).value![6]
    }
    expect(checksumOf(0)).toBe(0x1a)
    expect(checksumOf(1)).toBe(0x82)
    // Format 0 is read with either; format 1 with the right one only.
    const right = compress('lz4', message({ magic: 0, value: Buffer.from('v') }))
    expect(contents(message({ magic: 0, attributes: 3, value: right }))).toHaveLength(1)
    const wrong = messageContent(buildMessageSet({ magic: 0, records: three, compression: 'lz4' }), 0).value
    expect(() => readLegacyRecords(message({ attributes: 3, value: wrong }))).toThrow(DecompressionError)
  })
})

describe.each(CODECS)('built and read, %s', (compression) => {
  test('format 1 keeps offsets and times', () => {
    const set = buildMessageSet({ magic: 1, records: three, compression })
    expect(contents(set)).toEqual(three)
    expect([...messagesOf(set)]).toHaveLength(compression === 'none' ? 3 : 1)
    if (compression === 'none') return
    expect(baseOffset(set, 0)).toBe(10n)
    expect(messageTimestamp(set, 0)).toBe(1_700_000_000_500n)
    // KIP-31: inside offsets count from the first one.
    expect(Array.from(readLegacyRecords(set), ({ bytes, at }) => baseOffset(bytes, at))).toEqual([0n, 2n, 3n])
  })

  test('format 1 with the time of the broker', () => {
    const set = buildMessageSet({ magic: 1, records: three, compression, logAppendTimeMs: 99n })
    expect(contents(set).map(({ timestamp }) => timestamp)).toEqual([99n, 99n, 99n])
    expect(messageAttributes(set, 0) & 8).toBe(8)
  })

  test('format 0 keeps offsets, and has no times', () => {
    const set = buildMessageSet({ magic: 0, records: three, compression, logAppendTimeMs: 99n })
    expect(contents(set)).toEqual(three.map((each) => ({ ...each, timestamp: -1n })))
    expect(messageAttributes(set, 0) & 8).toBe(0)
    for (const { bytes, at } of readLegacyRecords(set)) expect(isMessageCrcValid(bytes, at)).toBe(true)
  })

  test('no records are no bytes', () => {
    expect(buildMessageSet({ magic: 1, records: [], compression })).toHaveLength(0)
  })
})

describe('wrappers', () => {
  const inner = buildMessageSet({ magic: 1, records: [record(3n), record(5n)], compression: 'none' })
  const offsets = (bytes: Buffer) => contents(bytes).map(({ offset }) => offset)

  test('in format 1 the offset of the wrapper is that of its last message, wherever those inside begin', () => {
    expect(offsets(wrapper(inner, { offset: 105n }))).toEqual([103n, 105n])
  })

  test('a wrapper with offset 0, as some producers send it', () => {
    expect(offsets(wrapper(inner))).toEqual([3n, 5n])
  })

  test('a message that is cut off inside is left out', () => {
    expect(offsets(wrapper(inner.subarray(0, -3), { offset: 50n }))).toEqual([50n])
  })

  test('readRecords reads them too', () => {
    expect(Array.from(readRecords(wrapper(inner)), ({ offset }) => offset)).toEqual([3n, 5n])
  })

  test.each<[string, () => unknown, number, boolean]>([
    ['offset too small', () => readLegacyRecords(wrapper(inner, { offset: 4n })), 0, false],
    ['no value', () => readLegacyRecords(message({ attributes: 2 })), 0, false],
    ['no message inside', () => readLegacyRecords(wrapper(Buffer.alloc(0))), 0, false],
    [
      'no message inside, format 0',
      () => readLegacyRecords(wrapper(Buffer.alloc(9), { magic: 0 })),
      0,
      false,
    ],
    ['zstd', () => readLegacyRecords(message({ attributes: 4, value: inner })), 0, false],
    [
      'compressed twice',
      () => contents(wrapper(Buffer.concat([message(), wrapper(inner)]), { offset: 9n })),
      message().length,
      false,
    ],
    ['a length that cannot be', () => readLegacyRecords(wrapper(Buffer.alloc(40))), 0, true],
  ])('%s', (_, run, position, isCorrupt) => {
    const error = errorOf(run)
    expect(error).toMatchObject({ position, isCorrupt })
    expect(error.message).toContain(`byte ${position}`)
  })

  test('an unknown codec', () => {
    expect(() => readLegacyRecords(message({ attributes: 5, value: inner }))).toThrow(DecompressionError)
  })

  test('a bomb is not blown up', () => {
    const bomb = compress('gzip', Buffer.alloc(80 * 1024 * 1024))
    expect(() => readLegacyRecords(message({ attributes: 1, value: bomb }))).toThrow(/more than/)
  })
})

describe('messages that are none', () => {
  const good = message({ key: Buffer.from('key'), value: Buffer.from('value') })

  test('key and value must lie inside', () => {
    for (const at of [26, 33]) {
      const bytes = Buffer.from(good)
      bytes.writeInt32BE(1000, at)
      expect(errorOf(() => contents(bytes))).toMatchObject({ position: 0, isCorrupt: true })
    }
    const short = Buffer.from(good.subarray(0, 28))
    short.writeInt32BE(short.length - 12, 8)
    expect(errorOf(() => contents(short))).toMatchObject({ position: 0 })
  })

  test('a length that is too small, behind a good message', () => {
    const bytes = Buffer.concat([good, good])
    bytes.writeInt32BE(13, good.length + 8)
    expect(errorOf(() => contents(bytes))).toMatchObject({ position: good.length, isCorrupt: true })
  })

  test('any change of any byte gives records or a typed error', () => {
    const samples: Buffer[] = Object.values(golden).map(bytesOf)
    samples.push(buildMessageSet({ magic: 1, records: three, compression: 'snappy' }))
    for (const sample of samples) {
      for (let at = 8; at < sample.length; at++) {
        for (const value of [0, 0x7f, 0x80, 0xff, sample[at]! ^ 1]) {
          const bytes = Buffer.from(sample)
          bytes[at] = value
          try {
            contents(bytes)
          } catch (error) {
            expect(error instanceof InvalidRecordError || error instanceof DecompressionError).toBe(true)
          }
        }
      }
    }
  })
})
