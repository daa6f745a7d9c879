import { ElectionType } from '../metadata/elections.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  ElectLeaders,
  type ElectLeadersRequest,
  type ElectLeadersResponse,
} from '../protocol/generated/elect-leaders.ts'
import { handler } from './handler.ts'

/**
 * ElectLeaders (key 43, KIP-183): makes the preferred replica lead again; from 1 on also one that may lack records, when nobody else
 * can (KIP-460).
 */
export const electLeaders = handler(
  ElectLeaders,
  async (request, { broker, apiVersion }): Promise<ElectLeadersResponse> => {
    const electionType = apiVersion === 0 ? ElectionType.PREFERRED : request.electionType
    const requests = request.topicPartitions
    if (electionType !== ElectionType.PREFERRED && electionType !== ElectionType.UNCLEAN) {
      return refuseAll(
        requests,
        new ApiError(ErrorCode.INVALID_REQUEST, `Unknown election type ${electionType}`),
      )
    }
    if (request.timeoutMs <= 0) {
      const refusal = refuseAll(requests, new ApiError(ErrorCode.REQUEST_TIMED_OUT))
      // Version 0 has no error for the whole answer.
      return apiVersion === 0 ? { ...refusal, errorCode: ErrorCode.NONE } : refusal
    }
    const outcomes = await broker.controller.electLeaders(electionType, requests)
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      replicaElectionResults: outcomes.map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map(({ partition, error }) => rowOf(partition, error)),
      })),
    }
  },
)

function refuseAll(requests: ElectLeadersRequest['topicPartitions'], error: ApiError): ElectLeadersResponse {
  return {
    throttleTimeMs: 0,
    errorCode: error.code,
    replicaElectionResults: (requests ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partition) => rowOf(partition, error)),
    })),
  }
}

function rowOf(partitionId: number, error: ApiError | undefined) {
  return {
    partitionId,
    errorCode: error?.code ?? ErrorCode.NONE,
    errorMessage: error?.explanation ?? null,
  }
}
