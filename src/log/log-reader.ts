import type { Logger } from '../platform/logger.ts'
import { isIntact, lastOffset, smallestSizeInBytes } from '../protocol/any-batch.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { SMALLEST_MESSAGE_BYTES } from '../protocol/legacy-message.ts'
import { batchSizeInBytes, RECORD_BATCH_OVERHEAD } from '../protocol/record-batch.ts'
import { BatchScanner } from './batch-scanner.ts'
import type { LogEnvironment } from './log-environment.ts'
import type { LogTail } from './log-tail.ts'
import type { FetchedRecords } from './partition-log.ts'
import type { ReadBuffers } from './read-buffers.ts'
import type { Segment } from './segment.ts'
import type { StorageHealth } from './storage-health.ts'

/** Reads from here on go off the main thread: below, waking a thread costs more than reading (measured: 64 KiB take 10 µs). */
const ASYNC_FROM_BYTES = 128 * 1024
/** Ends of so many earlier reads are remembered: consumers go on where they stopped, and need no index then. */
const REMEMBERED_POSITIONS = 32

const NO_BUFFERS: readonly Buffer[] = []

/** Serves reads of a log: from its tail in memory, or from its files. Knows where consumers will go on. */
export class LogReader {
  /** The log's own list, which changes as segments come and go. */
  readonly #segments: readonly Segment[]
  readonly #tail: LogTail
  readonly #buffers: ReadBuffers
  readonly #health: StorageHealth
  readonly #logger: Logger
  /** Segments whose damage has been told. */
  readonly #told = new Set<string>()
  /** By offset: where in the segment that holds it the batch with that offset begins. */
  readonly #positions = new Map<bigint, { segment: Segment; position: number }>()
  /** Rises when segments go or are cut: what a read that began before has learnt of positions is not true any more. */
  #generation = 0

  constructor(segments: readonly Segment[], tail: LogTail, environment: LogEnvironment) {
    this.#segments = segments
    this.#tail = tail
    this.#buffers = environment.readBuffers
    this.#health = environment.health
    this.#logger = environment.logger
  }

  /** See `PartitionLog.read`; `offset` lies within the log, `upTo` is at most its end. */
  read(
    offset: bigint,
    maxBytes: number,
    upTo: bigint,
    logEndOffset: bigint,
    atLeastOneBatch: boolean,
  ): FetchedRecords | Promise<FetchedRecords> {
    if (offset >= upTo || (maxBytes <= 0 && !atLeastOneBatch)) return nothingAt(offset)
    const inMemory = this.#tail.read(offset, maxBytes, upTo, atLeastOneBatch)
    if (inMemory) return inMemory
    const place = this.#find(offset)
    if (!place) return nothingAt(offset)
    const { segment, position } = place
    const end = this.#endIn(segment, upTo, logEndOffset)
    if (position >= end) return nothingAt(offset)
    const length = Math.min(end - position, Math.max(maxBytes, RECORD_BATCH_OVERHEAD))
    const generation = this.#generation
    const read: FileRead = { segment, position, end, offset, maxBytes, atLeastOneBatch, generation }
    const into = this.#buffers.take(length)
    if (length < ASYNC_FROM_BYTES) return this.#finish(read, segment.readSync(position, length, into))
    return segment.read(position, length, into).then((bytes) => this.#finish(read, bytes))
  }

  /** Cuts at the last whole batch; a first batch that is larger than what was read is read on its own. */
  #finish(read: FileRead, bytes: Buffer): FetchedRecords | Promise<FetchedRecords> {
    const { segment, position, end, offset, maxBytes, atLeastOneBatch } = read
    if (this.#health.isTroubled) this.#health.worked('read')
    let at = 0
    let nextOffset = offset
    while (at + SMALLEST_MESSAGE_BYTES <= bytes.length) {
      const size = batchSizeInBytes(bytes, at)
      if (size < smallestSizeInBytes(bytes, at)) {
        if (at > 0) break
        throw this.#damaged(segment, offset, position)
      }
      if (at + size > bytes.length || (at + size > maxBytes && !(at === 0 && atLeastOneBatch))) break
      nextOffset = lastOffset(bytes, at) + 1n
      at += size
    }
    if (at > 0) {
      if (read.generation === this.#generation) this.#remember(nextOffset, segment, position + at)
      return { buffers: [at === bytes.length ? bytes : bytes.subarray(0, at)], sizeInBytes: at, nextOffset }
    }
    const isCurrent = read.generation === this.#generation
    if (bytes.length < SMALLEST_MESSAGE_BYTES) {
      const isAll = end === segment.sizeInBytes && bytes.length === end - position
      if (isCurrent && isAll) throw this.#damaged(segment, offset, position)
      return nothingAt(offset)
    }
    if (!atLeastOneBatch) return nothingAt(offset)
    const size = batchSizeInBytes(bytes, 0)
    if (isCurrent && position + size > segment.sizeInBytes) throw this.#damaged(segment, offset, position)
    if (size <= bytes.length || position + size > end) return nothingAt(offset)
    // Nobody has seen what was read of it.
    this.#buffers.giveBack(bytes)
    // A file that ends early was cut off meanwhile: there is nothing any more.
    const finish = (whole: Buffer) => (whole.length < size ? nothingAt(offset) : this.#finish(read, whole))
    if (size < ASYNC_FROM_BYTES) return finish(segment.readSync(position, size))
    return segment.read(position, size).then(finish)
  }

  /** Nobody can read on there. Told once for each segment, not whenever somebody tries. */
  #damaged(segment: Segment, offset: bigint, position?: number): ApiError {
    const { path } = segment.file
    const place = position === undefined ? 'in front of' : `at byte ${position},`
    const problem = `${path} is damaged ${place} offset ${offset} (odradek check tells more)`
    if (!this.#told.has(path)) this.#logger.error({ path, offset }, problem)
    this.#told.add(path)
    return new ApiError(ErrorCode.CORRUPT_MESSAGE, problem)
  }

  /** Segment and position of the batch that holds `offset`, or of the first one behind it. */
  #find(offset: bigint): { segment: Segment; position: number } | undefined {
    const known = this.#positions.get(offset)
    if (known && known.position < known.segment.sizeInBytes) {
      this.#positions.delete(offset)
      return known
    }
    for (let index = this.#indexOf(offset); index < this.#segments.length; index++) {
      const segment = this.#segments[index]!
      const position = segment.locate(offset)
      if (position === undefined) throw this.#damaged(segment, offset)
      if (position < segment.sizeInBytes) return { segment, position }
    }
    return undefined
  }

  #remember(offset: bigint, segment: Segment, position: number): void {
    this.#positions.set(offset, { segment, position })
    if (this.#positions.size <= REMEMBERED_POSITIONS) return
    for (const oldest of this.#positions.keys()) {
      this.#positions.delete(oldest)
      return
    }
  }

  /** Where to stop in a segment so that nothing from `upTo` on is read. */
  #endIn(segment: Segment, upTo: bigint, logEndOffset: bigint): number {
    if (upTo >= logEndOffset) return segment.sizeInBytes
    const next = this.#segments[this.#segments.indexOf(segment) + 1]
    if (next && next.baseOffset <= upTo) return segment.sizeInBytes
    const inMemory = this.#tail.locate(upTo)
    return inMemory?.segment === segment ? inMemory.position : segment.positionOf(upTo)
  }

  /** Index of the segment that would hold `offset`. */
  #indexOf(offset: bigint): number {
    let low = 0
    let high = this.#segments.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.#segments[middle]!.baseOffset <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  /** See `PartitionLog.sizeBetween`. */
  sizeBetween(from: bigint, upTo: bigint, logEndOffset: bigint): number {
    if (from >= upTo) return 0
    const first = this.#roughPlace(from, logEndOffset, 'early')
    const last = this.#roughPlace(upTo, logEndOffset, 'late')
    if (first.index === last.index) return Math.max(0, last.position - first.position)
    let size = this.#segments[first.index]!.sizeInBytes - first.position + last.position
    for (let index = first.index + 1; index < last.index; index++) size += this.#segments[index]!.sizeInBytes
    return size
  }

  /** Where an offset lies as far as memory tells; when it does not, rather too early or too late. */
  #roughPlace(
    offset: bigint,
    logEndOffset: bigint,
    side: 'early' | 'late',
  ): { index: number; position: number } {
    const lastIndex = this.#segments.length - 1
    if (offset >= logEndOffset) return { index: lastIndex, position: this.#segments[lastIndex]!.sizeInBytes }
    const known = this.#tail.locate(offset) ?? this.#positions.get(offset)
    if (known) return { index: this.#segments.indexOf(known.segment), position: known.position }
    const index = this.#indexOf(offset)
    const segment = this.#segments[index]!
    if (offset === segment.baseOffset) return { index, position: 0 }
    if (side === 'late') return { index, position: segment.sizeInBytes }
    return { index, position: segment.offsetIndex.isInMemory ? segment.offsetIndex.positionFor(offset) : 0 }
  }

  /** Positions are no longer what they were. */
  forgetPositions(): void {
    this.#positions.clear()
    this.#generation++
  }

  /** Every batch from the one that holds `offset` on, read on the main thread. Each is a buffer of its own. Throws when one is damaged. */
  *batches(offset: bigint): Iterable<Buffer> {
    for (const segment of this.#segments.slice(this.#indexOf(offset))) {
      const scanner = new BatchScanner(segment.file, segment.sizeInBytes, true)
      const from = offset <= segment.baseOffset ? 0 : segment.positionOf(offset)
      let next = offset
      for (let found = scanner.moveTo(from); found; found = scanner.next()) {
        const { bytes, at, size, position } = scanner
        if (!isIntact(bytes, at)) throw this.#damaged(segment, next, position)
        // The scanner reads on into the same memory, and who replays keeps parts of what it gets.
        yield Buffer.from(bytes.subarray(at, at + size))
        next = lastOffset(bytes, at) + 1n
      }
      // Whoever builds a state from it must not take a part for the whole.
      if (scanner.position < segment.sizeInBytes) throw this.#damaged(segment, next, scanner.position)
    }
  }
}

interface FileRead {
  readonly segment: Segment
  readonly position: number
  readonly end: number
  readonly offset: bigint
  readonly maxBytes: number
  readonly atLeastOneBatch: boolean
  /** Of the reader when the read began. */
  readonly generation: number
}

function nothingAt(offset: bigint): FetchedRecords {
  return { buffers: NO_BUFFERS, sizeInBytes: 0, nextOffset: offset }
}
