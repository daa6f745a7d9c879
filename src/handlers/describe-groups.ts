import type { ClassicGroup } from '../coordinator/group/classic-group.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { type DescribedGroup, DescribeGroups } from '../protocol/generated/describe-groups.ts'
import { ALL_GROUP_OPERATIONS, OPERATIONS_NOT_ASKED, orCode } from './group-caller.ts'
import { handler } from './handler.ts'

/** From here on an unknown group has an error of its own; before it is a Dead one (KIP-1043). */
const FIRST_VERSION_THAT_KNOWS_UNKNOWN_GROUPS = 6

const NO_BYTES = Buffer.alloc(0)

/** DescribeGroups (15). Version 3 brings authorized operations (KIP-430), 4 static members (KIP-345), 6 GROUP_ID_NOT_FOUND. */
export const describeGroups = handler(DescribeGroups, (request, { broker, apiVersion }) => {
  const authorizedOperations = request.includeAuthorizedOperations
    ? ALL_GROUP_OPERATIONS
    : OPERATIONS_NOT_ASKED
  const describe = (groupId: string): DescribedGroup => {
    const found = orCode(() => broker.groups.group(groupId))
    if (!('answer' in found)) return { ...dead(groupId), errorCode: found.code, groupState: '' }
    const group = found.answer
    if (group?.type === 'classic') return { ...described(group), authorizedOperations }
    if (apiVersion < FIRST_VERSION_THAT_KNOWS_UNKNOWN_GROUPS)
      return { ...dead(groupId), authorizedOperations }
    const errorMessage = group ? `Group ${groupId} is not a classic group.` : `Group ${groupId} not found.`
    return { ...dead(groupId), errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage }
  }
  return { throttleTimeMs: 0, groups: request.groups.map(describe) }
})

/** The chosen protocol and the members' metadata in it are only certain while the group is stable. */
function described(group: ClassicGroup): DescribedGroup {
  const protocolName = group.state === 'Stable' ? (group.protocolName ?? '') : undefined
  return {
    ...dead(group.groupId),
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: protocolName ?? '',
    members: Array.from(group.members.values(), (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: (protocolName !== undefined && member.metadataOf(protocolName)) || NO_BYTES,
      memberAssignment: member.assignment,
    })),
  }
}

function dead(groupId: string): DescribedGroup {
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId,
    groupState: 'Dead',
    protocolType: '',
    protocolData: '',
    members: [],
    authorizedOperations: OPERATIONS_NOT_ASKED,
  }
}
