import { controllerListener } from '../metadata/quorum-voter.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { AddRaftVoter } from '../protocol/generated/add-raft-voter.ts'
import { handler } from './handler.ts'
import { checkVoter, describeVoter, refuseStaticQuorum, refuseVoter } from './quorum/voter-refusal.ts'

/** AddRaftVoter (key 80, KIP-853): adds a controller to those that vote. Here there is one for good: no other can be reached. */
export const addRaftVoter = handler(AddRaftVoter, (request, { broker }) => {
  const refusal = checkVoter(request, broker.clusterId, 'Add')
  if (refusal) return refusal
  const listener = controllerListener(broker.config)
  if (!request.listeners.some(({ name }) => name === listener)) {
    return refuseVoter(
      ErrorCode.INVALID_REQUEST,
      `Add voter request didn't include the endpoint for the default listener ${listener}`,
    )
  }
  const { kraftVersion, voters } = broker.metadata.quorum
  if (kraftVersion === 0) return refuseStaticQuorum('adding')
  const wanted = describeVoter(request)
  if (voters.some(({ voterId }) => voterId === request.voterId)) {
    return refuseVoter(
      ErrorCode.DUPLICATE_VOTER,
      `The voter id for ${wanted} is already part of the set of voters [${voters.map(describeVoter).join(', ')}].`,
    )
  }
  return refuseVoter(ErrorCode.REQUEST_TIMED_OUT, `New voter ${wanted} is not ready to receive requests`)
})
