import type { BrokerConfig } from '../config/broker-config.ts'
import { type TopicConfig, topicConfig } from '../config/topic-config.ts'
import type { Partition } from '../log/partition.ts'
import type { Clock } from '../platform/platform.ts'
import { buildBatch } from '../protocol/batch-builder.ts'
import {
  type ControlFacts,
  type ControlRecord,
  leaderChange,
  quorumRecords,
  type Voter,
} from './control-record.ts'
import { encodeMetadataRecords, type MetadataBatch, type MetadataRecord } from './metadata-record.ts'

/** Settings of the metadata log. Who changes something flushes it; what may go of it, snapshots say, not age or size. */
export function metadataLogConfig(config: BrokerConfig): TopicConfig {
  const overrides = new Map([
    ['cleanup.policy', 'delete'],
    ['flush.messages', String(Number.MAX_SAFE_INTEGER)],
    ['flush.ms', String(Number.MAX_SAFE_INTEGER)],
    ['max.message.bytes', String(2 ** 31 - 1)],
    ['retention.bytes', '-1'],
    ['retention.ms', '-1'],
    ['segment.bytes', String(config.get('metadata.log.segment.bytes'))],
    ['segment.ms', String(config.get('metadata.log.segment.ms'))],
  ])
  // Kafka's own way to small segments in tests.
  const segmentBytes = config.get('internal.metadata.log.segment.bytes')
  if (segmentBytes !== null) overrides.set('internal.segment.bytes', String(segmentBytes))
  return topicConfig(overrides, config)
}

/** Who votes about the log, and by which rules. */
interface Quorum {
  readonly kraftVersion: number
  readonly voters: readonly Voter[]
}

/** `__cluster_metadata-0` as a log of metadata records: KRaft's own framing inside ordinary batches. */
export class MetadataLog {
  readonly #partition: Partition
  readonly #clock: Clock

  constructor(partition: Partition, clock: Clock) {
    this.#partition = partition
    this.#clock = clock
  }

  /** Offset of the next record. */
  get endOffset(): bigint {
    return this.#partition.log.logEndOffset
  }

  /** Offset of the first record. Above 0 a snapshot holds what came before. */
  get startOffset(): bigint {
    return this.#partition.log.logStartOffset
  }

  get sizeInBytes(): number {
    return this.#partition.log.sizeInBytes
  }

  /** Resolves when all of it is on the device. Throws `ApiError` KAFKA_STORAGE_ERROR. */
  flush(): Promise<void> {
    return this.#partition.log.flushRecords()
  }

  /** The device did not take what was written: no more records until the broker starts again. */
  get hasFailed(): boolean {
    return this.#partition.log.hasFailed
  }

  /** A snapshot holds what is in front of `offset`: the segments that end there go. */
  deleteBefore(offset: bigint): void {
    this.#partition.log.deleteRecordsBefore(offset)
  }

  /**
   * The next record gets `offset`: what was replayed ends there. A snapshot may hold more than the log does, and a crash may have left
   * something behind what it tore.
   */
  continueAt(offset: bigint): void {
    const { log } = this.#partition
    if (log.logEndOffset > offset) log.truncateTo(offset)
    else if (log.logEndOffset < offset) log.beginAt(offset)
  }

  /**
   * Begins a new epoch: from now on this node is the leader, and says so in a control batch. `quorum` is told beside it when the log has not
   * said it yet: a snapshot from before the log does not last.
   */
  beginEpoch(leaderEpoch: number, leaderId: number, quorum?: Quorum): MetadataBatch {
    this.#partition.leaderEpoch = leaderEpoch
    this.#partition.log.beginLeaderEpoch(leaderEpoch)
    const records = quorum ? quorumRecords(quorum.kraftVersion, quorum.voters) : []
    return this.#appendControl([leaderChange(leaderId), ...records], { leaderId })
  }

  /** From now on voters can change (KIP-853), and these are they. */
  setQuorum({ kraftVersion, voters }: Quorum): MetadataBatch {
    return this.#appendControl(quorumRecords(kraftVersion, voters), { kraftVersion, voters })
  }

  #appendControl(records: readonly ControlRecord[], control: ControlFacts): MetadataBatch {
    const range = this.#append(records, true)
    return { ...range, leaderEpoch: this.#partition.leaderEpoch, control, records: [] }
  }

  /** Appends records as one batch: all of them count, or none. Throws `ApiError` when the log refuses them. */
  append(records: readonly MetadataRecord[]): MetadataBatch {
    const values = encodeMetadataRecords(records).map((value) => ({ key: null, value }))
    const range = this.#append(values, false)
    return { ...range, leaderEpoch: this.#partition.leaderEpoch, records }
  }

  #append(
    records: readonly { key: Buffer | null; value: Buffer }[],
    isControl: boolean,
  ): { baseOffset: bigint; lastOffset: bigint; sizeInBytes: number; timestamp: bigint } {
    const timestamp = BigInt(this.#clock.now())
    const { leaderEpoch } = this.#partition
    const batch = buildBatch({
      baseOffset: 0n,
      leaderEpoch,
      isControl,
      records: records.map(({ key, value }) => ({ key, value, headers: [], timestamp })),
    })
    const { baseOffset, lastOffset } = this.#partition.append(batch, leaderEpoch)
    return { baseOffset, lastOffset, sizeInBytes: batch.length, timestamp }
  }
}
