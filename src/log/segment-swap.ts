import type { Files } from '../platform/platform.ts'
import type { Segment } from './segment.ts'

/**
 * Puts a cleaned segment in the place of others, in steps of which each leaves files that a start after a crash understands
 * (see `finishSwaps`):
 *
 * 1. `.cleaned` becomes `.swap`, the index files last: as long as one `.cleaned` is left, nothing has happened.
 * 2. The files of the old segments become `.deleted`, the oldest first: what stands for a record that is gone must not go before it.
 * 3. `.swap` is taken off.
 */
export class SegmentSwap {
  readonly #files: Files
  readonly #cleaned: Segment
  readonly #replaced: readonly Segment[]

  constructor(files: Files, cleaned: Segment, replaced: readonly Segment[]) {
    this.#files = files
    this.#cleaned = cleaned
    this.#replaced = replaced
  }

  /** Step 1. When it throws, the old segments are as they were, and the cleaned one has to be removed. */
  commit(): void {
    this.#cleaned.rename(this.#files, '.swap', '.cleaned')
  }

  /** Steps 2 and 3. May be called again when it throws. Returns the paths of the old files. */
  finish(): string[] {
    const paths: string[] = []
    for (const segment of this.#replaced) {
      segment.file.close()
      paths.push(...segment.rename(this.#files, '.deleted'))
    }
    this.#cleaned.rename(this.#files, '', '.swap')
    return paths
  }
}
