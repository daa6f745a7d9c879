import type { OffsetToCommit } from '../coordinator/group/group-offsets.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  OffsetCommit,
  type OffsetCommitRequest,
  type OffsetCommitRequestTopic,
  type OffsetCommitResponsePartition,
  type OffsetCommitResponseTopic,
} from '../protocol/generated/offset-commit.ts'
import { orCode } from './group-caller.ts'
import { handler, type RequestContext } from './handler.ts'
import { mergeRows } from './merge-rows.ts'

/** From here on topics are named by id. */
const FIRST_VERSION_WITH_TOPIC_IDS = 10

/**
 * OffsetCommit (8). Version 0 was ZooKeeper's in old brokers and is kept like the others. 1 brings the member and a timestamp for each
 * offset, 2 to 4 a retention time for the request, 6 the leader epoch (KIP-320), 7 static members (KIP-345), 9 the member epoch of
 * KIP-848, 10 topic ids.
 */
export const offsetCommit = handler(OffsetCommit, (request, context) => {
  const { broker, apiVersion } = context
  const nowMs = BigInt(broker.clock.now())
  const expireTimestampMs = request.retentionTimeMs === -1n ? -1n : nowMs + request.retentionTimeMs
  const offsets: OffsetToCommit[] = []
  // What the coordinator is asked for, by topic, and what never gets there.
  const accepted: { readonly topic: OffsetCommitRequestTopic; readonly partitionIndexes: number[] }[] = []
  const refused: OffsetCommitResponseTopic[] = []
  for (const topic of request.topics) {
    const known = findTopic(topic, context)
    if (!known) {
      const errorCode =
        apiVersion < FIRST_VERSION_WITH_TOPIC_IDS
          ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
          : ErrorCode.UNKNOWN_TOPIC_ID
      const partitions = topic.partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }))
      refused.push({ name: topic.name, topicId: topic.topicId, partitions })
      continue
    }
    const partitionIndexes: number[] = []
    const outOfRange: OffsetCommitResponsePartition[] = []
    for (const partition of topic.partitions) {
      const { partitionIndex } = partition
      if (partitionIndex < 0 || partitionIndex >= known.partitions.length) {
        outOfRange.push({ partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
        continue
      }
      partitionIndexes.push(partitionIndex)
      offsets.push({
        topic: known.name,
        topicId: known.topicId,
        partition: partitionIndex,
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata ?? '',
        commitTimestampMs: partition.commitTimestamp === -1n ? nowMs : partition.commitTimestamp,
        expireTimestampMs,
      })
    }
    if (outOfRange.length > 0) {
      refused.push({ name: topic.name, topicId: topic.topicId, partitions: outOfRange })
    }
    if (partitionIndexes.length > 0) accepted.push({ topic, partitionIndexes })
  }
  const codes = commit(request, offsets, context)
  let at = 0
  const answered = accepted.map(({ topic: { name, topicId }, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode: codes[at++]! })),
  }))
  const byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS
  return { throttleTimeMs: 0, topics: mergeRows(refused, answered, (row) => (byId ? row.topicId : row.name)) }
})

/** A code for each offset. */
function commit(
  request: OffsetCommitRequest,
  offsets: readonly OffsetToCommit[],
  { broker, apiVersion }: RequestContext,
): readonly ErrorCode[] {
  if (offsets.length === 0) return []
  const committer = {
    groupId: request.groupId,
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    generationId: request.generationIdOrMemberEpoch,
    apiVersion,
  }
  const committed = orCode(() => broker.groups.commitOffsets(committer, offsets))
  return 'answer' in committed ? committed.answer : offsets.map(() => committed.code)
}

function findTopic({ name, topicId }: OffsetCommitRequestTopic, { broker, apiVersion }: RequestContext) {
  return apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS
    ? broker.metadata.topicById(topicId)
    : broker.metadata.topic(name)
}
