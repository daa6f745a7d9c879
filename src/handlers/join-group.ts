import { JoinGroup, type JoinGroupResponse } from '../protocol/generated/join-group.ts'
import { groupCaller } from './group-caller.ts'
import { handler } from './handler.ts'

/** KIP-559: up to here the protocol's name cannot be null. */
const LAST_VERSION_WITH_PLAIN_NAME = 6

/**
 * JoinGroup (11): a member asks to be part of a group's next generation; the answer comes when all have asked.
 * Version 1 has a rebalance timeout of its own, 4 sends new members away with an id first (KIP-394), 5 brings static members (KIP-345),
 * 7 the protocol type, 8 the reason (KIP-800), 9 tells a leader that it need not assign (KIP-814).
 */
export const joinGroup = handler(JoinGroup, (request, context) => {
  const response = context.broker.groups.joinGroup(request, groupCaller(context))
  if (context.apiVersion > LAST_VERSION_WITH_PLAIN_NAME) return response
  return response instanceof Promise ? response.then(withPlainName) : withPlainName(response)
})

function withPlainName(response: JoinGroupResponse): JoinGroupResponse {
  return response.protocolName === null ? { ...response, protocolName: '' } : response
}
