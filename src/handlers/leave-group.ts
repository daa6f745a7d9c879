import { ErrorCode } from '../protocol/error-code.ts'
import { LeaveGroup } from '../protocol/generated/leave-group.ts'
import { orCode } from './group-caller.ts'
import { handler } from './handler.ts'

/** KIP-345: from here on several members leave in one request, each with an error of its own. */
const FIRST_BATCHED_VERSION = 3

/** LeaveGroup (13): members go without waiting for their sessions to end. Version 5 brings the reason (KIP-800). */
export const leaveGroup = handler(LeaveGroup, ({ groupId, memberId, members }, { broker, apiVersion }) => {
  const isBatched = apiVersion >= FIRST_BATCHED_VERSION
  const leaving = isBatched ? members : [{ memberId, groupInstanceId: null, reason: null }]
  const left = orCode(() => broker.groups.leaveGroup(groupId, leaving))
  if (!('answer' in left)) return { throttleTimeMs: 0, errorCode: left.code, members: [] }
  const { answer } = left
  return isBatched
    ? { throttleTimeMs: 0, errorCode: ErrorCode.NONE, members: answer }
    : { throttleTimeMs: 0, errorCode: answer[0]?.errorCode ?? ErrorCode.NONE, members: [] }
})
