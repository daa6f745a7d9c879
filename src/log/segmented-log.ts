import type { TopicConfig } from '../config/topic-config.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { findAborted, findAbortedEntries } from './aborted-transactions.ts'
import { validateBatches } from './append-validation.ts'
import { duplicateInfo, stampBatches } from './batch-run.ts'
import type { CleanableLog } from './cleaner/cleanable-log.ts'
import type { LastOfProducer } from './cleaner/retention-rules.ts'
import { describeProducer } from './log-description.ts'
import type { LogEnvironment } from './log-environment.ts'
import { type LogOptions, LogState } from './log-state.ts'
import { LogTrimmer } from './log-trimmer.ts'
import { LogWriter } from './log-writer.ts'
import type {
  AbortedTransaction,
  AppendInfo,
  AppendOrigin,
  AppendRequestInfo,
  FetchedRecords,
  LogDescription,
  PartitionLog,
  TimestampedOffset,
} from './partition-log.ts'
import type { Segment } from './segment.ts'
import { isFileError } from './storage-error.ts'
import { findMaxTimestamp, findTimestamp } from './timestamp-lookup.ts'
import type { AbortedEntry } from './transaction-index.ts'

/** The log of a partition as segments in a folder, in Apache Kafka's format. */
export class SegmentedLog implements PartitionLog, CleanableLog {
  readonly #state: LogState
  readonly #writer: LogWriter
  readonly trimmer: LogTrimmer
  /** Why it cannot be compacted, if so. */
  uncleanableReason: string | undefined

  constructor(environment: LogEnvironment, options: LogOptions) {
    this.#state = new LogState(environment, options)
    this.#writer = new LogWriter(this.#state)
    this.trimmer = new LogTrimmer(this.#state, this.#writer)
    // The process that wrote them may have died before it flushed; from here on they are read, as if they had been appended now.
    if (this.logEndOffset > this.recoveryPoint) this.#writer.flushAsAppended()
  }

  get directory(): string {
    return this.#state.directory
  }

  get logStartOffset(): bigint {
    return this.#state.logStartOffset
  }

  get logEndOffset(): bigint {
    return this.#state.nextOffset
  }

  get highWatermark(): bigint {
    return this.#state.highWatermark
  }

  get lastStableOffset(): bigint {
    const { producers, highWatermark } = this.#state
    const unstable = producers.firstUnstableOffset(highWatermark)
    return unstable !== undefined && unstable < highWatermark ? unstable : highWatermark
  }

  get latestEpoch(): number {
    return this.#state.leaderEpochs.latestEpoch
  }

  get recoveryPoint(): bigint {
    return this.#state.flusher.recoveryPoint
  }

  /** The device did not take what was written: no more records until the broker starts again. */
  get hasFailed(): boolean {
    return this.#state.flusher.failure !== undefined
  }

  get isOnDisk(): boolean {
    return this.#state.isOnDisk
  }

  get isClosed(): boolean {
    return this.#state.isClosed
  }

  get segments(): readonly Segment[] {
    return this.#state.segments.list
  }

  get firstSegmentOffset(): bigint {
    return this.#state.segments.firstOffset
  }

  get sizeInBytes(): number {
    return this.#state.segments.sizeInBytes
  }

  get config(): TopicConfig {
    return this.#state.config
  }

  /** Settings may change at any time; the next append or retention pass goes by the new ones. */
  set config(config: TopicConfig) {
    this.#state.segments.config = config
  }

  append(
    records: Buffer,
    leaderEpoch: number,
    origin: AppendOrigin,
    requestInfo?: AppendRequestInfo,
  ): AppendInfo {
    if (this.#state.isClosed)
      throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `${this.directory} is closed`)
    this.#writer.takeBack()
    const { nextOffset: base, logStartOffset, config, producers, environment } = this.#state
    let bytes = records
    let logAppendTimeMs = -1n
    if (origin === 'client') {
      const validated = validateBatches(records, {
        config,
        baseOffset: base,
        leaderEpoch,
        nowMs: environment.clock.now(),
        produceVersion: requestInfo?.produceVersion,
      })
      bytes = validated.records
      logAppendTimeMs = validated.logAppendTimeMs
      const duplicate = producers.check(bytes, 0)
      if (duplicate) {
        this.#writer.flushAsAppended()
        return duplicateInfo(duplicate, logStartOffset)
      }
    } else stampBatches(bytes, base, leaderEpoch)
    const lastOffset = this.#writer.write(bytes, base, leaderEpoch)
    return { baseOffset: base, lastOffset, logAppendTimeMs, logStartOffset, isDuplicate: false }
  }

  read(
    offset: bigint,
    maxBytes: number,
    upTo: bigint,
    atLeastOneBatch: boolean,
  ): FetchedRecords | Promise<FetchedRecords> {
    const end = this.#state.nextOffset
    if (offset < this.#state.logStartOffset || offset > end) {
      throw new ApiError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `offset ${offset} is not within ${this.#state.logStartOffset} to ${end}`,
      )
    }
    try {
      const read = this.#state.reader.read(offset, maxBytes, upTo < end ? upTo : end, end, atLeastOneBatch)
      return read instanceof Promise ? read.catch((error) => this.#readFailed(error)) : read
    } catch (error) {
      return this.#readFailed(error)
    }
  }

  /** Clients know what to do about a disk that fails; anything else is a fault of ours. */
  #readFailed(error: unknown): never {
    if (!isFileError(error)) throw error
    throw this.#state.environment.health.failed('read', this.directory, 'read', error)
  }

  #reading<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      return this.#readFailed(error)
    }
  }

  batches(): Iterable<Buffer> {
    return this.#state.reader.batches(this.#state.logStartOffset)
  }

  sizeBetween(fromOffset: bigint, upTo: bigint): number {
    return this.#state.reader.sizeBetween(fromOffset, upTo, this.#state.nextOffset)
  }

  abortedTransactions(fromOffset: bigint, upTo: bigint): AbortedTransaction[] {
    return this.#reading(() => findAborted(this.segments, fromOffset, upTo))
  }

  offsetForTimestamp(timestamp: bigint): TimestampedOffset | undefined {
    return this.#reading(() => findTimestamp(this.segments, timestamp, this.logStartOffset))
  }

  maxTimestampOffset(): TimestampedOffset | undefined {
    return this.#reading(() => findMaxTimestamp(this.segments))
  }

  endOffsetForEpoch(epoch: number): { leaderEpoch: number; endOffset: bigint } {
    return this.#state.leaderEpochs.endOffsetFor(epoch, this.#state.nextOffset)
  }

  epochForOffset(offset: bigint): number {
    return this.#state.leaderEpochs.epochFor(offset)
  }

  advanceHighWatermark(offset: bigint): boolean {
    const moved = offset < this.#state.nextOffset ? offset : this.#state.nextOffset
    if (moved <= this.#state.highWatermark) return false
    this.#state.highWatermark = moved
    return true
  }

  beginLeaderEpoch(epoch: number): void {
    if (epoch <= this.#state.leaderEpochs.latestEpoch) return
    // Goes to its file with the next append: before that nobody can have read anything of this epoch.
    this.#state.leaderEpochs.assign(epoch, this.#state.nextOffset)
  }

  deleteRecordsBefore(offset: bigint): bigint {
    return this.trimmer.deleteRecordsBefore(offset)
  }

  /** Removes the segments that retention lets go; the count of them. */
  enforceRetention(): number {
    return this.trimmer.enforceRetention()
  }

  /** Forgets idempotent producers that have been silent for `producer.id.expiration.ms`. */
  expireProducers(): void {
    const { producers, environment } = this.#state
    if (producers.size === 0) return
    producers.removeExpired(environment.clock.now(), environment.producerIdExpirationMs())
  }

  truncateTo(offset: bigint): void {
    this.#writer.truncateTo(offset)
  }

  /** Forgets all records; the next one gets `offset`, which lies behind them. */
  beginAt(offset: bigint): void {
    this.#writer.beginAt(offset)
  }

  /** While the cleaner is at it segments may come, but none may go. */
  set isBeingCleaned(isBeingCleaned: boolean) {
    this.#state.isBeingCleaned = isBeingCleaned
  }

  lastOfProducer(producerId: bigint): LastOfProducer | undefined {
    const state = this.#state.producers.get(producerId)
    return state && { producerEpoch: state.producerEpoch, lastDataOffset: state.batches.at(-1)?.lastOffset }
  }

  abortedEntries(fromOffset: bigint, upTo: bigint): AbortedEntry[] {
    return findAbortedEntries(this.segments, fromOffset, upTo)
  }

  beginCleaned(replaced: readonly Segment[]): Segment {
    return this.#state.segments.beginCleaned(replaced)
  }

  dropCleaned(cleaned: Segment): void {
    this.#state.segments.dropCleaned(cleaned)
  }

  replace(cleaned: Segment, replaced: readonly Segment[]): void {
    const { segments, tail, reader, snapshots } = this.#state
    segments.replace(cleaned, replaced)
    tail.dropSegments(replaced)
    reader.forgetPositions()
    snapshots.removeAt(new Set(replaced.slice(1).map(({ baseOffset }) => baseOffset)))
    segments.settle()
  }

  flush(): Promise<void> {
    return this.#state.flush(this.#state.nextOffset)
  }

  flushNames(): Promise<void> {
    return this.#state.flushNames()
  }

  /** Resolves when all records that were appended before the call are on the device. Throws `ApiError` KAFKA_STORAGE_ERROR. */
  async flushRecords(): Promise<void> {
    const { flusher, nextOffset, environment } = this.#state
    try {
      await flusher.flushRecords(nextOffset)
    } catch (error) {
      throw environment.health.failed('write', this.directory, 'flush', error)
    }
  }

  async close(): Promise<void> {
    const { segments, snapshots, producers, leaderEpochs, nextOffset, flusher } = this.#state
    try {
      if (!this.isOnDisk || this.isClosed) return
      segments.settle()
      this.#writer.cutDebris()
      segments.active.seal()
      snapshots.write(nextOffset, producers)
      leaderEpochs.writeOut()
      await flusher.flushForStop(nextOffset)
    } finally {
      this.discard()
    }
  }

  /** Lets go of files and memory without writing anything: the partition is deleted, or has been closed. */
  discard(): void {
    this.#state.flusher.stop()
    for (const segment of this.segments) segment.file.close()
    this.#state.tail.clear()
    this.#state.isClosed = true
  }

  describe(): LogDescription {
    const { leaderEpochs, producers } = this.#state
    return {
      directory: this.directory,
      isOnDisk: this.isOnDisk,
      logStartOffset: this.logStartOffset,
      logEndOffset: this.logEndOffset,
      highWatermark: this.highWatermark,
      lastStableOffset: this.lastStableOffset,
      recoveryPoint: this.recoveryPoint,
      sizeInBytes: this.sizeInBytes,
      segments: this.segments.map(({ baseOffset, sizeInBytes, maxTimestamp: { timestamp } }) => ({
        baseOffset,
        sizeInBytes,
        maxTimestamp: timestamp,
      })),
      leaderEpochs: leaderEpochs.entries,
      producers: Array.from(producers.all(), describeProducer),
      notes: this.#notes(),
    }
  }

  #notes(): string[] {
    const { failure } = this.#state.flusher
    const notes: string[] = []
    if (this.uncleanableReason !== undefined) notes.push(`not compacted: ${this.uncleanableReason}`)
    if (failure) notes.push(`takes no records until the broker starts again: ${failure.message}`)
    return notes
  }
}
