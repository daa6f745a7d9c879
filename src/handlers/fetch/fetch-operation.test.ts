import { describe, expect, test } from 'vitest'
import type { Partition } from '../../log/partition.ts'
import type { FetchedRecords } from '../../log/partition-log.ts'
import { ManualClock } from '../../platform/manual-clock.ts'
import { ZERO_UUID } from '../../protocol/api.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type { PartitionData } from '../../protocol/generated/fetch.ts'
import { Purgatory } from '../../purgatory.ts'
import { type FetchLimits, FetchOperation } from './fetch-operation.ts'
import type { FetchTarget } from './fetch-sessions.ts'

/** Numbers that look random and are the same in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 8) % below
  }
}

/** A log of batches with one record each, all of one size. */
class FakeLog {
  logStartOffset = 0n
  logEndOffset = 0n
  highWatermark = 0n
  lastStableOffset = 0n
  isSlow = false
  onGrow = () => {}
  reads: [bigint, number, bigint, boolean][] = []
  readonly batchSize: number

  constructor(batchSize = 100) {
    this.batchSize = batchSize
  }

  grow(batches: number) {
    this.logEndOffset += BigInt(batches)
    this.highWatermark = this.lastStableOffset = this.logEndOffset
    this.onGrow()
  }

  sizeBetween(from: bigint, upTo: bigint) {
    return from < upTo ? Number(upTo - from) * this.batchSize : 0
  }

  read(
    offset: bigint,
    maxBytes: number,
    upTo: bigint,
    atLeastOneBatch: boolean,
  ): FetchedRecords | Promise<FetchedRecords> {
    this.reads.push([offset, maxBytes, upTo, atLeastOneBatch])
    let count = Math.min(Math.floor(maxBytes / this.batchSize), Number(upTo - offset))
    if (count === 0 && atLeastOneBatch && offset < upTo) count = 1
    const records = {
      buffers: count > 0 ? [Buffer.alloc(count * this.batchSize)] : [],
      sizeInBytes: count * this.batchSize,
      nextOffset: offset + BigInt(count),
    }
    return this.isSlow ? Promise.resolve(records) : records
  }

  abortedTransactions(from: bigint, upTo: bigint) {
    return [{ producerId: from, firstOffset: upTo }]
  }

  endOffsetForEpoch(epoch: number) {
    if (epoch >= 3) return { leaderEpoch: 3, endOffset: this.logEndOffset }
    return epoch === 1 ? { leaderEpoch: 1, endOffset: 2n } : { leaderEpoch: -1, endOffset: -1n }
  }
}

/** A log whose reads end when the test says so, in any order. */
class SlowLog extends FakeLog {
  readonly ends: { done(): void; empty(): void; fail(error: unknown): void }[] = []

  override read(offset: bigint, maxBytes: number, upTo: bigint, atLeastOneBatch: boolean) {
    const records = super.read(offset, maxBytes, upTo, atLeastOneBatch) as FetchedRecords
    return new Promise<FetchedRecords>((resolve, reject) => {
      this.ends.push({
        done: () => resolve(records),
        empty: () => resolve({ buffers: [], sizeInBytes: 0, nextOffset: offset }),
        fail: reject,
      })
    })
  }
}

class FakePartition {
  readonly leaderEpoch = 3
  readonly config = { 'max.message.bytes': 2000 }
  readonly log: FakeLog
  listeners: (() => void)[] = []

  constructor(log: FakeLog) {
    this.log = log
    log.onGrow = () => {
      for (const listener of this.listeners) listener()
    }
  }

  onAdvance(listener: () => void) {
    this.listeners.push(listener)
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener)
    }
  }
}

const defaults: FetchLimits = {
  minBytes: 1,
  maxBytes: 10_000,
  isReadCommitted: false,
  hasFirstBatchRule: true,
  isFromFollower: false,
}

function setUp(logs: FakeLog[], limits: Partial<FetchLimits> = {}, changes: Partial<FetchTarget> = {}) {
  const partitions = new Map(logs.map((log, i) => [i, new FakePartition(log) as unknown as Partition]))
  const targets = [...logs.keys()].map((partition) => ({
    topic: 't',
    topicId: ZERO_UUID,
    partition,
    fetchOffset: 0n,
    maxBytes: 1000,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    ...changes,
  }))
  const fetch = (more: FetchTarget[] = []) =>
    new FetchOperation(
      [...targets, ...more],
      { ...defaults, ...limits },
      ({ partition }) => partitions.get(partition) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    )
  const unknown = { ...targets[0]!, partition: 99 }
  return { partitions, fetch, unknown }
}

const sizes = (rows: PartitionData[] | Promise<PartitionData[]>) =>
  (rows as PartitionData[]).map(({ records }) => Buffer.concat(records as Buffer[]).length)

describe('when a fetch is ready', () => {
  test('with enough bytes over all its partitions, counted without a read', () => {
    const logs = [new FakeLog(), new FakeLog()]
    const { fetch } = setUp(logs, { minBytes: 500 })
    const operation = fetch()
    expect(operation.isReady()).toBe(false)
    logs[0]!.grow(2)
    expect(operation.isReady()).toBe(false)
    logs[1]!.grow(3)
    expect(operation.isReady()).toBe(true)
    expect(logs[0]!.reads).toEqual([])
  })

  test('no more than the limit of a partition counts', () => {
    const log = new FakeLog()
    log.grow(50)
    expect(setUp([log], { minBytes: 1001 }).fetch().isReady()).toBe(false)
    expect(setUp([log], { minBytes: 1000 }).fetch().isReady()).toBe(true)
  })

  test('read_committed counts up to the last stable offset', () => {
    const log = new FakeLog()
    log.grow(5)
    log.lastStableOffset = 0n
    expect(setUp([log], { isReadCommitted: true }).fetch().isReady()).toBe(false)
    expect(setUp([log]).fetch().isReady()).toBe(true)
  })

  test('an error ends the wait, but an unknown partition beside a known one does not', () => {
    const log = new FakeLog()
    const { fetch, unknown } = setUp([log])
    expect(fetch([unknown]).isReady()).toBe(false)
    expect(setUp([]).fetch([unknown]).isReady()).toBe(true)
    expect(setUp([]).fetch().isReady()).toBe(true)
    expect(setUp([log], {}, { fetchOffset: 1n }).fetch().isReady()).toBe(true)
    expect(setUp([log], {}, { currentLeaderEpoch: 4 }).fetch().isReady()).toBe(true)
    expect(setUp([log], {}, { lastFetchedEpoch: 5 }).fetch().isReady()).toBe(true)
  })

  test('nothing wanted, nothing to wait for', () => {
    expect(setUp([new FakeLog()], { minBytes: 0 }).fetch().isReady()).toBe(true)
  })
})

describe('the rows of a fetch', () => {
  test('partitions share the bytes in the order of the request', () => {
    const logs = [new FakeLog(), new FakeLog(), new FakeLog()]
    for (const log of logs) log.grow(8)
    expect(sizes(setUp(logs, { maxBytes: 1100 }).fetch().rows())).toEqual([800, 300, 0])
    // The half of a batch that Kafka would send counts, though it is not sent here.
    expect(sizes(setUp(logs, { maxBytes: 600 }, { maxBytes: 450 }).fetch().rows())).toEqual([400, 100, 0])
  })

  test('the first batch comes however large it is, and only one (KIP-74)', () => {
    const logs = [new FakeLog(), new FakeLog(5000), new FakeLog(5000)]
    logs[1]!.grow(2)
    logs[2]!.grow(2)
    expect(sizes(setUp(logs, { maxBytes: 10 }).fetch().rows())).toEqual([0, 5000, 0])
    expect(sizes(setUp(logs, { maxBytes: 10, hasFirstBatchRule: false }).fetch().rows())).toEqual([0, 0, 0])
  })

  test('reads that take time keep the order and the limits', async () => {
    const logs = [new FakeLog(), new FakeLog(), new FakeLog()]
    for (const log of logs) log.grow(8)
    logs[0]!.isSlow = logs[2]!.isSlow = true
    const rows = setUp(logs, { maxBytes: 1750 }).fetch().rows()
    expect(rows).toBeInstanceOf(Promise)
    expect(sizes(await rows)).toEqual([800, 800, 100])
    expect(logs.map((log) => log.reads[0]![3])).toEqual([true, false, false])
  })

  test('offsets are those at the time of the read; aborted transactions are a list for read_committed only', () => {
    const log = new FakeLog()
    log.grow(5)
    log.lastStableOffset = 3n
    log.logStartOffset = 1n
    const [uncommitted] = setUp([log], {}, { fetchOffset: 2n }).fetch().rows() as PartitionData[]
    expect(uncommitted).toMatchObject({
      errorCode: 0,
      highWatermark: 5n,
      lastStableOffset: 3n,
      logStartOffset: 1n,
    })
    expect(uncommitted!.abortedTransactions).toBeNull()
    const committed = setUp([log], { isReadCommitted: true }, { fetchOffset: 2n })
      .fetch()
      .rows() as PartitionData[]
    expect(committed[0]!.abortedTransactions).toEqual([{ producerId: 2n, firstOffset: 3n }])
    const atEnd = setUp([log], { isReadCommitted: true }, { fetchOffset: 3n })
      .fetch()
      .rows() as PartitionData[]
    expect(atEnd[0]!.abortedTransactions).toEqual([])
  })

  test.each<[string, Partial<FetchTarget>, number]>([
    ['below the start', { fetchOffset: 0n }, ErrorCode.OFFSET_OUT_OF_RANGE],
    ['beyond the end', { fetchOffset: 6n }, ErrorCode.OFFSET_OUT_OF_RANGE],
    ['negative', { fetchOffset: -1n }, ErrorCode.OFFSET_OUT_OF_RANGE],
    ['at the end', { fetchOffset: 5n }, ErrorCode.NONE],
    ['an old leader epoch', { currentLeaderEpoch: 2 }, ErrorCode.FENCED_LEADER_EPOCH],
    ['a negative leader epoch', { fetchOffset: 5n, currentLeaderEpoch: -2 }, ErrorCode.NONE],
    ['a leader epoch to come', { currentLeaderEpoch: 4 }, ErrorCode.UNKNOWN_LEADER_EPOCH],
    ['a fetched epoch to come', { fetchOffset: 5n, lastFetchedEpoch: 7 }, ErrorCode.OFFSET_OUT_OF_RANGE],
  ])('%s', (_, changes, errorCode) => {
    const log = new FakeLog()
    log.grow(5)
    log.logStartOffset = 1n
    const [row] = setUp([log], {}, { fetchOffset: 1n, ...changes })
      .fetch()
      .rows() as PartitionData[]
    expect(row!.errorCode).toBe(errorCode)
    expect(row!.highWatermark).toBe(errorCode === 0 ? 5n : -1n)
    expect(row!.abortedTransactions).toBeNull()
  })

  test.each([
    [{ maxBytes: -1 }, {}],
    [{}, { maxBytes: -1 }],
  ])('a negative limit is an error where there is something to read', (limits, changes) => {
    const log = new FakeLog()
    const { fetch } = setUp([log], limits, changes)
    expect(fetch().isReady()).toBe(false)
    expect(fetch().rows()).toMatchObject([{ errorCode: ErrorCode.NONE }])
    log.grow(1)
    expect(fetch().isReady()).toBe(true)
    expect(fetch().rows()).toMatchObject([
      { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, abortedTransactions: null },
    ])
  })

  test('a client whose epoch ended earlier is told where (KIP-595)', () => {
    const log = new FakeLog()
    log.grow(5)
    const [row] = setUp([log], {}, { fetchOffset: 4n, lastFetchedEpoch: 1 }).fetch().rows() as PartitionData[]
    expect(row).toMatchObject({
      errorCode: 0,
      divergingEpoch: { epoch: 1, endOffset: 2n },
      highWatermark: 5n,
      records: [],
    })
    const [fine] = setUp([log], {}, { fetchOffset: 2n, lastFetchedEpoch: 1 })
      .fetch()
      .rows() as PartitionData[]
    expect(fine!.divergingEpoch.epoch).toBe(-1)
    const beyond = setUp([log], {}, { fetchOffset: 6n, lastFetchedEpoch: 3 }).fetch()
    expect(beyond.rows()).toMatchObject([{ errorCode: 0, divergingEpoch: { epoch: 3, endOffset: 5n } }])
  })

  test('a list of aborted transactions comes unless the first batch found no room', () => {
    const logs = [new FakeLog(), new FakeLog()]
    for (const log of logs) log.grow(1)
    const second = (maxBytes: number) =>
      (setUp(logs, { isReadCommitted: true, maxBytes }).fetch().rows() as PartitionData[])[1]!
    expect(second(100).abortedTransactions).toEqual([])
    expect(second(150).abortedTransactions).toBeNull()
    expect(second(200).abortedTransactions).toHaveLength(1)
  })

  test('another broker is told that it is no replica', () => {
    const log = new FakeLog()
    log.grow(1)
    const follower = (changes: Partial<FetchTarget>) =>
      setUp([log], { isFromFollower: true }, changes).fetch().rows()
    expect(follower({})).toMatchObject([{ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }])
    expect(follower({ currentLeaderEpoch: 3 })).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH }])
  })

  test('what was never known has an empty list of aborted transactions, what has gone has null', () => {
    const { partitions, fetch, unknown } = setUp([new FakeLog()])
    const operation = fetch([unknown])
    partitions.clear()
    expect(operation.isReady()).toBe(true)
    expect(operation.rows()).toMatchObject([
      { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, abortedTransactions: null },
      { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, abortedTransactions: [] },
    ])
  })
})

describe('reads from files side by side', () => {
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  const slowLogs = (count: number, batchSize = 100) =>
    Array.from({ length: count }, () => {
      const log = new SlowLog(batchSize)
      log.grow(20)
      return log
    })

  test('are begun together while all of them can have their limit, and answered in order', async () => {
    const logs = slowLogs(3)
    const rows = setUp(logs, { maxBytes: 10_000 }).fetch().rows()
    expect(logs.map(({ reads }) => reads.length)).toEqual([1, 1, 1])
    for (const log of logs.toReversed()) log.ends[0]!.done()
    expect(sizes(await rows)).toEqual([1000, 1000, 1000])
    expect(logs.map(({ reads }) => reads[0]![3])).toEqual([true, false, false])
  })

  test('wait where they could use up more than there is, for what the others really bring', async () => {
    const logs = slowLogs(4, 700)
    // 2000 may be taken by the first batch, 1000 by the second partition: the third waits.
    const rows = setUp(logs, { maxBytes: 3500 }).fetch().rows()
    expect(logs.map(({ reads }) => reads.length)).toEqual([1, 1, 0, 0])
    logs[1]!.ends[0]!.done()
    await settle()
    expect(logs[2]!.reads).toEqual([])
    logs[0]!.ends[0]!.done()
    await settle()
    expect(logs.map(({ reads }) => reads.length)).toEqual([1, 1, 1, 0])
    logs[2]!.ends[0]!.done()
    await settle()
    logs[3]!.ends[0]!.done()
    expect(sizes(await rows)).toEqual([700, 700, 700, 0])
    // The others used up their limits of 1000 each: more follows than what they brought.
    expect(logs[3]!.reads[0]![1]).toBe(500)
  })

  test('count a first batch that is larger than its limit (KIP-74)', async () => {
    const logs = [new SlowLog(1900), new SlowLog(100)]
    for (const log of logs) log.grow(30)
    const rows = setUp(logs, { maxBytes: 2500 }).fetch().rows()
    await settle()
    expect(logs[1]!.reads).toEqual([])
    logs[0]!.ends[0]!.done()
    await settle()
    logs[1]!.ends[0]!.done()
    expect(sizes(await rows)).toEqual([1900, 600])
  })

  test('that bring nothing leave the first batch to the next partition (KIP-74)', async () => {
    const logs = slowLogs(2, 1500)
    const rows = setUp(logs, { maxBytes: 100 }).fetch().rows()
    logs[0]!.ends[0]!.empty()
    await settle()
    expect(logs[1]!.reads[0]![3]).toBe(true)
    logs[1]!.ends[0]!.done()
    expect(sizes(await rows)).toEqual([0, 1500])
  })

  test('with random sizes and limits never bring more than the limit, and are what one after the other would bring', async () => {
    const next = seeded(11)
    for (let round = 0; round < 300; round++) {
      const kinds = Array.from({ length: 1 + next(6) }, () => ({
        batchSize: 1 + next(next(3) === 0 ? 1900 : 300),
        batches: next(12),
        isSlow: next(3) > 0,
      }))
      const make = (isAllFast: boolean) =>
        kinds.map(({ batchSize, batches, isSlow }) => {
          const log = isSlow && !isAllFast ? new SlowLog(batchSize) : new FakeLog(batchSize)
          log.grow(batches)
          return log
        })
      const limits = { maxBytes: next(6000), hasFirstBatchRule: next(4) > 0 }
      const wanted = sizes(setUp(make(true), limits).fetch().rows() as PartitionData[])
      const logs = make(false)
      const rows = Promise.resolve(setUp(logs, limits).fetch().rows())
      for (let turn = 0; turn < 2 * logs.length; turn++) {
        for (const log of logs) if (log instanceof SlowLog) log.ends.shift()?.done()
        await settle()
      }
      expect([round, sizes(await rows)]).toEqual([round, wanted])
    }
  })

  test('that fail in a way that clients know fail alone', async () => {
    const logs = slowLogs(3)
    const rows = setUp(logs).fetch().rows()
    logs[0]!.ends[0]!.done()
    logs[1]!.ends[0]!.fail(new ApiError(ErrorCode.KAFKA_STORAGE_ERROR, 'disk'))
    logs[2]!.ends[0]!.done()
    expect((await rows).map(({ errorCode }) => errorCode)).toEqual([0, ErrorCode.KAFKA_STORAGE_ERROR, 0])
    expect(sizes(await rows)).toEqual([1000, 0, 1000])
  })

  test('that all fail unexpectedly end the request once, and nothing else', async () => {
    const logs = slowLogs(3)
    const rows = setUp(logs, { maxBytes: 3500 }).fetch().rows() as Promise<PartitionData[]>
    const outcome = rows.catch((error: unknown) => error)
    for (const log of logs) log.ends[0]?.fail(new TypeError('broken'))
    expect(await outcome).toEqual(new TypeError('broken'))
    await settle()
  })

  test('may fail after another partition has ended the request already', async () => {
    const [slow, broken] = [new SlowLog(), new FakeLog()]
    for (const log of [slow, broken]) log.grow(5)
    broken.read = () => {
      throw new TypeError('broken at once')
    }
    expect(() => setUp([slow, broken]).fetch().rows()).toThrow('broken at once')
    slow.ends[0]!.fail(new TypeError('broken later'))
    // An unhandled rejection would end the process, and this run with an error.
    await settle()
  })
})

describe('a fetch in the purgatory', () => {
  test('answers when enough has arrived, or with what there is when its time is up', async () => {
    const clock = new ManualClock()
    const purgatory = new Purgatory(clock)
    const logs = [new FakeLog(), new FakeLog()]
    const { fetch } = setUp(logs, { minBytes: 300 })
    const [woken, late] = [fetch(), fetch()]
    const done = woken.whenDone()
    purgatory.park(woken, woken.watched(), 500)
    logs[0]!.grow(2)
    expect(purgatory.size).toBe(1)
    logs[0]!.grow(1)
    expect(purgatory.size).toBe(0)
    expect(sizes(await done)).toEqual([300, 0])
    const lateDone = late.whenDone()
    purgatory.park(late, late.watched(), 500)
    clock.advance(500)
    expect(sizes(await lateDone)).toEqual([300, 0])
  })

  test('a log that fails does not hurt whoever appended', async () => {
    const purgatory = new Purgatory(new ManualClock())
    const log = new FakeLog()
    const operation = setUp([log]).fetch()
    const done = operation.whenDone()
    purgatory.park(operation, operation.watched(), 500)
    log.read = () => {
      throw new TypeError('broken')
    }
    log.grow(1)
    await expect(done).rejects.toThrow('broken')
    expect(purgatory.size).toBe(0)
  })
})
