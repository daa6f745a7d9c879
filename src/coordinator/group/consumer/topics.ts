import type { Uuid } from '../../../protocol/api.ts'

/** A topic, as far as groups need it. */
export interface GroupTopic {
  readonly name: string
  readonly topicId: Uuid
  readonly partitionCount: number
  /** Racks of the brokers that have a replica of a partition; a broker without a rack is left out. */
  racks(partition: number): readonly string[]
}

/** What a group coordinator sees of the cluster's topics. */
export interface GroupTopics {
  byName(name: string): GroupTopic | undefined
  byId(topicId: Uuid): GroupTopic | undefined
  names(): Iterable<string>
  /** Offset of the last record of the metadata log that is taken in: it grows with every change. */
  version(): bigint
}
