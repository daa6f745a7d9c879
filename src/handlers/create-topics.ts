import type { TopicOutcome } from '../metadata/controller.ts'
import type { CreatedTopic, NewTopic } from '../metadata/topic-operations.ts'
import { ZERO_UUID } from '../protocol/api.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  type CreatableTopic,
  type CreatableTopicConfigs,
  type CreatableTopicResult,
  CreateTopics,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
} from '../protocol/generated/create-topics.ts'
import { handler } from './handler.ts'
import { TopicConfigRows } from './topics/topic-config-rows.ts'

/** From here on the answer describes the new topic (KIP-525). */
const FIRST_VERSION_WITH_CONFIGS = 5
/** From here on a client is refused what is above its quota; before, it is only held back (KIP-599). */
const FIRST_VERSION_WITH_QUOTA_ERROR = 6

/**
 * CreateTopics (key 19): makes topics, all with one batch of the metadata log; they can be used when the answer leaves. A topic that is
 * refused does not hold the others back, and of one that is named twice nothing is done. 1 can rehearse, 4 speaks of the broker's
 * defaults as -1 (KIP-464; Kafka takes it in older versions too), 5 describes what was made, 6 refuses what is above a quota (KIP-599), 7 tells the topic's id (KIP-516).
 */
export const createTopics = handler(
  CreateTopics,
  async (request, { broker, apiVersion, meter }): Promise<CreateTopicsResponse> => {
    const { topics, timeoutMs, validateOnly } = request
    if (timeoutMs <= 0) return refuseAll(request, new ApiError(ErrorCode.REQUEST_TIMED_OUT))
    let outcomes: TopicOutcome<CreatedTopic>[]
    try {
      const allowance = meter?.mutations(apiVersion >= FIRST_VERSION_WITH_QUOTA_ERROR)
      outcomes = await broker.controller.createTopics(topics.map(newTopic), { validateOnly, allowance })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return refuseAll(request, error)
    }
    const rows = new TopicConfigRows(broker.config)
    const describe = (created: CreatedTopic) =>
      apiVersion >= FIRST_VERSION_WITH_CONFIGS ? rows.of(created.configs) : []
    const results = outcomes.map(({ name, result, error }) =>
      result ? created(result, describe(result)) : refused(name, error),
    )
    return { throttleTimeMs: 0, topics: results }
  },
)

function newTopic({
  name,
  numPartitions,
  replicationFactor,
  assignments,
  configs,
}: CreatableTopic): NewTopic {
  return {
    name,
    partitions: numPartitions,
    replicationFactor,
    assignments,
    configs: new Map(configs.map((config) => [config.name, config.value])),
  }
}

function created(
  { name, topicId, partitions, replicationFactor }: CreatedTopic,
  configs: readonly CreatableTopicConfigs[],
): CreatableTopicResult {
  return {
    name,
    topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topicConfigErrorCode: ErrorCode.NONE,
    numPartitions: partitions,
    replicationFactor,
    configs,
  }
}

function refused(name: string, error: ApiError): CreatableTopicResult {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode: error.code,
    errorMessage: error.explanation,
    topicConfigErrorCode: ErrorCode.NONE,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  }
}

function refuseAll({ topics }: CreateTopicsRequest, error: ApiError): CreateTopicsResponse {
  return { throttleTimeMs: 0, topics: topics.map(({ name }) => refused(name, error)) }
}
