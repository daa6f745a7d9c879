import type { CommittedOffsets } from '../coordinator/group/group-coordinator.ts'
import type { CommittedOffset } from '../coordinator/group/offset-store.ts'
import { ZERO_UUID } from '../protocol/api.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  OffsetFetch,
  type OffsetFetchRequestGroup,
  type OffsetFetchResponseGroup,
  type OffsetFetchResponseTopics,
} from '../protocol/generated/offset-fetch.ts'
import { orCode } from './group-caller.ts'
import { handler, type RequestContext } from './handler.ts'

/** Versions 0 and 1 have no error for the whole group; each partition carries it. */
const FIRST_VERSION_WITH_GROUP_ERROR = 2
/** KIP-709: from here on several groups in one request. */
const FIRST_BATCHED_VERSION = 8
const FIRST_VERSION_WITH_TOPIC_IDS = 10

interface RequestedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitionIndexes: readonly number[]
}

/**
 * OffsetFetch (9): committed offsets, of the partitions asked for or, from version 2 on with a null list, of all. What was never
 * committed is offset -1 without an error; version 0, which was ZooKeeper's in old brokers, says UNKNOWN_TOPIC_OR_PARTITION instead.
 * Version 5 brings the leader epoch (KIP-320), 7 the wish for stable offsets (KIP-447), 8 several groups, 9 the member of KIP-848,
 * 10 topic ids.
 */
export const offsetFetch = handler(OffsetFetch, (request, context) => {
  if (context.apiVersion >= FIRST_BATCHED_VERSION) {
    const groups = request.groups.map((group) => fetchGroup(group, context))
    return { throttleTimeMs: 0, topics: [], errorCode: ErrorCode.NONE, groups }
  }
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null
  const group = { groupId: request.groupId, memberId: null, memberEpoch: -1, topics }
  const answer = fetchGroup(group, context)
  return { throttleTimeMs: 0, topics: answer.topics, errorCode: answer.errorCode, groups: [] }
})

function fetchGroup(group: OffsetFetchRequestGroup, context: RequestContext): OffsetFetchResponseGroup {
  const { groupId, memberId, memberEpoch } = group
  const asked = orCode(() => context.broker.groups.offsetsOf(groupId, memberId, memberEpoch))
  if (!('answer' in asked)) {
    const isPerPartition = context.apiVersion < FIRST_VERSION_WITH_GROUP_ERROR
    const topics = isPerPartition ? (group.topics ?? []).map((topic) => refused(topic, asked.code)) : []
    return { groupId, topics, errorCode: asked.code }
  }
  const committed = asked.answer
  const topics = group.topics
    ? group.topics.map((topic) => fetchTopic(topic, committed, context))
    : fetchAll(committed, context)
  return { groupId, topics, errorCode: ErrorCode.NONE }
}

function fetchTopic(
  topic: RequestedTopic,
  committed: CommittedOffsets,
  context: RequestContext,
): OffsetFetchResponseTopics {
  const byId = context.apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS
  const name = byId ? context.broker.metadata.topicById(topic.topicId)?.name : topic.name
  if (name === undefined) return refused(topic, ErrorCode.UNKNOWN_TOPIC_ID)
  const notCommitted = context.apiVersion === 0 ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NONE
  return {
    name: topic.name,
    topicId: topic.topicId,
    partitions: topic.partitionIndexes.map((partitionIndex) => {
      const found = committed.get(name, partitionIndex, byId ? topic.topicId : undefined)
      return found ? answerOf(partitionIndex, found) : none(partitionIndex, notCommitted)
    }),
  }
}

/** All that the group has committed. By id only topics that exist can be named. */
function fetchAll(
  committed: CommittedOffsets,
  { broker, apiVersion }: RequestContext,
): OffsetFetchResponseTopics[] {
  const byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS
  const topics: OffsetFetchResponseTopics[] = []
  for (const [name, partitions] of committed.all()) {
    const topicId = byId ? broker.metadata.topic(name)?.topicId : ZERO_UUID
    if (topicId === undefined) continue
    topics.push({
      name,
      topicId,
      partitions: Array.from(partitions, ([index, offset]) => answerOf(index, offset)),
    })
  }
  return topics
}

function refused(topic: RequestedTopic, errorCode: ErrorCode): OffsetFetchResponseTopics {
  const { name, topicId, partitionIndexes } = topic
  return { name, topicId, partitions: partitionIndexes.map((index) => none(index, errorCode)) }
}

function answerOf(partitionIndex: number, { offset, leaderEpoch, metadata }: CommittedOffset) {
  return {
    partitionIndex,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: ErrorCode.NONE,
  }
}

function none(partitionIndex: number, errorCode: ErrorCode) {
  return { partitionIndex, committedOffset: -1n, committedLeaderEpoch: -1, metadata: '', errorCode }
}
