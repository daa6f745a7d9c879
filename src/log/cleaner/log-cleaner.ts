import type { Logger } from '../../platform/logger.ts'
import type { Clock, Random, Timer } from '../../platform/platform.ts'
import type { Checkpoints } from '../checkpoints.ts'
import type { Partition } from '../partition.ts'
import { partitionDirectoryName } from '../segment-names.ts'
import type { SegmentedLog } from '../segmented-log.ts'
import { isFileError } from '../storage-error.ts'
import { type CleanableRange, cleanableRange, dirtyRatio, isWorthCleaning } from './cleanable-range.ts'
import { CleanerPace, CleaningAborted } from './cleaner-pace.ts'
import { type CleaningSettings, LogCleaning } from './log-cleaning.ts'

/** The broker's settings of compaction, as they are at the moment of asking. */
export interface CleanerSettings extends CleaningSettings {
  /** `log.cleaner.enable`. */
  readonly isEnabled: boolean
  /** `log.cleaner.backoff.ms`: so long nobody looks when there was nothing to clean. */
  readonly backoffMs: number
  /** `log.cleaner.io.max.bytes.per.second`. */
  readonly maxBytesPerSecond: number
}

export interface LogCleanerOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly checkpoints: Checkpoints
  settings(): CleanerSettings
  /** Partitions of compacted topics that have something on disk. */
  partitions(): Iterable<Partition>
}

interface LogToClean {
  readonly partition: Partition
  readonly log: SegmentedLog
  readonly range: CleanableRange
}

/** Compacts the logs of a broker, one at a time: always the one with the largest share of records that were not looked at yet. */
export class LogCleaner {
  readonly #options: LogCleanerOptions
  readonly #pace: CleanerPace
  #running: Promise<void> = Promise.resolve()
  #timer: Timer | undefined

  constructor(options: LogCleanerOptions) {
    this.#options = options
    this.#pace = new CleanerPace(options.clock, () => options.settings().maxBytesPerSecond)
  }

  /** Looks for work from now on. */
  start(): void {
    const { clock, settings } = this.#options
    if (this.#pace.isStopped || !settings().isEnabled) return
    this.#timer = clock.schedule(settings().backoffMs, () => void this.run().finally(() => this.start()))
  }

  /** Cleans all that is due; resolves when that is done. Never rejects: what cannot be cleaned is logged. */
  run(): Promise<void> {
    this.#running = this.#running
      .then(() => this.#pass())
      .catch((error: unknown) => this.#options.logger.error({ err: error }, 'compaction failed'))
    return this.#running
  }

  /** Gives up what is under way, and resolves when no file is used any more. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#pace.stop()
    await this.#running
  }

  async #pass(): Promise<void> {
    if (!this.#options.settings().isEnabled) return
    /** Logs whose files failed: their turn comes with the next pass. */
    const failed = new Set<Partition>()
    for (;;) {
      const filthiest = await this.#findFilthiest(failed)
      if (!filthiest || this.#pace.isStopped) break
      if (!(await this.#clean(filthiest))) failed.add(filthiest.partition)
    }
    await this.#forEachLog(failed, (_, log) => log.enforceRetention())
  }

  async #findFilthiest(failed: Set<Partition>): Promise<LogToClean | undefined> {
    const { clock, checkpoints } = this.#options
    let found: LogToClean | undefined
    await this.#forEachLog(failed, (partition, log) => {
      const range = cleanableRange(log, checkpoints.cleanedUpTo(nameOf(partition)), clock.now())
      if (range.isCheckpointWrong) checkpoints.noteCleaned(partition, range.firstDirtyOffset)
      if (range.totalBytes === 0 || !isWorthCleaning(range, log)) return
      if (!found || dirtyRatio(range) > dirtyRatio(found.range)) found = { partition, log, range }
    })
    return found
  }

  /** Goes over all logs that can be cleaned. Opens those that nobody has used since the start. */
  async #forEachLog(
    failed: Set<Partition>,
    work: (partition: Partition, log: SegmentedLog) => void,
  ): Promise<void> {
    for (const partition of [...this.#options.partitions()]) {
      if (this.#pace.isStopped) return
      if (!partition.isDeleted && !failed.has(partition)) {
        try {
          const { log } = partition
          if (log.uncleanableReason === undefined) work(partition, log)
        } catch (error) {
          failed.add(partition)
          this.#options.logger.error({ partition: nameOf(partition), err: error }, 'cannot compact yet')
        }
      }
      if (this.#pace.isTurnOver) await this.#pace.yield()
    }
  }

  /** False: it failed, or was given up. */
  async #clean({ partition, log, range }: LogToClean): Promise<boolean> {
    const { clock, random, logger, checkpoints, settings } = this.#options
    const startMs = clock.elapsedMs()
    log.isBeingCleaned = true
    try {
      const tools = { clock, random, logger, pace: this.#pace, settings: settings() }
      const report = await new LogCleaning(log, range, tools).run()
      // What the checkpoint says has to be true on the device.
      await log.flushNames()
      if (!log.isClosed) checkpoints.noteCleaned(partition, report.cleanedUpTo)
      const { firstDirtyOffset: from } = range
      const durationMs = Math.round(clock.elapsedMs() - startMs)
      logger.info({ partition: nameOf(partition), from, ...report, durationMs }, 'compacted a log')
      return true
    } catch (error) {
      this.#failed(partition, log, error)
      return false
    } finally {
      log.isBeingCleaned = false
    }
  }

  #failed(partition: Partition, log: SegmentedLog, error: unknown): void {
    if (error instanceof CleaningAborted || log.isClosed) return
    const { logger } = this.#options
    const facts = { partition: nameOf(partition), err: error }
    if (isFileError(error)) logger.error(facts, 'cannot compact yet')
    else {
      log.uncleanableReason = (error as Error).message
      logger.error(facts, 'cannot be compacted: the partition is left as it is until the broker starts again')
    }
  }
}

function nameOf({ topic, partition }: Partition): string {
  return partitionDirectoryName(topic, partition)
}
