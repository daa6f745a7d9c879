import { ErrorCode } from '../protocol/error-code.ts'
import { SaslHandshake } from '../protocol/generated/sasl-handshake.ts'
import { handler } from './handler.ts'

/** SaslHandshake (key 17): names the mechanism of an authentication. A listener without SASL has no use for it, at any time. */
export const saslHandshake = handler(SaslHandshake, () => ({
  errorCode: ErrorCode.ILLEGAL_SASL_STATE,
  mechanisms: [],
}))
