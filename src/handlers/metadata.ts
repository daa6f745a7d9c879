import type { TopicImage } from '../metadata/metadata-image.ts'
import { topicNameFault } from '../metadata/topic-names.ts'
import { type Uuid, ZERO_UUID } from '../protocol/api.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  Metadata,
  type MetadataRequest,
  type MetadataRequestTopic,
  type MetadataResponse,
  type MetadataResponseTopic,
} from '../protocol/generated/metadata.ts'
import type { MutationAllowance } from '../quotas/mutation-quota.ts'
import { type BrokerServices, handler, type RequestContext } from './handler.ts'
import { isInternalTopic } from './internal-topics.ts'
import { clusterOperations, NOT_ASKED, topicOperations } from './topics/authorized-operations.ts'
import { ClusterView } from './topics/cluster-view.ts'

/** From here on an empty list asks for no topic; before it asked for all. */
const FIRST_VERSION_WITH_NONE = 1
/** KIP-226: from here on a leader without an address on the listener has an error of its own. */
const FIRST_VERSION_WITH_LISTENER_NOT_FOUND = 6
/** KIP-516: topic ids are told from 10 on, and can be asked for from 12 on. */
const FIRST_VERSION_BY_ID = 12

/**
 * Metadata (key 3): where the brokers are and who leads which partition. Topics that are not there are created when client and broker
 * allow it, before the answer: Apache Kafka says UNKNOWN_TOPIC_OR_PARTITION now and has them later, which makes clients ask again.
 *
 * 0 asks for all topics with an empty list, 1 and newer with null; 4 can forbid the creation of topics (before, it was always allowed);
 * 8 to 10 tell authorized operations (KIP-430), of the cluster no more from 11 on; 12 asks by topic id (KIP-516).
 */
export const metadata = handler(
  Metadata,
  (request, context): MetadataResponse | Promise<MetadataResponse> => {
    const { broker, apiVersion, meter } = context
    if (request.topics?.some((topic) => !isAllowed(topic, apiVersion))) return refuse(request.topics)
    const missing = topicsToCreate(request, broker)
    if (missing.length === 0) return answer(request, context)
    const allowance = meter?.sideEffects()
    return Promise.all(missing.map((name) => create(name, broker, allowance))).then(() =>
      answer(request, context),
    )
  },
)

function answer(request: MetadataRequest, context: RequestContext): MetadataResponse {
  const { broker } = context
  const view = new ClusterView(context)
  const topics = new TopicRows(request, context, view).all()
  return {
    throttleTimeMs: 0,
    brokers: view.brokers().map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId: broker.clusterId,
    controllerId: view.controllerId,
    topics,
    clusterAuthorizedOperations: clusterOperations(request.includeClusterAuthorizedOperations),
    errorCode: ErrorCode.NONE,
  }
}

/** Names that are asked for, that no topic has, and that one is allowed to have now. */
function topicsToCreate(
  { topics, allowAutoTopicCreation }: MetadataRequest,
  { metadata, config }: BrokerServices,
): string[] {
  if (topics === null || !allowAutoTopicCreation || topics.some(({ topicId }) => topicId !== ZERO_UUID))
    return []
  const missing = topics.flatMap(({ name }) =>
    name !== null && !metadata.topic(name) && topicNameFault(name) === undefined ? [name] : [],
  )
  return missing.length > 0 && config.get('auto.create.topics.enable') ? unique(missing) : []
}

async function create(
  name: string,
  { controller, logger }: BrokerServices,
  allowance: MutationAllowance | undefined,
): Promise<void> {
  try {
    await controller.autoCreateTopic(name, allowance)
  } catch (error) {
    // To the client the topic is unknown, as in Kafka: it has not asked for its creation.
    if (!(error instanceof ApiError)) throw error
    logger.warn({ topic: name, reason: error.message }, 'A topic was not created automatically')
  }
}

function isAllowed({ name, topicId }: MetadataRequestTopic, apiVersion: number): boolean {
  if (apiVersion < FIRST_VERSION_BY_ID) return name !== null && topicId === ZERO_UUID
  return name !== null || topicId !== ZERO_UUID
}

/** All topics of a request that asks in a way that its version cannot. */
function refuse(topics: readonly MetadataRequestTopic[]): MetadataResponse {
  return {
    throttleTimeMs: 0,
    brokers: [],
    clusterId: null,
    controllerId: -1,
    topics: topics.map(({ name, topicId }) =>
      absent(name ?? '', topicId, ErrorCode.INVALID_REQUEST, NOT_ASKED),
    ),
    clusterAuthorizedOperations: NOT_ASKED,
    errorCode: ErrorCode.NONE,
  }
}

function absent(
  name: string | null,
  topicId: Uuid,
  errorCode: number,
  topicAuthorizedOperations: number,
): MetadataResponseTopic {
  return {
    errorCode,
    name,
    topicId,
    isInternal: name !== null && isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations,
  }
}

/** The topics of one answer. */
class TopicRows {
  readonly #request: MetadataRequest
  readonly #broker: BrokerServices
  readonly #view: ClusterView
  readonly #missingListener: ErrorCode
  readonly #asksForAll: boolean
  readonly #operations: number

  constructor(request: MetadataRequest, { broker, apiVersion }: RequestContext, view: ClusterView) {
    const { topics } = request
    this.#request = request
    this.#broker = broker
    this.#view = view
    this.#missingListener =
      apiVersion >= FIRST_VERSION_WITH_LISTENER_NOT_FOUND
        ? ErrorCode.LISTENER_NOT_FOUND
        : ErrorCode.LEADER_NOT_AVAILABLE
    this.#asksForAll = topics === null || (apiVersion < FIRST_VERSION_WITH_NONE && topics.length === 0)
    this.#operations = topicOperations(request.includeTopicAuthorizedOperations)
  }

  all(): MetadataResponseTopic[] {
    const { topics } = this.#request
    if (topics === null || this.#asksForAll) {
      return Array.from(this.#broker.metadata.topics.values(), (topic) => this.#present(topic))
    }
    const ids = topics.filter(({ topicId }) => topicId !== ZERO_UUID)
    // As in Kafka, whoever asks for an id asks by id: names beside it are not looked at.
    if (ids.length > 0) return unique(ids.map(({ topicId }) => topicId)).map((id) => this.#byId(id))
    return unique(topics.map(({ name }) => name ?? '')).map((name) => this.#byName(name))
  }

  #byId(topicId: Uuid): MetadataResponseTopic {
    const topic = this.#broker.metadata.topicById(topicId)
    return topic ? this.#present(topic) : absent(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID, NOT_ASKED)
  }

  #byName(name: string): MetadataResponseTopic {
    const { metadata } = this.#broker
    const topic = metadata.topic(name)
    if (topic) return this.#present(topic)
    if (topicNameFault(name) !== undefined) {
      return absent(name, ZERO_UUID, ErrorCode.INVALID_TOPIC_EXCEPTION, this.#operations)
    }
    return absent(name, ZERO_UUID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, this.#operations)
  }

  #present({ name, topicId, partitions }: TopicImage): MetadataResponseTopic {
    return {
      errorCode: ErrorCode.NONE,
      name,
      topicId,
      isInternal: isInternalTopic(name),
      partitions: partitions.map((partition) => this.#view.place(partition, this.#missingListener)),
      topicAuthorizedOperations: this.#operations,
    }
  }
}

function unique<Value>(values: readonly Value[]): Value[] {
  return values.length > 1 ? [...new Set(values)] : [...values]
}
