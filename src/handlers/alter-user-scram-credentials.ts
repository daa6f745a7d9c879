import { ErrorCode } from '../protocol/error-code.ts'
import { AlterUserScramCredentials } from '../protocol/generated/alter-user-scram-credentials.ts'
import { handler } from './handler.ts'

/** AlterUserScramCredentials (key 51, KIP-554): sets and removes SCRAM users. A password comes salted and hashed, never in clear. */
export const alterUserScramCredentials = handler(
  AlterUserScramCredentials,
  ({ deletions, upsertions }, { broker }) => ({
    throttleTimeMs: 0,
    results: broker.controller.alterScramCredentials(deletions, upsertions).map(({ user, error }) => ({
      user,
      errorCode: error?.code ?? ErrorCode.NONE,
      errorMessage: error?.explanation ?? null,
    })),
  }),
)
