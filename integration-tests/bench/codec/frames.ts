import type { Codec } from '../../../src/protocol/api.ts'
import type { FetchResponse } from '../../../src/protocol/generated/fetch.ts'
import type { JoinGroupResponse } from '../../../src/protocol/generated/join-group.ts'
import type { MetadataResponse } from '../../../src/protocol/generated/metadata.ts'
import type { ProduceResponse } from '../../../src/protocol/generated/produce.ts'
import { Writer } from '../../../src/protocol/writer.ts'

/** Responses as a busy client gets them. The values are those of an ordinary cluster: ASCII names, small ids, nothing missing. */

export function encode<Message>(codec: Codec<Message>, message: Message, version: number): Buffer {
  const writer = new Writer()
  codec.encode(writer, message, version)
  return writer.finishCopy()
}

/** Ten topics of a hundred partitions, three replicas each. */
export function metadataResponse(): MetadataResponse {
  return {
    throttleTimeMs: 0,
    brokers: range(3).map((nodeId) => ({ nodeId, host: `broker-${nodeId}.example`, port: 9092, rack: null })),
    clusterId: 'MkU3OEVBNTcwNTJENDM2Qg',
    controllerId: 1,
    topics: range(10).map((topic) => ({
      errorCode: 0,
      name: `orders-of-region-${topic}`,
      topicId: topicId(topic),
      isInternal: false,
      partitions: range(100).map((partitionIndex) => ({
        errorCode: 0,
        partitionIndex,
        leaderId: partitionIndex % 3,
        leaderEpoch: 7,
        replicaNodes: [0, 1, 2],
        isrNodes: [0, 1, 2],
        offlineReplicas: [],
      })),
      topicAuthorizedOperations: -2147483648,
    })),
    clusterAuthorizedOperations: -2147483648,
    errorCode: 0,
  }
}

/** Five hundred partitions that have nothing new: what is measured is the response around the records. */
export function fetchResponse(): FetchResponse {
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    sessionId: 1234567,
    responses: range(10).map((topic) => ({
      topic: `orders-of-region-${topic}`,
      topicId: topicId(topic),
      partitions: range(50).map((partitionIndex) => ({
        partitionIndex,
        errorCode: 0,
        highWatermark: 1_234_567n + BigInt(partitionIndex),
        lastStableOffset: 1_234_567n + BigInt(partitionIndex),
        logStartOffset: 0n,
        divergingEpoch: { epoch: -1, endOffset: -1n },
        currentLeader: { leaderId: -1, leaderEpoch: -1 },
        snapshotId: { endOffset: -1n, epoch: -1 },
        abortedTransactions: [],
        preferredReadReplica: -1,
        records: Buffer.alloc(0),
      })),
    })),
    nodeEndpoints: [],
  }
}

/** A producer's answer for thirty partitions. */
export function produceResponse(): ProduceResponse {
  return {
    responses: range(3).map((topic) => ({
      name: `orders-of-region-${topic}`,
      topicId: topicId(topic),
      partitionResponses: range(10).map((index) => ({
        index,
        errorCode: 0,
        baseOffset: 1_234_567n + BigInt(index),
        logAppendTimeMs: -1n,
        logStartOffset: 0n,
        recordErrors: [],
        errorMessage: null,
        currentLeader: { leaderId: -1, leaderEpoch: -1 },
      })),
    })),
    throttleTimeMs: 0,
    nodeEndpoints: [],
  }
}

/** What the leader of a group of twenty members gets. */
export function joinGroupResponse(): JoinGroupResponse {
  const metadata = Buffer.from('000100000001001268656c6c6f2d6f662d726567696f6e2d30ffffffff', 'hex')
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    generationId: 12,
    protocolType: 'consumer',
    protocolName: 'range',
    leader: memberId(0),
    skipAssignment: false,
    memberId: memberId(0),
    members: range(20).map((member) => ({ memberId: memberId(member), groupInstanceId: null, metadata })),
  }
}

function memberId(member: number): string {
  return `consumer-orders-${member}-3f2504e0-4f89-11d3-9a0c-0305e82c3301`
}

function topicId(topic: number): string {
  return Buffer.alloc(16, topic + 1).toString('base64url')
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
