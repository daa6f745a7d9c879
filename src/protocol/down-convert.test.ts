import { describe, expect, test } from 'vitest'
import { type BatchRecord, type BatchToBuild, buildBatch } from './batch-builder.ts'
import type { CompressionName } from './compression/compression.ts'
import { downConvert } from './down-convert.ts'
import { ApiError, ErrorCode } from './error-code.ts'
import { buildMessageSet } from './legacy-builder.ts'
import { messageAttributes } from './legacy-message.ts'
import { messagesOf } from './legacy-records.ts'
import { readRecords } from './record.ts'
import { magicOf } from './record-batch.ts'
import { InvalidRecordError } from './varint.ts'

const CODECS: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4']

const record = (value: string, timestamp = 1000n): BatchRecord => ({
  key: Buffer.from('k'),
  value: Buffer.from(value),
  headers: [{ key: 'h', value: null }],
  timestamp,
})
const batch = (fields: Partial<BatchToBuild> = {}) =>
  buildBatch({
    baseOffset: 20n,
    leaderEpoch: 3,
    records: [record('a'), record('b', 2000n), record('c')],
    ...fields,
  })

const contents = (set: Buffer) =>
  Array.from(messagesOf(set), (at) => Array.from(readRecords(set.subarray(at))))
    .flat()
    .map(({ offset, value, timestamp, headers }) => [
      Number(offset),
      String(value),
      Number(timestamp),
      headers.length,
    ])

describe.each(CODECS)('a batch with %s', (compression) => {
  test('becomes messages of format 1: with times, without headers', () => {
    const set = downConvert(batch({ compression }), 1, 20n)
    expect(magicOf(set, 0)).toBe(1)
    expect(contents(set)).toEqual([
      [20, 'a', 1000, 0],
      [21, 'b', 2000, 0],
      [22, 'c', 1000, 0],
    ])
    expect(messageAttributes(set, 0)).toBe(CODECS.indexOf(compression))
  })

  test('becomes messages of format 0: without times', () => {
    const set = downConvert(batch({ compression }), 0, 20n)
    expect(magicOf(set, 0)).toBe(0)
    expect(contents(set).map(([offset, , timestamp]) => [offset, timestamp])).toEqual([
      [20, -1],
      [21, -1],
      [22, -1],
    ])
  })

  test('with the time of the broker', () => {
    const set = downConvert(batch({ compression, logAppendTimeMs: 7777n }), 1, 20n)
    expect(contents(set).map(([, , timestamp]) => timestamp)).toEqual([7777, 7777, 7777])
    expect(messageAttributes(set, 0) & 8).toBe(8)
  })

  test('from format 1 to 0', () => {
    const records = [20n, 24n].map((offset) => ({ ...record('a'), offset }))
    const set = downConvert(buildMessageSet({ magic: 1, records, compression }), 0, 20n)
    expect(magicOf(set, 0)).toBe(0)
    expect(contents(set).map(([offset]) => offset)).toEqual([20, 24])
  })

  test('what is old enough passes as it is', () => {
    for (const magic of [0, 1] as const) {
      const records = [20n, 24n].map((offset) => ({ ...record('a'), offset }))
      const set = buildMessageSet({ magic, records, compression })
      expect(downConvert(set, 1, 24n)).toEqual(set)
    }
  })
})

test('records in front of the offset asked for are dropped where nothing is compressed', () => {
  const offsets = (compression: CompressionName) =>
    contents(downConvert(batch({ compression }), 1, 21n)).map(([offset]) => offset)
  expect(offsets('none')).toEqual([21, 22])
  expect(offsets('gzip')).toEqual([20, 21, 22])
  expect(downConvert(batch(), 1, 23n)).toHaveLength(0)
})

test('control batches are left out, also when nothing else is there', () => {
  const marker = batch({
    baseOffset: 23n,
    records: [record('m')],
    isControl: true,
    isTransactional: true,
    producerId: 1n,
  })
  const set = downConvert(
    Buffer.concat([batch(), marker, batch({ baseOffset: 24n, compression: 'gzip' })]),
    1,
    20n,
  )
  expect(contents(set).map(([offset]) => offset)).toEqual([20, 21, 22, 24, 25, 26])
  expect(downConvert(marker, 1, 23n)).toHaveLength(0)
})

test('a batch that compaction emptied leaves nothing, and so does one that is cut off', () => {
  expect(downConvert(batch({ records: [], compression: 'gzip' }), 1, 20n)).toHaveLength(0)
  expect(contents(downConvert(Buffer.concat([batch(), batch().subarray(0, 80)]), 1, 20n))).toHaveLength(3)
  expect(downConvert(Buffer.alloc(0), 0, 0n)).toHaveLength(0)
})

test('zstd is refused: such clients do not know it', () => {
  for (const input of [
    batch({ compression: 'zstd' }),
    Buffer.concat([batch(), batch({ compression: 'zstd' })]),
  ]) {
    expect(() => downConvert(input, 1, 0n)).toThrow(ApiError)
    expect(() => downConvert(input, 0, 0n)).toThrow(
      expect.objectContaining({ code: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE }),
    )
  }
})

test('records that cannot be read', () => {
  const broken = batch()
  broken[61] = 0x7f
  expect(() => downConvert(broken, 1, 20n)).toThrow(InvalidRecordError)
})
