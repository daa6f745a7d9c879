import { JoinGroup, type JoinGroupResponse } from '../protocol/generated/join-group.ts'
import { groupCaller } from './group-caller.ts'
import { handler } from './handler.ts'

const FIRST_VERSION_WITH_REBALANCE_TIMEOUT = 1
/** KIP-559: from here on no protocol is null, and before the empty name. */
const FIRST_VERSION_WITH_NULLABLE_NAME = 7

/**
 * JoinGroup (11): a member asks to be part of a group's next generation; the answer comes when all have asked.
 * Version 1 has a rebalance timeout of its own, 4 sends new members away with an id first (KIP-394), 5 brings static members (KIP-345),
 * 7 the protocol type, 8 the reason (KIP-800), 9 tells a leader that it need not assign (KIP-814).
 */
export const joinGroup = handler(JoinGroup, (request, context) => {
  const { apiVersion, broker } = context
  const hasOneTimeout = apiVersion < FIRST_VERSION_WITH_REBALANCE_TIMEOUT
  const asked = hasOneTimeout ? { ...request, rebalanceTimeoutMs: request.sessionTimeoutMs } : request
  const response = broker.groups.joinGroup(asked, groupCaller(context))
  return response instanceof Promise
    ? response.then((late) => withName(late, apiVersion))
    : withName(response, apiVersion)
})

function withName(response: JoinGroupResponse, apiVersion: number): JoinGroupResponse {
  if (response.protocolName) return response
  return { ...response, protocolName: apiVersion < FIRST_VERSION_WITH_NULLABLE_NAME ? '' : null }
}
