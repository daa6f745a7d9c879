import type { ErrorCode } from '../../protocol/error-code.ts'
import type { JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import type { SyncGroupResponse } from '../../protocol/generated/sync-group.ts'

export const EMPTY_BYTES = Buffer.alloc(0)
export const UNKNOWN_MEMBER_ID = ''

/** A join that failed. */
export function joinError(errorCode: ErrorCode, memberId: string): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

/** A sync that failed. */
export function syncError(errorCode: ErrorCode): SyncGroupResponse {
  return { throttleTimeMs: 0, errorCode, protocolType: null, protocolName: null, assignment: EMPTY_BYTES }
}

/** An answer that is given at once or later: a plain value when it is there already, a promise when the request has to wait. */
export class Reply<Response> {
  #response: Response | undefined
  #resolve: ((response: Response) => void) | undefined

  get isComplete(): boolean {
    return this.#response !== undefined
  }

  /** The first answer counts. */
  complete(response: Response): void {
    if (this.#response !== undefined) return
    this.#response = response
    this.#resolve?.(response)
  }

  result(): Response | Promise<Response> {
    if (this.#response !== undefined) return this.#response
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }
}
