import type { Uuid } from '../../protocol/api.ts'

/** A committed offset, as its record has it. */
export interface CommittedOffset {
  readonly offset: bigint
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: bigint
  /** Set by commits up to version 4 that bring their own retention time; -1 otherwise. */
  readonly expireTimestampMs: bigint
  /** Of the topic at the time of the commit; zero when the record is from before topic ids. */
  readonly topicId: Uuid
}

/** Committed offsets of one partition of `__consumer_offsets`: group, topic, partition. Changed by replay only. */
export class OffsetStore {
  readonly #groups = new Map<string, Map<string, Map<number, CommittedOffset>>>()

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(groupId)?.get(topic)?.get(partition)
  }

  /** Offsets of a group by topic and partition. */
  ofGroup(groupId: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> {
    return this.#groups.get(groupId) ?? nothing
  }

  hasAny(groupId: string): boolean {
    return this.#groups.has(groupId)
  }

  groupIds(): IterableIterator<string> {
    return this.#groups.keys()
  }

  put(groupId: string, topic: string, partition: number, committed: CommittedOffset): void {
    const topics = getOrCreate(this.#groups, groupId, () => new Map<string, Map<number, CommittedOffset>>())
    const partitions = getOrCreate(topics, topic, () => new Map<number, CommittedOffset>())
    partitions.set(partition, committed)
  }

  remove(groupId: string, topic: string, partition: number): void {
    const topics = this.#groups.get(groupId)
    const partitions = topics?.get(topic)
    if (!topics || !partitions?.delete(partition)) return
    if (partitions.size === 0) topics.delete(topic)
    if (topics.size === 0) this.#groups.delete(groupId)
  }
}

const nothing: ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> = new Map()

function getOrCreate<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = create()
    map.set(key, value)
  }
  return value
}
