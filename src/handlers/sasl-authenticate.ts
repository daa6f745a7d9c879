import { ErrorCode } from '../protocol/error-code.ts'
import { SaslAuthenticate } from '../protocol/generated/sasl-authenticate.ts'
import { handler } from './handler.ts'

const NOTHING = Buffer.alloc(0)

/** SaslAuthenticate (key 36, KIP-152): one message of an authentication. A listener without SASL has no use for it, at any time. */
export const saslAuthenticate = handler(SaslAuthenticate, () => ({
  errorCode: ErrorCode.ILLEGAL_SASL_STATE,
  errorMessage: 'SaslAuthenticate request received after successful authentication',
  authBytes: NOTHING,
  sessionLifetimeMs: 0n,
}))
