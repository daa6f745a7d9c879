import type { TopicConfig } from '../config/topic-config.ts'
import type { Timer } from '../platform/platform.ts'
import type { LogEnvironment } from './log-environment.ts'
import type { Segment } from './segment.ts'
import { allFlushed, isFlushError } from './storage-error.ts'

/** How a log was found at its opening. */
export interface FoundLog {
  readonly recoveryPoint: bigint
  /** The last shutdown was clean. */
  readonly isClean: boolean
}

/**
 * Brings a log to the device: on demand, and as `flush.messages` and `flush.ms` ask for. Knows how far that has come.
 *
 * When the device refuses once (EIO of fsync), it is not asked again. The kernel tells of a lost write a single time and holds the pages for
 * clean from then on: a second fsync would succeed, and promise what is not there. So the log takes no more records until the broker starts
 * again and checks them; what is in it can be read. Apache Kafka takes the whole directory out of service, and ends when it has no other:
 * with one directory that would cost the readers of all other logs too.
 */
export class LogFlusher {
  readonly #environment: LogEnvironment
  /** The log's own list, which changes as segments come and go. */
  readonly #segments: readonly Segment[]
  #recoveryPoint: bigint
  /** Full segments whose indexes got their last entries, and have not been flushed since. */
  readonly #sealed = new Set<Segment>()
  /** Rises when the log is cut: a flush that began before has flushed what is not there any more. */
  #truncations = 0
  #timer: Timer | undefined
  #failure: Error | undefined
  readonly #directory: string
  /** The segments as they were when names were brought to the device last: others have come and gone since. */
  #named: readonly Segment[]
  /** The folder itself is so new that it may not have its name there. */
  isFolderNew = false
  /** Something was written, cut or begun since the log was opened, or built anew when it was. */
  #isTouched: boolean

  constructor(environment: LogEnvironment, directory: string, segments: readonly Segment[], found: FoundLog) {
    this.#environment = environment
    this.#directory = directory
    this.#segments = segments
    this.#recoveryPoint = found.recoveryPoint
    this.#named = found.isClean ? [...segments] : []
    // A recovery has built the indexes of the last segment, also where no records have come or gone.
    this.#isTouched = !found.isClean
  }

  /** Everything below is on the device: a recovery has to look only at what is behind. */
  get recoveryPoint(): bigint {
    const sealed = this.#sealed.size === 0 ? undefined : this.#segments.find((one) => this.#sealed.has(one))
    return sealed && sealed.baseOffset < this.#recoveryPoint ? sealed.baseOffset : this.#recoveryPoint
  }

  /** What the device said when it refused: nothing more can be promised then. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Resolves when all below `upTo` is on the device. */
  flush(upTo: bigint): Promise<void> {
    return this.#flush(upTo, (segment) => segment.flush(), true)
  }

  /** The same without the indexes, which a recovery builds anew: nobody who waits for it waits for more than one file. */
  flushRecords(upTo: bigint): Promise<void> {
    return this.#flush(upTo, (segment) => segment.file.flush(), false)
  }

  /**
   * A segment is full, and the log goes on behind it. Where its records are on the device already, a checkpoint may say so too: a recovery
   * would not look at it again, so its indexes have to be there at once. Else they go with the next flush of the whole segment.
   */
  sealed(segment: Segment, end: bigint): void {
    this.#isTouched = true
    try {
      if (this.#recoveryPoint >= end) segment.flushIndexesSync()
      else this.#sealed.add(segment)
    } catch (error) {
      throw this.#noted(error)
    }
  }

  async #flush(
    upTo: bigint,
    flushSegment: (segment: Segment) => Promise<void>,
    hasIndexes: boolean,
  ): Promise<void> {
    if (this.#failure) throw this.#failure
    if (upTo <= this.recoveryPoint) return
    const truncations = this.#truncations
    const sealed = hasIndexes ? [...this.#sealed] : []
    try {
      await allFlushed([...this.#dirty(upTo).map(flushSegment), ...this.#flushNames()])
    } catch (error) {
      throw this.#noted(error)
    }
    // Of two flushes side by side only one is told.
    if (this.#failure) throw this.#failure
    // With those that are gone by now.
    for (const segment of sealed) if (segment.baseOffset < upTo) this.#sealed.delete(segment)
    if (truncations === this.#truncations) this.#flushed(upTo)
  }

  /** After an append. With `flush.messages` the answer waits for the device; that is what it is for. */
  appended(config: TopicConfig, logEndOffset: bigint, flushAll: () => Promise<void>): void {
    this.#isTouched = true
    const messages = config['flush.messages']
    const delayMs = config['flush.ms']
    if (
      messages < Number.MAX_SAFE_INTEGER &&
      logEndOffset - this.#recoveryPoint >= BigInt(Math.ceil(messages))
    ) {
      try {
        for (const segment of this.#dirty(logEndOffset)) segment.file.flushSync()
        if (!this.#areNamed || this.isFolderNew) this.#flushNamesSync()
      } catch (error) {
        throw this.#noted(error)
      }
      this.#flushed(logEndOffset)
    } else if (delayMs < Number.MAX_SAFE_INTEGER && !this.#timer) {
      const { clock, flushInBackground } = this.#environment
      this.#timer = clock.schedule(delayMs, () => {
        this.#timer = undefined
        flushInBackground(flushAll)
      })
    }
  }

  /**
   * For a clean stop: with the indexes of the last segment, and with the names of files that a process which was killed has left. Does
   * nothing when nothing has changed.
   */
  async flushForStop(upTo: bigint): Promise<void> {
    const hasChanged = this.#isTouched || upTo > this.recoveryPoint
    if (hasChanged) await this.flush(upTo)
    try {
      if (hasChanged) await this.#segments.at(-1)!.flushIndexes()
      await allFlushed(this.#flushNames())
    } catch (error) {
      throw this.#noted(error)
    }
  }

  /** Resolves when all files have on the device the names that they have now, in their folder. */
  async flushFolder(): Promise<void> {
    const { files } = this.#environment
    // The last one may have no file yet: what was to be its first append has failed.
    const segments = this.#segments.filter(
      ({ file }, index) => index < this.#segments.length - 1 || files.exists(file.path),
    )
    await files.flushDirectory(this.#directory)
    this.#named = segments
  }

  /** What is on the device has to be found there too, and what is gone must not come back without its records. */
  #flushNames(): Promise<void>[] {
    const flushes: Promise<void>[] = []
    if (!this.#areNamed) flushes.push(this.flushFolder())
    if (this.isFolderNew) flushes.push(this.#flushFolderName())
    return flushes
  }

  async #flushFolderName(): Promise<void> {
    await this.#environment.flushFolderNames()
    this.isFolderNew = false
  }

  #flushNamesSync(): void {
    const { files, flushFolderNamesSync } = this.#environment
    if (!this.#areNamed) files.flushDirectorySync(this.#directory)
    this.#named = [...this.#segments]
    if (this.isFolderNew) flushFolderNamesSync()
    this.isFolderNew = false
  }

  get #areNamed(): boolean {
    const named = this.#named
    return (
      this.#segments.length === named.length && this.#segments.every((segment, at) => segment === named[at])
    )
  }

  #noted(error: unknown): unknown {
    if (isFlushError(error) && !this.#failure) {
      this.#failure = error
      const { path } = this.#segments.at(-1)!.file
      this.#environment.logger.error(
        { path, err: error },
        'the device did not take what was written: the log takes no records until the broker starts again',
      )
    }
    return error
  }

  /** The log ends earlier now. */
  truncateTo(offset: bigint): void {
    this.#isTouched = true
    this.#truncations++
    if (this.#recoveryPoint > offset) this.#recoveryPoint = offset
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #dirty(upTo: bigint): Segment[] {
    return this.#segments.filter((segment, index) => {
      const next = this.#segments[index + 1]
      const isDirty = next === undefined || next.baseOffset > this.#recoveryPoint || this.#sealed.has(segment)
      return segment.baseOffset < upTo && isDirty
    })
  }

  #flushed(upTo: bigint): void {
    if (upTo > this.#recoveryPoint) this.#recoveryPoint = upTo
    this.#environment.recoveryPointMoved()
  }
}
