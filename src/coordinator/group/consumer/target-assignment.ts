import type { Uuid } from '../../../protocol/api.ts'
import { javaHash } from '../../../protocol/hash.ts'
import type { CoordinatorRecord } from '../../runtime.ts'
import type { Assignor, MemberToAssign } from './assignor.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupRecordWriter, ResolvedRegex } from './consumer-group-records.ts'
import { type ConsumerMember, regexOf } from './consumer-member.ts'
import { hashMapOrder, hashSetOrder } from './hash-order.ts'
import { NO_TARGET, sameTarget, type TargetPartitions } from './partitions.ts'
import { assignRanges } from './range-assignor.ts'
import type { GroupTopics } from './topics.ts'
import { assignUniformly } from './uniform-assignor.ts'

/** Assignors of the broker, by the name that members ask for. */
export const assignors: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', assignUniformly],
  ['range', assignRanges],
])

export interface TargetChange {
  /** Epoch of the group that the target is for. */
  readonly groupEpoch: number
  readonly nowMs: number
  readonly assignor: Assignor
  /** The member that is coming, or that has changed: not in the group's state yet. */
  readonly member: ConsumerMember
  /** All members subscribe to the same topics, this one included. */
  readonly isSameForAll: boolean
}

export interface NewTarget {
  readonly records: readonly CoordinatorRecord[]
  /** What the member of the change is to have. */
  readonly ofMember: TargetPartitions
}

/** Works out who is to have what, and the records that say what is other than before. */
export function computeTarget(
  group: ConsumerGroup,
  change: TargetChange,
  topics: GroupTopics,
  writer: ConsumerGroupRecordWriter,
): NewTarget {
  const { groupId } = group
  const { member, groupEpoch, nowMs } = change
  const members = membersToAssign(group, member, topics)
  const assignment = change.assignor({
    members,
    isSameForAll: change.isSameForAll,
    partitionCount: (topicId) => topics.byId(topicId)?.partitionCount ?? 0,
    isTargeted: (topicId, partition) => group.isTargeted(topicId, partition),
  })
  const records: CoordinatorRecord[] = []
  for (const { memberId } of members) {
    const target = assignment.get(memberId) ?? NO_TARGET
    if (!group.hasTarget(memberId) || !sameTarget(target, group.target(memberId)))
      records.push(writer.target(groupId, memberId, target))
  }
  records.push(writer.targetEpoch(groupId, groupEpoch, BigInt(nowMs)))
  return { records, ofMember: assignment.get(member.memberId) ?? NO_TARGET }
}

/** The members after the change, in the order in which Apache Kafka goes through them. */
function membersToAssign(
  group: ConsumerGroup,
  changed: ConsumerMember,
  topics: GroupTopics,
): MemberToAssign[] {
  const members = new Map<string, ConsumerMember>()
  for (const memberId of group.memberOrder) members.set(memberId, group.members.get(memberId)!)
  members.set(changed.memberId, changed)
  // A static member that comes back under a new id takes the place of the old one, and what that was to have.
  const replaced = group.staticMember(changed.instanceId)
  const isReplacement = replaced !== undefined && replaced.memberId !== changed.memberId
  if (isReplacement) members.delete(replaced.memberId)
  return Array.from(hashMapOrder(members.keys(), javaHash), (memberId) => {
    const member = members.get(memberId)!
    return {
      memberId,
      instanceId: member.instanceId,
      topicIds: subscribedTopicIds(member, group.resolvedRegexes, topics),
      target: group.target(isReplacement && member === changed ? replaced.memberId : memberId),
    }
  })
}

/** Topics that a member subscribes to and that exist, in the order in which Apache Kafka goes through them. */
export function subscribedTopicIds(
  member: ConsumerMember,
  resolved: ReadonlyMap<string, ResolvedRegex>,
  topics: GroupTopics,
): Uuid[] {
  const names = inHashOrder(member.subscribedTopicNames)
  const matched = inHashOrder(resolved.get(regexOf(member) ?? '')?.topics ?? [])
  const [more, fewer] = names.length > matched.length ? [names, matched] : [matched, names]
  return [...new Set([...more, ...fewer])].flatMap((name) => topics.byName(name)?.topicId ?? [])
}

function inHashOrder(names: readonly string[]): string[] {
  return [...hashSetOrder(names, javaHash, names.length)]
}
