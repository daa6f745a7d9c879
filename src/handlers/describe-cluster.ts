import { ErrorCode } from '../protocol/error-code.ts'
import { DescribeCluster, type DescribeClusterResponse } from '../protocol/generated/describe-cluster.ts'
import { handler } from './handler.ts'
import { clusterOperations, NOT_ASKED } from './topics/authorized-operations.ts'
import { ClusterView } from './topics/cluster-view.ts'

const BROKERS = 1
const CONTROLLERS = 2

/**
 * DescribeCluster (key 60): the brokers, their addresses and the controller, without topics. 1 says whether brokers or controllers are
 * meant (KIP-919); 2 can ask for fenced brokers too (KIP-1073).
 */
export const describeCluster = handler(DescribeCluster, (request, context): DescribeClusterResponse => {
  const { endpointType } = request
  if (endpointType === CONTROLLERS) {
    return refuse(
      ErrorCode.MISMATCHED_ENDPOINT_TYPE,
      'The request was sent to a broker, but it asks for an endpoint of a controller.',
    )
  }
  if (endpointType !== BROKERS) {
    return refuse(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, `There is no endpoint of type ${endpointType}.`)
  }
  const view = new ClusterView(context)
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    endpointType: BROKERS,
    clusterId: context.broker.clusterId,
    controllerId: view.controllerId,
    brokers: view.brokers(request.includeFencedBrokers).map(({ id, ...rest }) => ({ brokerId: id, ...rest })),
    clusterAuthorizedOperations: clusterOperations(request.includeClusterAuthorizedOperations),
  }
})

function refuse(errorCode: ErrorCode, errorMessage: string): DescribeClusterResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    errorMessage,
    endpointType: BROKERS,
    clusterId: '',
    controllerId: -1,
    brokers: [],
    clusterAuthorizedOperations: NOT_ASKED,
  }
}
