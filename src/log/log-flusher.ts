import type { TopicConfig } from '../config/topic-config.ts'
import type { Timer } from '../platform/platform.ts'
import type { LogEnvironment } from './log-environment.ts'
import type { Segment } from './segment.ts'
import { allFlushed, isFlushError } from './storage-error.ts'

/**
 * Brings a log to the device: on demand, and as `flush.messages` and `flush.ms` ask for. Knows how far that has come.
 *
 * When the device refuses once (EIO of fsync), it is not asked again. The kernel tells of a lost write a single time and holds the pages for
 * clean from then on: a second fsync would succeed, and promise what is not there. So the log takes no more records until the broker starts
 * again and checks them; what is in it can be read. Apache Kafka takes the whole directory out of service, and ends when it has no other:
 * with one directory that would cost the readers of all other logs too.
 */
export class LogFlusher {
  readonly #environment: LogEnvironment
  /** The log's own list, which changes as segments come and go. */
  readonly #segments: readonly Segment[]
  #recoveryPoint: bigint
  /** Rises when the log is cut: a flush that began before has flushed what is not there any more. */
  #truncations = 0
  #timer: Timer | undefined
  #failure: Error | undefined

  constructor(environment: LogEnvironment, segments: readonly Segment[], recoveryPoint: bigint) {
    this.#environment = environment
    this.#segments = segments
    this.#recoveryPoint = recoveryPoint
  }

  /** Everything below is on the device: a recovery has to look only at what is behind. */
  get recoveryPoint(): bigint {
    return this.#recoveryPoint
  }

  /** What the device said when it refused: nothing more can be promised then. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Resolves when all below `upTo` is on the device. */
  async flush(upTo: bigint): Promise<void> {
    if (this.#failure) throw this.#failure
    if (upTo <= this.#recoveryPoint) return
    const truncations = this.#truncations
    try {
      await allFlushed(this.#dirty(upTo).map((segment) => segment.flush()))
    } catch (error) {
      throw this.#noted(error)
    }
    // Of two flushes side by side only one is told.
    if (this.#failure) throw this.#failure
    if (truncations === this.#truncations) this.#flushed(upTo)
  }

  /** After an append. With `flush.messages` the answer waits for the device; that is what it is for. */
  appended(config: TopicConfig, logEndOffset: bigint, flushAll: () => Promise<void>): void {
    const messages = config['flush.messages']
    const delayMs = config['flush.ms']
    if (
      messages < Number.MAX_SAFE_INTEGER &&
      logEndOffset - this.#recoveryPoint >= BigInt(Math.ceil(messages))
    ) {
      try {
        for (const segment of this.#dirty(logEndOffset)) segment.file.flushSync()
      } catch (error) {
        throw this.#noted(error)
      }
      this.#flushed(logEndOffset)
    } else if (delayMs < Number.MAX_SAFE_INTEGER && !this.#timer) {
      const { clock, flushInBackground } = this.#environment
      this.#timer = clock.schedule(delayMs, () => {
        this.#timer = undefined
        flushInBackground(flushAll)
      })
    }
  }

  #noted(error: unknown): unknown {
    if (isFlushError(error) && !this.#failure) {
      this.#failure = error
      const { path } = this.#segments.at(-1)!.file
      this.#environment.logger.error(
        { path, err: error },
        'the device did not take what was written: the log takes no records until the broker starts again',
      )
    }
    return error
  }

  /** The log ends earlier now. */
  truncateTo(offset: bigint): void {
    this.#truncations++
    if (this.#recoveryPoint > offset) this.#recoveryPoint = offset
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #dirty(upTo: bigint): Segment[] {
    return this.#segments.filter((segment, index) => {
      const next = this.#segments[index + 1]
      return segment.baseOffset < upTo && (next === undefined || next.baseOffset > this.#recoveryPoint)
    })
  }

  #flushed(upTo: bigint): void {
    if (upTo <= this.#recoveryPoint) return
    this.#recoveryPoint = upTo
    this.#environment.recoveryPointMoved()
  }
}
