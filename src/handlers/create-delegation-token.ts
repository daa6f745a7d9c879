import { ErrorCode } from '../protocol/error-code.ts'
import {
  CreateDelegationToken,
  type CreateDelegationTokenRequest,
} from '../protocol/generated/create-delegation-token.ts'
import { handler } from './handler.ts'

const FIRST_VERSION_WITH_OWNER = 3
const NO_TIME = -1n
const NO_HMAC = Buffer.alloc(0)
/** Everybody on a listener without authentication. */
const ANONYMOUS = { type: 'User', name: 'ANONYMOUS' }
const NOBODY = { type: '', name: '' }

/**
 * CreateDelegationToken (key 38, KIP-48): a token by which others act for a user. It needs an authenticated connection, which a plaintext
 * listener has not. 3 can name another owner (KIP-373).
 */
export const createDelegationToken = handler(CreateDelegationToken, (request, { apiVersion }) => {
  const owner = ownerOf(request)
  // Older answers have no room for who asks.
  const requester = apiVersion >= FIRST_VERSION_WITH_OWNER ? ANONYMOUS : NOBODY
  return {
    // An owner with a name and no type breaks Kafka's code: that is what it answers.
    errorCode: owner ? ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED : ErrorCode.UNKNOWN_SERVER_ERROR,
    principalType: (owner ?? ANONYMOUS).type,
    principalName: (owner ?? ANONYMOUS).name,
    tokenRequesterPrincipalType: requester.type,
    tokenRequesterPrincipalName: requester.name,
    issueTimestampMs: NO_TIME,
    expiryTimestampMs: NO_TIME,
    maxTimestampMs: NO_TIME,
    tokenId: '',
    hmac: NO_HMAC,
    throttleTimeMs: 0,
  }
})

function ownerOf({ ownerPrincipalType: type, ownerPrincipalName: name }: CreateDelegationTokenRequest) {
  if (!name) return ANONYMOUS
  return type === null ? undefined : { type, name }
}
