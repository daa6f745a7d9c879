import { describe, expect, test } from 'vitest'
import { type BatchRecord, type BatchToBuild, buildBatch } from '../protocol/batch-builder.ts'
import { COMPRESSION_NAMES, type CompressionName, compress } from '../protocol/compression/compression.ts'
import { crc32c } from '../protocol/crc32c.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { readRecords } from '../protocol/record.ts'
import {
  baseOffset,
  compressionOf,
  hasLogAppendTime,
  isCrcValid,
  isTransactional,
  lastOffset,
  maxTimestamp,
  partitionLeaderEpoch,
  producerId,
  RECORD_BATCH_OVERHEAD,
} from '../protocol/record-batch.ts'
import { InvalidRecordsError, type ValidationOptions } from './append-rules.ts'
import { validateBatches } from './append-validation.ts'
import { topicConfig } from './test-support/storage.ts'

const NOW = 1_700_000_000_000

const record = (value: string, fields: Partial<BatchRecord> = {}): BatchRecord => ({
  key: Buffer.from('k'),
  value: Buffer.from(value),
  headers: [{ key: 'h', value: null }],
  timestamp: BigInt(NOW),
  ...fields,
})

const three = [record('a'), record('b', { timestamp: BigInt(NOW - 5) }), record('c')]

function batch(fields: Partial<BatchToBuild> = {}): Buffer {
  return buildBatch({ baseOffset: 0n, leaderEpoch: -1, records: three, ...fields })
}

/** Sets something in a batch, and the CRC to what it must be then. */
function altered(bytes: Buffer, change: (bytes: Buffer) => void): Buffer {
  change(bytes)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

/** One record, whose number in the batch is 5. */
function encodeOdd(compression: CompressionName): Buffer {
  const bytes = batch({ records: [record('a', { headers: [] })] })
  // Behind length, attributes and the distance in time.
  bytes[RECORD_BATCH_OVERHEAD + 3] = 10
  const body = compress(compression, bytes.subarray(RECORD_BATCH_OVERHEAD))
  return altered(Buffer.concat([bytes.subarray(0, RECORD_BATCH_OVERHEAD), body]), (odd) => {
    odd.writeInt32BE(odd.length - 12, 8)
    odd.writeInt16BE(COMPRESSION_NAMES.indexOf(compression), 21)
  })
}

function validate(
  records: Buffer,
  config: Record<string, unknown> = {},
  options: Partial<ValidationOptions> = {},
) {
  return validateBatches(records, {
    config: topicConfig(config),
    baseOffset: 100n,
    leaderEpoch: 4,
    nowMs: NOW,
    produceVersion: 9,
    ...options,
  })
}

function errorOf(run: () => unknown): ApiError {
  try {
    run()
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
  throw new Error('was accepted')
}

const contents = (bytes: Buffer) =>
  Array.from(readRecords(bytes), ({ offset, value, timestamp }) => [
    Number(offset),
    String(value),
    Number(timestamp) - NOW,
  ])

describe('a sound batch', () => {
  test.each(COMPRESSION_NAMES)('%s: is stored as it came but for offset and epoch', (compression) => {
    const sent = batch({ compression })
    const expected = Buffer.from(sent)
    expected.writeBigInt64BE(100n, 0)
    expected.writeInt32BE(4, 12)
    const { records, logAppendTimeMs } = validate(sent)
    expect(records).toBe(sent)
    expect(records).toEqual(expected)
    expect(logAppendTimeMs).toBe(-1n)
  })

  test('a wrong largest time, and a bit that says it is the broker’s, are set right', () => {
    const sent = batch()
    const wrong = altered(Buffer.from(sent), (bytes) => bytes.writeBigInt64BE(5n, 35))
    const ours = altered(Buffer.from(sent), (bytes) => bytes.writeInt16BE(8, 21))
    for (const bytes of [wrong, ours]) {
      const { records } = validate(bytes)
      expect(isCrcValid(records, 0)).toBe(true)
      expect(maxTimestamp(records, 0)).toBe(BigInt(NOW))
      expect(hasLogAppendTime(records, 0)).toBe(false)
    }
  })

  test('times as far apart as can be', () => {
    const times = [2n ** 62n, -(2n ** 62n), -1n]
    const sent = batch({ records: times.map((timestamp) => record('x', { timestamp })) })
    const config = { 'message.timestamp.after.max.ms': 2 ** 63 }
    expect(maxTimestamp(validate(sent, config).records, 0)).toBe(2n ** 62n)
  })

  test.each(COMPRESSION_NAMES)('%s: gets the broker’s time where the topic wants it', (compression) => {
    const config = { 'message.timestamp.type': 'LogAppendTime' }
    const { records, logAppendTimeMs } = validate(batch({ compression }), config)
    expect(logAppendTimeMs).toBe(BigInt(NOW))
    expect(isCrcValid(records, 0)).toBe(true)
    expect(contents(records)).toEqual([
      [100, 'a', 0],
      [101, 'b', 0],
      [102, 'c', 0],
    ])
  })
})

describe('compression.type', () => {
  const names = ['uncompressed', ...COMPRESSION_NAMES.slice(1)] as const

  test.each(names.flatMap((from) => names.map((to) => [from, to])))('%s to %s', (from, to) => {
    const compression = (from === 'uncompressed' ? 'none' : from) as CompressionName
    const producer = { producerId: 3n, producerEpoch: 1, baseSequence: 0, isTransactional: true }
    const { records } = validate(batch({ compression, ...producer }), { 'compression.type': to })
    expect(compressionOf(records, 0)).toBe(names.indexOf(to as (typeof names)[number]))
    expect(isCrcValid(records, 0)).toBe(true)
    expect([partitionLeaderEpoch(records, 0), producerId(records, 0), isTransactional(records, 0)]).toEqual([
      4,
      3n,
      true,
    ])
    expect(contents(records)).toEqual([
      [100, 'a', 0],
      [101, 'b', -5],
      [102, 'c', 0],
    ])
  })

  test('what is too large when it is opened is refused', () => {
    const records = [record('x'.repeat(5000))]
    const config = { 'compression.type': 'uncompressed', 'max.message.bytes': 1000 }
    const error = errorOf(() => validate(batch({ records, compression: 'gzip' }), config))
    expect(error.code).toBe(ErrorCode.MESSAGE_TOO_LARGE)
  })
})

describe('refused', () => {
  const cases: [string, number, () => unknown][] = [
    [
      'a batch above max.message.bytes',
      ErrorCode.MESSAGE_TOO_LARGE,
      () => validate(batch(), { 'max.message.bytes': batch().length - 1 }),
    ],
    ['a wrong CRC', ErrorCode.CORRUPT_MESSAGE, () => validate(batch().fill(1, 17, 18))],
    ['half a header', ErrorCode.CORRUPT_MESSAGE, () => validate(batch().subarray(0, 40))],
    ['a length beyond the end', ErrorCode.CORRUPT_MESSAGE, () => validate(batch().subarray(0, 90))],
    ['a base offset', ErrorCode.INVALID_RECORD, () => validate(batch({ baseOffset: 1n }))],
    ['two batches', ErrorCode.INVALID_RECORD, () => validate(Buffer.concat([batch(), batch()]))],
    ['no records', ErrorCode.INVALID_RECORD, () => validate(batch({ records: [] }))],
    [
      'a gap',
      ErrorCode.INVALID_RECORD,
      () => validate(altered(batch(), (bytes) => bytes.writeInt32BE(5, 23))),
    ],
    ['a count too high', ErrorCode.INVALID_RECORD, () => validate(withCount(4))],
    ['a count too low', ErrorCode.INVALID_RECORD, () => validate(withCount(2))],
    ['a negative count', ErrorCode.INVALID_RECORD, () => validate(withCount(-1))],
    ['a control batch', ErrorCode.INVALID_RECORD, () => validate(batch({ isControl: true }))],
    [
      'a producer without sequence',
      ErrorCode.INVALID_RECORD,
      () => validate(batch({ producerId: 1n, producerEpoch: 0 })),
    ],
    [
      'zstd before version 7',
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      () => validate(batch({ compression: 'zstd' }), {}, { produceVersion: 6 }),
    ],
    [
      'an unknown codec',
      ErrorCode.UNKNOWN_SERVER_ERROR,
      () => validate(altered(batch(), (bytes) => bytes.writeInt16BE(5, 21))),
    ],
    [
      'gzip that is none',
      ErrorCode.UNKNOWN_SERVER_ERROR,
      () => validate(altered(batch(), (bytes) => bytes.writeInt16BE(1, 21))),
    ],
    ['a bomb', ErrorCode.MESSAGE_TOO_LARGE, () => validate(bomb())],
  ]

  test.each(cases)('%s: %i', (_, code, run) => {
    const error = errorOf(run)
    expect(error.code).toBe(code)
    expect(error).not.toBeInstanceOf(InvalidRecordsError)
  })

  function withCount(count: number): Buffer {
    return altered(batch(), (bytes) => {
      bytes.writeInt32BE(count, 57)
      bytes.writeInt32BE(count - 1, 23)
    })
  }

  function bomb(): Buffer {
    const zeros = compress('gzip', Buffer.alloc(70 * 1024 * 1024))
    const bytes = Buffer.concat([batch().subarray(0, 61), zeros])
    bytes.writeInt32BE(bytes.length - 12, 8)
    return altered(bytes, () => bytes.writeInt16BE(1, 21))
  }

  test.each([...COMPRESSION_NAMES])('records with odd numbers, %s', (compression) => {
    const odd = encodeOdd(compression)
    if (compression === 'none') validate(odd)
    else expect(errorOf(() => validate(odd))).toMatchObject({ code: ErrorCode.INVALID_RECORD })
    const other = compression === 'gzip' ? 'lz4' : 'gzip'
    const { records } = validate(encodeOdd(compression), { 'compression.type': other })
    expect(contents(records).map(([offset]) => offset)).toEqual([100])
  })

  test('what is compressed anew has no time before 1970, and its producer an epoch', () => {
    const gzip = { 'compression.type': 'gzip', 'message.timestamp.type': 'LogAppendTime' }
    const old = () => batch({ records: [record('a', { timestamp: -2n })] })
    expect(errorOf(() => validate(old(), gzip)).code).toBe(ErrorCode.INVALID_TIMESTAMP)
    validate(old())
    const odd = () => batch({ producerId: 5n, producerEpoch: -1, baseSequence: 0 })
    expect(errorOf(() => validate(odd(), gzip)).code).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
    validate(odd())
  })

  test('nothing is stamped on what is refused', () => {
    const sent = batch({ isControl: true })
    errorOf(() => validate(sent))
    expect([baseOffset(sent, 0), lastOffset(sent, 0), partitionLeaderEpoch(sent, 0)]).toEqual([0n, 2n, -1])
  })
})

describe.each(['none', 'lz4'] as const)('records at fault are named, compression %s', (compression) => {
  const faults = (records: BatchRecord[], config: Record<string, unknown>) => {
    const error = errorOf(() => validate(batch({ records, compression }), config))
    expect(error).toBeInstanceOf(InvalidRecordsError)
    const { code, recordErrors } = error as InvalidRecordsError
    return [code, ...recordErrors.map(({ batchIndex }) => batchIndex)]
  }

  test('without a key on a compacted topic', () => {
    const records = [record('a'), record('b', { key: null }), record('c'), record('d', { key: null })]
    expect(faults(records, { 'cleanup.policy': ['delete', 'compact'] })).toEqual([87, 1, 3])
    validate(batch({ records, compression }))
  })

  test('with a time too far from now', () => {
    const at = (deltaMs: number) => record('x', { timestamp: BigInt(NOW + deltaMs) })
    const limits = { 'message.timestamp.before.max.ms': 1000, 'message.timestamp.after.max.ms': 500 }
    expect(faults([at(0), at(-1001), at(-1000), at(500), at(501)], limits)).toEqual([32, 1, 4])
    expect(faults([at(0), at(3_600_001)], {})).toEqual([32, 1])
    validate(batch({ records: [at(-1000), at(500), record('x', { timestamp: -1n })], compression }), limits)
    validate(batch({ records: [at(9999)], compression }), {
      ...limits,
      'message.timestamp.type': 'LogAppendTime',
    })
  })

  test('that claim the broker’s time on a topic that has it', () => {
    const sent = batch({ compression, logAppendTimeMs: BigInt(NOW) })
    const error = errorOf(() => validate(sent, { 'message.timestamp.type': 'LogAppendTime' }))
    expect(error).toMatchObject({ code: 32, recordErrors: [{ batchIndex: 0 }, {}, {}] })
  })
})
