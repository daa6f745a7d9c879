import { ErrorCode } from '../protocol/error-code.ts'
import { OffsetForLeaderEpoch } from '../protocol/generated/offset-for-leader-epoch.ts'
import { handler } from './handler.ts'
import { checkLeaderEpoch } from './leader-epoch.ts'

/**
 * OffsetForLeaderEpoch (key 23): where an epoch ended, so that a client or a follower finds out whether its log has been truncated
 * (KIP-101, KIP-320). 1 answers the epoch too (KIP-279); 2 the client's leader epoch; 3 the replica id.
 */
export const offsetForLeaderEpoch = handler(OffsetForLeaderEpoch, (request, { broker }) => ({
  throttleTimeMs: 0,
  topics: request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition: partitionIndex, currentLeaderEpoch, leaderEpoch: epoch }) => {
      const unknown = { partition: partitionIndex, leaderEpoch: -1, endOffset: -1n }
      const partition = broker.partitions.get(topic, partitionIndex)
      if (!partition) return { ...unknown, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
      const errorCode = checkLeaderEpoch(partition, currentLeaderEpoch)
      if (errorCode !== ErrorCode.NONE || epoch > partition.leaderEpoch) return { ...unknown, errorCode }
      const { leaderEpoch, endOffset } = partition.log.endOffsetForEpoch(epoch)
      return { partition: partitionIndex, errorCode, leaderEpoch, endOffset }
    }),
  })),
}))
