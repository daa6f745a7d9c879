import type { Clock, Timer } from './platform.ts'

/** A clock that stands still until a test moves it. Timers run in the order in which they are due, then in which they were set. */
export class ManualClock implements Clock {
  #wallMs: number
  #elapsedMs = 0
  /** Sorted by due time; among equals by age. */
  readonly #timers: ManualTimer[] = []
  #soon: (() => void)[] = []

  constructor(startMs = 1_700_000_000_000) {
    this.#wallMs = startMs
  }

  now(): number {
    return this.#wallMs
  }

  elapsedMs(): number {
    return this.#elapsedMs
  }

  schedule(delayMs: number, task: () => void): Timer {
    const timer = new ManualTimer(this.#elapsedMs + Math.max(0, delayMs), task, this.#timers)
    let at = this.#timers.length
    while (at > 0 && this.#timers[at - 1]!.dueMs > timer.dueMs) at--
    this.#timers.splice(at, 0, timer)
    return timer
  }

  /** Runs by itself in the next microtask, or earlier when the clock is moved. */
  soon(task: () => void): void {
    this.#soon.push(task)
    if (this.#soon.length === 1) queueMicrotask(() => this.#runSoon())
  }

  /** Moves time forward and runs all that becomes due on the way, each at its own time. */
  advance(byMs: number): void {
    const endMs = this.#elapsedMs + byMs
    this.#runSoon()
    while (this.#timers[0] && this.#timers[0].dueMs <= endMs) {
      this.#runFirst()
      this.#runSoon()
    }
    this.#moveTo(endMs)
  }

  /** Moves time to the next timer and runs it alone, behind what was to come soon; false when there is none. */
  runNext(): boolean {
    this.#runSoon()
    if (this.#timers.length === 0) return false
    this.#runFirst()
    return true
  }

  #runFirst(): void {
    const next = this.#timers.shift()!
    this.#moveTo(Math.max(next.dueMs, this.#elapsedMs))
    next.task()
  }

  /** When each pending timer is due, in milliseconds from now. */
  pending(): number[] {
    return this.#timers.map((timer) => timer.dueMs - this.#elapsedMs)
  }

  #moveTo(elapsedMs: number): void {
    this.#wallMs += elapsedMs - this.#elapsedMs
    this.#elapsedMs = elapsedMs
  }

  #runSoon(): void {
    while (this.#soon.length > 0) {
      const tasks = this.#soon
      this.#soon = []
      for (const task of tasks) task()
    }
  }
}

class ManualTimer implements Timer {
  readonly dueMs: number
  readonly task: () => void
  readonly #timers: ManualTimer[]

  constructor(dueMs: number, task: () => void, timers: ManualTimer[]) {
    this.dueMs = dueMs
    this.task = task
    this.#timers = timers
  }

  cancel(): void {
    const at = this.#timers.indexOf(this)
    if (at >= 0) this.#timers.splice(at, 1)
  }
}
