import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { type Coordinator, FindCoordinator } from '../protocol/generated/find-coordinator.ts'
import { handler, type RequestContext } from './handler.ts'

/** KIP-699: from here on several keys in one request. */
const FIRST_BATCHED_VERSION = 4
/** KIP-932: from here on share coordinators may be asked for. */
const FIRST_VERSION_WITH_SHARE = 6

const GROUP = 0
const TRANSACTION = 1
const SHARE = 2

const INTERNAL_TOPICS: ReadonlyMap<number, string> = new Map([
  [GROUP, '__consumer_offsets'],
  [TRANSACTION, '__transaction_state'],
])

/**
 * FindCoordinator (10): which broker keeps a group or a transactional id. The internal topic is made when it is asked for first, before
 * the answer: a client never has to ask again. Version 1 brings the kind of the key, 4 several keys, 6 share coordinators.
 */
export const findCoordinator = handler(FindCoordinator, async (request, context) => {
  if (context.apiVersion >= FIRST_BATCHED_VERSION) {
    const coordinators = await Promise.all(
      request.coordinatorKeys.map((key) => find(request.keyType, key, context)),
    )
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      // No fields of these versions.
      nodeId: 0,
      host: '',
      port: 0,
      coordinators,
    }
  }
  const { errorCode, errorMessage, nodeId, host, port } = await find(request.keyType, request.key, context)
  return { throttleTimeMs: 0, errorCode, errorMessage, nodeId, host, port, coordinators: [] }
})

async function find(
  keyType: number,
  key: string,
  { broker, connection, apiVersion }: RequestContext,
): Promise<Coordinator> {
  const refuse = (errorCode: ErrorCode, errorMessage: string): Coordinator => ({
    key,
    nodeId: -1,
    host: '',
    port: -1,
    errorCode,
    errorMessage,
  })
  const topic = INTERNAL_TOPICS.get(keyType)
  if (!topic) {
    const isShare = keyType === SHARE && apiVersion >= FIRST_VERSION_WITH_SHARE && isShareKey(key)
    return isShare
      ? refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'This broker has no share groups.')
      : refuse(ErrorCode.INVALID_REQUEST, `There is no coordinator for keys like ${key} of type ${keyType}.`)
  }
  try {
    if (!broker.metadata.topic(topic)) await broker.controller.ensureInternalTopic(topic)
  } catch (error) {
    // Whatever keeps the topic from being made, Kafka's answer is that the coordinator is not there yet.
    if (!(error instanceof ApiError)) throw error
    broker.logger.warn({ topic, err: error }, 'Internal topic could not be created')
    return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE, `The topic ${topic} could not be created.`)
  }
  const endpoint = broker.advertisedEndpoint(broker.nodeId, connection)
  if (!endpoint)
    return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'The coordinator has no address on this listener.')
  return { key, nodeId: broker.nodeId, ...endpoint, errorCode: ErrorCode.NONE, errorMessage: null }
}

/** `group:topicId:partition`, where the group may hold colons too. Kafka is lenient: a sign and colons at the end pass. */
function isShareKey(key: string): boolean {
  const [, groupId = '', partition] = /^(.+):[A-Za-z0-9_-]{22}:([+-]?\d+):*$/.exec(key) ?? []
  // Shifting brings it into 32 bits, which only a number that has them already survives.
  return groupId.trim() !== '' && Number(partition) === Number(partition) >> 0
}
