import type { Uuid } from '../../../protocol/api.ts'
import type { AssignmentTask, MemberToAssign } from './assignor.ts'
import { capacityFor, hashMapOrder, uuidHash } from './hash-order.ts'
import type { TargetPartitions } from './partitions.ts'

interface Topic {
  readonly partitionCount: number
  subscriberCount: number
  /** Partitions that have been given out: the next member's begin here. */
  assignedCount: number
  /** Members that have got their part. */
  servedCount: number
}

/**
 * The assignor `range`: each member gets a run of neighbouring partitions of every topic, the first ones one more when they do not come
 * out even. Topics with as many partitions are so cut at the same places, for members with the same subscriptions.
 */
export function assignRanges({
  members,
  isSameForAll,
  partitionCount,
}: AssignmentTask): Map<string, TargetPartitions> {
  const sorted = [...members].sort(byInstanceThenMember)
  // As in Apache Kafka, a member without any subscription that has just joined such a group is taken to be like the others.
  const topicsOf = (member: MemberToAssign) => (isSameForAll ? sorted[0]! : member).topicIds
  const topics = new Map<Uuid, Topic>()
  for (const member of sorted) {
    for (const topicId of topicsOf(member)) {
      const topic = topics.get(topicId)
      if (topic) topic.subscriberCount++
      else {
        const count = partitionCount(topicId)
        topics.set(topicId, { partitionCount: count, subscriberCount: 1, assignedCount: 0, servedCount: 0 })
      }
    }
  }
  return new Map(
    sorted.map((member) => {
      const topicIds = topicsOf(member)
      const ranges = new Map(topicIds.map((topicId) => [topicId, nextRange(topics.get(topicId)!)]))
      const withAny = topicIds.filter((topicId) => ranges.get(topicId)!.size > 0)
      const order = hashMapOrder(withAny, uuidHash, capacityFor(topicIds.length))
      return [member.memberId, new Map(Array.from(order, (topicId) => [topicId, ranges.get(topicId)!]))]
    }),
  )
}

function nextRange(topic: Topic): Set<number> {
  const least = Math.floor(topic.partitionCount / topic.subscriberCount)
  const hasOneMore = topic.servedCount < topic.partitionCount % topic.subscriberCount
  const start = topic.assignedCount
  topic.servedCount++
  topic.assignedCount += least + (hasOneMore ? 1 : 0)
  return new Set(Array.from({ length: topic.assignedCount - start }, (_, i) => start + i))
}

/** Static members first, by their instance id: they find the same run again when they come back under a new member id. */
function byInstanceThenMember(a: MemberToAssign, b: MemberToAssign): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId)
  if (a.instanceId !== null || b.instanceId !== null) return a.instanceId !== null ? -1 : 1
  return compare(a.memberId, b.memberId)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
