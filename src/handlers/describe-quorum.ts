import { ZERO_UUID } from '../protocol/api.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  DescribeQuorum,
  type DescribeQuorumRequest,
  type DescribeQuorumResponsePartitionData,
} from '../protocol/generated/describe-quorum.ts'
import { type BrokerServices, handler } from './handler.ts'

/** From here on the answer says how to reach the voters (KIP-853). */
const FIRST_VERSION_WITH_NODES = 2
const METADATA_TOPIC = '__cluster_metadata'

/**
 * DescribeQuorum (key 55, KIP-595): who votes about the metadata log, and how far each has it. One controller is a quorum of its own.
 * Only a request for that one partition is served, and in any other each partition is unknown: as in Kafka.
 */
export const describeQuorum = handler(DescribeQuorum, ({ topics }, { broker, apiVersion }) => {
  const isServed = isMetadataPartition(topics)
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) =>
        isServed ? quorum(broker) : unknownPartition(partitionIndex),
      ),
    })),
    // The controller is inside of the broker: nobody else can connect to it.
    nodes:
      isServed && apiVersion >= FIRST_VERSION_WITH_NODES
        ? [{ nodeId: broker.metadata.controllerId, listeners: [] }]
        : [],
  }
})

function isMetadataPartition(topics: DescribeQuorumRequest['topics']): boolean {
  const [topic] = topics
  if (topics.length !== 1 || topic?.topicName !== METADATA_TOPIC) return false
  return topic.partitions.length === 1 && topic.partitions[0]!.partitionIndex === 0
}

function quorum({ metadata, clock }: BrokerServices): DescribeQuorumResponsePartitionData {
  const { controllerId, lastAppliedEpoch, lastAppliedOffset } = metadata
  const endOffset = lastAppliedOffset + 1n
  const now = BigInt(clock.now())
  const voter = {
    replicaId: controllerId,
    // Directories of voters come with kraft.version 1 (KIP-853).
    replicaDirectoryId: ZERO_UUID,
    logEndOffset: endOffset,
    lastFetchTimestamp: now,
    lastCaughtUpTimestamp: now,
  }
  return {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    leaderId: controllerId,
    leaderEpoch: lastAppliedEpoch,
    highWatermark: endOffset,
    currentVoters: [voter],
    observers: [],
  }
}

function unknownPartition(partitionIndex: number): DescribeQuorumResponsePartitionData {
  return {
    partitionIndex,
    errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    errorMessage: 'This server does not host this topic-partition.',
    leaderId: 0,
    leaderEpoch: 0,
    highWatermark: 0n,
    currentVoters: [],
    observers: [],
  }
}
