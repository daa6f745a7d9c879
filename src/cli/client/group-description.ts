import { ErrorCode } from '../../protocol/error-code.ts'
import { ConsumerGroupDescribe, type Member } from '../../protocol/generated/consumer-group-describe.ts'
import { type DescribedGroupMember, DescribeGroups } from '../../protocol/generated/describe-groups.ts'
import { ConsumerProtocolAssignment } from '../../protocol/generated/group-blobs.ts'
import { OffsetFetch } from '../../protocol/generated/offset-fetch.ts'
import { Reader } from '../../protocol/reader.ts'
import { BrokerError, check } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import type { ClientConnection } from './connection.ts'
import { LATEST, listOffsets } from './topic-partitions.ts'

const CONSUMER = 'consumer'
const DEAD = 'Dead'

export interface DescribedGroup {
  readonly group: string
  /** `classic`, or `consumer` for a group of the protocol of KIP-848. */
  readonly type: string
  /** Kafka's word: `Stable`, `Empty`, `PreparingRebalance`, ... */
  readonly state: string
  readonly protocolType: string
  /** The assignor that the members agreed on; empty without members. */
  readonly protocol: string
  /** Id of the broker that coordinates it. */
  readonly coordinator: number
  /** Of consumer groups only. */
  readonly groupEpoch?: number
  readonly assignmentEpoch?: number
  readonly members: readonly GroupMember[]
  readonly offsets: readonly GroupOffset[]
}

type Assignment = readonly { readonly topic: string; readonly partitions: readonly number[] }[]

export interface GroupMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
  readonly assignment: Assignment
  /** Of members of consumer groups only; the target is what the member is to have. */
  readonly memberEpoch?: number
  readonly targetAssignment?: Assignment
  readonly subscribedTopics?: readonly string[]
  readonly subscribedRegex?: string | null
}

export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  /** null: the partition is assigned, but nothing was committed for it. */
  readonly committedOffset: bigint | null
  /** null: the topic was deleted. */
  readonly endOffset: bigint | null
  readonly lag: bigint | null
  readonly metadata: string | null
  /** Who reads it now. */
  readonly memberId: string | null
}

/** All that a cluster says about a group. Throws `BrokerError`. */
export async function describeGroup(cluster: Cluster, groupId: string): Promise<DescribedGroup> {
  return cluster.retrying(async () => {
    const { nodeId, connection } = await cluster.coordinator(groupId)
    const group =
      (await describeConsumerGroup(connection, groupId)) ?? (await describeClassicGroup(connection, groupId))
    const committed = await committedOffsets(connection, groupId)
    // Before version 6 a group that is not there is told as a dead one (KIP-1043).
    if (group.state === DEAD && committed.size === 0)
      throw new BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, `group ${groupId}`)
    return {
      group: groupId,
      ...group,
      coordinator: nodeId,
      offsets: await withLag(cluster, committed, group.members),
    }
  })
}

type GroupOnly = Omit<DescribedGroup, 'group' | 'coordinator' | 'offsets'>

/** Undefined when it is no group of the consumer protocol, or the broker does not know that protocol. */
async function describeConsumerGroup(
  connection: ClientConnection,
  groupId: string,
): Promise<GroupOnly | undefined> {
  if (!connection.serves(ConsumerGroupDescribe)) return undefined
  const { groups } = await connection.request(ConsumerGroupDescribe, {}, () => ({
    groupIds: [groupId],
    includeAuthorizedOperations: false,
  }))
  const group = groups[0]
  if (!group || isNoConsumerGroup(group.errorCode)) return undefined
  check(group.errorCode, `group ${groupId}`, group.errorMessage)
  return {
    type: CONSUMER,
    state: group.groupState,
    protocolType: CONSUMER,
    protocol: group.assignorName,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    members: group.members.map(describeConsumerMember),
  }
}

function isNoConsumerGroup(errorCode: number): boolean {
  return errorCode === ErrorCode.GROUP_ID_NOT_FOUND || errorCode === ErrorCode.UNSUPPORTED_VERSION
}

function describeConsumerMember(member: Member): GroupMember {
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    clientId: member.clientId,
    host: member.clientHost,
    assignment: byTopic(member.assignment.topicPartitions),
    memberEpoch: member.memberEpoch,
    targetAssignment: byTopic(member.targetAssignment.topicPartitions),
    subscribedTopics: member.subscribedTopicNames,
    subscribedRegex: member.subscribedTopicRegex || null,
  }
}

function byTopic(topics: Member['assignment']['topicPartitions']): Assignment {
  return topics
    .map(({ topicName, partitions }) => ({
      topic: topicName,
      partitions: [...partitions].sort((a, b) => a - b),
    }))
    .sort((a, b) => (a.topic < b.topic ? -1 : 1))
}

async function describeClassicGroup(connection: ClientConnection, groupId: string): Promise<GroupOnly> {
  const what = `group ${groupId}`
  const { groups } = await connection.request(DescribeGroups, {}, () => ({
    groups: [groupId],
    includeAuthorizedOperations: false,
  }))
  const group = groups[0]
  if (!group) throw new BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, what)
  check(group.errorCode, what, group.errorMessage)
  const isConsumer = group.protocolType === CONSUMER
  return {
    type: 'classic',
    state: group.groupState,
    protocolType: group.protocolType,
    protocol: group.protocolData,
    members: group.members.map((member) => describeMember(member, isConsumer)),
  }
}

function describeMember(member: DescribedGroupMember, isConsumer: boolean): GroupMember {
  return {
    memberId: member.memberId,
    instanceId: member.groupInstanceId,
    clientId: member.clientId,
    host: member.clientHost,
    assignment: isConsumer ? parseAssignment(member.memberAssignment) : [],
  }
}

/** The bytes are the clients' own affair: what cannot be read is left out. */
function parseAssignment(bytes: Buffer): GroupMember['assignment'] {
  if (bytes.length === 0) return []
  try {
    const reader = new Reader(bytes)
    const version = Math.min(reader.int16('version'), ConsumerProtocolAssignment.maxVersion)
    return ConsumerProtocolAssignment.decode(reader, version).assignedPartitions
  } catch {
    return []
  }
}

interface Committed {
  readonly offset: bigint
  readonly metadata: string | null
}

/** By topic and partition. */
type CommittedOffsets = Map<string, Map<number, Committed>>

async function committedOffsets(coordinator: ClientConnection, groupId: string): Promise<CommittedOffsets> {
  // Version 2 can ask for all topics; from 8 on it takes many groups at once (KIP-709).
  const response = await coordinator.request(OffsetFetch, { min: 2, max: 7 }, () => ({
    groupId,
    topics: null,
    groups: [],
    requireStable: false,
  }))
  check(response.errorCode, `group ${groupId}`)
  const committed: CommittedOffsets = new Map()
  for (const { name, partitions } of response.topics) {
    const ofTopic = new Map<number, Committed>()
    for (const { partitionIndex, committedOffset, metadata, errorCode } of partitions) {
      check(errorCode, `group ${groupId}, ${name}-${partitionIndex}`)
      ofTopic.set(partitionIndex, { offset: committedOffset, metadata })
    }
    committed.set(name, ofTopic)
  }
  return committed
}

/** Committed and assigned partitions with where they end, in order. */
async function withLag(
  cluster: Cluster,
  committed: CommittedOffsets,
  members: readonly GroupMember[],
): Promise<GroupOffset[]> {
  const readers = new Map<string, Map<number, string>>()
  for (const { memberId, assignment } of members) {
    for (const { topic, partitions } of assignment) {
      const ofTopic = readers.get(topic) ?? new Map<number, string>()
      for (const partition of partitions) ofTopic.set(partition, memberId)
      readers.set(topic, ofTopic)
    }
  }
  const topics = [...new Set([...committed.keys(), ...readers.keys()])].sort()
  const rows = await Promise.all(
    topics.map(async (topic) => {
      const ofTopic = committed.get(topic)
      const readersOfTopic = readers.get(topic)
      const partitions = [...new Set([...(ofTopic?.keys() ?? []), ...(readersOfTopic?.keys() ?? [])])]
      const ends = await endOffsets(cluster, topic, partitions)
      return partitions
        .sort((a, b) => a - b)
        .map((partition) => {
          const { offset = null, metadata = null } = ofTopic?.get(partition) ?? {}
          const endOffset = ends.get(partition) ?? null
          const lag = offset !== null && endOffset !== null ? endOffset - offset : null
          const memberId = readersOfTopic?.get(partition) ?? null
          return { topic, partition, committedOffset: offset, endOffset, lag, metadata, memberId }
        })
    }),
  )
  return rows.flat()
}

async function endOffsets(
  cluster: Cluster,
  name: string,
  partitions: readonly number[],
): Promise<Map<number, bigint>> {
  try {
    const topic = await cluster.topic(name)
    return await listOffsets(cluster, topic, LATEST, (partition) => partitions.includes(partition))
  } catch (error) {
    if (error instanceof BrokerError && error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return new Map()
    throw error
  }
}
