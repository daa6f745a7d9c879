/** Flushes for all who ask: those who come while one flush is under way share the next, as it covers what they have written (group commit). */
export class SharedFlush {
  readonly #flush: () => Promise<void>
  #running: Promise<void> | undefined
  /** For those who came after the one that is under way had begun. */
  #next: Promise<void> | undefined

  constructor(flush: () => Promise<void>) {
    this.#flush = flush
  }

  /** Resolves when all is on the device that was written before the call. Rejects with what the flush says. */
  run(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#flush().finally(() => {
        this.#running = undefined
      })
      return this.#running
    }
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        return this.run()
      })
    return this.#next
  }
}
