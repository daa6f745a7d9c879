import { ErrorCode } from '../protocol/error-code.ts'
import { DescribeDelegationToken } from '../protocol/generated/describe-delegation-token.ts'
import { handler } from './handler.ts'

/** DescribeDelegationToken (key 41, KIP-48): tokens by their owners. It needs an authenticated connection, which a plaintext listener has not. */
export const describeDelegationToken = handler(DescribeDelegationToken, () => ({
  errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
  tokens: [],
  throttleTimeMs: 0,
}))
