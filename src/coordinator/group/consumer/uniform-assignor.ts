import type { Uuid } from '../../../protocol/api.ts'
import type { AssignmentTask, MemberToAssign } from './assignor.ts'
import { hashSetOrder, uuidHash } from './hash-order.ts'
import type { TargetPartitions } from './partitions.ts'
import { assignUniformlyToMixed } from './uniform-mixed-assignor.ts'
import { WorkingAssignment } from './working-assignment.ts'

interface Share {
  readonly assignment: WorkingAssignment
  /** Partitions that it still gets. */
  readonly missing: number
}

interface Partition {
  readonly topicId: Uuid
  readonly partition: number
}

/**
 * The assignor `uniform`: members get as many partitions as each other, give or take one, and keep what they have as far as that allows.
 * Racks do not matter to it (Apache Kafka took that out in 4.0).
 */
export function assignUniformly(task: AssignmentTask): Map<string, TargetPartitions> {
  return task.isSameForAll ? assignToAlike(task) : assignUniformlyToMixed(task)
}

/** For members that all subscribe to the same topics: what a member has beyond its share is taken, then what is free fills the others up. */
function assignToAlike(task: AssignmentTask): Map<string, TargetPartitions> {
  const { members, partitionCount, isTargeted } = task
  const topicIds = subscribedTopics(members[0])
  if (topicIds.length === 0) return new Map()
  const free: Partition[] = []
  let total = 0
  for (const topicId of topicIds) {
    const count = partitionCount(topicId)
    for (let partition = 0; partition < count; partition++) {
      if (!isTargeted(topicId, partition)) free.push({ topicId, partition })
    }
    total += count
  }
  const shares = takeSurplus(members, new Set(topicIds), total, free)
  let next = 0
  for (const { assignment, missing } of shares.values()) {
    for (let i = 0; i < missing && next < free.length; i++) {
      const { topicId, partition } = free[next++]!
      assignment.add(topicId, partition)
    }
  }
  return new Map(Array.from(shares, ([memberId, { assignment }]) => [memberId, assignment.finish()]))
}

/** What each member keeps, and how much it is to get beside; what it has to give goes to `free`. */
function takeSurplus(
  members: readonly MemberToAssign[],
  subscribed: ReadonlySet<Uuid>,
  partitionCount: number,
  free: Partition[],
): Map<string, Share> {
  const least = Math.floor(partitionCount / members.length)
  let extras = partitionCount % members.length
  const shares = new Map<string, Share>()
  for (const [index, { memberId, target }] of members.entries()) {
    const assignment = new WorkingAssignment(target)
    let hasExtra = extras > 0
    let room = least + (hasExtra ? 1 : 0)
    for (const topicId of assignment.topicIds()) {
      if (!subscribed.has(topicId)) {
        assignment.removeTopic(topicId)
        continue
      }
      const surplus = assignment.partitions(topicId).slice(room)
      room -= assignment.count(topicId) - surplus.length
      for (const partition of surplus) {
        assignment.remove(topicId, partition)
        free.push({ topicId, partition })
      }
    }
    // One that has room left leaves the extra partition to a later member that may have it already, as long as there are enough of those.
    if (room > 0 && hasExtra && members.length - index > extras) {
      room--
      hasExtra = false
    }
    if (hasExtra) extras--
    shares.set(memberId, { assignment, missing: room })
  }
  return shares
}

function subscribedTopics(member: MemberToAssign | undefined): Uuid[] {
  const topicIds = member?.topicIds ?? []
  return [...hashSetOrder(topicIds, uuidHash, topicIds.length)]
}
