import { duplicatesIn } from '../metadata/duplicates.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import { type Uuid, ZERO_UUID } from '../protocol/api.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  type DeletableTopicResult,
  type DeleteTopicState,
  DeleteTopics,
  type DeleteTopicsRequest,
} from '../protocol/generated/delete-topics.ts'
import type { MutationAllowance } from '../quotas/mutation-quota.ts'
import { type BrokerServices, handler } from './handler.ts'

/** From here on the answer can say that deletion is turned off. */
const FIRST_VERSION_WITH_DELETION_DISABLED = 3
/** From here on a client is refused what is above its quota; before, it is only held back (KIP-599). */
const FIRST_VERSION_WITH_QUOTA_ERROR = 5
/** KIP-516: from here on topics are named by name or by id. */
const FIRST_VERSION_BY_ID = 6

/**
 * DeleteTopics (key 20): removes topics with all their records. 1 and newer have been throttled, 3 can say that deletion is turned off, 5
 * has messages and refuses what is above a quota (KIP-599), 6 names topics by id (KIP-516). Of a topic that is named twice nothing is done.
 */
export const deleteTopics = handler(DeleteTopics, async (request, { broker, apiVersion, meter }) => {
  const topics = topicsOf(request, apiVersion)
  const refusal = refusalOf(request, broker, apiVersion)
  if (refusal !== undefined) {
    return { throttleTimeMs: 0, responses: topics.map((topic) => result(topic, refusal)) }
  }
  const { found, responses } = lookUp(topics, broker.metadata)
  const allowance = meter?.mutations(apiVersion >= FIRST_VERSION_WITH_QUOTA_ERROR)
  const allowed = allowance
    ? found.filter((topic) => isAllowed(topic, allowance, broker.metadata, responses))
    : found
  try {
    await broker.controller.deleteTopics(allowed.map(({ topicId }) => topicId))
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { throttleTimeMs: 0, responses: topics.map((topic) => result(topic, error.code, error.message)) }
  }
  for (const topic of allowed) responses.push(result(topic, ErrorCode.NONE))
  return { throttleTimeMs: 0, responses }
})

/** Counts the topic's partitions; one that is too much for the client's quota is answered for. */
function isAllowed(
  topic: NamedTopic,
  allowance: MutationAllowance,
  metadata: MetadataImage,
  responses: DeletableTopicResult[],
): boolean {
  try {
    allowance.record(metadata.topicById(topic.topicId)?.partitions.length ?? 0)
    return true
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    responses.push(result(topic, error.code, error.explanation))
    return false
  }
}

function topicsOf({ topics, topicNames }: DeleteTopicsRequest, apiVersion: number): DeleteTopicState[] {
  if (apiVersion >= FIRST_VERSION_BY_ID) return [...topics]
  return topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
}

function refusalOf(
  { timeoutMs }: DeleteTopicsRequest,
  { config }: BrokerServices,
  apiVersion: number,
): ErrorCode | undefined {
  if (!config.get('delete.topic.enable')) {
    return apiVersion >= FIRST_VERSION_WITH_DELETION_DISABLED
      ? ErrorCode.TOPIC_DELETION_DISABLED
      : ErrorCode.INVALID_REQUEST
  }
  return timeoutMs <= 0 ? ErrorCode.REQUEST_TIMED_OUT : undefined
}

function result(
  { name, topicId }: { readonly name: string | null; readonly topicId: Uuid },
  errorCode: ErrorCode,
  errorMessage: string | null = null,
): DeletableTopicResult {
  return { name, topicId, errorCode, errorMessage }
}

interface NamedTopic {
  readonly name: string
  readonly topicId: Uuid
}

/** Sorts the topics of a request into those that can be deleted and answers for the others. */
function lookUp(
  topics: readonly DeleteTopicState[],
  metadata: MetadataImage,
): { found: NamedTopic[]; responses: DeletableTopicResult[] } {
  const responses: DeletableTopicResult[] = []
  const names: string[] = []
  const ids: Uuid[] = []
  const invalid = (topic: DeleteTopicState, message: string) =>
    responses.push(result(topic, ErrorCode.INVALID_REQUEST, message))
  for (const topic of topics) {
    const { name, topicId } = topic
    if (name !== null && topicId !== ZERO_UUID) invalid(topic, 'Only one of name and id can be given.')
    else if (name !== null) names.push(name)
    else if (topicId !== ZERO_UUID) ids.push(topicId)
    else invalid(topic, 'Neither topic name nor id were specified.')
  }
  const byName = new Set(names)
  const byId = new Set(ids)
  for (const name of duplicatesIn(names)) {
    byName.delete(name)
    invalid({ name, topicId: ZERO_UUID }, 'Duplicate topic name.')
  }
  for (const topicId of duplicatesIn(ids)) {
    byId.delete(topicId)
    invalid({ name: null, topicId }, 'Duplicate topic id.')
  }
  const found: NamedTopic[] = []
  for (const topicId of byId) {
    const topic = metadata.topicById(topicId)
    if (!topic)
      responses.push(
        result({ name: null, topicId }, ErrorCode.UNKNOWN_TOPIC_ID, `There is no topic ${topicId}.`),
      )
    else if (byName.delete(topic.name)) invalid(topic, 'The topic was named both by name and by id.')
    else found.push(topic)
  }
  for (const name of byName) {
    const topic = metadata.topic(name)
    if (topic) found.push(topic)
    else
      responses.push(
        result(
          { name, topicId: ZERO_UUID },
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          `There is no topic ${name}.`,
        ),
      )
  }
  return { found, responses }
}
