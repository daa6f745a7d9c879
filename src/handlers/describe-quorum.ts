import type { MetadataImage } from '../metadata/metadata-image.ts'
import { type Uuid, ZERO_UUID } from '../protocol/api.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  DescribeQuorum,
  type DescribeQuorumRequest,
  type DescribeQuorumResponsePartitionData,
  type Node,
} from '../protocol/generated/describe-quorum.ts'
import { type BrokerServices, handler } from './handler.ts'

/** From here on the answer tells the directories of voters, and how to reach them (KIP-853). */
const FIRST_VERSION_WITH_DIRECTORIES = 2
const METADATA_TOPIC = '__cluster_metadata'

/**
 * DescribeQuorum (key 55, KIP-595): who votes about the metadata log, and how far each has it. One controller is a quorum of its own.
 * Only a request for that one partition is served, and in any other each partition is unknown: as in Kafka.
 */
export const describeQuorum = handler(DescribeQuorum, ({ topics }, { broker, apiVersion }) => {
  const isServed = isMetadataPartition(topics)
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: '',
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) =>
        isServed ? quorum(broker, apiVersion) : unknownPartition(partitionIndex),
      ),
    })),
    nodes: isServed && apiVersion >= FIRST_VERSION_WITH_DIRECTORIES ? [node(broker.metadata)] : [],
  }
})

function isMetadataPartition(topics: DescribeQuorumRequest['topics']): boolean {
  const [topic] = topics
  if (topics.length !== 1 || topic?.topicName !== METADATA_TOPIC) return false
  return topic.partitions.length === 1 && topic.partitions[0]!.partitionIndex === 0
}

/** Directories of voters come with kraft.version 1 (KIP-853). */
function directoryOf({ controllerId, quorum }: MetadataImage): Uuid {
  return quorum.voters.find(({ voterId }) => voterId === controllerId)?.voterDirectoryId ?? ZERO_UUID
}

/** The controller is inside of the broker: nobody else can connect to it, whatever the log says about its address. */
function node({ controllerId, quorum }: MetadataImage): Node {
  const listeners = quorum.voters.find(({ voterId }) => voterId === controllerId)?.endpoints ?? []
  return { nodeId: controllerId, listeners }
}

function quorum(
  { metadata, clock }: BrokerServices,
  apiVersion: number,
): DescribeQuorumResponsePartitionData {
  const { controllerId, lastAppliedEpoch, lastAppliedOffset } = metadata
  const endOffset = lastAppliedOffset + 1n
  const now = BigInt(clock.now())
  const voter = {
    replicaId: controllerId,
    replicaDirectoryId: apiVersion >= FIRST_VERSION_WITH_DIRECTORIES ? directoryOf(metadata) : ZERO_UUID,
    logEndOffset: endOffset,
    lastFetchTimestamp: now,
    lastCaughtUpTimestamp: now,
  }
  return {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: '',
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
