import type { Logger } from '../platform/logger.ts'
import type { OffsetCheckpoint } from './checkpoint-file.ts'
import type { CheckpointName, DataDirectory } from './data-directory.ts'
import type { Partition } from './partition.ts'
import type { SegmentedLog } from './segmented-log.ts'

/** What it means that a checkpoint is damaged. */
const LOST: Readonly<Record<CheckpointName, string>> = {
  'recovery-point-offset-checkpoint':
    'a checkpoint is damaged: after a crash all logs are recovered from their start',
  'log-start-offset-checkpoint':
    'a checkpoint is damaged: logs start with their first segment, and deleted records in it are back',
  'replication-offset-checkpoint': 'a checkpoint is damaged: high watermarks begin anew',
  'cleaner-offset-checkpoint': 'a checkpoint is damaged: logs are compacted from their start',
}

/**
 * The offsets that are kept beside the logs: up to where each is known to be on the device, where it starts after records were deleted,
 * its high watermark, and up to where it has been compacted. What was read at start stays valid for logs that nobody has opened.
 */
export class Checkpoints {
  readonly #directory: DataDirectory
  readonly #recoveryPoints: OffsetCheckpoint
  readonly #logStarts: OffsetCheckpoint
  readonly #highWatermarks: OffsetCheckpoint
  readonly #cleaned: OffsetCheckpoint
  /** Partitions that are gone, but that the files may still tell of. */
  readonly #forgotten = new Set<string>()

  constructor(directory: DataDirectory, logger: Logger) {
    const read = (name: CheckpointName): OffsetCheckpoint => {
      const checkpoint = directory.readCheckpoint(name)
      if (!checkpoint) logger.warn({ path: `${directory.path}/${name}` }, LOST[name])
      return checkpoint ?? new Map()
    }
    this.#directory = directory
    this.#recoveryPoints = read('recovery-point-offset-checkpoint')
    this.#logStarts = read('log-start-offset-checkpoint')
    this.#highWatermarks = read('replication-offset-checkpoint')
    this.#cleaned = read('cleaner-offset-checkpoint')
  }

  /** Of all partitions that the file knew at the start, by name. */
  *recoveryPoints(): Generator<[name: string, offset: bigint]> {
    for (const [key, { offset }] of this.#recoveryPoints) yield [key, offset]
  }

  recoveryPoint(key: string): bigint {
    return this.#recoveryPoints.get(key)?.offset ?? 0n
  }

  logStartOffset(key: string): bigint {
    return this.#logStarts.get(key)?.offset ?? 0n
  }

  /** Up to where a log has been compacted; undefined when it never was. */
  cleanedUpTo(key: string): bigint | undefined {
    return this.#cleaned.get(key)?.offset
  }

  /** A log has been compacted up to an offset. Written at once; if a crash loses it, it is compacted once more. */
  noteCleaned({ topic, partition }: Partition, offset: bigint): void {
    this.#cleaned.set(`${topic}-${partition}`, { topic, partition, offset })
    this.#directory.writeCheckpointNow('cleaner-offset-checkpoint', this.#cleaned.values())
  }

  /** The partition is gone; one of the same name must not inherit. */
  forget(key: string): void {
    for (const known of [this.#recoveryPoints, this.#logStarts, this.#highWatermarks, this.#cleaned]) {
      if (known.delete(key)) this.#forgotten.add(key)
    }
  }

  /**
   * A partition begins with nothing on disk. What the files tell of an earlier one of its name has to go before the first record comes:
   * after a crash that would be taken for deleted, or for flushed.
   */
  beginAnew(key: string): void {
    this.forget(key)
    if (!this.#forgotten.has(key)) return
    this.#directory.writeCheckpointNow('recovery-point-offset-checkpoint', this.#recoveryPoints.values())
    this.#directory.writeCheckpointSync('log-start-offset-checkpoint', this.#logStarts.values())
    this.#directory.writeCheckpointNow('replication-offset-checkpoint', this.#highWatermarks.values())
    this.#directory.writeCheckpointNow('cleaner-offset-checkpoint', this.#cleaned.values())
    this.#forgotten.clear()
  }

  /** Writes all of them and waits for the device. */
  async write(partitions: Iterable<Partition>): Promise<void> {
    this.#takeOver(partitions)
    await Promise.all([
      this.#directory.writeCheckpoint('recovery-point-offset-checkpoint', this.#recoveryPoints.values()),
      this.#directory.writeCheckpoint('log-start-offset-checkpoint', this.#logStarts.values()),
      this.#directory.writeCheckpoint('replication-offset-checkpoint', this.#highWatermarks.values()),
    ])
  }

  /** Writes where the logs start, at once, and to the device: nothing else tells, and it is the only place for all logs. */
  writeLogStarts(partitions: Iterable<Partition>): void {
    this.#takeOver(partitions)
    this.#directory.writeCheckpointSync('log-start-offset-checkpoint', this.#logStarts.values())
  }

  #takeOver(partitions: Iterable<Partition>): void {
    for (const { topic, partition, openLog } of partitions) {
      if (!openLog?.isOnDisk) continue
      const key = `${topic}-${partition}`
      this.#recoveryPoints.set(key, { topic, partition, offset: openLog.recoveryPoint })
      this.#highWatermarks.set(key, { topic, partition, offset: openLog.highWatermark })
      // A start that the names of the files do not tell; or did not once: a loss of power may bring back files that were removed since.
      if (startsWithin(openLog) || this.#logStarts.has(key))
        this.#logStarts.set(key, { topic, partition, offset: openLog.logStartOffset })
    }
  }
}

function startsWithin(log: SegmentedLog): boolean {
  return log.logStartOffset > log.firstSegmentOffset
}
