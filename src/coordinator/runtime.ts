import type { Logger } from '../platform/logger.ts'
import type { Clock, Timer } from '../platform/platform.ts'
import { buildBatch } from '../protocol/batch-builder.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { readRecords } from '../protocol/record.ts'
import { countedBatches } from './counted-batches.ts'

/** One key and value of an internal topic, as bytes; a null value is a tombstone: it removes what the key names. */
export interface CoordinatorRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/**
 * What an operation decided: the records that make it true, and what to do once they are in the log and replayed. `answer` does what
 * is not durable (parked requests, timers) and gives the response. `failed` gives the response when the log refused the records;
 * without it the error is thrown to the caller.
 */
export interface Outcome<Response> {
  readonly records: readonly CoordinatorRecord[]
  readonly answer: () => Response
  readonly failed?: ((error: ApiError) => Response) | undefined
}

/** The state that is made from the records of one partition, and nothing else. */
export interface CoordinatorShard {
  /** Takes one record into the state: while loading, and right after this coordinator appended it. */
  replay(record: CoordinatorRecord): void
  /** All records of the log are in: timers may start. */
  onLoaded(): void
  /** Answers what is parked, forgets timers. */
  close(): void
}

export interface RuntimeDependencies<Shard extends CoordinatorShard> {
  readonly clock: Clock
  readonly logger: Logger
  /** Appends one batch to the partition's log, or throws `ApiError`. The offset of its first record comes back. */
  append(partition: number, batch: Buffer): bigint
  /** The partition's log from its start, in buffers of whole batches. */
  readAll(partition: number): Iterable<Buffer>
  /** Partitions of the internal topic; 0 while it does not exist. */
  partitionCount(): number
  createShard(partition: number, timers: ShardTimers): Shard
}

/** Timers of one shard. Expiry is an operation like any other. */
export interface ShardTimers {
  readonly clock: Clock
  /** Runs `operation` once, `delayMs` from now; 0 means after the events that are waiting already. */
  after(delayMs: number, operation: () => Outcome<void>): Timer
}

/**
 * Runs a coordinator: a state machine per partition of an internal topic. An operation reads the state and returns records; they are
 * appended as one batch, replayed into the state, and only then answered. A start replays the same records, so what a restarted
 * coordinator knows is what it had acknowledged. Appending is synchronous: nothing can come between the decision and its record.
 */
export class CoordinatorRuntime<Shard extends CoordinatorShard> {
  readonly #dependencies: RuntimeDependencies<Shard>
  readonly #shards = new Map<number, Shard>()
  #isStopped = false

  constructor(dependencies: RuntimeDependencies<Shard>) {
    this.#dependencies = dependencies
  }

  /** The state of a partition, loaded from its log on first use. Throws NOT_COORDINATOR when this broker does not have it. */
  shard(partition: number): Shard {
    const known = this.#shards.get(partition)
    if (known) return known
    if (this.#isStopped) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    if (partition < 0 || partition >= this.#dependencies.partitionCount())
      throw new ApiError(ErrorCode.NOT_COORDINATOR)
    return this.#load(partition)
  }

  /** Every shard of the topic, by partition; loads those that nobody has asked for yet. One that cannot be loaded is empty here. */
  shards(): Shard[] {
    const shards: Shard[] = []
    const count = this.#isStopped ? 0 : this.#dependencies.partitionCount()
    for (let partition = 0; partition < count; partition++) shards.push(this.#shardOrNone(partition))
    return shards
  }

  #shardOrNone(partition: number): Shard {
    try {
      return this.shard(partition)
    } catch {
      // Not remembered: the next who asks tries again.
      return this.#dependencies.createShard(partition, this.#timersOf(partition))
    }
  }

  /** Those in memory, by partition. */
  loadedShards(): ReadonlyMap<number, Shard> {
    return this.#shards
  }

  /** Decides, appends, replays, answers. */
  write<Response>(partition: number, operation: (shard: Shard) => Outcome<Response>): Response {
    const shard = this.shard(partition)
    return this.#commit(partition, shard, operation(shard))
  }

  stop(): void {
    this.#isStopped = true
    for (const shard of this.#shards.values()) shard.close()
    this.#shards.clear()
  }

  #commit<Response>(partition: number, shard: Shard, outcome: Outcome<Response>): Response {
    const { records } = outcome
    if (records.length > 0) {
      try {
        this.#dependencies.append(partition, this.#batchOf(records))
      } catch (cause) {
        const error = coordinatorError(cause)
        if (!isToldByStorage(cause)) {
          this.#dependencies.logger.warn(
            { partition, records: records.length, err: cause },
            'Coordinator records not written',
          )
        }
        if (!outcome.failed) throw error
        return outcome.failed(error)
      }
      for (const record of records) shard.replay(record)
    }
    return outcome.answer()
  }

  #batchOf(records: readonly CoordinatorRecord[]): Buffer {
    const timestamp = BigInt(this.#dependencies.clock.now())
    return buildBatch({
      baseOffset: 0n,
      leaderEpoch: -1,
      records: records.map(({ key, value }) => ({ key, value, headers: [], timestamp })),
    })
  }

  #load(partition: number): Shard {
    const { clock, logger, createShard } = this.#dependencies
    const startMs = clock.elapsedMs()
    const shard = createShard(partition, this.#timersOf(partition))
    let count: number
    try {
      count = this.#replayAll(partition, shard)
    } catch (cause) {
      if (!isToldByStorage(cause)) logger.error({ partition, err: cause }, 'Coordinator cannot be loaded')
      throw coordinatorError(cause)
    }
    this.#shards.set(partition, shard)
    shard.onLoaded()
    if (count > 0)
      logger.info({ partition, records: count, tookMs: clock.elapsedMs() - startMs }, 'Coordinator loaded')
    return shard
  }

  /** Replays the log of a partition; the count of its records. */
  #replayAll(partition: number, shard: Shard): number {
    let count = 0
    for (const batch of countedBatches(() => this.#dependencies.readAll(partition))) {
      for (const { key, value } of readRecords(batch)) {
        if (key) shard.replay({ key, value })
        count++
      }
    }
    return count
  }

  #timersOf(partition: number): ShardTimers {
    return {
      clock: this.#dependencies.clock,
      after: (delayMs, operation) => this.#after(partition, delayMs, operation),
    }
  }

  #after(partition: number, delayMs: number, operation: () => Outcome<void>): Timer {
    const { clock, logger } = this.#dependencies
    let isCancelled = false
    const run = () => {
      const shard = this.#shards.get(partition)
      if (isCancelled || !shard) return
      try {
        this.#commit(partition, shard, operation())
      } catch (cause) {
        logger.error({ partition, err: cause }, 'Coordinator timer failed')
      }
    }
    const cancel = () => {
      isCancelled = true
    }
    if (delayMs <= 0) {
      clock.soon(run)
      return { dueMs: clock.elapsedMs(), cancel }
    }
    return clock.schedule(delayMs, run)
  }
}

/** A disk that fails is told once, by who writes to it, not for each request that wanted to. */
function isToldByStorage(cause: unknown): boolean {
  return cause instanceof ApiError && cause.code === ErrorCode.KAFKA_STORAGE_ERROR
}

/** What a client is told when the log refused a coordinator's records: errors that make it look for the coordinator and try again. */
export function coordinatorError(cause: unknown): ApiError {
  const code = cause instanceof ApiError ? cause.code : ErrorCode.KAFKA_STORAGE_ERROR
  switch (code) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.REQUEST_TIMED_OUT:
      return new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return new ApiError(ErrorCode.NOT_COORDINATOR)
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR)
    default:
      return cause instanceof ApiError ? cause : new ApiError(ErrorCode.NOT_COORDINATOR)
  }
}
