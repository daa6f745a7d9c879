import type { Clock, Timer } from './platform.ts'

/** `setTimeout` takes at most this; a longer delay would fire at once. */
const MAX_DELAY_MS = 0x7fffffff

/** The machine's own clock. */
export function nodeClock(): Clock {
  return {
    now: Date.now,
    elapsedMs: () => performance.now(),
    schedule: (delayMs, task) => new NodeTimer(performance.now() + delayMs, task),
    soon: (task) => {
      setImmediate(task)
    },
  }
}

class NodeTimer implements Timer {
  readonly dueMs: number
  readonly #task: () => void
  #timeout: NodeJS.Timeout

  constructor(dueMs: number, task: () => void) {
    this.dueMs = dueMs
    this.#task = task
    this.#timeout = this.#arm()
  }

  cancel(): void {
    clearTimeout(this.#timeout)
  }

  #arm(): NodeJS.Timeout {
    // Time has gone on since it was asked for.
    const delayMs = Math.max(0, this.dueMs - performance.now())
    if (delayMs <= MAX_DELAY_MS) return setTimeout(this.#task, delayMs).unref()
    return setTimeout(() => {
      this.#timeout = this.#arm()
    }, MAX_DELAY_MS).unref()
  }
}
