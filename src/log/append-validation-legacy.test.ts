import { describe, expect, test } from 'vitest'
import { buildBatch } from '../protocol/batch-builder.ts'
import { type CompressionName, compress } from '../protocol/compression/compression.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { buildMessageSet, type PlacedRecord } from '../protocol/legacy-builder.ts'
import { type MessageToWrite, sizeOfMessage, writeMessage } from '../protocol/legacy-message.ts'
import { readRecords } from '../protocol/record.ts'
import {
  baseOffset,
  compressionOf,
  hasLogAppendTime,
  isCrcValid,
  lastOffset,
  magicOf,
  maxTimestamp,
  partitionLeaderEpoch,
  producerId,
} from '../protocol/record-batch.ts'
import { InvalidRecordsError } from './append-rules.ts'
import { validateBatches } from './append-validation.ts'
import { topicConfig } from './test-support/storage.ts'

const NOW = 1_700_000_000_000
const CODECS: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4']

const record = (offset: bigint, fields: Partial<PlacedRecord> = {}): PlacedRecord => ({
  offset,
  timestamp: BigInt(NOW),
  key: Buffer.from('k'),
  value: Buffer.from(`v${offset}`),
  ...fields,
})
const three = [record(0n), record(1n, { timestamp: BigInt(NOW - 5), key: null }), record(2n, { value: null })]

const messages = (magic: 0 | 1, compression: CompressionName, records: readonly PlacedRecord[] = three) =>
  buildMessageSet({ magic, records, compression })

function message(fields: Partial<MessageToWrite> = {}): Buffer {
  const whole = {
    magic: 1,
    offset: 0n,
    attributes: 0,
    timestamp: BigInt(NOW),
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

function validate(records: Buffer, config: Record<string, unknown> = {}) {
  return validateBatches(records, {
    config: topicConfig(config),
    baseOffset: 100n,
    leaderEpoch: 4,
    nowMs: NOW,
    produceVersion: 2,
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
  Array.from(readRecords(bytes), ({ offset, key, value, timestamp, headers }) => [
    Number(offset),
    key === null ? null : String(key),
    value === null ? null : String(value),
    Number(timestamp),
    headers.length,
  ])

describe.each(CODECS)('messages with %s become one batch', (compression) => {
  test('format 1: with its times', () => {
    const { records, logAppendTimeMs } = validate(messages(1, compression))
    expect(logAppendTimeMs).toBe(-1n)
    expect(magicOf(records, 0)).toBe(2)
    expect(isCrcValid(records, 0)).toBe(true)
    expect([baseOffset(records, 0), lastOffset(records, 0)]).toEqual([100n, 102n])
    expect([partitionLeaderEpoch(records, 0), producerId(records, 0)]).toEqual([4, -1n])
    expect(maxTimestamp(records, 0)).toBe(BigInt(NOW))
    expect(compressionOf(records, 0)).toBe(CODECS.indexOf(compression))
    expect(contents(records)).toEqual([
      [100, 'k', 'v0', NOW, 0],
      [101, null, 'v1', NOW - 5, 0],
      [102, 'k', null, NOW, 0],
    ])
  })

  test('format 0: without times', () => {
    const { records } = validate(messages(0, compression), { 'message.timestamp.before.max.ms': 1000 })
    expect(contents(records).map(([, , , timestamp]) => timestamp)).toEqual([-1, -1, -1])
    expect(maxTimestamp(records, 0)).toBe(-1n)
  })

  test('with the time of the broker', () => {
    for (const magic of [0, 1] as const) {
      const config = { 'message.timestamp.type': 'LogAppendTime' }
      const { records, logAppendTimeMs } = validate(messages(magic, compression), config)
      expect(logAppendTimeMs).toBe(BigInt(NOW))
      expect(hasLogAppendTime(records, 0)).toBe(true)
      expect(contents(records).map(([, , , timestamp]) => timestamp)).toEqual([NOW, NOW, NOW])
    }
  })

  test.each(['uncompressed', 'gzip', 'zstd'])('and get the codec of the topic: %s', (type) => {
    const { records } = validate(messages(1, compression), { 'compression.type': type })
    expect(compressionOf(records, 0)).toBe(['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'].indexOf(type))
    expect(contents(records)).toHaveLength(3)
  })
})

describe('what old producers send', () => {
  test('offsets that mean nothing are given anew', () => {
    const odd = [record(7n), record(7n), record(3n)].map((each) => messages(1, 'none', [each]))
    expect(contents(validate(Buffer.concat(odd)).records).map(([offset]) => offset)).toEqual([100, 101, 102])
    const inner = Buffer.concat([message({ offset: 9n }), message({ offset: 5n })])
    expect(contents(validate(wrapper(inner, { offset: 11n })).records).map(([offset]) => offset)).toEqual([
      100, 101,
    ])
  })

  test('a message that is cut off at the end is dropped', () => {
    const cut = Buffer.concat([messages(0, 'none'), messages(0, 'none').subarray(0, 20)])
    expect(contents(validate(cut).records)).toHaveLength(3)
  })

  test('time of the broker in a message of format 1 counts as its own', () => {
    const { records } = validate(message({ attributes: 8 }))
    expect(hasLogAppendTime(records, 0)).toBe(false)
    expect(contents(records)[0]![3]).toBe(NOW)
  })
})

describe('refused', () => {
  const badCrc = (bytes: Buffer) => Buffer.from(bytes.fill(bytes[12]! ^ 1, 12, 13))
  const good = messages(1, 'none')
  const batch = buildBatch({ baseOffset: 0n, leaderEpoch: -1, records: [] })
  test.each<[string, number, () => unknown]>([
    ['wrong CRC', ErrorCode.CORRUPT_MESSAGE, () => validate(badCrc(messages(1, 'none')))],
    ['wrong CRC of a wrapper', ErrorCode.CORRUPT_MESSAGE, () => validate(badCrc(messages(0, 'gzip')))],
    [
      'wrong CRC of a later message',
      ErrorCode.CORRUPT_MESSAGE,
      () => validate(Buffer.concat([good, badCrc(messages(1, 'none'))])),
    ],
    [
      'wrong CRC in a wrapper',
      ErrorCode.CORRUPT_MESSAGE,
      () => validate(wrapper(badCrc(messages(1, 'none')))),
    ],
    [
      'a length that cannot be',
      ErrorCode.CORRUPT_MESSAGE,
      () => validate(Buffer.concat([good, Buffer.alloc(30)])),
    ],
    ['too large', ErrorCode.MESSAGE_TOO_LARGE, () => validate(good, { 'max.message.bytes': 30 })],
    ['too large as a batch', ErrorCode.MESSAGE_TOO_LARGE, () => validate(good, { 'max.message.bytes': 60 })],
    ['two wrappers', ErrorCode.INVALID_RECORD, () => validate(Buffer.concat([wrapper(good), wrapper(good)]))],
    [
      'a wrapper behind a message',
      ErrorCode.INVALID_RECORD,
      () => validate(Buffer.concat([good, wrapper(good)])),
    ],
    ['formats 1 and 0', ErrorCode.INVALID_RECORD, () => validate(Buffer.concat([good, messages(0, 'none')]))],
    ['formats 1 and 2', ErrorCode.INVALID_RECORD, () => validate(Buffer.concat([good, batch]))],
    ['nothing in a wrapper', ErrorCode.INVALID_RECORD, () => validate(wrapper(Buffer.alloc(0)))],
    ['a wrapper in a wrapper', ErrorCode.INVALID_RECORD, () => validate(wrapper(wrapper(good)))],
    ['zstd', ErrorCode.INVALID_RECORD, () => validate(message({ attributes: 4, value: good }))],
    ['no whole message', ErrorCode.INVALID_RECORD, () => validate(good.subarray(0, 30))],
    [
      'a codec that is none',
      ErrorCode.UNKNOWN_SERVER_ERROR,
      () => validate(message({ attributes: 5, value: good })),
    ],
    [
      'what cannot be decompressed',
      ErrorCode.UNKNOWN_SERVER_ERROR,
      () => validate(message({ attributes: 1, value: good })),
    ],
    ['a time before 1970', ErrorCode.INVALID_TIMESTAMP, () => validate(message({ timestamp: -2n }))],
  ])('%s: %i', (_, code, run) => {
    const error = errorOf(run)
    expect(error.code).toBe(code)
    expect(error).not.toBeInstanceOf(InvalidRecordsError)
  })

  const late = record(1n, { timestamp: BigInt(NOW - 5000) })
  test.each<[string, number, number[], () => unknown]>([
    [
      'no key on a compacted topic',
      87,
      [1],
      () => validate(messages(1, 'gzip'), { 'cleanup.policy': ['compact'] }),
    ],
    // Without compression each message is a batch of its own, in which it is the first.
    ['the same, not compressed', 87, [0], () => validate(good, { 'cleanup.policy': ['compact'] })],
    [
      'too old',
      32,
      [1, 2],
      () =>
        validate(messages(1, 'gzip', [record(0n), late, late]), { 'message.timestamp.before.max.ms': 1000 }),
    ],
    ['another format in a wrapper', 87, [0, 1, 2], () => validate(wrapper(messages(0, 'none')))],
    [
      'time of the broker on a topic that has it',
      32,
      [0],
      () => validate(message({ attributes: 8 }), { 'message.timestamp.type': 'LogAppendTime' }),
    ],
  ])('%s: %i, records %j', (_, code, indexes, run) => {
    const error = errorOf(run) as InvalidRecordsError
    expect(error.code).toBe(code)
    expect(error.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual(indexes)
  })
})
