import type { TopicConfig } from '../config/topic-config.ts'
import type { Logger } from '../platform/logger.ts'
import type { Clock, Random, Timer } from '../platform/platform.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { Checkpoints } from './checkpoints.ts'
import { type CleanerSettings, LogCleaner } from './cleaner/log-cleaner.ts'
import { closeLogs } from './close-logs.ts'
import type { DataDirectory } from './data-directory.ts'
import { DeferredRemovals } from './deferred-removals.ts'
import { type Deletion, deleteRecords } from './delete-records.ts'
import type { LogEnvironment } from './log-environment.ts'
import { TailMemory } from './log-tail.ts'
import { OpenFiles } from './open-files.ts'
import { Partition, type PartitionAssignment } from './partition.ts'
import { PartitionFolders } from './partition-folders.ts'
import { ReadBuffers } from './read-buffers.ts'
import { RecoveryProgress, type RecoveryReport } from './recovery-progress.ts'
import { SegmentedLog } from './segmented-log.ts'
import { SharedFlush } from './shared-flush.ts'
import { DamagedLogError, isFileError } from './storage-error.ts'
import { StorageHealth } from './storage-health.ts'

/** The broker settings that concern storage, as they are at the moment of asking. */
export interface StorageSettings {
  readonly retentionCheckIntervalMs: number
  readonly initialTaskDelayMs: number
  readonly flushOffsetCheckpointIntervalMs: number
  readonly segmentDeleteDelayMs: number
  readonly producerIdExpirationMs: number
  readonly cleaner: CleanerSettings
}

export interface PartitionsOptions {
  readonly directory: DataDirectory
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  settings(): StorageSettings
}

const METADATA_TOPIC = '__cluster_metadata'
/** Kafka's fixed id of the metadata topic. */
export const METADATA_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
/** A pass over many partitions lets others have their turn after so many milliseconds. */
const TURN_MS = 20
/**
 * All partitions of a broker, and what is done for all of them together: opening after a restart, retention, compaction, checkpoints,
 * stopping.
 * There is one timer for each of these, none per partition.
 */
export class Partitions {
  /** Whoever has sent what a read gave may give its memory back here. */
  readonly readBuffers = new ReadBuffers()
  readonly #options: PartitionsOptions
  readonly #environment: LogEnvironment
  readonly #folders: PartitionFolders
  readonly #checkpoints: Checkpoints
  readonly #cleaner: LogCleaner
  readonly #progress: RecoveryProgress
  readonly #topics = new Map<string, Partition[]>()
  readonly #topicNames = new Map<string, string>()
  #metadata: Partition | undefined
  #retentionTimer: Timer | undefined
  #checkpointTimer: Timer | undefined
  readonly #removals: DeferredRemovals
  /** Logs that are damaged, by the names of their folders: looking again would not help, and would take as long. */
  readonly #damaged = new Map<string, DamagedLogError>()
  readonly #folderNames: SharedFlush
  #flushes: Promise<void> = Promise.resolve()
  #isStopped = false
  /** All logs that a crash left have been recovered. */
  #isRecovered = true

  constructor(options: PartitionsOptions) {
    const { directory, clock, random, logger } = options
    this.#options = options
    this.#folders = new PartitionFolders(directory, random, logger)
    this.#checkpoints = new Checkpoints(directory, logger)
    this.#progress = new RecoveryProgress(clock, logger)
    this.#removals = new DeferredRemovals(directory.files, clock, logger)
    this.#folderNames = new SharedFlush(() => directory.files.flushDirectory(directory.path))
    this.#cleaner = new LogCleaner({
      clock,
      random,
      logger,
      checkpoints: this.#checkpoints,
      settings: () => options.settings().cleaner,
      partitions: () => this.#onDisk().filter(({ config }) => isCompacted(config)),
    })
    this.#environment = {
      files: directory.files,
      clock,
      random,
      logger,
      openFiles: new OpenFiles(directory.files),
      tailMemory: new TailMemory(),
      readBuffers: this.readBuffers,
      health: new StorageHealth(clock, logger),
      producerIdExpirationMs: () => options.settings().producerIdExpirationMs,
      removeLater: (paths, delayMs) => this.#removals.add(paths, delayMs),
      flushInBackground: (flush) => this.#flushInBackground(flush),
      flushFolderNames: () => this.#folderNames.run(),
      flushFolderNamesSync: () => directory.files.flushDirectorySync(directory.path),
      recoveryPointMoved: () => this.#armCheckpoint(),
      logStartMoved: () => this.#checkpoints.writeLogStarts(this.all()),
      recovered: (bytes) => this.#progress.addBytes(bytes),
    }
  }

  get(topic: string, partition: number): Partition | undefined {
    return this.#topics.get(topic)?.[partition]
  }

  byTopicId(topicId: string, partition: number): Partition | undefined {
    const topic = this.#topicNames.get(topicId)
    return topic === undefined ? undefined : this.get(topic, partition)
  }

  /** The partitions of a topic that are on this broker. */
  ofTopic(topic: string): readonly Partition[] {
    return this.#topics.get(topic)?.filter((partition) => partition !== undefined) ?? []
  }

  /** All but the metadata log. */
  *all(): Generator<Partition> {
    for (const partitions of this.#topics.values()) {
      for (const partition of partitions) if (partition) yield partition
    }
  }

  /** Folder of the logs, and the room on its volume in bytes. */
  describeDirectory(): { readonly path: string; readonly totalBytes: number; readonly usableBytes: number } {
    const { files, path } = this.#options.directory
    return { path, ...files.space(path) }
  }

  /** Bytes in a partition's segments. Does not open a log for that: with many it would take long. */
  sizeInBytes(partition: Partition): number {
    return partition.openLog?.sizeInBytes ?? this.#folders.sizeInBytes(nameOf(partition))
  }

  /** The log of the metadata, which is there before anything is known of topics. It is not part of `all()`. */
  openMetadataLog(config: TopicConfig): Partition {
    this.#metadata ??= new Partition(
      {
        topic: METADATA_TOPIC,
        partition: 0,
        topicId: METADATA_TOPIC_ID,
        leaderEpoch: 0,
        partitionEpoch: 0,
        replicas: [],
        isr: [],
        config,
      },
      (partition) => this.#openLog(partition),
    )
    return this.#metadata
  }

  /**
   * Takes up the partitions that the metadata gives this broker. After a clean shutdown their logs open when they are used; after a crash
   * all are recovered here, with a report every second when it takes longer than one. Begins the background work.
   */
  async start(
    assignments: Iterable<PartitionAssignment>,
    onProgress?: (report: RecoveryReport) => void,
  ): Promise<RecoveryReport> {
    for (const assignment of assignments) this.create(assignment)
    const { directory, settings } = this.#options
    this.#tellMissingFolders()
    this.#folders.putAsideStrays((name) => name === `${METADATA_TOPIC}-0` || this.#isAssigned(name))
    this.#removals.add(this.#folders.deleted, settings().segmentDeleteDelayMs)
    if (!directory.wasCleanShutdown) {
      this.#progress.onReport = onProgress
      await this.#recover()
    }
    this.#armRetention(settings().initialTaskDelayMs)
    this.#cleaner.start()
    return this.#progress.report()
  }

  #isAssigned(folder: string): boolean {
    const at = folder.lastIndexOf('-')
    return this.get(folder.slice(0, at), Number(folder.slice(at + 1))) !== undefined
  }

  async #recover(): Promise<void> {
    // Only read so far: should its repair fail, a stop must not call it clean.
    this.#metadata?.log.describe()
    const found = Array.from(this.all()).filter((partition) => this.#folders.has(nameOf(partition)))
    this.#progress.begin(found.length)
    await this.#inTurns(found, (partition) => {
      this.#recoverOne(partition)
      this.#progress.recoveredPartitions++
      this.#progress.reportIfDue()
    })
  }

  /** A log that is damaged, or whose files cannot be used, is left out; all others are served. It has been told. */
  #recoverOne(partition: Partition): void {
    try {
      partition.log.describe()
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== ErrorCode.KAFKA_STORAGE_ERROR) throw error
      this.#isRecovered = false
    }
  }

  /** Partitions that had records on the device when the last broker stopped, and have no folder now. */
  #tellMissingFolders(): void {
    const { directory, logger } = this.#options
    // After a crash the checkpoint may still tell of topics that were deleted.
    if (!directory.wasCleanShutdown) return
    for (const [name, offset] of this.#checkpoints.recoveryPoints()) {
      if (offset > 0n && this.#isAssigned(name) && !this.#folders.has(name))
        logger.warn(
          { partition: name, from: 0n, to: offset - 1n },
          'the folder of a partition is missing, it begins anew',
        )
    }
  }

  /** Does something for each, and lets others have their turn in between. */
  async #inTurns(partitions: readonly Partition[], work: (partition: Partition) => void): Promise<void> {
    const { clock } = this.#options
    let turnMs = clock.elapsedMs()
    for (const partition of partitions) {
      work(partition)
      if (clock.elapsedMs() - turnMs < TURN_MS) continue
      await new Promise<void>((resolve) => clock.soon(resolve))
      turnMs = clock.elapsedMs()
    }
  }

  /** A new partition: an entry in memory; its folder comes with the first append. */
  create(assignment: PartitionAssignment): Partition {
    const { topic, partition: index, topicId } = assignment
    const partition = new Partition(assignment, (opened) => this.#openLog(opened))
    let partitions = this.#topics.get(topic)
    if (!partitions) {
      partitions = []
      this.#topics.set(topic, partitions)
      this.#topicNames.set(topicId, topic)
    }
    partitions[index] = partition
    return partition
  }

  #openLog(partition: Partition): SegmentedLog {
    const { directory } = this.#options
    const name = nameOf(partition)
    const path = this.#folders.path(name)
    const known = this.#damaged.get(name)
    if (known) throw known
    try {
      const isOnDisk = this.#folders.claim(name, partition.topicId)
      if (!isOnDisk) this.#checkpoints.beginAnew(name)
      return new SegmentedLog(this.#environment, {
        directory: path,
        topicId: partition.topicId,
        config: partition.config,
        isOnDisk,
        logStartOffset: this.#checkpoints.logStartOffset(name),
        recoveryPoint: this.#checkpoints.recoveryPoint(name),
        isClean: directory.wasCleanShutdown,
      })
    } catch (error) {
      if (isFileError(error)) throw this.#environment.health.failed('read', path, 'open the log', error)
      if (error instanceof DamagedLogError) {
        this.#damaged.set(name, error)
        this.#options.logger.error({ partition: name }, error.message)
      }
      throw error
    }
  }

  /** DeleteRecords: see `deleteRecords`. */
  deleteRecords(deletions: readonly Deletion[]): (bigint | ApiError)[] {
    return deleteRecords(deletions, () => this.#checkpoints.writeLogStarts(this.all()))
  }

  /** Removes a topic: its folders are renamed now and removed later, as whoever still reads from them may end first. */
  delete(topic: string): void {
    const partitions = this.ofTopic(topic)
    this.#topics.delete(topic)
    const paths: string[] = []
    for (const partition of partitions) {
      this.#topicNames.delete(partition.topicId)
      this.#checkpoints.forget(nameOf(partition))
      this.#damaged.delete(nameOf(partition))
      partition.markDeleted()
      try {
        const path = this.#folders.detach(topic, partition.partition)
        if (path !== undefined) paths.push(path)
      } catch (error) {
        // The metadata says that it is gone, so it is.
        this.#options.logger.error(
          { partition: nameOf(partition), err: error },
          'cannot rename a deleted folder',
        )
      }
    }
    if (paths.length > 0) this.#removals.add(paths, partitions[0]!.config['file.delete.delay.ms'])
  }

  /** New settings of a topic hold from now on. */
  updateConfig(topic: string, config: TopicConfig): void {
    for (const partition of this.ofTopic(topic)) partition.config = config
  }

  #flushInBackground(flush: () => Promise<void>): void {
    this.#flushes = this.#flushes.then(async () => {
      try {
        if (!this.#isStopped) await flush()
      } catch (error) {
        this.#options.logger.error({ err: error }, 'cannot flush a log')
      }
    })
  }

  #armCheckpoint(): void {
    if (this.#checkpointTimer || this.#isStopped) return
    const { clock, settings, directory } = this.#options
    this.#checkpointTimer = clock.schedule(settings().flushOffsetCheckpointIntervalMs, () => {
      this.#checkpointTimer = undefined
      this.#checkpoints.write(this.all()).catch((error: unknown) => {
        this.#environment.health.failed('write', directory.path, 'write the checkpoints', error)
        this.#armCheckpoint()
      })
    })
  }

  #armRetention(delayMs: number): void {
    if (this.#isStopped) return
    this.#retentionTimer = this.#options.clock.schedule(delayMs, () => {
      this.enforceRetention()
        .catch((error: unknown) => this.#options.logger.error({ err: error }, 'retention failed'))
        .finally(() => this.#armRetention(this.#options.settings().retentionCheckIntervalMs))
    })
  }

  /** Compacts all logs that are due, with what retention lets go of them; resolves when that is done. */
  cleanDue(): Promise<void> {
    return this.#cleaner.run()
  }

  #onDisk(): Partition[] {
    return Array.from(this.all()).filter(
      (partition) => partition.openLog?.isOnDisk ?? this.#folders.has(nameOf(partition)),
    )
  }

  /** One pass over all logs: removes old segments (those of compacted topics are the cleaner's), forgets silent producers. */
  async enforceRetention(): Promise<void> {
    await this.#inTurns(this.#onDisk(), (partition) => {
      if (this.#isStopped || partition.isDeleted) return
      try {
        if (!isCompacted(partition.config)) partition.log.enforceRetention()
        partition.log.expireProducers()
      } catch (error) {
        // The others shall not suffer for it.
        this.#options.logger.error({ partition: nameOf(partition), err: error }, 'retention failed')
      }
    })
  }

  /** Flushes and closes all logs, writes checkpoints and the marker of a clean shutdown, and gives the directory back. */
  async stop(brokerEpoch: bigint): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#retentionTimer?.cancel()
    this.#checkpointTimer?.cancel()
    this.#removals.stop()
    const { directory, clock, logger } = this.#options
    try {
      await this.#cleaner.stop()
      await this.#flushes
      const partitions = [...this.all(), this.#metadata]
      await closeLogs(
        partitions.flatMap((partition) => partition?.openLog ?? []),
        clock,
        logger,
      )
      await this.#checkpoints.write(this.all())
      // Nobody reads from it any more, and Apache Kafka would complain of what it lacks.
      await this.#removals.finish()
      // What could not be recovered the next start has to try again.
      if (this.#isRecovered) await directory.writeCleanShutdown(brokerEpoch)
    } catch (error) {
      logger.error({ err: error }, 'shutdown is not clean: the next start will recover')
    }
    await this.#removals.settled()
    directory.release()
  }
}

function nameOf({ topic, partition }: Partition): string {
  return `${topic}-${partition}`
}

function isCompacted(config: TopicConfig): boolean {
  return config['cleanup.policy'].includes('compact')
}
