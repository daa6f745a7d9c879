import type { GroupCaller } from '../coordinator/group/group-coordinator.ts'
import { ApiError, type ErrorCode } from '../protocol/error-code.ts'
import type { BrokerServices, RequestContext } from './handler.ts'

/** What may be done with a group when nothing forbids it: read, delete, describe, describe and alter its configuration; as bits. */
export const ALL_GROUP_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11)
export const OPERATIONS_NOT_ASKED = -2147483648

/** What the group coordinator wants to know of who asks. */
export function groupCaller({ apiVersion, clientId, connection }: RequestContext): GroupCaller {
  return { apiVersion, clientId: clientId ?? '', clientHost: `/${connection.clientAddress}` }
}

/** Gives an answer, or the code that it was refused with. Anything else that is thrown is no answer. */
export function orCode<Answer>(ask: () => Answer): { answer: Answer } | { code: ErrorCode } {
  try {
    return { answer: ask() }
  } catch (error) {
    if (error instanceof ApiError) return { code: error.code }
    throw error
  }
}

/** Whether groups of this kind are switched on: by the broker's setting and, for all but the classic ones, by a feature of the cluster. */
export function isGroupProtocolEnabled({ config, metadata }: BrokerServices, protocol: 'consumer'): boolean {
  return (
    config.get('group.coordinator.rebalance.protocols').includes(protocol) &&
    (metadata.features.get('group.version') ?? 0) > 0
  )
}
