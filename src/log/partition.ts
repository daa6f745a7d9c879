import type { TopicConfig } from '../config/topic-config.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import type { AppendInfo, AppendOrigin, AppendRequestInfo } from './partition-log.ts'
import type { SegmentedLog } from './segmented-log.ts'

/** What the metadata says of a partition on this broker. */
export interface PartitionAssignment {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly config: TopicConfig
}

/** A partition as this broker leads it: its place in the cluster, and its log. Costs next to nothing until it is used. */
export class Partition {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  leaderEpoch: number
  partitionEpoch: number
  replicas: readonly number[]
  isr: readonly number[]
  readonly #openLog: (partition: Partition) => SegmentedLog
  #config: TopicConfig
  #log: SegmentedLog | undefined
  #listeners: (() => void)[] = []
  #isDeleted = false

  constructor(assignment: PartitionAssignment, openLog: (partition: Partition) => SegmentedLog) {
    this.topic = assignment.topic
    this.partition = assignment.partition
    this.topicId = assignment.topicId
    this.leaderEpoch = assignment.leaderEpoch
    this.partitionEpoch = assignment.partitionEpoch
    this.replicas = assignment.replicas
    this.isr = assignment.isr
    this.#config = assignment.config
    this.#openLog = openLog
  }

  /** The metadata says something new about it. */
  update({ leaderEpoch, partitionEpoch, replicas, isr, config }: PartitionAssignment): void {
    this.partitionEpoch = partitionEpoch
    this.replicas = replicas
    this.isr = isr
    this.config = config
    if (leaderEpoch === this.leaderEpoch) return
    this.leaderEpoch = leaderEpoch
    this.#log?.beginLeaderEpoch(leaderEpoch)
    this.#wake()
  }

  get config(): TopicConfig {
    return this.#config
  }

  set config(config: TopicConfig) {
    this.#config = config
    if (this.#log) this.#log.config = config
  }

  get isDeleted(): boolean {
    return this.#isDeleted
  }

  /** The log; opened when somebody first asks for it. */
  get log(): SegmentedLog {
    if (!this.#log) {
      if (this.#isDeleted)
        throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `${this.topic} is deleted`)
      this.#log = this.#openLog(this)
      this.#log.beginLeaderEpoch(this.leaderEpoch)
      this.#advance(this.#log)
    }
    return this.#log
  }

  /** The log if it has been opened. */
  get openLog(): SegmentedLog | undefined {
    return this.#log
  }

  /** Appends as the leader of `leaderEpoch`; refuses when that is no longer the epoch. Wakes the listeners before it returns. */
  append(
    records: Buffer,
    leaderEpoch: number = this.leaderEpoch,
    origin: AppendOrigin = 'internal',
    requestInfo?: AppendRequestInfo,
  ): AppendInfo {
    if (leaderEpoch !== this.leaderEpoch) {
      const code =
        leaderEpoch < this.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
      throw new ApiError(code, `leader epoch ${leaderEpoch}, but it is ${this.leaderEpoch}`)
    }
    const { log } = this
    const info = log.append(records, leaderEpoch, origin, requestInfo)
    if (this.#advance(log)) this.#wake()
    return info
  }

  /** With one replica all that is in the log counts as replicated. */
  #advance(log: SegmentedLog): boolean {
    return this.replicas.length <= 1 && log.advanceHighWatermark(log.logEndOffset)
  }

  /** Calls `listener` each time the high watermark has moved, and when the partition is deleted. Returns what ends that. */
  onAdvance(listener: () => void): () => void {
    this.#listeners.push(listener)
    return () => {
      // A new list: the old one may just be walked over.
      this.#listeners = this.#listeners.filter((other) => other !== listener)
    }
  }

  #wake(): void {
    for (const listener of this.#listeners) listener()
  }

  /** The topic is gone; its folder is somebody else's concern. */
  markDeleted(): void {
    this.#isDeleted = true
    this.#log?.discard()
    this.#wake()
  }
}
