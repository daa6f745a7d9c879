import { ErrorCode } from '../protocol/error-code.ts'
import { RenewDelegationToken } from '../protocol/generated/renew-delegation-token.ts'
import { handler } from './handler.ts'

/** RenewDelegationToken (key 39, KIP-48): gives a token more time. It needs an authenticated connection, which a plaintext listener has not. */
export const renewDelegationToken = handler(RenewDelegationToken, () => ({
  errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
  expiryTimestampMs: -1n,
  throttleTimeMs: 0,
}))
