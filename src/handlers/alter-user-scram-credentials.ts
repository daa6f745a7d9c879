import { ErrorCode } from '../protocol/error-code.ts'
import { AlterUserScramCredentials } from '../protocol/generated/alter-user-scram-credentials.ts'
import { handler } from './handler.ts'

/** AlterUserScramCredentials (key 51, KIP-554): sets and removes SCRAM users. A password comes salted and hashed, never in clear. */
export const alterUserScramCredentials = handler(
  AlterUserScramCredentials,
  async ({ deletions, upsertions }, { broker }) => {
    const outcomes = await broker.controller.alterScramCredentials(deletions, upsertions)
    return {
      throttleTimeMs: 0,
      results: outcomes.map(({ user, error }) => ({
        user,
        errorCode: error?.code ?? ErrorCode.NONE,
        errorMessage: error?.explanation ?? null,
      })),
    }
  },
)
