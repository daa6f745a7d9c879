import type { Uuid } from '../../../protocol/api.ts'
import type { AssignmentTask } from './assignor.ts'
import { compareUuids } from './hash-order.ts'
import { LoadRanges } from './load-ranges.ts'
import type { TargetPartitions } from './partitions.ts'
import { WorkingAssignment } from './working-assignment.ts'

/** Balance gets better with each round; a few are enough, and the work has to end. */
const MAX_ROUNDS = 16
const NOBODY = -1

/**
 * `uniform` for members that subscribe to different topics. Members keep what they have; free partitions go to whoever has least of those
 * that subscribe to the topic; then, topic by topic, partitions move from those that have most to those that have least, until no move
 * makes it better.
 */
export function assignUniformlyToMixed(task: AssignmentTask): Map<string, TargetPartitions> {
  const balance = new MixedBalance(task)
  if (balance.topicIds.length === 0) return new Map()
  balance.assignFree()
  balance.improve()
  return new Map(task.members.map(({ memberId }, index) => [memberId, balance.assignments[index]!.finish()]))
}

class MixedBalance {
  /** By the member's number. */
  readonly assignments: readonly WorkingAssignment[]
  /** In the order in which they are looked at: those with most partitions for each subscriber first. */
  readonly topicIds: readonly Uuid[]
  /** Partitions that each member has, by its number. */
  readonly #loads: number[]
  readonly #subscribers = new Map<Uuid, number[]>()
  readonly #owners = new Map<Uuid, number[]>()

  constructor({ members, partitionCount }: AssignmentTask) {
    for (const [index, { topicIds }] of members.entries()) {
      for (const topicId of topicIds) {
        const subscribers = this.#subscribers.get(topicId)
        if (subscribers) subscribers.push(index)
        else {
          this.#subscribers.set(topicId, [index])
          this.#owners.set(topicId, new Array(partitionCount(topicId)).fill(NOBODY))
        }
      }
    }
    this.#loads = members.map(() => 0)
    this.assignments = members.map(({ target, topicIds }, index) => {
      const assignment = new WorkingAssignment(target)
      const subscribed = new Set(topicIds)
      for (const topicId of assignment.topicIds()) {
        if (!subscribed.has(topicId)) {
          assignment.removeTopic(topicId)
          continue
        }
        this.#loads[index]! += assignment.count(topicId)
        for (const partition of assignment.partitions(topicId)) this.#owners.get(topicId)![partition] = index
      }
      return assignment
    })
    this.topicIds = [...this.#subscribers.keys()].sort((a, b) => this.#compareTopics(a, b))
  }

  assignFree(): void {
    for (const topicId of this.topicIds) {
      const owners = this.#owners.get(topicId)!
      if (!owners.includes(NOBODY)) continue
      const ranges = new LoadRanges(this.#subscribers.get(topicId)!, this.#loads)
      for (const [partition, owner] of owners.entries()) {
        if (owner === NOBODY) this.#give(topicId, partition, ranges.nextLeastLoaded())
      }
    }
  }

  improve(): void {
    const movable = this.topicIds.filter((topicId) => this.#subscribers.get(topicId)!.length > 1)
    // A whole round since the last topic that something moved in: nothing is left to do.
    let lastMoved = -1
    for (let round = 0; round < MAX_ROUNDS; round++) {
      for (const [index, topicId] of movable.entries()) {
        if (index === lastMoved) return
        if (this.#balanceTopic(topicId) > 0 || lastMoved === -1) lastMoved = index
      }
    }
  }

  /** Moves partitions of one topic; tells how many. */
  #balanceTopic(topicId: Uuid): number {
    const ranges = new LoadRanges(this.#subscribers.get(topicId)!, this.#loads)
    if (ranges.imbalance <= 1) return 0
    const owned = this.#partitionsByOwner(topicId)
    let moved = 0
    while (!ranges.isBalanced) {
      const giver = nextGiver(ranges, owned)
      if (giver === undefined) break
      const partition = owned.get(giver)!.pop()!
      const taker = ranges.nextLeastLoaded()
      if (ranges.isBalanced) break
      this.#give(topicId, partition, taker)
      moved++
    }
    return moved
  }

  #partitionsByOwner(topicId: Uuid): Map<number, number[]> {
    const owned = new Map<number, number[]>()
    for (const [partition, owner] of this.#owners.get(topicId)!.entries()) {
      const partitions = owned.get(owner)
      if (partitions) partitions.push(partition)
      else owned.set(owner, [partition])
    }
    return owned
  }

  #give(topicId: Uuid, partition: number, member: number): void {
    const owners = this.#owners.get(topicId)!
    const old = owners[partition]!
    if (old !== NOBODY) {
      this.assignments[old]!.remove(topicId, partition)
      this.#loads[old]!--
    }
    owners[partition] = member
    const perSubscriber = Math.ceil(owners.length / this.#subscribers.get(topicId)!.length)
    this.assignments[member]!.add(topicId, partition, perSubscriber)
    this.#loads[member]!++
  }

  #compareTopics(a: Uuid, b: Uuid): number {
    const subscribersOfA = this.#subscribers.get(a)!.length
    const subscribersOfB = this.#subscribers.get(b)!.length
    const perSubscriber =
      this.#owners.get(b)!.length / subscribersOfB - this.#owners.get(a)!.length / subscribersOfA
    return perSubscriber || subscribersOfA - subscribersOfB || compareUuids(a, b)
  }
}

/** The next of those with most partitions that has one of this topic to give. */
function nextGiver(ranges: LoadRanges, owned: ReadonlyMap<number, readonly number[]>): number | undefined {
  for (;;) {
    const member = ranges.nextMostLoaded()
    if (member === undefined || owned.get(member)?.length) return member
    ranges.excludeMostLoaded()
  }
}
