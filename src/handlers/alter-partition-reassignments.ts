import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  AlterPartitionReassignments,
  type AlterPartitionReassignmentsResponse,
  type ReassignablePartitionResponse,
} from '../protocol/generated/alter-partition-reassignments.ts'
import { handler } from './handler.ts'

/** AlterPartitionReassignments (key 45, KIP-455): moves partitions to other brokers, or takes moves back. 1 can hold on to the number of replicas (KIP-860). */
export const alterPartitionReassignments = handler(
  AlterPartitionReassignments,
  async (
    { topics, timeoutMs, allowReplicationFactorChange },
    { broker },
  ): Promise<AlterPartitionReassignmentsResponse> => {
    const answer = { throttleTimeMs: 0, allowReplicationFactorChange, errorMessage: null }
    if (timeoutMs <= 0) {
      const error = new ApiError(ErrorCode.REQUEST_TIMED_OUT)
      const responses = topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => rowOf(partitionIndex, error)),
      }))
      return { ...answer, errorCode: error.code, responses }
    }
    const wanted = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, replicas }) => ({ partition: partitionIndex, replicas })),
    }))
    const outcomes = await broker.controller.alterReassignments(wanted, allowReplicationFactorChange)
    const responses = outcomes.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partition, error }) => rowOf(partition, error)),
    }))
    return { ...answer, errorCode: ErrorCode.NONE, responses }
  },
)

function rowOf(partitionIndex: number, error: ApiError | undefined): ReassignablePartitionResponse {
  return {
    partitionIndex,
    errorCode: error?.code ?? ErrorCode.NONE,
    errorMessage: error?.explanation ?? null,
  }
}
