import type { TopicOutcome } from '../metadata/controller.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  CreatePartitions,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
  type CreatePartitionsTopicResult,
} from '../protocol/generated/create-partitions.ts'
import { handler } from './handler.ts'

/** From here on a client is refused what is above its quota; before, it is only held back (KIP-599). */
const FIRST_VERSION_WITH_QUOTA_ERROR = 3

/**
 * CreatePartitions (key 37, KIP-195): gives topics more partitions. 2 is flexible, 3 refuses what is above a quota (KIP-599). Of a topic that
 * is named twice nothing is done.
 */
export const createPartitions = handler(
  CreatePartitions,
  async (request, { broker, apiVersion, meter }): Promise<CreatePartitionsResponse> => {
    const { topics, timeoutMs, validateOnly } = request
    if (timeoutMs <= 0) return refuseAll(request, new ApiError(ErrorCode.REQUEST_TIMED_OUT))
    const wanted = topics.map(({ name, count, assignments }) => ({
      name,
      count,
      assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
    }))
    try {
      const allowance = meter?.mutations(apiVersion >= FIRST_VERSION_WITH_QUOTA_ERROR)
      const outcomes = await broker.controller.createPartitions(wanted, { validateOnly, allowance })
      return { throttleTimeMs: 0, results: outcomes.map(resultOf) }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return refuseAll(request, error)
    }
  },
)

function resultOf({ name, error }: TopicOutcome<string>): CreatePartitionsTopicResult {
  return { name, errorCode: error?.code ?? ErrorCode.NONE, errorMessage: error?.explanation ?? null }
}

function refuseAll({ topics }: CreatePartitionsRequest, error: ApiError): CreatePartitionsResponse {
  return { throttleTimeMs: 0, results: topics.map(({ name }) => resultOf({ name, error })) }
}
