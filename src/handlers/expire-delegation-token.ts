import { ErrorCode } from '../protocol/error-code.ts'
import { ExpireDelegationToken } from '../protocol/generated/expire-delegation-token.ts'
import { handler } from './handler.ts'

/** ExpireDelegationToken (key 40, KIP-48): ends a token, now or later. It needs an authenticated connection, which a plaintext listener has not. */
export const expireDelegationToken = handler(ExpireDelegationToken, () => ({
  errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
  expiryTimestampMs: -1n,
  throttleTimeMs: 0,
}))
