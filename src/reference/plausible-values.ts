import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../protocol/generated/group-blobs.ts'
import { Writer } from '../protocol/writer.ts'
import type { FieldSpec } from '../specs/spec.ts'

const topicPartitions = [{ topic: 'orders', partitions: [0] }]

/** What a consumer says when it joins a group: its version, then the blob. */
const subscription = blob((writer) =>
  ConsumerProtocolSubscription.encode(
    writer,
    { topics: ['orders'], userData: null, ownedPartitions: [], generationId: -1, rackId: null },
    0,
  ),
)

/** What it gets. */
const assignment = blob((writer) =>
  ConsumerProtocolAssignment.encode(writer, { assignedPartitions: topicPartitions, userData: null }, 0),
)

function blob(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  writer.int16(0)
  write(writer)
  return writer.finishCopy()
}

/** By the name of a struct and its field: where a name means different things, or the usual value is a particular one. */
const byPath: Readonly<Record<string, unknown>> = {
  'ApiVersionsRequest.clientSoftwareName': 'kafkajs',
  'ApiVersionsRequest.clientSoftwareVersion': '2.2.4',
  'ApiVersion.apiKey': 18,
  'ApiVersion.maxVersion': 4,
  'CreatableTopic.numPartitions': 3,
  'CreatableTopic.replicationFactor': 1,
  'CreatableTopicConfig.name': 'retention.ms',
  'CreatableTopicConfigs.name': 'retention.ms',
  'AlterableConfig.name': 'retention.ms',
  'AlterConfigsResource.name': 'retention.ms',
  'DescribeConfigsResourceResult.name': 'retention.ms',
  'FeatureUpdateKey.feature': 'metadata.version',
  'InitProducerIdRequest.producerId': -1n,
  'InitProducerIdRequest.producerEpoch': -1,
  'JoinGroupRequestProtocol.metadata': subscription,
  'JoinGroupResponseMember.metadata': subscription,
  'DescribedGroupMember.memberMetadata': subscription,
  'JoinGroupRequestProtocol.name': 'range',
  'FindCoordinatorRequest.key': 'billing',
  'FindCoordinatorRequest.coordinatorKeys': 'billing',
  'Coordinator.key': 'billing',
  'SaslHandshakeRequest.mechanism': 'SCRAM-SHA-256',
  'SaslHandshakeResponse.mechanisms': 'SCRAM-SHA-256',
  'FetchRequest.sessionEpoch': -1,
  'MetadataResponse.clusterId': '5L6g3nShT-eMCtK--X86sw',
  'ControlRecordTypeSchema.type': 1,
}

/** By name; null: usually nothing. */
const byName: Readonly<Record<string, unknown>> = {
  clientId: 'shop',
  clientHost: '/127.0.0.1',
  host: '127.0.0.1',
  port: 9092,
  rack: null,
  rackId: null,
  errorMessage: null,
  errorString: null,
  authBytes: Buffer.from('n,,n=shop'),
  protocolType: 'consumer',
  protocolName: 'range',
  protocol: 'range',
  serverAssignor: 'uniform',
  groupState: 'Stable',
  groupType: 'classic',
  groupInstanceId: null,
  instanceId: null,
  reason: null,
  assignment,
  memberAssignment: assignment,
  subscription,
  value: '604800000',
  transactionalId: null,
  memberId: 'shop-1-6f1c1b5e',
  leader: 'shop-1-6f1c1b5e',
  memberEpoch: 1,
  generationId: 1,
  generation: 1,
  generationIdOrMemberEpoch: 1,
  metadata: '',
  committedMetadata: '',
  sessionTimeoutMs: 45_000,
  rebalanceTimeoutMs: 300_000,
  heartbeatIntervalMs: 5000,
  timeoutMs: 30_000,
  transactionTimeoutMs: 60_000,
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 52_428_800,
  partitionMaxBytes: 1_048_576,
  acks: -1,
  allowAutoTopicCreation: true,
  replicaNodes: 1,
  isrNodes: 1,
  replicas: 1,
  isr: 1,
  leaderId: 1,
  brokerId: 1,
  brokerIds: 1,
  nodeId: 1,
  controllerId: 1,
  replicaId: -1,
  preferredReadReplica: -1,
  producerEpoch: 0,
  partitionLeaderEpoch: 0,
  currentLeaderEpoch: 0,
  leaderEpoch: 0,
  fetchOffset: 42n,
  offset: 42n,
  committedOffset: 42n,
  highWatermark: 43n,
  lastStableOffset: 43n,
  logStartOffset: 0n,
  baseOffset: 42n,
  endOffset: 43n,
  timestamp: 1_700_000_000_000n,
  commitTimestamp: 1_700_000_000_000n,
  resourceType: 2,
  resourceName: 'orders',
  configName: 'retention.ms',
  configNames: 'retention.ms',
  configurationKeys: 'retention.ms',
  feature: 'metadata.version',
  mechanism: 'SCRAM-SHA-256',
  principal: 'User:shop',
  userName: 'shop',
  logDir: '/var/lib/kafka',
  topicNames: 'orders',
  topicsNames: 'orders',
  group: 'billing',
  topic: 'orders',
  topicName: 'orders',
}

/** Arrays that mostly hold nothing. */
const emptyArrays: ReadonlySet<string> = new Set([
  'abortedTransactions',
  'addingReplicas',
  'assignments',
  'eligibleLeaderReplicas',
  'forgottenTopicsData',
  'lastKnownElr',
  'offlineReplicas',
  'removingReplicas',
])

/** By what an identifier stands for. */
const byEntity: Readonly<Record<string, unknown>> = {
  topicName: 'orders',
  groupId: 'billing',
  transactionalId: 'payments-1',
  brokerId: 1,
  producerId: 4000n,
}

const TOPIC_ID = 'b8tRS7h4TJ2Vt43Dp85v2A'

/** Whether an array of this name is usually empty; assignments are not where they are what a message is about. */
export function isUsuallyEmpty({ name }: FieldSpec, owner: string): boolean {
  return emptyArrays.has(name) && owner !== 'SyncGroupRequest'
}

/** A value that a field could well have; null where that is usual and allowed; undefined: nothing is known of it. */
export function plausible(field: FieldSpec, owner: string, isNullable: boolean): unknown {
  if (field.struct !== undefined) return undefined
  const found = [byPath[`${owner}.${field.name}`], byName[field.name], byEntity[field.entityType ?? '']].find(
    (value) => (value === null && isNullable) || fits(value, field.type),
  )
  if (found === undefined && field.type === 'uuid') return TOPIC_ID
  return found
}

function fits(value: unknown, type: FieldSpec['type']): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string'
    case 'bytes':
    case 'records':
      return Buffer.isBuffer(value)
    case 'int64':
      return typeof value === 'bigint'
    case 'bool':
      return typeof value === 'boolean'
    case 'uuid':
      return false
    default:
      return typeof value === 'number' && value >= least(type) && value <= most(type)
  }
}

function least(type: string): number {
  return type.startsWith('u') ? 0 : -(2 ** (bits(type) - 1))
}

function most(type: string): number {
  return 2 ** (bits(type) - (type.startsWith('u') ? 0 : 1)) - 1
}

function bits(type: string): number {
  return Number(/\d+$/.exec(type)?.[0] ?? 32)
}
