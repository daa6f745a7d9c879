import { ErrorCode } from '../../protocol/error-code.ts'
import { CloseConnectionError } from '../handler.ts'

/** The answer to every request about access rules: nobody would keep to them. */
export const NO_AUTHORIZER = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: 'No Authorizer is configured.',
} as const

/** UNKNOWN in each of the enumerations of access rules. */
const UNKNOWN = 0

/** Kafka cannot read a request with UNKNOWN in it, and closes the connection. Other numbers that mean nothing it lets pass. */
export function refuseUnknown(...values: readonly number[]): void {
  if (values.includes(UNKNOWN)) throw new CloseConnectionError('a rule with UNKNOWN in it cannot be read')
}
