import type { Clock, Files } from '../platform/platform.ts'
import { lastOffset, maxTimestamp, partitionLeaderEpoch } from '../protocol/any-batch.ts'
import { baseOffset, batchSizeInBytes } from '../protocol/record-batch.ts'
import { BatchScanner } from './batch-scanner.ts'
import { OffsetIndex } from './offset-index.ts'
import { LogFile, type OpenFiles } from './open-files.ts'
import { type SegmentSuffix, segmentPath } from './segment-names.ts'
import { allFlushed } from './storage-error.ts'
import { TimeIndex, type TimestampEntry } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'

const ZEROS_BYTES = 1024 * 1024
const MAX_RELATIVE_OFFSET = 0x7fffffffn

/** The settings of a topic that decide when a segment is full. */
export interface RollConfig {
  readonly 'segment.bytes': number
  readonly 'segment.ms': number
  readonly 'max.compaction.lag.ms': number
  readonly 'cleanup.policy': readonly string[]
}

/** The settings of a topic that a segment keeps to as they were when it was begun, or found at a start: as in Kafka. */
export interface IndexConfig {
  readonly 'segment.index.bytes': number
  readonly 'index.interval.bytes': number
}

export interface SegmentOptions {
  readonly directory: string
  readonly baseOffset: bigint
  readonly indexConfig: IndexConfig
  /** Behind the names of its files; nothing when left out. */
  readonly suffix?: string
  /** So much earlier than `segment.ms` says it is full; 0 when left out. */
  readonly rollJitterMs?: number
  /** See `Segment.writtenMs`. */
  readonly writtenMs?: number
}

/**
 * A piece of a log: batches one after the other in `<base offset>.log`, and two sparse indexes over them. Nothing is on disk before
 * the first append.
 */
export class Segment {
  readonly baseOffset: bigint
  readonly file: LogFile
  readonly offsetIndex: OffsetIndex
  readonly timeIndex: TimeIndex
  readonly transactionIndex: TransactionIndex
  readonly #files: Files
  /** When this broker first saw it. Stands in for the first timestamp when there is none. */
  readonly #createdMs: number
  #writtenMs: number | undefined
  readonly rollJitterMs: number
  readonly #maxIndexBytes: number
  readonly #indexIntervalBytes: number
  sizeInBytes: number
  #isPreallocated = false
  #bytesSinceIndexEntry = 0
  /** Largest timestamp and its place; undefined until it was looked up in the index. */
  #maxTimestamp: TimestampEntry | undefined
  /** Largest timestamp of the first append; -1 when records carry none; undefined until somebody asks. */
  #firstTimestamp: bigint | undefined

  private constructor(pool: OpenFiles, clock: Clock, options: SegmentOptions, isNew: boolean) {
    const { files } = pool
    const { directory, baseOffset: base, suffix = '', rollJitterMs = 0 } = options
    const path = (kind: SegmentSuffix) => segmentPath(directory, base, kind) + suffix
    this.baseOffset = base
    this.#files = files
    this.#createdMs = clock.now()
    this.#writtenMs = options.writtenMs ?? (isNew ? this.#createdMs : undefined)
    this.rollJitterMs = rollJitterMs
    this.#maxIndexBytes = options.indexConfig['segment.index.bytes']
    this.#indexIntervalBytes = options.indexConfig['index.interval.bytes']
    this.file = new LogFile(pool, path('.log'))
    this.offsetIndex = new OffsetIndex(files, path('.index'), base, isNew)
    this.timeIndex = new TimeIndex(files, path('.timeindex'), base, isNew)
    this.transactionIndex = new TransactionIndex(files, path('.txnindex'), isNew)
    this.sizeInBytes = 0
    if (isNew) this.#maxTimestamp = { timestamp: -1n, offset: base }
  }

  /** A segment that is not there yet. */
  static fresh(pool: OpenFiles, clock: Clock, options: SegmentOptions): Segment {
    return new Segment(pool, clock, options, true)
  }

  /** A segment whose `.log` file is there. */
  static existing(pool: OpenFiles, clock: Clock, options: SegmentOptions): Segment {
    const segment = new Segment(pool, clock, options, false)
    segment.sizeInBytes = segment.file.size()
    return segment
  }

  /** Largest timestamp so far with its place, as the time index would say; -1 when there is none. */
  get maxTimestamp(): TimestampEntry {
    this.#maxTimestamp ??= this.timeIndex.lastEntry() ?? { timestamp: -1n, offset: this.baseOffset }
    return this.#maxTimestamp
  }

  /** The same as a number; when records carry no time, that of writing them. */
  get largestTimestampMs(): number {
    const { timestamp } = this.maxTimestamp
    return timestamp >= 0n ? Number(timestamp) : this.writtenMs
  }

  /** When records without a time came last: the file tells, or else it counts from when this broker first saw it. */
  get writtenMs(): number {
    this.#writtenMs ??= this.#files.modifiedMs(this.file.path) ?? this.#createdMs
    return this.#writtenMs
  }

  set writtenMs(writtenMs: number) {
    this.#writtenMs = writtenMs
  }

  /** Largest timestamp of the first batch; -1 when records carry none. */
  get firstTimestamp(): bigint {
    this.#firstTimestamp ??= this.#readFirstTimestamp()
    return this.#firstTimestamp
  }

  /** Must a new segment be begun before these batches? */
  isFullFor(config: RollConfig, bytes: number, last: bigint, timestamp: bigint, nowMs: number): boolean {
    // One that would begin where this one does would have the same files.
    if (this.sizeInBytes === 0) return false
    if (this.sizeInBytes > config['segment.bytes'] - bytes) return true
    if (this.#ageAt(timestamp, nowMs) > maxAgeMs(config) - this.rollJitterMs) return true
    if (this.offsetIndex.isFull(this.#maxIndexBytes) || this.timeIndex.isFull(this.#maxIndexBytes))
      return true
    return last - this.baseOffset > MAX_RELATIVE_OFFSET
  }

  /** By the records' own time when they have one, as seen from the batch that is about to come; else by the clock. */
  #ageAt(timestamp: bigint, nowMs: number): number {
    const first = this.firstTimestamp
    return first >= 0n ? Number(timestamp - first) : nowMs - this.#createdMs
  }

  /** Why the indexes of a segment that was closed properly cannot be right; undefined when they can. */
  indexProblem(): string | undefined {
    const problem = this.offsetIndex.problem() ?? this.timeIndex.problem() ?? this.transactionIndex.problem()
    if (problem !== undefined) return problem
    const misled = this.#misleadingEntry()
    if (misled !== undefined || this.sizeInBytes === 0 || this.timeIndex.count > 0) return misled
    // Closing leaves an entry, unless records carry no time at all.
    return this.#readFirstTimestamp() >= 0n ? 'the time index is empty' : undefined
  }

  /** The end of the log is looked for from the last entry on: were it wrong, the log would seem to end elsewhere. */
  #misleadingEntry(): string | undefined {
    const last = this.offsetIndex.lastEntry()
    if (last !== undefined) {
      const scanner = new BatchScanner(this.file, this.sizeInBytes)
      const isThere = last.position < this.sizeInBytes && scanner.moveTo(last.position)
      // Older brokers wrote one entry for several batches: then it has the offset of the last of them.
      if (!isThere || lastOffset(scanner.bytes, scanner.at) > last.offset)
        return 'the last entry does not point to its batch'
    }
    const latest = this.timeIndex.lastEntry()
    return latest !== undefined && latest.offset >= this.readNextOffset() && this.sizeInBytes > 0
      ? 'the last time is that of an offset behind the end'
      : undefined
  }

  #readFirstTimestamp(): bigint {
    const scanner = new BatchScanner(this.file, this.sizeInBytes)
    return scanner.moveTo(0) ? maxTimestamp(scanner.bytes, scanner.at) : -1n
  }

  /** Writes whole batches at the end. When it throws, nothing has changed but perhaps bytes behind the end of the file. */
  append(records: Buffer, timestamp: bigint): void {
    this.file.write(records, this.sizeInBytes)
    if (this.sizeInBytes === 0) this.#firstTimestamp = timestamp
    for (let at = 0; at < records.length; ) {
      const size = batchSizeInBytes(records, at)
      this.#note(records, at, this.sizeInBytes, size)
      this.sizeInBytes += size
      at += size
    }
  }

  /** Makes the file as large as it may become. */
  preallocate(bytes: number): void {
    this.#isPreallocated = true
    this.file.create()
    this.file.truncate(bytes)
  }

  /** Counts a batch that lies at `position` in. */
  #note(bytes: Buffer, at: number, position: number, size: number): void {
    const timestamp = maxTimestamp(bytes, at)
    const last = lastOffset(bytes, at)
    if (timestamp > this.maxTimestamp.timestamp) this.#maxTimestamp = { timestamp, offset: last }
    if (this.#bytesSinceIndexEntry > this.#indexIntervalBytes) {
      this.offsetIndex.append(last, position)
      this.timeIndex.maybeAppend(this.maxTimestamp.timestamp, this.maxTimestamp.offset)
      this.#bytesSinceIndexEntry = 0
    }
    this.#bytesSinceIndexEntry += size
  }

  /** Position of the batch that holds `offset`, or of the first one after it; the end of the segment when there is none. */
  positionOf(offset: bigint): number {
    return this.locate(offset) ?? this.sizeInBytes
  }

  /** The same, but undefined when bytes that are no batches come before it: what is behind them nobody can tell. */
  locate(offset: bigint): number | undefined {
    if (offset <= this.baseOffset) return 0
    const from = this.offsetIndex.positionFor(offset)
    // An index may be damaged in places that nothing has looked at.
    return this.#locateFrom(offset, from) ?? (from > 0 ? this.#locateFrom(offset, 0) : undefined)
  }

  #locateFrom(offset: bigint, from: number): number | undefined {
    const scanner = new BatchScanner(this.file, this.sizeInBytes)
    for (let found = scanner.moveTo(from); found; found = scanner.next()) {
      if (lastOffset(scanner.bytes, scanner.at) < offset) continue
      // An entry never points to what lies behind.
      const isBehind = from > 0 && scanner.position === from && baseOffset(scanner.bytes, scanner.at) > offset
      return isBehind ? undefined : scanner.position
    }
    return scanner.position === this.sizeInBytes ? this.sizeInBytes : undefined
  }

  /** Offset after the last batch, found from the last index entry on. */
  readNextOffset(): bigint {
    return this.readEnd().nextOffset
  }

  /** The same, with the position behind that batch, and the leader epoch that it was written in; -1 when there is none. */
  readEnd(): { nextOffset: bigint; position: number; leaderEpoch: number } {
    const scanner = new BatchScanner(this.file, this.sizeInBytes)
    let nextOffset = this.baseOffset
    let leaderEpoch = -1
    let position = this.offsetIndex.lastPosition()
    for (let found = scanner.moveTo(position); found; found = scanner.next()) {
      nextOffset = lastOffset(scanner.bytes, scanner.at) + 1n
      leaderEpoch = partitionLeaderEpoch(scanner.bytes, scanner.at)
      position = scanner.position + scanner.size
    }
    return { nextOffset, position, leaderEpoch }
  }

  /** Where batches end although bytes follow that are not just allocated beforehand; undefined when they go on to the end. */
  findDamage(): { nextOffset: bigint; position: number } | undefined {
    const scanner = new BatchScanner(this.file, this.sizeInBytes)
    let nextOffset = this.baseOffset
    for (let found = scanner.moveTo(0); found; found = scanner.next()) {
      nextOffset = lastOffset(scanner.bytes, scanner.at) + 1n
    }
    return this.isUnwrittenFrom(scanner.position) ? undefined : { nextOffset, position: scanner.position }
  }

  /** Does the file end there, or go on with nothing but space that was allocated beforehand? */
  isUnwrittenFrom(position: number): boolean {
    const chunk = Buffer.alloc(Math.min(ZEROS_BYTES, this.sizeInBytes - position))
    for (let at = position; at < this.sizeInBytes; ) {
      const count = this.file.readSync(chunk, at)
      if (count === 0 || chunk.subarray(0, count).some((byte) => byte !== 0)) return false
      at += count
    }
    return true
  }

  /**
   * Goes over all batches up to the first one that is not whole, and builds the indexes anew. `accept` looks at each (with all its bytes when
   * `withRecords`) and refuses what must not be there. When something is left, `mayCut` says whether the file is to be cut there; it gets
   * the offset behind the last batch, and its place. Returns how many bytes were cut off.
   */
  rebuild(
    accept: (bytes: Buffer, at: number, position: number) => boolean,
    withRecords: boolean,
    mayCut: (nextOffset: bigint, position: number) => boolean = () => true,
  ): number {
    const { entries: aborted } = this.transactionIndex
    this.offsetIndex.clear()
    this.timeIndex.clear()
    this.transactionIndex.clear()
    this.#bytesSinceIndexEntry = 0
    this.#maxTimestamp = { timestamp: -1n, offset: this.baseOffset }
    const fileSize = this.sizeInBytes
    const scanner = new BatchScanner(this.file, fileSize, withRecords)
    let end = 0
    let previous = this.baseOffset - 1n
    for (let found = scanner.moveTo(0); found; found = scanner.next()) {
      const { bytes, at, position, size } = scanner
      const last = lastOffset(bytes, at)
      const first = baseOffset(bytes, at)
      if (first < this.baseOffset || last < first || first <= previous) break
      if (last - this.baseOffset > MAX_RELATIVE_OFFSET || !accept(bytes, at, position)) break
      this.#note(bytes, at, position, size)
      previous = last
      end = position + size
    }
    this.#firstTimestamp = undefined
    if (end === fileSize) return 0
    // As long as what is behind stays, so does what is known of it.
    this.transactionIndex.append(...aborted.filter((entry) => entry.lastOffset > previous))
    if (!mayCut(previous + 1n, end)) return 0
    this.sizeInBytes = end
    this.file.truncate(end)
    // A loss of power must not bring it back behind what is flushed later: nobody flushes this segment again once it is full.
    this.file.flushSync()
    this.transactionIndex.truncateTo(previous + 1n)
    return fileSize - end
  }

  /** Cuts off all batches from the one that holds `offset` on. */
  truncateTo(offset: bigint): void {
    const position = this.positionOf(offset)
    if (position >= this.sizeInBytes) return
    this.file.truncate(position)
    this.sizeInBytes = position
    this.offsetIndex.truncateToPosition(position)
    this.timeIndex.truncateToOffset(offset)
    this.transactionIndex.truncateTo(offset)
    this.#bytesSinceIndexEntry = Math.max(0, position - this.offsetIndex.lastPosition())
    this.#maxTimestamp = this.#findMaxTimestamp()
    if (position === 0) this.#firstTimestamp = undefined
  }

  /** The time index knows the largest timestamp up to the last entry of the offset index; behind it the batches tell. */
  #findMaxTimestamp(): TimestampEntry {
    let latest = this.timeIndex.lastEntry() ?? { timestamp: -1n, offset: this.baseOffset }
    const scanner = new BatchScanner(this.file, this.sizeInBytes)
    for (let found = scanner.moveTo(this.offsetIndex.lastPosition()); found; found = scanner.next()) {
      const { bytes, at } = scanner
      const timestamp = maxTimestamp(bytes, at)
      if (timestamp > latest.timestamp) latest = { timestamp, offset: lastOffset(bytes, at) }
    }
    return latest
  }

  /** Nothing may stay behind the end: a failed write, or room that was not needed. */
  cutToSize(): void {
    this.file.truncate(this.sizeInBytes)
    this.#isPreallocated = false
  }

  /** Prepares it for appends after a restart. The way to the next index entry is counted anew, as in Kafka. */
  activate(): void {
    this.offsetIndex.load()
    this.timeIndex.load()
    this.#bytesSinceIndexEntry = 0
  }

  /** Completes the indexes and writes them out; nothing more is appended. */
  seal(): void {
    this.timeIndex.maybeAppend(this.maxTimestamp.timestamp, this.maxTimestamp.offset)
    this.file.create()
    if (this.#isPreallocated) this.cutToSize()
    this.offsetIndex.release()
    this.timeIndex.release()
  }

  /** Hands all bytes to the device. */
  async flush(): Promise<void> {
    await allFlushed([
      this.file.flush(),
      this.offsetIndex.flush(),
      this.timeIndex.flush(),
      this.transactionIndex.flush(),
    ])
  }

  /** Hands the indexes to the device. */
  flushIndexes(): Promise<void> {
    return allFlushed([this.offsetIndex.flush(), this.timeIndex.flush(), this.transactionIndex.flush()])
  }

  /** The same on the spot. */
  flushIndexesSync(): void {
    this.offsetIndex.flushSync()
    this.timeIndex.flushSync()
    this.transactionIndex.flushSync()
  }

  /** Reads `length` bytes at once, into memory of its own or the one that is given. */
  readSync(position: number, length: number, into: Buffer = Buffer.allocUnsafeSlow(length)): Buffer {
    return into.subarray(0, this.file.readSync(into, position))
  }

  /** Reads `length` bytes off the main thread. */
  async read(
    position: number,
    length: number,
    into: Buffer = Buffer.allocUnsafeSlow(length),
  ): Promise<Buffer> {
    return into.subarray(0, await this.file.read(into, position))
  }

  /**
   * Gives its files another suffix instead of the one that they have, and returns their paths; the files live on until they are removed.
   * What failed may be tried again.
   */
  rename(files: Files, suffix: string, instead = ''): string[] {
    const renamed: string[] = []
    for (const owner of this.#owners) {
      const isDone = suffix === '' ? !owner.path.endsWith(instead) : owner.path.endsWith(suffix)
      if (!isDone) {
        const path = owner.path.slice(0, owner.path.length - instead.length) + suffix
        if (files.exists(owner.path)) files.rename(owner.path, path)
        owner.path = path
      }
      renamed.push(owner.path)
    }
    return renamed
  }

  /** Its files are gone then; those that are missing already are no error. The `.log` file goes first. */
  remove(files: Files): void {
    this.file.close()
    for (const owner of this.#owners) files.remove(owner.path)
  }

  get #owners() {
    return [this.file, this.offsetIndex, this.timeIndex, this.transactionIndex]
  }
}

/** What is written to is never compacted: a segment ends early enough for the longest wait (KIP-354). */
function maxAgeMs(config: RollConfig): number {
  const isCompacted = config['cleanup.policy'].includes('compact')
  return isCompacted ? Math.min(config['segment.ms'], config['max.compaction.lag.ms']) : config['segment.ms']
}
