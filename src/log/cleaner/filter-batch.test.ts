import { describe, expect, test } from 'vitest'
import { type BatchRecord, type BatchToBuild, buildBatch } from '../../protocol/batch-builder.ts'
import { COMPRESSION_NAMES } from '../../protocol/compression/compression.ts'
import { buildMessageSet } from '../../protocol/legacy-builder.ts'
import { messageTimestamp } from '../../protocol/legacy-message.ts'
import { readRecords } from '../../protocol/record.ts'
import * as header from '../../protocol/record-batch.ts'
import { runAll } from '../../protocol/steps.ts'
import {
  type BatchRetention,
  FilterMemory,
  filterBatch,
  filterBatchInSteps,
  type RetentionFilter,
} from './filter-batch.ts'

const NOW = 1_700_000_000_000
const RETENTION = 1000

const record = (value: string | null, timestamp = BigInt(NOW)): BatchRecord => ({
  key: Buffer.from('k'),
  value: value === null ? null : Buffer.from(value),
  headers: [{ key: 'h', value: null }],
  timestamp,
})
const batch = (fields: Partial<BatchToBuild> = {}) =>
  buildBatch({
    baseOffset: 10n,
    leaderEpoch: 3,
    records: [record('a', 1n), record('b', 9n), record('c', 5n), record('d', 2n)],
    producerId: 7n,
    producerEpoch: 1,
    baseSequence: 40,
    ...fields,
  })

function filter(keep: readonly number[], retention: Partial<BatchRetention> = {}): RetentionFilter {
  return {
    nowMs: NOW,
    deleteRetentionMs: RETENTION,
    retentionOf: () => ({ fate: 'delete-when-empty', isMarkerOfEmptyTransaction: false, ...retention }),
    keeps: (_, offset) => keep.includes(offset),
  }
}

const contents = (bytes: Buffer) =>
  Array.from(readRecords(bytes), ({ offset, value, timestamp }) => [
    Number(offset),
    String(value),
    Number(timestamp),
  ])

describe('format 2', () => {
  test.each(COMPRESSION_NAMES)('%s: records go, offsets and sequence numbers stay', (compression) => {
    const left = filterBatch(batch({ compression, isTransactional: true }), filter([11, 13]))!
    expect(contents(left)).toEqual([
      [11, 'b', 9],
      [13, 'd', 2],
    ])
    expect(header.isCrcValid(left, 0)).toBe(true)
    expect([header.baseOffset(left, 0), header.lastOffset(left, 0)]).toEqual([10n, 13n])
    expect([header.producerId(left, 0), header.producerEpoch(left, 0), header.baseSequence(left, 0)]).toEqual(
      [7n, 1, 40],
    )
    expect([header.maxTimestamp(left, 0), header.baseTimestamp(left, 0)]).toEqual([9n, 9n])
    expect(header.partitionLeaderEpoch(left, 0)).toBe(3)
    expect(header.compressionOf(left, 0)).toBe(COMPRESSION_NAMES.indexOf(compression))
    expect(header.isTransactional(left, 0)).toBe(true)
  })

  test.each(COMPRESSION_NAMES)('%s: in small steps, however many records there are', (compression) => {
    const count = 5000
    const records = Array.from({ length: count }, (_, n) => record(`value ${n}`, BigInt(n)))
    const bytes = batch({ compression, records })
    let asked = 0
    const half: RetentionFilter = { ...filter([]), keeps: (_, offset) => ++asked > 0 && offset % 2 === 0 }
    const steps = filterBatchInSteps(bytes, half)
    let stepCount = 0
    let inOneStep = 0
    let before = 0
    for (let step = steps.next(); ; step = steps.next()) {
      inOneStep = Math.max(inOneStep, asked - before)
      before = asked
      stepCount++
      if (!step.done) continue
      expect(contents(step.value!)).toHaveLength(count / 2)
      break
    }
    expect(asked).toBe(count)
    expect(inOneStep).toBeLessThanOrEqual(64)
    // Once over all of them to decide, and once over those that stay.
    expect(stepCount).toBeGreaterThan((1.5 * count) / 64 - 2)
  })

  test.each(COMPRESSION_NAMES)('%s: one batch after the other in the same memory', (compression) => {
    const memory = new FilterMemory()
    const stays = filter([11, 13])
    const left = ['x', 'y', 'z'].map((value) =>
      runAll(
        filterBatchInSteps(
          batch({ compression, records: Array.from('abcd', () => record(value.repeat(5000))) }),
          stays,
          memory,
        ),
      ),
    )
    expect(left.map((bytes) => contents(bytes!).map(([, value]) => value))).toEqual(
      ['x', 'y', 'z'].map((value) => [value.repeat(5000), value.repeat(5000)]),
    )
    expect(left.every((bytes) => header.isCrcValid(bytes!, 0))).toBe(true)
  })

  test('in small steps, however large the records are', () => {
    const records = Array.from({ length: 50 }, () => record('x'.repeat(100_000)))
    const steps = filterBatchInSteps(batch({ records }), { ...filter([]), keeps: (_, offset) => offset > 10 })
    let stepCount = 0
    while (!steps.next().done) stepCount++
    expect(stepCount).toBeGreaterThan(40)
  })

  test('a batch of which all stays is the same bytes', () => {
    const bytes = batch()
    expect(filterBatch(bytes, filter([10, 11, 12, 13]))).toBe(bytes)
  })

  test('a batch of which nothing stays goes, or leaves its header', () => {
    const bytes = batch({ compression: 'gzip', isTransactional: true, logAppendTimeMs: 77n })
    expect(filterBatch(bytes, filter([]))).toBeUndefined()
    const left = filterBatch(bytes, filter([], { fate: 'keep-when-empty' }))!
    expect(left).toHaveLength(header.RECORD_BATCH_OVERHEAD)
    expect(contents(left)).toEqual([])
    expect([header.baseOffset(left, 0), header.lastOffset(left, 0)]).toEqual([10n, 13n])
    expect([header.baseTimestamp(left, 0), header.maxTimestamp(left, 0)]).toEqual([-1n, 77n])
    expect([header.baseSequence(left, 0), header.compressionOf(left, 0)]).toEqual([40, 0])
    expect(header.isTransactional(left, 0) && header.hasLogAppendTime(left, 0)).toBe(true)
    expect(header.isCrcValid(left, 0)).toBe(true)
    // And once more, as the next pass does.
    expect(filterBatch(left, filter([], { fate: 'keep-when-empty' }))).toEqual(left)
    expect(filterBatch(left, filter([]))).toBeUndefined()
  })

  test('a batch that is condemned is not opened', () => {
    const broken = batch().fill(0xff, header.RECORD_BATCH_OVERHEAD)
    expect(filterBatch(broken, filter([], { fate: 'delete' }))).toBeUndefined()
  })

  test('tombstones get their delete horizon once (KIP-534)', () => {
    const bytes = batch({ records: [record('a', 3n), record(null, 9n)] })
    const first = filterBatch(bytes, filter([10, 11]))!
    expect(header.hasDeleteHorizon(first, 0)).toBe(true)
    expect(header.baseTimestamp(first, 0)).toBe(BigInt(NOW + RETENTION))
    expect(header.maxTimestamp(first, 0)).toBe(9n)
    expect(contents(first)).toEqual([
      [10, 'a', 3],
      [11, 'null', 9],
    ])
    const later = { ...filter([10, 11]), nowMs: NOW + 5 }
    expect(filterBatch(first, later)).toBe(first)
    const rest = filterBatch(first, { ...filter([11]), nowMs: NOW + 5 })!
    expect(header.baseTimestamp(rest, 0)).toBe(BigInt(NOW + RETENTION))
    expect(contents(rest)).toEqual([[11, 'null', 9]])
  })

  test('and so does the marker of a transaction that is gone', () => {
    const marker = batch({ isControl: true, isTransactional: true, records: [record('m')] })
    const left = filterBatch(marker, filter([10], { isMarkerOfEmptyTransaction: true }))!
    expect(header.hasDeleteHorizon(left, 0)).toBe(true)
    expect(header.isControlBatch(left, 0)).toBe(true)
  })

  test('the time of the broker stays that of the batch', () => {
    const left = filterBatch(batch({ logAppendTimeMs: 77n }), filter([12]))!
    expect(contents(left)).toEqual([[12, 'c', 77]])
    expect(header.maxTimestamp(left, 0)).toBe(77n)
  })
})

describe('formats 0 and 1', () => {
  const records = [10n, 12n, 15n].map((offset) => ({ ...record(`v${offset}`, offset), offset }))

  test('a wrapper is written anew, and ends with the last message that stays', () => {
    const left = filterBatch(buildMessageSet({ magic: 1, records, compression: 'gzip' }), filter([10, 12]))!
    expect(contents(left)).toEqual([
      [10, 'v10', 10],
      [12, 'v12', 12],
    ])
    expect([header.magicOf(left, 0), header.baseOffset(left, 0), messageTimestamp(left, 0)]).toEqual([
      1,
      12n,
      12n,
    ])
  })

  test('with the time of the broker', () => {
    const set = buildMessageSet({ magic: 1, records, compression: 'lz4', logAppendTimeMs: 77n })
    expect(contents(filterBatch(set, filter([15]))!)).toEqual([[15, 'v15', 77]])
  })

  test('what stays as a whole is the same bytes, tombstones or not', () => {
    const set = buildMessageSet({ magic: 0, records: [{ ...records[0]!, value: null }], compression: 'gzip' })
    expect(filterBatch(set, filter([10]))).toBe(set)
    expect(filterBatch(set, filter([]))).toBeUndefined()
  })
})
