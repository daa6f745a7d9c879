import { describe, expect, test } from 'vitest'
import { type BatchRecord, buildBatch, encodeRecords } from './batch-builder.ts'
import { COMPRESSION_NAMES } from './compression/compression.ts'
import { readRecords } from './record.ts'
import * as header from './record-batch.ts'
import { surveyRecords } from './record-survey.ts'
import { InvalidRecordError } from './varint.ts'

const record = (fields: Partial<BatchRecord> = {}): BatchRecord => ({
  key: null,
  value: null,
  headers: [],
  timestamp: 1_700_000_000_000n,
  ...fields,
})

/** Two records, as Kafka's Java classes write them. */
const golden = Buffer.from(
  '00000000000000000000004affffffff02a94f3d630000000000010000018bcfe568000000018bcfe56805' +
    'ffffffffffffffffffffffffffff0000000210000000026b0276001e000a02010a68656c6c6f0202680278',
  'hex',
)
const goldenRecords = [
  record({ key: Buffer.from('k'), value: Buffer.from('v') }),
  record({
    value: Buffer.from('hello'),
    headers: [{ key: 'h', value: Buffer.from('x') }],
    timestamp: 1_700_000_000_005n,
  }),
]

const all: BatchRecord[] = [
  ...goldenRecords,
  record({ key: Buffer.alloc(0), value: Buffer.alloc(0), timestamp: -1n }),
  record({ timestamp: 2n ** 62n }),
  record({ timestamp: -(2n ** 62n) }),
  record({ key: Buffer.alloc(70, 1), value: Buffer.alloc(20_000, 'abc') }),
  record({
    headers: [{ key: 'ключ', value: null }, ...Array(70).fill({ key: '', value: Buffer.from('y') })],
  }),
]

describe('a batch is built and read', () => {
  test('byte for byte as by Kafka', () => {
    expect(buildBatch({ baseOffset: 0n, leaderEpoch: -1, records: goldenRecords })).toEqual(golden)
  })

  test.each(COMPRESSION_NAMES)('with all kinds of records, compression %s', (compression) => {
    const batch = buildBatch({
      baseOffset: 2n ** 60n,
      leaderEpoch: 7,
      records: all,
      producerId: 5n,
      producerEpoch: 6,
      baseSequence: 8,
      isTransactional: true,
      compression,
    })
    const withOffsets = all.map((each, index) => ({ ...each, offset: 2n ** 60n + BigInt(index) }))
    expect([...readRecords(batch)]).toEqual(withOffsets)
    expect({
      size: header.batchSizeInBytes(batch, 0),
      crc: header.isCrcValid(batch, 0),
      compression: COMPRESSION_NAMES[header.compressionOf(batch, 0)],
      epoch: header.partitionLeaderEpoch(batch, 0),
      last: header.lastOffset(batch, 0),
      latest: header.maxTimestamp(batch, 0),
      producer: [header.producerId(batch, 0), header.producerEpoch(batch, 0), header.baseSequence(batch, 0)],
      flags: [header.isTransactional(batch, 0), header.isControlBatch(batch, 0)],
    }).toEqual({
      size: batch.length,
      crc: true,
      compression,
      epoch: 7,
      last: 2n ** 60n + 6n,
      latest: 2n ** 62n,
      producer: [5n, 6, 8],
      flags: [true, false],
    })
  })

  test('with the broker’s time', () => {
    const batch = buildBatch({ baseOffset: 0n, leaderEpoch: 0, records: goldenRecords, logAppendTimeMs: 9n })
    expect(Array.from(readRecords(batch), ({ timestamp }) => timestamp)).toEqual([9n, 9n])
  })

  test('anywhere in a buffer', () => {
    const bytes = Buffer.concat([Buffer.alloc(13), golden, golden])
    expect(header.isCrcValid(bytes, 13)).toBe(true)
    header.stampBatch(bytes, 13, 40n, 3)
    expect([header.lastOffset(bytes, 13), header.partitionLeaderEpoch(bytes, 13)]).toEqual([41n, 3])
    expect(header.isCrcValid(bytes, 13)).toBe(true)
    expect(bytes.subarray(13 + golden.length)).toEqual(golden)
  })

  test('a new time changes the CRC to what it must be', () => {
    const bytes = Buffer.from(golden)
    header.stampTime(bytes, 0, header.LOG_APPEND_TIME_BIT, 77n)
    expect(header.isCrcValid(bytes, 0)).toBe(true)
    expect(Array.from(readRecords(bytes), ({ timestamp }) => timestamp)).toEqual([77n, 77n])
  })
})

describe('surveying records', () => {
  const encode = (records: readonly BatchRecord[]) =>
    encodeRecords(records, 1_700_000_000_000n).bytes.subarray(header.RECORD_BATCH_OVERHEAD)

  test('finds the times and null keys', () => {
    const times = [0n, -5n, 1_000_000_000n, 7n].map((delta) => ({ timestamp: 1_700_000_000_000n + delta }))
    const keyed = times.map((time) =>
      record({ ...time, key: Buffer.from('k'), headers: all.at(-1)!.headers }),
    )
    expect(surveyRecords(encode(keyed), 4)).toEqual({
      minTimestampDelta: -5,
      maxTimestampDelta: 1_000_000_000,
      hasNullKey: false,
      isConsecutive: true,
    })
    expect(surveyRecords(encode([...keyed, record()]), 5).hasNullKey).toBe(true)
  })

  test('agrees with reading, whatever byte is wrong', () => {
    const batch = buildBatch({ baseOffset: 0n, leaderEpoch: 0, records: all.slice(0, 3) })
    const bytes = batch.subarray(header.RECORD_BATCH_OVERHEAD)
    let refused = 0
    for (let at = 0; at < bytes.length; at++) {
      const original = bytes[at]!
      for (let byte = 0; byte < 256; byte++) {
        bytes[at] = byte
        const [surveyed, read] = [() => surveyRecords(bytes, 3), () => [...readRecords(batch)]].map(isRefused)
        if (surveyed !== read) expect.fail(`byte ${at} = ${byte}: ${surveyed}, read ${read}`)
        if (read) refused++
      }
      bytes[at] = original
    }
    expect(refused).toBeGreaterThan(1000)
  })

  test.each([
    ['fewer', 6],
    ['more', 8],
  ])('%s records than there are', (_, count) => {
    expect(() => surveyRecords(encode(all), count)).toThrow(InvalidRecordError)
  })

  test('a cut at any byte', () => {
    const bytes = encode(all.slice(0, 3))
    for (let end = 0; end < bytes.length; end++)
      expect(() => surveyRecords(bytes.subarray(0, end), 3)).toThrow(InvalidRecordError)
  })
})

function isRefused(run: () => unknown): boolean {
  try {
    run()
    return false
  } catch (error) {
    if (!(error instanceof InvalidRecordError)) throw error
    return true
  }
}
