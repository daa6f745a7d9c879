import { consumerAssignors } from '../config/consumer-assignors.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  ConsumerGroupHeartbeat,
  type ConsumerGroupHeartbeatRequest,
} from '../protocol/generated/consumer-group-heartbeat.ts'
import { groupCaller, isGroupProtocolEnabled } from './group-caller.ts'
import { handler, type RequestContext } from './handler.ts'

/** From here on a member draws its id itself. */
const FIRST_VERSION_WITH_OWN_MEMBER_ID = 1
const JOIN = 0
const LEAVE = -1
const LEAVE_FOR_A_WHILE = -2

/**
 * ConsumerGroupHeartbeat (68, KIP-848): a member joins its group, tells what it has, hears what it is to have, and leaves. Version 1 brings
 * subscriptions by regular expression, and ids that members draw themselves (KIP-1082).
 */
export const consumerGroupHeartbeat = handler(ConsumerGroupHeartbeat, (request, context) => {
  try {
    validate(request, context)
    return context.broker.groups.consumerGroupHeartbeat(request, groupCaller(context))
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return {
      throttleTimeMs: 0,
      errorCode: error.code,
      errorMessage: error.explanation,
      memberId: null,
      memberEpoch: 0,
      heartbeatIntervalMs: 0,
      assignment: null,
    }
  }
})

function validate(request: ConsumerGroupHeartbeatRequest, { broker, apiVersion }: RequestContext): void {
  if (!isGroupProtocolEnabled(broker, 'consumer')) throw new ApiError(ErrorCode.UNSUPPORTED_VERSION)
  const { memberEpoch, serverAssignor } = request
  if (apiVersion >= FIRST_VERSION_WITH_OWN_MEMBER_ID || memberEpoch > JOIN || memberEpoch === LEAVE)
    refuseBlank(request.memberId, 'MemberId')
  refuseBlank(request.groupId, 'GroupId')
  refuseBlank(request.instanceId, 'InstanceId')
  refuseBlank(request.rackId, 'RackId')
  if (memberEpoch === JOIN) validateJoin(request)
  else if (memberEpoch === LEAVE_FOR_A_WHILE && request.instanceId === null)
    throw invalid("InstanceId can't be null.")
  else if (memberEpoch < LEAVE_FOR_A_WHILE) throw invalid('MemberEpoch is invalid.')
  const assignors = consumerAssignors(broker.config)
  if (serverAssignor !== null && !assignors.includes(serverAssignor)) {
    throw new ApiError(
      ErrorCode.UNSUPPORTED_ASSIGNOR,
      `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${assignors.join(', ')}.`,
    )
  }
}

/** A member that joins says all about itself, and has no partitions. */
function validateJoin(request: ConsumerGroupHeartbeatRequest): void {
  if (request.rebalanceTimeoutMs === -1)
    throw invalid('RebalanceTimeoutMs must be provided in first request.')
  if (request.topicPartitions?.length !== 0) throw invalid('TopicPartitions must be empty when (re-)joining.')
  if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null)
    throw invalid('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.')
}

function refuseBlank(value: string | null, field: string): void {
  if (value?.trim() === '') throw invalid(`${field} can't be empty.`)
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REQUEST, message)
}
