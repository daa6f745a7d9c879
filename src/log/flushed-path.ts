import type { Files } from '../platform/platform.ts'

/** A small file that is open only while somebody uses it, and whether the device has it as it is. */
export class FlushedPath {
  /** To be set to false with each change, and to true when the file is gone. */
  isFlushed = true
  readonly #files: Files
  readonly #pathOf: () => string

  constructor(files: Files, pathOf: () => string) {
    this.#files = files
    this.#pathOf = pathOf
  }

  /** Resolves when the device has it; a file that is gone needs nothing. What is changed meanwhile needs another flush. */
  async flush(): Promise<void> {
    if (this.isFlushed || !this.#files.exists(this.#pathOf())) return
    this.isFlushed = true
    const file = this.#files.open(this.#pathOf(), 'write')
    try {
      await file.flush()
    } catch (error) {
      this.isFlushed = false
      throw error
    } finally {
      file.close()
    }
  }

  /** The same on the main thread. */
  flushSync(): void {
    if (this.isFlushed || !this.#files.exists(this.#pathOf())) return
    const file = this.#files.open(this.#pathOf(), 'write')
    try {
      file.flushSync()
    } finally {
      file.close()
    }
    this.isFlushed = true
  }
}
