import type { TopicOutcome } from '../metadata/controller.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  CreatePartitions,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
  type CreatePartitionsTopicResult,
} from '../protocol/generated/create-partitions.ts'
import { handler } from './handler.ts'

/** CreatePartitions (key 37, KIP-195): gives topics more partitions. All versions alike; 2 is flexible. Of a topic that is named twice nothing is done. */
export const createPartitions = handler(CreatePartitions, (request, { broker }): CreatePartitionsResponse => {
  const { topics, timeoutMs, validateOnly } = request
  if (timeoutMs <= 0) return refuseAll(request, new ApiError(ErrorCode.REQUEST_TIMED_OUT))
  const wanted = topics.map(({ name, count, assignments }) => ({
    name,
    count,
    assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
  }))
  try {
    const outcomes = broker.controller.createPartitions(wanted, { validateOnly })
    return { throttleTimeMs: 0, results: outcomes.map(resultOf) }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return refuseAll(request, error)
  }
})

function resultOf({ name, error }: TopicOutcome<string>): CreatePartitionsTopicResult {
  return { name, errorCode: error?.code ?? ErrorCode.NONE, errorMessage: error?.explanation ?? null }
}

function refuseAll({ topics }: CreatePartitionsRequest, error: ApiError): CreatePartitionsResponse {
  return { throttleTimeMs: 0, results: topics.map(({ name }) => resultOf({ name, error })) }
}
