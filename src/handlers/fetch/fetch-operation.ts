import type { Partition } from '../../log/partition.ts'
import type { FetchedRecords } from '../../log/partition-log.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type { PartitionData } from '../../protocol/generated/fetch.ts'
import type { DelayedOperation } from '../../purgatory.ts'
import { checkLeaderEpoch } from '../leader-epoch.ts'
import type { FetchTarget } from './fetch-sessions.ts'

/** The limits of one fetch. */
export interface FetchLimits {
  readonly minBytes: number
  readonly maxBytes: number
  readonly isReadCommitted: boolean
  /**
   * Fetch 3 and newer: the first partition with records gives a whole batch, however large it is (KIP-74). Before that a partition whose
   * own limit is too small for its first batch gives that batch to be cut off, which is how clients of then learn of it.
   */
  readonly hasFirstBatchRule: boolean
  /** A broker asks, as a replica of the partition: there are no others than we ourselves. */
  readonly isFromFollower: boolean
}

/** Finds the partition that a target means: the partition, or why there is none. */
export type FindPartition = (target: FetchTarget) => Partition | ErrorCode

/**
 * One fetch: what it asks for, whether there is enough to answer, and the answer. While it waits in the purgatory nothing is read;
 * the bytes that it could get are counted from what the log knows without a file.
 */
export class FetchOperation implements DelayedOperation {
  readonly #targets: readonly FetchTarget[]
  readonly #limits: FetchLimits
  readonly #find: FindPartition
  /** As found in the beginning. What was unknown then stays so: its error does not end the wait of the others. */
  readonly #partitions: readonly (Partition | ErrorCode)[]
  #answer: ((rows: PartitionData[] | Promise<PartitionData[]>) => void) | undefined
  #fail: ((error: unknown) => void) | undefined

  constructor(targets: readonly FetchTarget[], limits: FetchLimits, find: FindPartition) {
    this.#targets = targets
    this.#limits = limits
    this.#find = find
    this.#partitions = targets.map(find)
  }

  /** What to watch for a change. */
  watched(): Partition[] {
    return this.#partitions.filter((partition) => typeof partition !== 'number')
  }

  /** Whether waiting is over: enough bytes, an error, or nothing to wait for. */
  isReady(): boolean {
    let isAnyKnown = false
    let bytes = 0
    for (let i = 0; i < this.#targets.length; i++) {
      const partition = this.#partitions[i]!
      if (partition === ErrorCode.INCONSISTENT_TOPIC_ID) return true
      if (typeof partition === 'number') continue
      isAnyKnown = true
      const target = this.#targets[i]!
      if (this.#find(target) !== partition || this.#refusal(partition, target) !== ErrorCode.NONE) return true
      const { log } = partition
      if (target.fetchOffset < log.logStartOffset || target.fetchOffset > log.logEndOffset) return true
      if (target.lastFetchedEpoch >= 0 && divergence(partition, target) !== undefined) return true
      const upTo = this.#upTo(partition)
      if (target.fetchOffset >= upTo) continue
      // A negative limit is an error of that partition.
      if (target.maxBytes < 0 || this.#limits.maxBytes < 0) return true
      bytes += Math.min(log.sizeBetween(target.fetchOffset, upTo), target.maxBytes)
    }
    return !isAnyKnown || bytes >= this.#limits.minBytes
  }

  /** One row per target, in order. A promise only when something comes from a file. */
  rows(): PartitionData[] | Promise<PartitionData[]> {
    const { maxBytes, hasFirstBatchRule } = this.#limits
    return this.#readFrom(0, [], { bytesLeft: maxBytes, atLeastOneBatch: hasFirstBatchRule })
  }

  /** Resolves with the rows when the purgatory says so. */
  whenDone(): Promise<PartitionData[]> {
    return new Promise((resolve, reject) => {
      this.#answer = resolve
      this.#fail = reject
    })
  }

  tryComplete(): boolean {
    try {
      if (!this.isReady()) return false
      this.#answer?.(this.rows())
    } catch (error) {
      // Whoever appended must not suffer for a fetch that fails.
      this.#fail?.(error)
    }
    return true
  }

  expire(): void {
    try {
      this.#answer?.(this.rows())
    } catch (error) {
      this.#fail?.(error)
    }
  }

  describe(): object {
    const { minBytes, maxBytes, isReadCommitted } = this.#limits
    const partitions = this.#targets.map(
      ({ topic, partition, fetchOffset }) => `${topic}-${partition}@${fetchOffset}`,
    )
    return { api: 'Fetch', minBytes, maxBytes, isReadCommitted, partitions }
  }

  /** Why the partition does not answer this client. */
  #refusal(partition: Partition, { currentLeaderEpoch }: FetchTarget): ErrorCode {
    // Here any negative one stands for none, elsewhere only -1.
    const wrongEpoch = checkLeaderEpoch(partition, Math.max(-1, currentLeaderEpoch))
    if (wrongEpoch !== ErrorCode.NONE || !this.#limits.isFromFollower) return wrongEpoch
    return currentLeaderEpoch >= 0 ? ErrorCode.UNKNOWN_LEADER_EPOCH : ErrorCode.NOT_LEADER_OR_FOLLOWER
  }

  #upTo(partition: Partition): bigint {
    return this.#limits.isReadCommitted ? partition.log.lastStableOffset : partition.log.highWatermark
  }

  /**
   * Reads the partitions in order, each from what the earlier ones have left. Reads from files go on side by side as long as they cannot
   * use up more than there is; beyond that, what they really brought decides.
   */
  #readFrom(
    first: number,
    rows: (PartitionData | Promise<PartitionData>)[],
    budget: Budget,
  ): PartitionData[] | Promise<PartitionData[]> {
    let { bytesLeft, atLeastOneBatch } = budget
    /** Bytes that reads which have not ended may still take. */
    let promised = 0
    const pending: Promise<number>[] = []
    for (let i = first; i < this.#targets.length; i++) {
      const target = this.#targets[i]!
      if (promised > 0 && bytesLeft - promised < target.maxBytes) {
        return Promise.all(pending).then((sizes) => {
          const taken = sizes.reduce((sum, size) => sum + size, 0)
          return this.#readFrom(i, rows, {
            bytesLeft: Math.max(0, bytesLeft - taken),
            atLeastOneBatch: atLeastOneBatch && taken === 0,
          })
        })
      }
      // A read that goes on has records before it, or it would not have been begun: the rule of the first batch is its own.
      const isFirst = atLeastOneBatch && pending.length === 0
      const found = this.#partitions[i]!
      const limit = Math.min(target.maxBytes, bytesLeft - promised)
      const isToBeCut = !this.#limits.hasFirstBatchRule && limit > 0 && limit === target.maxBytes
      const read = this.#startRead(target, found, limit, isFirst || isToBeCut)
      // Below 0 the limit of the whole fetch fails the first partition only, as in Kafka.
      if (typeof found !== 'number' && bytesLeft < 0) bytesLeft = 0
      if ('row' in read) {
        rows.push(read.row)
        continue
      }
      const { records } = read
      if (records instanceof Promise) {
        const row = records
          .then((late) => rowOf(target, read, late))
          .catch((error: unknown) => errorRow(target, codeOf(error), null))
        // Whoever waits for the rows is told. When another read fails first nobody waits, and that must not end the process.
        row.catch(() => {})
        rows.push(row)
        pending.push(
          records.then(
            (late) => taken(read, late, limit),
            () => 0,
          ),
        )
        promised += Math.max(mayTake(target, read.partition, isFirst || isToBeCut), 1)
        continue
      }
      rows.push(rowOf(target, read, records))
      if (records.sizeInBytes > 0) atLeastOneBatch = false
      bytesLeft = Math.max(0, bytesLeft - taken(read, records, limit))
    }
    return pending.length > 0 || first > 0 ? Promise.all(rows) : (rows as PartitionData[])
  }

  #startRead(
    target: FetchTarget,
    found: Partition | ErrorCode,
    maxBytes: number,
    atLeastOneBatch: boolean,
  ): StartedRead | { row: PartitionData } {
    if (typeof found === 'number')
      return { row: errorRow(target, found, found === ErrorCode.INCONSISTENT_TOPIC_ID ? null : []) }
    const now = this.#find(target)
    if (now !== found) {
      return {
        row: errorRow(target, typeof now === 'number' ? now : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, null),
      }
    }
    const refusal = this.#refusal(found, target)
    if (refusal !== ErrorCode.NONE) return { row: errorRow(target, refusal, null) }
    try {
      const { log } = found
      const started = {
        partition: found,
        upTo: this.#upTo(found),
        highWatermark: log.highWatermark,
        lastStableOffset: log.lastStableOffset,
        logStartOffset: log.logStartOffset,
        isReadCommitted: this.#limits.isReadCommitted,
        maxBytes,
      }
      const diverging = target.lastFetchedEpoch >= 0 ? divergence(found, target) : undefined
      if (diverging === 'unknown') return { row: errorRow(target, ErrorCode.OFFSET_OUT_OF_RANGE, null) }
      if (diverging) {
        const row = rowOf(target, { ...started, maxBytes: 0, records: NO_RECORDS }, NO_RECORDS)
        return { row: { ...row, divergingEpoch: diverging } }
      }
      if (target.fetchOffset < log.logStartOffset || target.fetchOffset > log.logEndOffset) {
        return { row: errorRow(target, ErrorCode.OFFSET_OUT_OF_RANGE, null) }
      }
      if (target.fetchOffset >= started.upTo) return { ...started, records: NO_RECORDS }
      if (maxBytes < 0) return { row: errorRow(target, ErrorCode.UNKNOWN_SERVER_ERROR, null) }
      const isUsedUp = maxBytes === 0 && !atLeastOneBatch
      const records = isUsedUp
        ? NO_RECORDS
        : log.read(target.fetchOffset, maxBytes, started.upTo, atLeastOneBatch)
      return { ...started, records }
    } catch (error) {
      return { row: errorRow(target, codeOf(error), null) }
    }
  }
}

/** What the partitions that are still to be read may take. */
interface Budget {
  readonly bytesLeft: number
  /** No partition has given anything yet: the next one with records gives a whole batch, however large (KIP-74). */
  readonly atLeastOneBatch: boolean
}

/** The first batch of a fetch comes whole, however large its topic lets it be. */
function mayTake({ maxBytes }: FetchTarget, { config }: Partition, atLeastOneBatch: boolean): number {
  return atLeastOneBatch ? Math.max(maxBytes, config['max.message.bytes']) : maxBytes
}

/**
 * How much of the limit of the fetch a read uses up. Where more records follow than it may bring, that is all that it may: Kafka sends the
 * beginning of the next batch too.
 */
function taken({ upTo }: StartedRead, records: FetchedRecords, limit: number): number {
  if (records.sizeInBytes === 0 || records.nextOffset >= upTo) return records.sizeInBytes
  return Math.max(records.sizeInBytes, limit)
}

/** A read with the offsets as they were when it began: the records end below them. */
interface StartedRead {
  readonly partition: Partition
  readonly upTo: bigint
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
  readonly isReadCommitted: boolean
  readonly maxBytes: number
  readonly records: FetchedRecords | Promise<FetchedRecords>
}

const NO_RECORDS: FetchedRecords = { buffers: [], sizeInBytes: 0, nextOffset: -1n }
const NO_EPOCH = { epoch: -1, endOffset: -1n }
const NO_LEADER = { leaderId: -1, leaderEpoch: -1 }
const NO_SNAPSHOT = { endOffset: -1n, epoch: -1 }

/**
 * Where the client's log and ours part ways (KIP-595, KIP-320): the epoch that the client fetched last ended here before the offset
 * that it asks for. `unknown` when we know nothing of that epoch.
 */
function divergence(
  partition: Partition,
  target: FetchTarget,
): { epoch: number; endOffset: bigint } | 'unknown' | undefined {
  const end = partition.log.endOffsetForEpoch(target.lastFetchedEpoch)
  const isTooNew = target.lastFetchedEpoch > partition.leaderEpoch
  if (isTooNew || end.leaderEpoch < 0 || end.endOffset < 0n) return 'unknown'
  if (end.leaderEpoch < target.lastFetchedEpoch || end.endOffset < target.fetchOffset) {
    return { epoch: end.leaderEpoch, endOffset: end.endOffset }
  }
  return undefined
}

function rowOf(target: FetchTarget, read: StartedRead, records: FetchedRecords): PartitionData {
  const { log } = read.partition
  return {
    partitionIndex: target.partition,
    errorCode: ErrorCode.NONE,
    highWatermark: read.highWatermark,
    lastStableOffset: read.lastStableOffset,
    logStartOffset: read.logStartOffset,
    divergingEpoch: NO_EPOCH,
    currentLeader: NO_LEADER,
    snapshotId: NO_SNAPSHOT,
    // null for read_uncommitted, a list (empty too) for read_committed unless not even the first batch found room
    abortedTransactions: !read.isReadCommitted
      ? null
      : records.sizeInBytes === 0
        ? read.maxBytes > 0 && target.fetchOffset < read.upTo
          ? null
          : []
        : log.abortedTransactions(target.fetchOffset, records.nextOffset),
    preferredReadReplica: -1,
    records: records.buffers,
  }
}

/** A partition that cannot be read, as Kafka fills its row. */
export function errorRow(
  target: FetchTarget,
  errorCode: number,
  abortedTransactions: [] | null,
): PartitionData {
  return {
    partitionIndex: target.partition,
    errorCode,
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    divergingEpoch: NO_EPOCH,
    currentLeader: NO_LEADER,
    snapshotId: NO_SNAPSHOT,
    abortedTransactions,
    preferredReadReplica: -1,
    records: [],
  }
}

/** Errors of one partition stay in its row; what is no error of the protocol is a fault of ours and ends the request. */
function codeOf(error: unknown): ErrorCode {
  if (error instanceof ApiError) return error.code
  throw error
}
