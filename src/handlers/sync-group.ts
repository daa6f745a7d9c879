import { ErrorCode } from '../protocol/error-code.ts'
import { SyncGroup } from '../protocol/generated/sync-group.ts'
import { handler } from './handler.ts'

/** KIP-559: from here on a member has to name the protocol type and the protocol that it means. */
const FIRST_VERSION_WITH_PROTOCOL = 5
const NO_BYTES = Buffer.alloc(0)

/**
 * SyncGroup (14): a member asks for its assignment; the leader brings everybody's. The answer comes when the assignment is in the log.
 * Version 3 brings static members (KIP-345), 5 the protocol (KIP-559).
 */
export const syncGroup = handler(SyncGroup, (request, { broker, apiVersion }) => {
  const isNamed = request.protocolType !== null && request.protocolName !== null
  if (apiVersion < FIRST_VERSION_WITH_PROTOCOL || isNamed) return broker.groups.syncGroup(request)
  const errorCode = ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  return { throttleTimeMs: 0, errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES }
})
