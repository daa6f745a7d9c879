import type { OffsetToCommit } from '../coordinator/group/group-offsets.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { OffsetCommit, type OffsetCommitRequestTopic } from '../protocol/generated/offset-commit.ts'
import { orCode } from './group-caller.ts'
import { handler, type RequestContext } from './handler.ts'

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
  // Where each partition's code is: the place of its offset in `offsets`, or the refusal that it never got there for.
  // A topic without partitions gets no row.
  const named = request.topics.filter(({ partitions }) => partitions.length > 0)
  const topics = named.map((topic) => {
    const known = findTopic(topic, context)
    const unknown =
      apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS
        ? ErrorCode.UNKNOWN_TOPIC_ID
        : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    const partitions = topic.partitions.map((partition) => {
      const { partitionIndex } = partition
      if (!known) return { partitionIndex, refusal: unknown, at: -1 }
      if (partitionIndex < 0 || partitionIndex >= known.partitions.length) {
        return { partitionIndex, refusal: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, at: -1 }
      }
      const at = offsets.push({
        topic: known.name,
        topicId: known.topicId,
        partition: partitionIndex,
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata ?? '',
        commitTimestampMs: partition.commitTimestamp === -1n ? nowMs : partition.commitTimestamp,
        expireTimestampMs,
      })
      return { partitionIndex, refusal: ErrorCode.NONE, at: at - 1 }
    })
    return { name: topic.name, topicId: topic.topicId, partitions }
  })
  const committer = {
    groupId: request.groupId,
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    generationId: request.generationIdOrMemberEpoch,
    apiVersion,
  }
  const committed =
    offsets.length === 0 ? { answer: [] } : orCode(() => broker.groups.commitOffsets(committer, offsets))
  const codeOf = (at: number) => ('answer' in committed ? committed.answer[at]! : committed.code)
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex, refusal, at }) => ({
        partitionIndex,
        errorCode: at < 0 ? refusal : codeOf(at),
      })),
    })),
  }
})

function findTopic({ name, topicId }: OffsetCommitRequestTopic, { broker, apiVersion }: RequestContext) {
  return apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS
    ? broker.metadata.topicById(topicId)
    : broker.metadata.topic(name)
}
