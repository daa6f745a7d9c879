import type { Clock, Timer } from '../../platform/platform.ts'

/** Others wait so long at most for the cleaner. */
const TURN_MS = 0.5

/** So many records are looked at before somebody asks whether the turn is over. */
export const RECORDS_PER_STEP = 64

/** A cleaning was given up: the log is closed, or the broker stops. What it had replaced by then stays. */
export class CleaningAborted extends Error {
  override readonly name = 'CleaningAborted'
}

/**
 * How the cleaner shares the machine with those who wait for an answer: it works for half a millisecond at a time, and moves no more
 * bytes in a second than `log.cleaner.io.max.bytes.per.second`.
 */
export class CleanerPace {
  readonly #clock: Clock
  readonly #bytesPerSecond: () => number
  #turnMs: number
  /** When what was moved so far is paid for. */
  #paidMs = 0
  #isStopped = false
  #wait: { readonly timer: Timer; readonly end: () => void } | undefined

  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#turnMs = clock.elapsedMs()
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  get isTurnOver(): boolean {
    return this.#clock.elapsedMs() - this.#turnMs >= TURN_MS
  }

  /** Lets others have their turn. */
  async yield(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.soon(resolve))
    this.#turnMs = this.#clock.elapsedMs()
  }

  /** Bytes were read or written. Waits if that was faster than allowed. */
  async spend(bytes: number): Promise<void> {
    const nowMs = this.#clock.elapsedMs()
    this.#paidMs = Math.max(this.#paidMs, nowMs) + (bytes / this.#bytesPerSecond()) * 1000
    const delayMs = Math.floor(this.#paidMs - nowMs)
    if (delayMs < 1 || this.#isStopped) return
    await new Promise<void>((resolve) => {
      this.#wait = { timer: this.#clock.schedule(delayMs, resolve), end: resolve }
    })
    this.#wait = undefined
    this.#turnMs = this.#clock.elapsedMs()
  }

  /** Ends all waiting. */
  stop(): void {
    this.#isStopped = true
    this.#wait?.timer.cancel()
    this.#wait?.end()
  }
}
