import type { Uuid } from '../../../protocol/api.ts'
import {
  capacityFor,
  type HashMapOrder,
  hashMapOrder,
  hashSetOrder,
  numberHash,
  powerOfTwo,
  uuidHash,
} from './hash-order.ts'
import type { TargetPartitions } from './partitions.ts'

/** A member's part of an assignment while it is worked out: what it had, in the order in which Java goes through it, and the changes. */
export class WorkingAssignment {
  readonly #topics: HashMapOrder<Uuid>
  readonly #partitions = new Map<Uuid, HashMapOrder<number>>()
  readonly #counts = new Map<Uuid, number>()

  constructor(old: TargetPartitions) {
    // First the map that was made of the record, then the copy of it that may be changed.
    const stored = hashMapOrder(old.keys(), uuidHash)
    this.#topics = hashMapOrder(stored, uuidHash, powerOfTwo(old.size))
    for (const topicId of stored) {
      const partitions = old.get(topicId)!
      this.#partitions.set(topicId, hashSetOrder(partitions, numberHash, partitions.size))
      this.#counts.set(topicId, partitions.size)
    }
  }

  /** Topics as they were at the beginning, without those that have been removed. */
  topicIds(): Uuid[] {
    return [...this.#partitions.keys()]
  }

  count(topicId: Uuid): number {
    return this.#counts.get(topicId) ?? 0
  }

  partitions(topicId: Uuid): number[] {
    return [...(this.#partitions.get(topicId) ?? [])]
  }

  /** `expected` tells for how many partitions Java makes room when this is the first one of its topic. */
  add(topicId: Uuid, partition: number, expected?: number): void {
    this.#topics.compute(topicId)
    const partitions = this.#partitions.get(topicId)
    if (partitions) partitions.put(partition)
    else this.#partitions.set(topicId, hashMapOrder([partition], numberHash, capacityForNew(expected)))
    this.#counts.set(topicId, this.count(topicId) + 1)
  }

  remove(topicId: Uuid, partition: number): void {
    this.#partitions.get(topicId)?.remove(partition)
    this.#counts.set(topicId, this.count(topicId) - 1)
    if (this.count(topicId) === 0) this.removeTopic(topicId)
  }

  removeTopic(topicId: Uuid): void {
    this.#topics.remove(topicId)
    this.#partitions.delete(topicId)
    this.#counts.delete(topicId)
  }

  finish(): TargetPartitions {
    return new Map(Array.from(this.#topics, (topicId) => [topicId, new Set(this.#partitions.get(topicId))]))
  }
}

function capacityForNew(expected: number | undefined): number | undefined {
  return expected === undefined ? undefined : capacityFor(expected)
}
