import type { Clock, Timer } from './platform.ts'

/** A clock that goes as another one does, until somebody moves it forward: then all that is due on the way comes at once. */
export class MovableClock implements Clock {
  readonly #base: Clock
  readonly #pending = new Set<MovableTimer>()
  #movedMs = 0

  constructor(base: Clock) {
    this.#base = base
  }

  now(): number {
    return Math.floor(this.#base.now() + this.#movedMs)
  }

  elapsedMs(): number {
    return this.#base.elapsedMs() + this.#movedMs
  }

  schedule(delayMs: number, task: () => void): Timer {
    const timer: MovableTimer = {
      dueMs: this.elapsedMs() + Math.max(0, delayMs),
      task,
      armed: undefined,
      cancel: () => {
        this.#pending.delete(timer)
        timer.armed?.cancel()
      },
    }
    this.#pending.add(timer)
    this.#arm(timer)
    return timer
  }

  soon(task: () => void): void {
    this.#base.soon(task)
  }

  /** Moves time forward and runs all that becomes due on the way, each at its own time. */
  advance(byMs: number): void {
    const endMs = this.elapsedMs() + byMs
    for (let next = this.#firstUpTo(endMs); next; next = this.#firstUpTo(endMs)) {
      this.#movedMs += Math.max(0, next.dueMs - this.elapsedMs())
      this.#run(next)
    }
    this.#movedMs += Math.max(0, endMs - this.elapsedMs())
    for (const timer of this.#pending) {
      timer.armed?.cancel()
      this.#arm(timer)
    }
  }

  /** What is due first, the oldest of equals; undefined when that is later. */
  #firstUpTo(endMs: number): MovableTimer | undefined {
    let first: MovableTimer | undefined
    for (const timer of this.#pending) if (!first || timer.dueMs < first.dueMs) first = timer
    return first && first.dueMs <= endMs ? first : undefined
  }

  #arm(timer: MovableTimer): void {
    timer.armed = this.#base.schedule(timer.dueMs - this.elapsedMs(), () => this.#run(timer))
  }

  #run(timer: MovableTimer): void {
    timer.cancel()
    timer.task()
  }
}

interface MovableTimer extends Timer {
  readonly task: () => void
  /** The base clock's timer. */
  armed: Timer | undefined
}
