import { expect, test } from 'vitest'
import { silentLogger } from '../platform/logger.ts'
import { ManualClock } from '../platform/manual-clock.ts'
import { buildBatch } from '../protocol/batch-builder.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  type CoordinatorRecord,
  CoordinatorRuntime,
  type CoordinatorShard,
  coordinatorError,
  type Outcome,
  type ShardTimers,
} from './runtime.ts'

/** Counts per key: the smallest state that a log can hold. */
class CountingShard implements CoordinatorShard {
  readonly counts = new Map<string, number>()
  readonly timers: ShardTimers
  isLoaded = false

  constructor(timers: ShardTimers) {
    this.timers = timers
  }

  replay({ key, value }: CoordinatorRecord): void {
    if (value) this.counts.set(key.toString(), Number(value.toString()))
    else this.counts.delete(key.toString())
  }

  onLoaded(): void {
    this.isLoaded = true
  }

  close(): void {
    this.counts.clear()
  }

  add(...keys: string[]): Outcome<number> {
    const records = keys.map((key) => ({
      key: Buffer.from(key),
      value: Buffer.from(String((this.counts.get(key) ?? 0) + 1)),
    }))
    return { records, answer: () => this.counts.get(keys[0]!) ?? 0 }
  }
}

function setUp() {
  const clock = new ManualClock()
  const logs: Buffer[][] = [[], []]
  const log = { refuses: undefined as unknown, unreadable: -1, reads: 0 }
  const create = () =>
    new CoordinatorRuntime<CountingShard>({
      clock,
      logger: silentLogger,
      append: (partition, batch) => {
        if (log.refuses) throw log.refuses
        return BigInt(logs[partition]!.push(batch) - 1)
      },
      readAll: (partition) => {
        log.reads++
        if (partition === log.unreadable) throw new ApiError(ErrorCode.KAFKA_STORAGE_ERROR)
        return logs[partition]!
      },
      partitionCount: () => logs.length,
      createShard: (_partition, timers) => new CountingShard(timers),
    })
  return { clock, logs, log, create }
}

test('a restart leaves out what a transaction wrote that was aborted, and the mark that says so', () => {
  const { logs, create } = setUp()
  create().write(0, (shard) => shard.add('a'))
  const records = [{ key: Buffer.from('a'), value: Buffer.from('9'), headers: [], timestamp: 1n }]
  const producer = { producerId: 7n, producerEpoch: 0, isTransactional: true, leaderEpoch: 0 }
  logs[0]!.push(buildBatch({ ...producer, baseOffset: 1n, baseSequence: 0, records }))
  const mark = [{ key: Buffer.alloc(4), value: Buffer.alloc(6), headers: [], timestamp: 1n }]
  logs[0]!.push(buildBatch({ ...producer, baseOffset: 2n, isControl: true, records: mark }))
  expect([...create().shard(0).counts]).toEqual([['a', 1]])
})

test('an operation is one batch, replayed before it is answered; a restart replays the same', () => {
  const { logs, log, create } = setUp()
  const runtime = create()
  expect(runtime.write(0, (shard) => shard.add('a', 'b'))).toBe(1)
  expect(runtime.write(0, (shard) => shard.add('a'))).toBe(2)
  expect(logs.map(({ length }) => length)).toEqual([2, 0])
  expect(log.reads).toBe(1)
  runtime.write(0, () => ({ records: [{ key: Buffer.from('b'), value: null }], answer: () => {} }))
  const restarted = create()
  expect([...restarted.shard(0).counts]).toEqual([['a', 2]])
  expect(restarted.shard(0).isLoaded).toBe(true)
  expect(restarted.loadedShards().size).toBe(1)
  expect(restarted.shards()).toHaveLength(2)
})

test('an operation without records appends nothing', () => {
  const { logs, create } = setUp()
  expect(create().write(1, () => ({ records: [], answer: () => 'read' }))).toBe('read')
  expect(logs[1]).toEqual([])
})

test('when the log refuses, nothing is replayed; the operation may say how it ends', () => {
  const { log, create } = setUp()
  const runtime = create()
  log.refuses = new ApiError(ErrorCode.KAFKA_STORAGE_ERROR)
  expect(() => runtime.write(0, (shard) => shard.add('a'))).toThrow(
    expect.objectContaining({ code: ErrorCode.NOT_COORDINATOR }),
  )
  expect(runtime.shard(0).counts.size).toBe(0)
  expect(runtime.write(0, (shard) => ({ ...shard.add('a'), failed: ({ code }) => code }))).toBe(
    ErrorCode.NOT_COORDINATOR,
  )
})

test('a partition that is not here has no coordinator; a stopped one is not available', () => {
  const { create } = setUp()
  const runtime = create()
  expect(() => runtime.shard(2)).toThrow(expect.objectContaining({ code: ErrorCode.NOT_COORDINATOR }))
  runtime.stop()
  expect(() => runtime.shard(0)).toThrow(
    expect.objectContaining({ code: ErrorCode.COORDINATOR_NOT_AVAILABLE }),
  )
  expect(runtime.shards()).toEqual([])
})

test('expiry is an operation: its records are in the log too', async () => {
  const { clock, logs, create } = setUp()
  const runtime = create()
  const shard = runtime.shard(0)
  const tick = (key: string) => () => ({ ...shard.add(key), answer: () => {} })
  shard.timers.after(10, tick('later'))
  shard.timers.after(0, tick('soon'))
  shard.timers.after(0, tick('never')).cancel()
  expect(logs[0]).toHaveLength(0)
  await Promise.resolve()
  expect([...shard.counts.keys()]).toEqual(['soon'])
  clock.advance(10)
  expect([...create().shard(0).counts.keys()]).toEqual(['soon', 'later'])
})

test('timers of a stopped coordinator do nothing', () => {
  const { clock, logs, create } = setUp()
  const runtime = create()
  const shard = runtime.shard(0)
  shard.timers.after(10, () => ({ ...shard.add('a'), answer: () => {} }))
  runtime.stop()
  clock.advance(10)
  expect(logs[0]).toEqual([])
})

test("what clients are told of a log's errors", () => {
  const told = (code: ErrorCode) => coordinatorError(new ApiError(code)).code
  expect(told(ErrorCode.NOT_ENOUGH_REPLICAS)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  expect(told(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  expect(told(ErrorCode.NOT_LEADER_OR_FOLLOWER)).toBe(ErrorCode.NOT_COORDINATOR)
  expect(told(ErrorCode.MESSAGE_TOO_LARGE)).toBe(ErrorCode.UNKNOWN_SERVER_ERROR)
  expect(coordinatorError(new Error('ENOSPC')).code).toBe(ErrorCode.NOT_COORDINATOR)
})

test('a log that cannot be read is not coordinated for now: its clients look again, the other partitions go on', () => {
  const { log, create } = setUp()
  create().write(0, (shard) => shard.add('a'))
  create().write(1, (shard) => shard.add('b'))
  const runtime = create()
  log.unreadable = 0
  expect(() => runtime.shard(0)).toThrow(expect.objectContaining({ code: ErrorCode.NOT_COORDINATOR }))
  expect(runtime.shards().map(({ counts }) => [...counts])).toEqual([[], [['b', 1]]])
  log.unreadable = -1
  expect(runtime.shards().map(({ counts }) => [...counts])).toEqual([[['a', 1]], [['b', 1]]])
})
