import type { TopicConfig } from '../config/topic-config.ts'
import type { Timer } from '../platform/platform.ts'
import type { LogEnvironment } from './log-environment.ts'
import type { Segment } from './segment.ts'

/** Brings a log to the device: on demand, and as `flush.messages` and `flush.ms` ask for. Knows how far that has come. */
export class LogFlusher {
  readonly #environment: LogEnvironment
  /** The log's own list, which changes as segments come and go. */
  readonly #segments: readonly Segment[]
  #recoveryPoint: bigint
  /** Rises when the log is cut: a flush that began before has flushed what is not there any more. */
  #truncations = 0
  #timer: Timer | undefined

  constructor(environment: LogEnvironment, segments: readonly Segment[], recoveryPoint: bigint) {
    this.#environment = environment
    this.#segments = segments
    this.#recoveryPoint = recoveryPoint
  }

  /** Everything below is on the device: a recovery has to look only at what is behind. */
  get recoveryPoint(): bigint {
    return this.#recoveryPoint
  }

  /** Resolves when all below `upTo` is on the device. */
  async flush(upTo: bigint): Promise<void> {
    if (upTo <= this.#recoveryPoint) return
    const truncations = this.#truncations
    await Promise.all(this.#dirty(upTo).map((segment) => segment.flush()))
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
      for (const segment of this.#dirty(logEndOffset)) segment.file.flushSync()
      this.#flushed(logEndOffset)
    } else if (delayMs < Number.MAX_SAFE_INTEGER && !this.#timer) {
      const { clock, flushInBackground } = this.#environment
      this.#timer = clock.schedule(delayMs, () => {
        this.#timer = undefined
        flushInBackground(flushAll)
      })
    }
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
