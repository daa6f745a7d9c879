import { RemoveRaftVoter } from '../protocol/generated/remove-raft-voter.ts'
import { handler } from './handler.ts'
import { checkVoter, refuseStaticQuorum } from './quorum/voter-refusal.ts'

/** RemoveRaftVoter (key 81, KIP-853): removes a controller from those that vote. Here there is one for good. */
export const removeRaftVoter = handler(
  RemoveRaftVoter,
  (request, { broker }) => checkVoter(request, broker.clusterId) ?? refuseStaticQuorum('removing'),
)
