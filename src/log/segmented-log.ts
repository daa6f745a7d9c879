import type { TopicConfig } from '../config/topic-config.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { batchSizeInBytes } from '../protocol/record-batch.ts'
import { findAborted } from './aborted-transactions.ts'
import { validateBatches } from './append-validation.ts'
import { duplicateInfo, extentOf, stampBatches } from './batch-run.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { describeProducer, notesOn } from './log-description.ts'
import type { LogEnvironment } from './log-environment.ts'
import { LogFlusher } from './log-flusher.ts'
import { loadLog } from './log-loader.ts'
import { LogReader } from './log-reader.ts'
import { learnProducer, restoreProducers } from './log-replay.ts'
import { LogTail } from './log-tail.ts'
import { makePartitionFolder } from './partition-folders.ts'
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
import { ProducerSnapshots } from './producer-snapshots.ts'
import { ProducerStates } from './producer-states.ts'
import {
  type DeletableSegments,
  deletableSegments,
  type RetentionRequest,
  segmentsBelowLogStart,
} from './retention.ts'
import { Segment } from './segment.ts'
import { isFileError, storageError } from './storage-error.ts'
import { findMaxTimestamp, findTimestamp } from './timestamp-lookup.ts'

/** What is known of a partition before its log is opened. */
export interface LogOptions {
  readonly directory: string
  readonly topicId: string
  readonly config: TopicConfig
  /** The folder is there. Without one nothing is on disk, and nothing will be before the first append. */
  readonly isOnDisk: boolean
  /** From the checkpoints; 0 when there is none. */
  readonly logStartOffset: bigint
  readonly recoveryPoint: bigint
  /** The last shutdown was clean. */
  readonly isClean: boolean
}

/** The log of a partition as segments in a folder, in Apache Kafka's format. */
export class SegmentedLog implements PartitionLog {
  readonly #environment: LogEnvironment
  readonly #directory: string
  readonly #topicId: string
  #config: TopicConfig
  #isOnDisk: boolean
  readonly #segments: Segment[]
  readonly #tail: LogTail
  readonly #reader: LogReader
  readonly #flusher: LogFlusher
  readonly #producers = new ProducerStates()
  readonly #snapshots: ProducerSnapshots
  readonly #leaderEpochs: LeaderEpochs
  #logStartOffset: bigint
  #nextOffset: bigint
  #highWatermark: bigint
  /** A failed write may have left bytes behind the end, and they could not be cut off yet. */
  #hasDebris = false
  #isClosed = false

  constructor(environment: LogEnvironment, options: LogOptions) {
    const { files, logger, clock, openFiles } = environment
    const { directory } = options
    this.#environment = environment
    this.#directory = directory
    this.#topicId = options.topicId
    this.#config = options.config
    this.#isOnDisk = options.isOnDisk
    this.#tail = new LogTail(environment.tailMemory)
    this.#snapshots = new ProducerSnapshots(files, logger, directory)
    this.#leaderEpochs = new LeaderEpochs(files, directory)
    const loaded = options.isOnDisk
      ? loadLog({
          ...options,
          environment,
          indexIntervalBytes: this.#config['index.interval.bytes'],
          leaderEpochs: this.#leaderEpochs,
          producers: this.#producers,
          snapshots: this.#snapshots,
        })
      : undefined
    this.#segments = loaded?.segments ?? [Segment.fresh(openFiles, clock, directory, 0n)]
    this.#reader = new LogReader(this.#segments, this.#tail, environment.readBuffers)
    this.#logStartOffset = loaded?.logStartOffset ?? 0n
    this.#nextOffset = loaded?.logEndOffset ?? 0n
    this.#flusher = new LogFlusher(environment, this.#segments, loaded?.recoveryPoint ?? 0n)
    this.#highWatermark = this.#logStartOffset
  }

  get logStartOffset(): bigint {
    return this.#logStartOffset
  }

  get logEndOffset(): bigint {
    return this.#nextOffset
  }

  get highWatermark(): bigint {
    return this.#highWatermark
  }

  get lastStableOffset(): bigint {
    const unstable = this.#producers.firstUnstableOffset(this.#highWatermark)
    return unstable !== undefined && unstable < this.#highWatermark ? unstable : this.#highWatermark
  }

  get latestEpoch(): number {
    return this.#leaderEpochs.latestEpoch
  }

  get recoveryPoint(): bigint {
    return this.#flusher.recoveryPoint
  }

  get isOnDisk(): boolean {
    return this.#isOnDisk
  }

  get firstSegmentOffset(): bigint {
    return this.#segments[0]!.baseOffset
  }

  get sizeInBytes(): number {
    let size = 0
    for (const segment of this.#segments) size += segment.sizeInBytes
    return size
  }

  /** Settings may change at any time; the next append or retention pass goes by the new ones. */
  set config(config: TopicConfig) {
    this.#config = config
  }

  append(
    records: Buffer,
    leaderEpoch: number,
    origin: AppendOrigin,
    requestInfo?: AppendRequestInfo,
  ): AppendInfo {
    if (this.#isClosed) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `${this.#directory} is closed`)
    const base = this.#nextOffset
    let bytes = records
    let logAppendTimeMs = -1n
    if (origin === 'client') {
      const validated = validateBatches(records, {
        config: this.#config,
        baseOffset: base,
        leaderEpoch,
        nowMs: this.#environment.clock.now(),
        produceVersion: requestInfo?.produceVersion,
      })
      bytes = validated.records
      logAppendTimeMs = validated.logAppendTimeMs
      const duplicate = this.#producers.check(bytes, 0)
      if (duplicate) return duplicateInfo(duplicate, this.#logStartOffset)
    } else stampBatches(bytes, base, leaderEpoch)
    const last = this.#write(bytes, base, leaderEpoch)
    return {
      baseOffset: base,
      lastOffset: last,
      logAppendTimeMs,
      logStartOffset: this.#logStartOffset,
      isDuplicate: false,
    }
  }

  /** Everything of an append behind validation: bytes first, then what is known about them. Returns the last offset. */
  #write(bytes: Buffer, base: bigint, leaderEpoch: number): bigint {
    const config = this.#config
    if (bytes.length > config['segment.bytes']) {
      throw new ApiError(
        ErrorCode.RECORD_LIST_TOO_LARGE,
        `${bytes.length} bytes are more than segment.bytes ${config['segment.bytes']}`,
      )
    }
    const { lastOffset: last, maxTimestamp: timestamp } = extentOf(bytes)
    let segment = this.#segments.at(-1)!
    let position: number
    try {
      if (this.#hasDebris) this.#cutDebris(segment)
      if (!this.#isOnDisk) this.#makeDirectory()
      if (leaderEpoch !== this.#leaderEpochs.latestEpoch) this.#leaderEpochs.assign(leaderEpoch, base)
      this.#leaderEpochs.writeOut()
      if (segment.isFullFor(config, bytes.length, last, timestamp, this.#environment.clock.now())) {
        segment = this.#roll(base)
      }
      position = segment.sizeInBytes
      segment.append(bytes, timestamp, config['index.interval.bytes'])
    } catch (error) {
      throw this.#failed(segment, error)
    }
    this.#nextOffset = last + 1n
    try {
      this.#tail.append(segment, position, bytes, base, last + 1n)
      for (let at = 0; at < bytes.length; at += batchSizeInBytes(bytes, at)) {
        learnProducer(this.#producers, bytes, at, segment)
      }
      this.#flusher.appended(config, this.#nextOffset, () => this.flush())
    } catch (error) {
      throw this.#takenBack(base, error)
    }
    return last
  }

  #makeDirectory(): void {
    makePartitionFolder(this.#environment.files, this.#directory, this.#topicId)
    this.#isOnDisk = true
  }

  /** Leaves the log as it was before a write that failed, and turns the error into the one that clients know. */
  #failed(segment: Segment, error: unknown): ApiError {
    this.#hasDebris = true
    try {
      this.#cutDebris(segment)
    } catch (cutError) {
      storageError(this.#environment.logger, this.#directory, 'cut off a failed append yet', cutError)
    }
    return storageError(this.#environment.logger, this.#directory, 'append', error)
  }

  /** What was written could not be brought to the device, or noted: nobody has seen it yet, so it goes again. */
  #takenBack(base: bigint, error: unknown): ApiError {
    try {
      this.truncateTo(base)
    } catch (cutError) {
      storageError(this.#environment.logger, this.#directory, 'take a failed append back', cutError)
    }
    return storageError(this.#environment.logger, this.#directory, 'append', error)
  }

  #cutDebris(segment: Segment): void {
    if (segment.sizeInBytes > 0 || this.#environment.files.exists(segment.file.path)) segment.cutToSize()
    this.#hasDebris = false
  }

  /** Ends the segment that is written to and begins one at `base`. */
  #roll(base: bigint): Segment {
    const { openFiles, clock, flushInBackground } = this.#environment
    const full = this.#segments.at(-1)!
    full.seal()
    this.#snapshots.write(base, this.#producers)
    const segment = Segment.fresh(openFiles, clock, this.#directory, base)
    segment.file.create()
    this.#segments.push(segment)
    flushInBackground(async () => {
      await this.#flushUpTo(base)
      full.file.close()
    })
    return segment
  }

  read(
    offset: bigint,
    maxBytes: number,
    upTo: bigint,
    atLeastOneBatch: boolean,
  ): FetchedRecords | Promise<FetchedRecords> {
    const end = this.#nextOffset
    if (offset < this.#logStartOffset || offset > end) {
      throw new ApiError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `offset ${offset} is not within ${this.#logStartOffset} to ${end}`,
      )
    }
    try {
      const read = this.#reader.read(offset, maxBytes, upTo < end ? upTo : end, end, atLeastOneBatch)
      return read instanceof Promise ? read.catch((error) => this.#readFailed(error)) : read
    } catch (error) {
      return this.#readFailed(error)
    }
  }

  /** Clients know what to do about a disk that fails; anything else is a fault of ours. */
  #readFailed(error: unknown): never {
    if (!isFileError(error)) throw error
    throw storageError(this.#environment.logger, this.#directory, 'read', error)
  }

  batches(): Iterable<Buffer> {
    return this.#reader.batches(this.#logStartOffset)
  }

  sizeBetween(fromOffset: bigint, upTo: bigint): number {
    return this.#reader.sizeBetween(fromOffset, upTo, this.#nextOffset)
  }

  abortedTransactions(fromOffset: bigint, upTo: bigint): AbortedTransaction[] {
    return findAborted(this.#segments, fromOffset, upTo)
  }

  offsetForTimestamp(timestamp: bigint): TimestampedOffset | undefined {
    return findTimestamp(this.#segments, this.#reader, timestamp, this.#logStartOffset)
  }

  maxTimestampOffset(): TimestampedOffset | undefined {
    return findMaxTimestamp(this.#segments, this.#reader)
  }

  endOffsetForEpoch(epoch: number): { leaderEpoch: number; endOffset: bigint } {
    return this.#leaderEpochs.endOffsetFor(epoch, this.#nextOffset)
  }

  epochForOffset(offset: bigint): number {
    return this.#leaderEpochs.epochFor(offset)
  }

  advanceHighWatermark(offset: bigint): boolean {
    const moved = offset < this.#nextOffset ? offset : this.#nextOffset
    if (moved <= this.#highWatermark) return false
    this.#highWatermark = moved
    return true
  }

  beginLeaderEpoch(epoch: number): void {
    if (epoch <= this.#leaderEpochs.latestEpoch) return
    // Goes to its file with the next append: before that nobody can have read anything of this epoch.
    this.#leaderEpochs.assign(epoch, this.#nextOffset)
  }

  deleteRecordsBefore(offset: bigint): bigint {
    if (offset > this.#highWatermark) {
      throw new ApiError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `offset ${offset} is above the high watermark ${this.#highWatermark}`,
      )
    }
    if (offset <= this.#logStartOffset) return this.#logStartOffset
    const before = this.#logStartOffset
    this.#logStartOffset = offset
    try {
      this.#environment.logStartMoved()
    } catch (error) {
      this.#logStartOffset = before
      throw storageError(this.#environment.logger, this.#directory, 'delete records', error)
    }
    this.#leaderEpochs.truncateFromStart(offset)
    try {
      // What is too old or too much waits for its time: the client is told the offset that it asked for.
      this.#removeDeletable(segmentsBelowLogStart)
    } catch (error) {
      // The records are deleted; their files go with a later pass.
      storageError(this.#environment.logger, this.#directory, 'remove segments yet', error)
    }
    return this.#logStartOffset
  }

  /** Removes the segments that retention lets go; the count of them. */
  enforceRetention(): number {
    return this.#removeDeletable(deletableSegments)
  }

  #removeDeletable(find: (request: RetentionRequest) => DeletableSegments | undefined): number {
    if (!this.#isOnDisk || this.#isClosed) return 0
    let removed = 0
    for (;;) {
      const deletable = find({
        segments: this.#segments,
        config: this.#config,
        logStartOffset: this.#logStartOffset,
        logEndOffset: this.#nextOffset,
        highWatermark: this.#highWatermark,
        nowMs: this.#environment.clock.now(),
      })
      if (!deletable) return removed
      // The log's end must stay on disk: an empty segment that begins there takes over.
      if (deletable.count === this.#segments.length) this.#roll(this.#nextOffset)
      this.#removeOldest(deletable.count, deletable.reason)
      removed += deletable.count
    }
  }

  #removeOldest(count: number, reason: string): void {
    const { files, logger, removeLater } = this.#environment
    const paths: string[] = []
    let removed = 0
    try {
      for (const segment of this.#segments.slice(0, count)) {
        segment.file.close()
        paths.push(...segment.rename(files, '.deleted'))
        removed++
      }
    } finally {
      // One whose files could not be renamed stays, with those behind it.
      this.#segments.splice(0, removed)
      const start = this.firstSegmentOffset
      if (start > this.#logStartOffset) this.#logStartOffset = start
      removeLater(paths, this.#config['file.delete.delay.ms'])
      this.#reader.forgetPositions()
      if (this.#segments.at(-1)!.sizeInBytes === 0) this.#tail.clear()
    }
    const start = this.firstSegmentOffset
    this.#snapshots.removeOutside(start, this.#nextOffset)
    this.#leaderEpochs.truncateFromStart(this.#logStartOffset)
    this.#leaderEpochs.writeOut()
    logger.info(
      { directory: this.#directory, segments: count, reason, logStartOffset: start },
      'removed old segments',
    )
  }

  /** Forgets idempotent producers that have been silent for `producer.id.expiration.ms`. */
  expireProducers(): void {
    if (this.#producers.size === 0) return
    const { clock } = this.#environment
    this.#producers.removeExpired(clock.now(), this.#environment.producerIdExpirationMs())
  }

  truncateTo(offset: bigint): void {
    if (offset >= this.#nextOffset) return
    const { files, openFiles, clock } = this.#environment
    const first = this.#segments.findIndex((segment) => segment.baseOffset >= offset)
    // From the end on: where a file cannot be renamed, what is left is still a log.
    for (let index = this.#segments.length - 1; first >= 0 && index >= first; index--) {
      const segment = this.#segments[index]!
      segment.file.close()
      const paths = segment.rename(files, '.deleted')
      this.#segments.length = index
      for (const path of paths) files.remove(path)
    }
    const last = this.#segments.at(-1)
    if (last) {
      last.activate()
      last.truncateTo(offset)
    } else this.#segments.push(Segment.fresh(openFiles, clock, this.#directory, offset))
    this.#nextOffset = offset
    if (this.#logStartOffset > offset) this.#logStartOffset = offset
    if (this.#highWatermark > offset) this.#highWatermark = offset
    this.#flusher.truncateTo(offset)
    this.#tail.clear()
    this.#reader.forgetPositions()
    this.#leaderEpochs.truncateFromEnd(offset)
    if (this.#isOnDisk) this.#leaderEpochs.writeOut()
    this.#snapshots.removeOutside(0n, offset)
    restoreProducers(this.#environment, this.#segments, this.#producers, this.#snapshots, offset)
  }

  flush(): Promise<void> {
    return this.#flushUpTo(this.#nextOffset)
  }

  async #flushUpTo(offset: bigint): Promise<void> {
    if (this.#isOnDisk && !this.#isClosed) await this.#flusher.flush(offset)
  }

  async close(): Promise<void> {
    this.#flusher.stop()
    if (this.#isOnDisk && !this.#isClosed) {
      const last = this.#segments.at(-1)!
      // Behind a clean stop nobody looks for it, and what came after it would not be found.
      if (this.#hasDebris) this.#cutDebris(last)
      last.seal()
      this.#snapshots.write(this.#nextOffset, this.#producers)
      this.#leaderEpochs.writeOut()
      await this.flush()
    }
    this.discard()
  }

  /** Lets go of files and memory without writing anything: the partition is deleted, or has been closed. */
  discard(): void {
    this.#flusher.stop()
    for (const segment of this.#segments) segment.file.close()
    this.#tail.clear()
    this.#isClosed = true
  }

  describe(): LogDescription {
    return {
      directory: this.#directory,
      isOnDisk: this.#isOnDisk,
      logStartOffset: this.#logStartOffset,
      logEndOffset: this.#nextOffset,
      highWatermark: this.#highWatermark,
      lastStableOffset: this.lastStableOffset,
      recoveryPoint: this.recoveryPoint,
      sizeInBytes: this.sizeInBytes,
      segments: this.#segments.map(({ baseOffset, sizeInBytes, maxTimestamp: { timestamp } }) => ({
        baseOffset,
        sizeInBytes,
        maxTimestamp: timestamp,
      })),
      leaderEpochs: this.#leaderEpochs.entries,
      producers: Array.from(this.#producers.all(), describeProducer),
      notes: notesOn(this.#config),
    }
  }
}
