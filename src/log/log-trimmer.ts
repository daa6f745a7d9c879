import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import type { LogState } from './log-state.ts'
import type { LogWriter } from './log-writer.ts'
import {
  type DeletableSegments,
  deletableSegments,
  type RetentionRequest,
  segmentsBelowLogStart,
} from './retention.ts'

/** Moves the start of a log: records that are deleted, and segments that are too old or too much. */
export class LogTrimmer {
  readonly #state: LogState
  readonly #writer: LogWriter

  constructor(state: LogState, writer: LogWriter) {
    this.#state = state
    this.#writer = writer
  }

  /** See `PartitionLog`. */
  deleteRecordsBefore(offset: bigint): bigint {
    const { environment, logStartOffset: before } = this.#state
    if (!this.moveStart(offset)) return before
    try {
      environment.logStartMoved()
    } catch (error) {
      throw this.moveBack(before, error)
    }
    return this.removeBelowStart()
  }

  /** Nobody reads below it from here on. False when the log starts there or behind it already. Throws `ApiError`. */
  moveStart(offset: bigint): boolean {
    const { highWatermark, logStartOffset } = this.#state
    if (offset > highWatermark) {
      throw new ApiError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `offset ${offset} is above the high watermark ${highWatermark}`,
      )
    }
    if (offset <= logStartOffset) return false
    this.#state.logStartOffset = offset
    return true
  }

  /** Where the log starts could not be written: it starts where it did. */
  moveBack(before: bigint, error: unknown): ApiError {
    const { environment, directory } = this.#state
    this.#state.logStartOffset = before
    return environment.health.failed('write', directory, 'delete records', error)
  }

  /** To be called when it is written where the log starts. Returns that. */
  removeBelowStart(): bigint {
    const state = this.#state
    const { environment, directory, leaderEpochs } = state
    leaderEpochs.truncateFromStart(state.logStartOffset)
    try {
      leaderEpochs.writeOut()
      // What is too old or too much waits for its time: the client is told the offset that it asked for.
      this.#removeDeletable(segmentsBelowLogStart)
    } catch (error) {
      // The records are deleted; their files go with a later pass.
      environment.health.failed('write', directory, 'remove segments yet', error)
    }
    return state.logStartOffset
  }

  /** Removes the segments that retention lets go; the count of them. */
  enforceRetention(): number {
    return this.#removeDeletable(deletableSegments)
  }

  #removeDeletable(find: (request: RetentionRequest) => DeletableSegments | undefined): number {
    const { isOnDisk, isClosed, isBeingCleaned, segments, environment } = this.#state
    if (!isOnDisk || isClosed || isBeingCleaned) return 0
    let removed = 0
    for (;;) {
      const { config, logStartOffset, nextOffset, highWatermark } = this.#state
      const deletable = find({
        segments: segments.list,
        config,
        logStartOffset,
        logEndOffset: nextOffset,
        highWatermark,
        nowMs: environment.clock.now(),
      })
      if (!deletable) return removed
      // The log's end must stay on disk: an empty segment that begins there takes over.
      if (deletable.count === segments.list.length) this.#writer.roll(nextOffset)
      this.#removeOldest(deletable.count, deletable.reason)
      removed += deletable.count
    }
  }

  #removeOldest(count: number, reason: string): void {
    const state = this.#state
    const { segments, reader, tail, snapshots, leaderEpochs, directory } = state
    try {
      segments.removeFirst(count)
    } finally {
      if (segments.firstOffset > state.logStartOffset) state.logStartOffset = segments.firstOffset
      reader.forgetPositions()
      if (segments.active.sizeInBytes === 0) tail.clear()
    }
    const start = segments.firstOffset
    snapshots.removeOutside(start, state.nextOffset)
    leaderEpochs.truncateFromStart(state.logStartOffset)
    leaderEpochs.writeOut()
    state.environment.logger.info(
      { directory, segments: count, reason, logStartOffset: start },
      'removed old segments',
    )
  }
}
