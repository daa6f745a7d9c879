import { ErrorCode } from '../protocol/error-code.ts'
import { AddRaftVoter } from '../protocol/generated/add-raft-voter.ts'
import { handler } from './handler.ts'
import { checkVoter, refuseStaticQuorum, refuseVoter } from './quorum/voter-refusal.ts'

/** Where controllers listen when the configuration does not say it. */
const CONTROLLER = 'CONTROLLER'

/** AddRaftVoter (key 80, KIP-853): adds a controller to those that vote. Here there is one for good. */
export const addRaftVoter = handler(AddRaftVoter, (request, { broker }) => {
  const refusal = checkVoter(request, broker.clusterId)
  if (refusal) return refusal
  const listener = broker.config.get('controller.listener.names')?.[0] ?? CONTROLLER
  if (!request.listeners.some(({ name }) => name === listener)) {
    return refuseVoter(
      ErrorCode.INVALID_REQUEST,
      `Add voter request didn't include the endpoint for the default listener ${listener}`,
    )
  }
  return refuseStaticQuorum('adding')
})
