import { describe, expect, test } from 'vitest'
import { type BatchRecord, type BatchToBuild, buildBatch } from '../../protocol/batch-builder.ts'
import { buildMessageSet } from '../../protocol/legacy-builder.ts'
import { readRecords } from '../../protocol/record.ts'
import { batchSizeInBytes, hasDeleteHorizon, recordCount } from '../../protocol/record-batch.ts'
import { filterBatch } from './filter-batch.ts'
import { type RetentionFacts, RetentionRules } from './retention-rules.ts'

const NOW = 1_700_000_000_000
const RETENTION = 1000
const PRODUCER = { producerId: 7n, producerEpoch: 1, baseSequence: 0, isTransactional: true }

const record = (key: string | null, value: string | null = 'v'): BatchRecord => ({
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: [],
  timestamp: BigInt(NOW),
})
const batch = (baseOffset: bigint, records: BatchRecord[], fields: Partial<BatchToBuild> = {}) =>
  buildBatch({ baseOffset, leaderEpoch: 0, records, ...fields })

function marker(offset: bigint, type: 'abort' | 'commit'): Buffer {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1])
  const records = [{ ...record(null), key, value: Buffer.alloc(6) }]
  return batch(offset, records, { ...PRODUCER, baseSequence: -1, isControl: true })
}

function rules(latest: Record<string, number>, facts: Partial<RetentionFacts> = {}): RetentionRules {
  return new RetentionRules({
    nowMs: NOW,
    deleteRetentionMs: RETENTION,
    latestOffsets: {
      lastOffset: 99,
      get: (bytes, at, length) => latest[bytes.toString('utf8', at, at + length)] ?? -1,
    },
    abortedTransactions: [],
    activeProducers: new Map(),
    upTo: 100n,
    keepsLegacyTombstones: true,
    ...facts,
  })
}

/** What a pass leaves, batch by batch. */
const clean = (batches: readonly Buffer[], retention: RetentionRules) =>
  batches.map((each) => filterBatch(each, retention))
const offsets = (left: readonly (Buffer | undefined)[]) =>
  left.map((bytes) => bytes && Array.from(readRecords(bytes), ({ offset }) => Number(offset)))

describe('records', () => {
  test('the last one of each key stays, one without a key does not', () => {
    const batches = [
      batch(0n, [record('a'), record('b'), record(null)]),
      batch(3n, [record('a'), record('c')]),
    ]
    expect(offsets(clean(batches, rules({ a: 3, b: 1, c: 4 })))).toEqual([[1], [3, 4]])
  })

  test('what lies behind the last offset that was read stays', () => {
    const latestOffsets = { lastOffset: 1, get: () => 1 }
    const batches = [batch(0n, [record('a'), record('a'), record('a'), record(null)])]
    expect(offsets(clean(batches, rules({}, { latestOffsets })))).toEqual([[1, 2, 3]])
  })

  test('a tombstone stays until its delete horizon', () => {
    const first = filterBatch(batch(0n, [record('a', null)]), rules({ a: 0 }))!
    expect(hasDeleteHorizon(first, 0)).toBe(true)
    expect(offsets(clean([first], rules({ a: 0 }, { nowMs: NOW + RETENTION - 1 })))).toEqual([[0]])
    expect(offsets(clean([first], rules({ a: 0 }, { nowMs: NOW + RETENTION })))).toEqual([undefined])
  })

  test('tombstones of the older formats go by the segment', () => {
    const old = buildMessageSet({
      magic: 1,
      records: [{ ...record('a', null), offset: 0n }],
      compression: 'none',
    })
    expect(offsets(clean([old], rules({ a: 0 })))).toEqual([[0]])
    expect(offsets(clean([old], rules({ a: 0 }, { keepsLegacyTombstones: false })))).toEqual([undefined])
  })
})

describe('batches that stay empty', () => {
  const gone = batch(0n, [record('a'), record('a')], { ...PRODUCER, isTransactional: false })
  const count = (bytes: Buffer | undefined) => bytes && recordCount(bytes, 0)

  test('the last one of a producer that may go on', () => {
    const activeProducers = new Map([[7n, { producerEpoch: 1, lastDataOffset: 1n }]])
    expect(clean([gone], rules({ a: 9 }))).toEqual([undefined])
    const [left] = clean([gone], rules({ a: 9 }, { activeProducers }))
    expect([count(left), left && batchSizeInBytes(left, 0)]).toEqual([0, 61])
  })

  test('the last one of the pass', () => {
    expect(clean([gone], rules({ a: 9 }, { upTo: 2n })).map(count)).toEqual([0])
  })

  test('the last marker of a producer of which nothing else is left', () => {
    const horizon = { nowMs: NOW + RETENTION }
    const [first] = clean([marker(5n, 'commit')], rules({}))
    expect(clean([first!], rules({}, horizon))).toEqual([undefined])
    const of = (producerEpoch: number) => new Map([[7n, { producerEpoch, lastDataOffset: undefined }]])
    expect(clean([first!], rules({}, { ...horizon, activeProducers: of(2) }))).toEqual([undefined])
    const [left] = clean([first!], rules({}, { ...horizon, activeProducers: of(1) }))
    expect(count(left)).toBe(0)
    expect(clean([left!], rules({}, horizon))).toEqual([undefined])
  })
})

describe('transactions', () => {
  const data = batch(0n, [record('a'), record('b')], PRODUCER)
  const aborted = { producerId: 7n, firstOffset: 0n, lastOffset: 2n, lastStableOffset: 3n }

  test('records of an aborted one go; its marker stays, without a horizon, and in the index', () => {
    const retention = rules({ a: 0, b: 1 }, { abortedTransactions: [aborted] })
    const left = clean([data, marker(2n, 'abort')], retention)
    expect(offsets(left)).toEqual([undefined, [2]])
    expect(hasDeleteHorizon(left[1]!, 0)).toBe(false)
    expect(retention.transactions.remaining).toEqual([aborted])
  })

  test('in the next pass the marker gets a horizon, and goes when that has passed', () => {
    const retention = rules({}, { abortedTransactions: [aborted] })
    const [first] = clean([marker(2n, 'abort')], retention)
    expect(hasDeleteHorizon(first!, 0)).toBe(true)
    expect(retention.transactions.remaining).toEqual([])
    expect(clean([first!], rules({}, { nowMs: NOW + RETENTION - 1 }))).toEqual([first])
    expect(clean([first!], rules({}, { nowMs: NOW + RETENTION }))).toEqual([undefined])
  })

  test('a committed one keeps its records and marker', () => {
    const left = clean([data, marker(2n, 'commit')], rules({ a: 0, b: 9 }))
    expect(offsets(left)).toEqual([[0], [2]])
    expect(hasDeleteHorizon(left[1]!, 0)).toBe(false)
  })

  test('an aborted one does not touch the committed one in front of it', () => {
    const later = { ...aborted, firstOffset: 3n, lastOffset: 4n }
    const batches = [data, marker(2n, 'commit'), batch(3n, [record('a')], PRODUCER), marker(4n, 'abort')]
    expect(offsets(clean(batches, rules({ a: 0, b: 1 }, { abortedTransactions: [later] })))).toEqual([
      [0, 1],
      [2],
      undefined,
      [4],
    ])
  })
})
