import type { TopicConfig } from '../config/topic-config.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import type { LogEnvironment } from './log-environment.ts'
import { LogFlusher } from './log-flusher.ts'
import { loadLog } from './log-loader.ts'
import { LogReader } from './log-reader.ts'
import { LogSegments } from './log-segments.ts'
import { LogTail } from './log-tail.ts'
import { ProducerSnapshots } from './producer-snapshots.ts'
import { ProducerStates } from './producer-states.ts'

/** What is known of a partition before its log is opened. */
export interface LogOptions {
  readonly directory: string
  readonly topicId: string
  readonly config: TopicConfig
  /** The folder is there. Without one nothing is on disk, and nothing will be before the first append. */
  readonly isOnDisk: boolean
  /** From the checkpoints; 0 when there is none. */
  readonly logStartOffset: bigint
  readonly recoveryPoint: bigint
  /** The last shutdown was clean. */
  readonly isClean: boolean
}

/** What a log consists of, and where it begins and ends: what those who write to it, read from it and trim it share. */
export class LogState {
  readonly environment: LogEnvironment
  readonly directory: string
  readonly topicId: string
  readonly segments: LogSegments
  readonly tail: LogTail
  readonly reader: LogReader
  readonly flusher: LogFlusher
  readonly producers = new ProducerStates()
  readonly snapshots: ProducerSnapshots
  readonly leaderEpochs: LeaderEpochs
  isOnDisk: boolean
  isClosed = false
  /** The cleaner is at it: segments may come, but none may go. */
  isBeingCleaned = false
  logStartOffset: bigint
  /** The end of the log: offset that the next record gets. */
  nextOffset: bigint
  highWatermark: bigint

  /** Opens what is in the folder. */
  constructor(environment: LogEnvironment, options: LogOptions) {
    const { files, logger } = environment
    const { directory, config } = options
    this.environment = environment
    this.directory = directory
    this.topicId = options.topicId
    this.isOnDisk = options.isOnDisk
    this.tail = new LogTail(environment.tailMemory)
    this.snapshots = new ProducerSnapshots(files, logger, directory)
    this.leaderEpochs = new LeaderEpochs(files, directory)
    this.segments = new LogSegments(environment, directory, config)
    const { segments, leaderEpochs, producers, snapshots } = this
    const loaded = options.isOnDisk
      ? loadLog({ ...options, environment, segments, leaderEpochs, producers, snapshots })
      : undefined
    if (!loaded) segments.addFresh(0n)
    this.reader = new LogReader(segments.list, this.tail, environment)
    this.logStartOffset = loaded?.logStartOffset ?? 0n
    this.nextOffset = loaded?.logEndOffset ?? 0n
    const found = { recoveryPoint: loaded?.recoveryPoint ?? 0n, isClean: !!loaded && options.isClean }
    this.flusher = new LogFlusher(environment, directory, segments.list, found)
    this.highWatermark = this.logStartOffset
  }

  get config(): TopicConfig {
    return this.segments.config
  }

  /** Resolves when all below `upTo` is on the device. */
  async flush(upTo: bigint): Promise<void> {
    if (this.isOnDisk && !this.isClosed) await this.flusher.flush(upTo)
  }

  /** Resolves when all files have on the device the names that they have now. */
  async flushNames(): Promise<void> {
    if (this.isOnDisk && !this.isClosed) await this.flusher.flushFolder()
  }
}
