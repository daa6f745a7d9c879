import type { GroupCaller } from '../coordinator/group/group-coordinator.ts'
import { ApiError, type ErrorCode } from '../protocol/error-code.ts'
import type { RequestContext } from './handler.ts'

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
