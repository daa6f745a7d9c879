import type { TopicConfig } from '../config/topic-config.ts'
import type { Random } from '../platform/platform.ts'
import { CleaningAborted } from './cleaner/cleaner-pace.ts'
import type { LogEnvironment } from './log-environment.ts'
import { Segment } from './segment.ts'
import { SegmentSwap } from './segment-swap.ts'

/** The segments of a log, and how they come and go. The list is never empty once the log is loaded. */
export class LogSegments {
  /** Rising by their base offsets; the last one is written to. The array stays the same. */
  readonly list: Segment[] = []
  config: TopicConfig
  readonly #environment: LogEnvironment
  readonly #directory: string
  /** A cleaned segment is in the list, but its files do not have their names yet. */
  #unfinished: SegmentSwap | undefined
  /** A cleaned segment was given up, and its files could not be removed yet. */
  #leftover: Segment | undefined

  constructor(environment: LogEnvironment, directory: string, config: TopicConfig) {
    this.#environment = environment
    this.#directory = directory
    this.config = config
  }

  get active(): Segment {
    return this.list.at(-1)!
  }

  get firstOffset(): bigint {
    return this.list[0]!.baseOffset
  }

  get sizeInBytes(): number {
    let size = 0
    for (const segment of this.list) size += segment.sizeInBytes
    return size
  }

  /** Takes up one whose files are there. */
  addExisting(baseOffset: bigint): void {
    const { openFiles, clock } = this.#environment
    this.list.push(Segment.existing(openFiles, clock, this.#optionsOf(baseOffset)))
  }

  /** Begins one that has no files yet. */
  addFresh(baseOffset: bigint): Segment {
    const { openFiles, clock } = this.#environment
    const segment = Segment.fresh(openFiles, clock, this.#optionsOf(baseOffset))
    this.list.push(segment)
    return segment
  }

  /** Begins the next one, behind one that is sealed. */
  roll(baseOffset: bigint): Segment {
    const { openFiles, clock } = this.#environment
    const segment = Segment.fresh(openFiles, clock, this.#optionsOf(baseOffset))
    segment.file.create()
    this.list.push(segment)
    this.preallocate()
    return segment
  }

  /** With `preallocate` the file of a new segment has its final size at once; it is cut when the segment is full. */
  preallocate(): void {
    if (this.config.preallocate) this.active.preallocate(this.config['segment.bytes'])
  }

  #optionsOf(baseOffset: bigint) {
    const rollJitterMs = drawRollJitterMs(this.config, this.#environment.random)
    return { directory: this.#directory, baseOffset, indexConfig: this.config, rollJitterMs }
  }

  /** Removes the oldest ones; returns how many. One whose files cannot be renamed stays, with those behind it, and the error is thrown. */
  removeFirst(count: number): void {
    const { files, removeLater } = this.#environment
    const paths: string[] = []
    let removed = 0
    try {
      // A crash would bring back what a swap that is half done has yet to remove.
      this.settle()
      for (const segment of this.list.slice(0, count)) {
        segment.file.close()
        paths.push(...segment.rename(files, '.deleted'))
        removed++
      }
    } finally {
      this.list.splice(0, removed)
      removeLater(paths, this.config['file.delete.delay.ms'])
    }
  }

  /** Removes those from an index on, the last one first: where a file cannot be renamed, what is left is still a log. */
  removeFrom(first: number): void {
    const { files } = this.#environment
    for (let index = this.list.length - 1; index >= first; index--) {
      const segment = this.list[index]!
      segment.file.close()
      const paths = segment.rename(files, '.deleted')
      this.list.length = index
      for (const path of paths) files.remove(path)
    }
  }

  /** See `CleanableLog`. */
  beginCleaned(replaced: readonly Segment[]): Segment {
    const { files, openFiles, clock } = this.#environment
    this.settle()
    const { baseOffset } = replaced[0]!
    const { writtenMs } = replaced.at(-1)!
    const cleaned = Segment.fresh(openFiles, clock, {
      directory: this.#directory,
      baseOffset,
      indexConfig: this.config,
      writtenMs,
      suffix: '.cleaned',
    })
    // One that was given up may have left files.
    cleaned.remove(files)
    cleaned.file.create()
    return cleaned
  }

  /** See `CleanableLog`. */
  dropCleaned(cleaned: Segment): void {
    this.#leftover = cleaned
    this.settle()
  }

  /** See `CleanableLog`. Nothing has changed when it throws before the files have their suffix `.swap`; later ones count as replaced. */
  replace(cleaned: Segment, replaced: readonly Segment[]): void {
    const index = this.list.indexOf(replaced[0]!)
    const isThere = replaced.every((segment, at) => this.list[index + at] === segment)
    // A log that was cut writes to a segment again that it had left behind.
    if (index < 0 || !isThere || replaced.includes(this.active)) throw new CleaningAborted()
    const swap = new SegmentSwap(this.#environment.files, cleaned, replaced)
    swap.commit()
    this.list.splice(index, replaced.length, cleaned)
    this.#unfinished = swap
  }

  /** Ends what a file that failed left undone of a swap. May be called again when it throws. */
  settle(): void {
    const { files, removeLater } = this.#environment
    this.#leftover?.remove(files)
    this.#leftover = undefined
    const paths = this.#unfinished?.finish()
    this.#unfinished = undefined
    if (paths) removeLater(paths, this.config['file.delete.delay.ms'])
  }
}

/** Keeps the segments of many logs from being full at the same moment. */
function drawRollJitterMs(config: TopicConfig, random: Random): number {
  const limitMs = Math.min(config['segment.jitter.ms'], config['segment.ms'], 2 ** 31)
  return limitMs > 0 ? random.integer(limitMs) : 0
}
