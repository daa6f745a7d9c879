import { SyncGroup } from '../protocol/generated/sync-group.ts'
import { handler } from './handler.ts'

/**
 * SyncGroup (14): a member asks for its assignment; the leader brings everybody's. The answer comes when the assignment is in the log.
 * Version 3 brings static members (KIP-345), 5 lets a member name the protocol that it means (KIP-559).
 */
export const syncGroup = handler(SyncGroup, (request, { broker }) => broker.groups.syncGroup(request))
