import { duplicatesIn } from '../metadata/duplicates.ts'
import type { ScramCredentials } from '../metadata/scram-credentials.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  DescribeUserScramCredentials,
  type DescribeUserScramCredentialsResult,
} from '../protocol/generated/describe-user-scram-credentials.ts'
import { handler } from './handler.ts'

/** DescribeUserScramCredentials (key 50, KIP-554): who may authenticate by which mechanism. No names mean everybody. Secrets stay here. */
export const describeUserScramCredentials = handler(DescribeUserScramCredentials, ({ users }, { broker }) => {
  const { scramCredentials } = broker.metadata
  const asked = users?.map(({ name }) => name) ?? []
  const duplicates = duplicatesIn(asked)
  const names = asked.length > 0 ? new Set(asked) : scramCredentials.users()
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    results: Array.from(names, (user) => resultOf(user, scramCredentials, duplicates.has(user))),
  }
})

function resultOf(
  user: string,
  scramCredentials: ScramCredentials,
  isDuplicate: boolean,
): DescribeUserScramCredentialsResult {
  if (isDuplicate) {
    const errorMessage = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`
    return { user, errorCode: ErrorCode.DUPLICATE_RESOURCE, errorMessage, credentialInfos: [] }
  }
  const credentials = scramCredentials.of(user)
  if (credentials.length === 0) {
    const errorMessage = `Attempt to describe a user credential that does not exist: ${user}`
    return { user, errorCode: ErrorCode.RESOURCE_NOT_FOUND, errorMessage, credentialInfos: [] }
  }
  return {
    user,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    credentialInfos: credentials.map(({ mechanism, iterations }) => ({ mechanism, iterations })),
  }
}
