import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { batchSizeInBytes } from '../protocol/record-batch.ts'
import { extentOf } from './batch-run.ts'
import { learnProducer, restoreProducers } from './log-replay.ts'
import type { LogState } from './log-state.ts'
import { flushPartitionFolder, makePartitionFolder } from './partition-folders.ts'
import type { Segment } from './segment.ts'

/** Changes the end of a log: everything of an append behind validation, rolling, and cutting. */
export class LogWriter {
  readonly #state: LogState
  /** A failed write may have left bytes behind the end, and they could not be cut off yet. */
  #hasDebris = false
  /** A failed append, from this offset on, could not be taken back yet. */
  #takeBackFrom: bigint | undefined

  constructor(state: LogState) {
    this.#state = state
  }

  /** Bytes first, then what is known about them. Returns the last offset. Throws `ApiError`; nothing has changed then. */
  write(bytes: Buffer, base: bigint, leaderEpoch: number): bigint {
    const { config, segments, leaderEpochs, environment, tail, producers, flusher } = this.#state
    if (bytes.length > config['segment.bytes']) {
      throw new ApiError(
        ErrorCode.RECORD_LIST_TOO_LARGE,
        `${bytes.length} bytes are more than segment.bytes ${config['segment.bytes']}`,
      )
    }
    if (flusher.failure) {
      throw environment.health.failed(
        'write',
        this.#state.directory,
        'append before a restart',
        flusher.failure,
      )
    }
    const { lastOffset: last, maxTimestamp: timestamp } = extentOf(bytes)
    let segment = segments.active
    let position: number
    try {
      this.cutDebris()
      if (!this.#state.isOnDisk) this.#makeDirectory()
      if (leaderEpoch !== leaderEpochs.latestEpoch) leaderEpochs.assign(leaderEpoch, base)
      leaderEpochs.writeOut()
      if (segment.isFullFor(config, bytes.length, last, timestamp, environment.clock.now())) {
        segment = this.roll(base)
      }
      position = segment.sizeInBytes
      segment.append(bytes, timestamp)
      if (timestamp < 0n) segment.writtenMs = environment.clock.now()
    } catch (error) {
      throw this.#failed(error)
    }
    this.#state.nextOffset = last + 1n
    try {
      tail.append(segment, position, bytes, base, last + 1n)
      for (let at = 0; at < bytes.length; at += batchSizeInBytes(bytes, at)) {
        learnProducer(producers, bytes, at, segment)
      }
      flusher.appended(config, last + 1n, () => this.#state.flush(this.#state.nextOffset))
    } catch (error) {
      throw this.#takenBack(base, error)
    }
    if (environment.health.isTroubled) environment.health.worked('write')
    return last
  }

  /** A batch that was there already is answered like a new one. The process that wrote it may have died before it flushed. */
  flushAsAppended(): void {
    const { config, flusher, nextOffset, environment, directory } = this.#state
    try {
      flusher.appended(config, nextOffset, () => this.#state.flush(this.#state.nextOffset))
    } catch (error) {
      throw environment.health.failed('write', directory, 'flush what was there', error)
    }
  }

  #makeDirectory(): void {
    const { environment, directory, topicId, segments, flusher } = this.#state
    const { files, flushInBackground } = environment
    flusher.isFolderNew = true
    makePartitionFolder(files, directory, topicId)
    flushInBackground(async () => {
      await flushPartitionFolder(files, directory)
      await flusher.flushFolder()
    })
    this.#state.isOnDisk = true
    segments.preallocate()
  }

  /** Leaves the log as it was before a write that failed, and turns the error into the one that clients know. */
  #failed(error: unknown): ApiError {
    const { environment, directory } = this.#state
    const failure = environment.health.failed('write', directory, 'append', error)
    // What has been there without us is not for us to cut off.
    if (!this.#state.isOnDisk) return failure
    this.#hasDebris = true
    try {
      this.cutDebris()
    } catch (cutError) {
      environment.health.failed('write', directory, 'cut off a failed append yet', cutError)
    }
    return failure
  }

  /** What was written could not be brought to the device, or noted: nobody has seen it yet, so it goes again. */
  #takenBack(base: bigint, error: unknown): ApiError {
    const { environment, directory } = this.#state
    const failure = environment.health.failed('write', directory, 'append', error)
    this.#takeBackFrom = base
    try {
      this.takeBack()
    } catch {
      // It is in the log of the broker; the next append tries again.
    }
    return failure
  }

  /**
   * Cuts off what a failed append left behind, if that could not be done at once. To be called in front of an append: a producer that
   * repeats the batch would be told that it is there, and a crash may disprove that. Throws `ApiError`.
   */
  takeBack(): void {
    if (this.#takeBackFrom === undefined) return
    const { environment, directory } = this.#state
    try {
      this.truncateTo(this.#takeBackFrom)
      flushCut(this.#state.segments.active)
      this.#takeBackFrom = undefined
    } catch (error) {
      throw environment.health.failed('write', directory, 'take a failed append back', error)
    }
  }

  /** Behind a clean stop nobody looks for it, and what came after it would not be found. */
  cutDebris(): void {
    if (!this.#hasDebris) return
    const { segments, environment } = this.#state
    const segment = segments.active
    if (segment.sizeInBytes > 0 || environment.files.exists(segment.file.path)) {
      segment.cutToSize()
      flushCut(segment)
    }
    this.#hasDebris = false
  }

  /** Ends the segment that is written to and begins one at `base`. */
  roll(base: bigint): Segment {
    const { segments, snapshots, producers, environment, flusher } = this.#state
    const full = segments.active
    full.seal()
    flusher.sealed(full, base)
    snapshots.write(base, producers)
    const segment = segments.roll(base)
    environment.flushInBackground(async () => {
      await this.#state.flush(base)
      full.file.close()
    })
    return segment
  }

  /** Cuts off all from `offset` on. */
  truncateTo(offset: bigint): void {
    const state = this.#state
    const { segments, flusher, tail, reader, leaderEpochs, snapshots, producers, environment } = state
    if (offset >= state.nextOffset) return
    // One that begins there stays, empty: it may be all that tells where the log goes on.
    const first = segments.list.findIndex((segment) => segment.baseOffset > offset)
    if (first >= 0) segments.removeFrom(first)
    const last = segments.list.at(-1)
    if (last) {
      last.activate()
      last.truncateTo(offset)
    } else segments.addFresh(offset)
    state.nextOffset = offset
    if (state.logStartOffset > offset) state.logStartOffset = offset
    if (state.highWatermark > offset) state.highWatermark = offset
    flusher.truncateTo(offset)
    tail.clear()
    reader.forgetPositions()
    leaderEpochs.truncateFromEnd(offset)
    if (state.isOnDisk) leaderEpochs.writeOut()
    snapshots.removeOutside(0n, offset)
    restoreProducers(environment, segments.list, producers, snapshots, offset)
  }

  /** Forgets all records; the log goes on behind them. */
  beginAt(offset: bigint): void {
    this.truncateTo(this.#state.segments.firstOffset)
    const { segments, leaderEpochs } = this.#state
    segments.removeFrom(0)
    segments.addFresh(offset)
    leaderEpochs.clear()
    this.#state.nextOffset = offset
    this.#state.logStartOffset = offset
    this.#state.highWatermark = offset
  }
}

/**
 * What was cut off must not come back with a loss of power: a recovery would end the log there, in front of what was flushed later. Once
 * the segment is full nobody flushes it again.
 */
function flushCut(segment: Segment): void {
  segment.file.flushSync()
}
