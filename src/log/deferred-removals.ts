import type { Logger } from '../platform/logger.ts'
import type { Clock, Files, Timer } from '../platform/platform.ts'

/**
 * Removes what has been deleted, some time later, as whoever still reads from it may end first: one path after the other, off the main
 * thread. What cannot be removed is logged.
 */
export class DeferredRemovals {
  readonly #files: Files
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #waiting = new Map<Timer, readonly string[]>()
  /** Never rejects. */
  #removing: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(files: Files, clock: Clock, logger: Logger) {
    this.#files = files
    this.#clock = clock
    this.#logger = logger
  }

  /** Files or folders. Does nothing once it is stopped: the next start removes them. */
  add(paths: readonly string[], delayMs: number): void {
    if (paths.length === 0 || this.#isStopped) return
    const timer = this.#clock.schedule(delayMs, () => {
      this.#waiting.delete(timer)
      this.#remove(paths)
    })
    this.#waiting.set(timer, paths)
  }

  /** Takes nothing more, and begins nothing more by itself. */
  stop(): void {
    this.#isStopped = true
    for (const timer of this.#waiting.keys()) timer.cancel()
  }

  /** Removes all that still waits. For a stop, when nobody reads any more. */
  async finish(): Promise<void> {
    for (const paths of this.#waiting.values()) this.#remove(paths)
    this.#waiting.clear()
    await this.#removing
  }

  /** Resolves when no removal is under way. */
  settled(): Promise<void> {
    return this.#removing
  }

  #remove(paths: readonly string[]): void {
    this.#removing = this.#removing.then(async () => {
      for (const path of paths) {
        try {
          await this.#files.removeDirectory(path)
        } catch (error) {
          this.#logger.error({ path, err: error }, 'cannot remove what was deleted')
        }
      }
    })
  }
}
