import type { Partition } from '../log/partition.ts'
import type { Clock } from '../platform/platform.ts'
import { buildBatch } from '../protocol/batch-builder.ts'
import {
  decodeMetadataBatch,
  encodeMetadataRecords,
  leaderChange,
  type MetadataBatch,
  type MetadataRecord,
} from './metadata-record.ts'

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

  /** Hands over all batches from `offset` on, in order. */
  readFrom(offset: bigint, take: (batch: MetadataBatch) => void): void {
    for (const bytes of this.#partition.log.batches()) {
      const batch = decodeMetadataBatch(bytes)
      if (batch.lastOffset >= offset) take(batch)
    }
  }

  /** Begins a new epoch: from now on this node is the leader, and says so in a control batch. */
  beginEpoch(leaderEpoch: number, leaderId: number): MetadataBatch {
    this.#partition.leaderEpoch = leaderEpoch
    this.#partition.log.beginLeaderEpoch(leaderEpoch)
    const { key, value } = leaderChange(leaderId)
    const range = this.#append([{ key, value }], true)
    return { ...range, leaderEpoch, newLeaderId: leaderId, records: [] }
  }

  /** Appends records as one batch: all of them count, or none. Throws `ApiError` when the log refuses them. */
  append(records: readonly MetadataRecord[]): MetadataBatch {
    const values = encodeMetadataRecords(records).map((value) => ({ key: null, value }))
    const range = this.#append(values, false)
    return { ...range, leaderEpoch: this.#partition.leaderEpoch, newLeaderId: undefined, records }
  }

  #append(
    records: readonly { key: Buffer | null; value: Buffer }[],
    isControl: boolean,
  ): { baseOffset: bigint; lastOffset: bigint } {
    const timestamp = BigInt(this.#clock.now())
    const { leaderEpoch } = this.#partition
    const batch = buildBatch({
      baseOffset: 0n,
      leaderEpoch,
      isControl,
      records: records.map(({ key, value }) => ({ key, value, headers: [], timestamp })),
    })
    const { baseOffset, lastOffset } = this.#partition.append(batch, leaderEpoch)
    return { baseOffset, lastOffset }
  }
}
