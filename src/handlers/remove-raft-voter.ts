import { ErrorCode } from '../protocol/error-code.ts'
import { RemoveRaftVoter } from '../protocol/generated/remove-raft-voter.ts'
import { handler } from './handler.ts'
import { checkVoter, describeVoter, refuseStaticQuorum, refuseVoter } from './quorum/voter-refusal.ts'

/** RemoveRaftVoter (key 81, KIP-853): removes a controller from those that vote. The last one cannot go. */
export const removeRaftVoter = handler(RemoveRaftVoter, (request, { broker }) => {
  const refusal = checkVoter(request, broker.clusterId, 'Remove')
  if (refusal) return refusal
  const { kraftVersion, voters } = broker.metadata.quorum
  if (kraftVersion === 0) return refuseStaticQuorum('removing')
  return refuseVoter(
    ErrorCode.VOTER_NOT_FOUND,
    `Cannot remove voter ${describeVoter(request)} from the set of voters [${voters.map(describeVoter).join(', ')}]`,
  )
})
