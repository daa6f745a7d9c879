import { consumerAssignors } from '../config/consumer-assignors.ts'
import type { ConsumerGroup } from '../coordinator/group/consumer/consumer-group.ts'
import type { ConsumerMember } from '../coordinator/group/consumer/consumer-member.ts'
import { preferredAssignor } from '../coordinator/group/consumer/membership.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  type Assignment,
  ConsumerGroupDescribe,
  type DescribedGroup,
  type Member,
} from '../protocol/generated/consumer-group-describe.ts'
import { ALL_GROUP_OPERATIONS, isGroupProtocolEnabled, OPERATIONS_NOT_ASKED, orCode } from './group-caller.ts'
import { type BrokerServices, handler } from './handler.ts'

const CLASSIC_MEMBER = 0
const CONSUMER_MEMBER = 1

/**
 * ConsumerGroupDescribe (69, KIP-848): consumer groups with their members, what these have and what they are to have. Version 1 tells which
 * protocol each member speaks (KIP-1099).
 */
export const consumerGroupDescribe = handler(ConsumerGroupDescribe, (request, { broker }) => {
  const authorizedOperations = request.includeAuthorizedOperations
    ? ALL_GROUP_OPERATIONS
    : OPERATIONS_NOT_ASKED
  const describe = (groupId: string): DescribedGroup => {
    if (!isGroupProtocolEnabled(broker, 'consumer')) return refused(groupId, ErrorCode.UNSUPPORTED_VERSION)
    if (groupId === '') return refused(groupId, ErrorCode.INVALID_GROUP_ID)
    const found = orCode(() => broker.groups.group(groupId))
    if (!('answer' in found)) return refused(groupId, found.code)
    const group = found.answer
    if (group?.type === 'consumer') return { ...described(group, broker), authorizedOperations }
    const message = group ? `Group ${groupId} is not a consumer group.` : `Group ${groupId} not found.`
    return refused(groupId, ErrorCode.GROUP_ID_NOT_FOUND, message)
  }
  return { throttleTimeMs: 0, groups: request.groupIds.map(describe) }
})

function described(group: ConsumerGroup, broker: BrokerServices): DescribedGroup {
  return {
    ...refused(group.groupId, ErrorCode.NONE),
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: preferredAssignor(group) ?? consumerAssignors(broker.config)[0]!,
    members: Array.from(group.memberOrder, (memberId) =>
      describedMember(group, group.members.get(memberId)!, broker),
    ),
  }
}

function describedMember(group: ConsumerGroup, member: ConsumerMember, broker: BrokerServices): Member {
  const has = new Map(
    Array.from(member.assigned, ([topicId, partitions]) => [topicId, [...partitions.keys()]]),
  )
  // What it is still to give up is still its own.
  for (const [topicId, partitions] of member.pendingRevocation)
    has.set(topicId, [...(has.get(topicId) ?? []), ...partitions.keys()])
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: member.subscribedTopicNames,
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: assignment(has, broker),
    targetAssignment: assignment(group.target(member.memberId), broker),
    memberType: member.classic ? CLASSIC_MEMBER : CONSUMER_MEMBER,
  }
}

/** Topics that are gone are left out. */
function assignment(
  partitions: ReadonlyMap<string, Iterable<number>>,
  { metadata }: BrokerServices,
): Assignment {
  return {
    topicPartitions: Array.from(partitions).flatMap(([topicId, numbers]) => {
      const topicName = metadata.topicById(topicId)?.name
      return topicName === undefined ? [] : { topicId, topicName, partitions: [...numbers] }
    }),
  }
}

function refused(groupId: string, errorCode: ErrorCode, errorMessage: string | null = null): DescribedGroup {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
    authorizedOperations: OPERATIONS_NOT_ASKED,
  }
}
