import { expect, test } from 'vitest'
import {
  AbortTransactionRecord,
  BeginTransactionRecord,
  BrokerRegistrationChangeRecord,
  ConfigRecord,
  EndTransactionRecord,
  FeatureLevelRecord,
  FenceBrokerRecord,
  NoOpRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RegisterBrokerRecord,
  RemoveTopicRecord,
  TopicRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
} from '../protocol/generated/metadata-records.ts'
import { electionsAtStart } from './elections.ts'
import { MetadataImage } from './metadata-image.ts'
import { type MetadataRecord, metadataRecord } from './metadata-record.ts'

const ID = 'b8tRS7h4TJ2Vt43Dp85v2A'
const DIRECTORY = 'afL81KOKxsRDdoGjif-IIA'

function replayed(...records: MetadataRecord[]) {
  const image = new MetadataImage()
  const delta = image.replay(batch(records))
  return { image, delta }
}

function batch(records: MetadataRecord[]) {
  const lastOffset = BigInt(records.length - 1)
  return { baseOffset: 0n, lastOffset, leaderEpoch: 3, records }
}

const topic = (name = 't', topicId = ID) => metadataRecord(TopicRecord, { name, topicId })

const partition = (partitionId: number, rest: Partial<PartitionRecord> = {}) =>
  metadataRecord(PartitionRecord, {
    partitionId,
    topicId: ID,
    replicas: [1],
    isr: [1],
    removingReplicas: [],
    addingReplicas: [],
    leader: 1,
    leaderRecoveryState: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: [DIRECTORY],
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    ...rest,
  })

const change = (partitionId: number, rest: Partial<PartitionChangeRecord>) =>
  metadataRecord(PartitionChangeRecord, {
    partitionId,
    topicId: ID,
    isr: null,
    leader: -2,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: -1,
    directories: null,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    ...rest,
  })

/** What Apache Kafka writes of a partition when its only broker stops. */
const leaderless = (partitionId: number) =>
  change(partitionId, { isr: [], leader: -1, eligibleLeaderReplicas: [1], lastKnownElr: [1] })

const registration = metadataRecord(RegisterBrokerRecord, {
  brokerId: 1,
  isMigratingZkBroker: false,
  incarnationId: ID,
  brokerEpoch: 7n,
  endPoints: [{ name: 'PLAINTEXT', host: 'h', port: 9092, securityProtocol: 0 }],
  features: [],
  rack: 'r',
  fenced: true,
  inControlledShutdown: false,
  logDirs: [DIRECTORY],
  cordonedLogDirs: null,
})

const registrationChange = (rest: Partial<BrokerRegistrationChangeRecord>) =>
  metadataRecord(BrokerRegistrationChangeRecord, {
    brokerId: 1,
    brokerEpoch: 7n,
    fenced: 0,
    inControlledShutdown: 0,
    logDirs: [],
    cordonedLogDirs: null,
    ...rest,
  })

const config = (resourceType: number, resourceName: string, name: string, value: string | null) =>
  metadataRecord(ConfigRecord, { resourceType, resourceName, name, value })

test('a new image knows nothing', () => {
  const image = new MetadataImage()
  expect(image.lastAppliedOffset).toBe(-1n)
  expect(image.lastAppliedEpoch).toBe(-1)
  expect(image.controllerId).toBe(-1)
  expect(image.nextProducerId).toBe(0n)
  expect(image.configs('topic', 't').size).toBe(0)
})

test('a new leader makes the leader epoch grow, any change the partition epoch', () => {
  const { image } = replayed(topic(), partition(0), leaderless(0))
  expect(image.topic('t')!.partitions[0]).toMatchObject({
    leader: -1,
    isr: [],
    replicas: [1],
    leaderEpoch: 1,
    partitionEpoch: 1,
    eligibleLeaderReplicas: [1],
  })
  image.replay(batch([change(0, { isr: [1], directories: [ID] })]))
  expect(image.topic('t')!.partitions[0]).toMatchObject({
    isr: [1],
    leader: -1,
    leaderEpoch: 1,
    partitionEpoch: 2,
    directories: [ID],
  })
})

test('changes of what is not there are passed over', () => {
  const { image, delta } = replayed(
    change(0, { leader: 1 }),
    partition(0),
    metadataRecord(RemoveTopicRecord, { topicId: ID }),
    metadataRecord(FenceBrokerRecord, { id: 1, epoch: 0n }),
    metadataRecord(NoOpRecord, {}),
  )
  expect(image.topics.size).toBe(0)
  expect(delta.changedTopics.size).toBe(0)
  expect(image.lastAppliedOffset).toBe(4n)
  expect(image.lastAppliedEpoch).toBe(3)
})

test('a delta names what a batch changed', () => {
  const { image, delta } = replayed(topic(), partition(0), config(2, 't', 'retention.ms', '5'))
  expect([...delta.changedTopics]).toEqual(['t'])
  expect([...delta.changedConfigs.topic]).toEqual(['t'])
  const old = image.topic('t')
  const next = image.replay(
    batch([
      metadataRecord(RemoveTopicRecord, { topicId: ID }),
      topic('t', DIRECTORY),
      config(4, '', 'min.insync.replicas', '1'),
    ]),
  )
  expect(next.removedTopics).toEqual([old])
  expect([...next.changedTopics]).toEqual(['t'])
  expect([...next.changedConfigs.broker]).toEqual([''])
  expect(image.topic('t')!.topicId).toBe(DIRECTORY)
  expect(image.configs('topic', 't').size).toBe(0)
})

test('settings of each kind of resource; null takes one back; other kinds are passed over', () => {
  const { image } = replayed(
    config(2, 'x', 'a', '1'),
    config(4, 'x', 'a', '2'),
    config(16, 'x', 'a', '3'),
    config(32, 'x', 'a', '4'),
    config(32, 'x', 'b', '5'),
    config(32, 'x', 'a', null),
    config(99, 'x', 'a', '6'),
  )
  const kinds = ['topic', 'broker', 'client-metrics', 'group'] as const
  expect(kinds.map((kind) => Object.fromEntries(image.configs(kind, 'x')))).toEqual([
    { a: '1' },
    { a: '2' },
    { a: '3' },
    { b: '5' },
  ])
})

test('level 0 takes a feature away', () => {
  const level = (featureLevel: number) =>
    metadataRecord(FeatureLevelRecord, { name: 'group.version', featureLevel })
  const { image } = replayed(level(1))
  expect(image.features.get('group.version')).toBe(1)
  image.replay(batch([level(0)]))
  expect(image.features.has('group.version')).toBe(false)
})

test('a broker is fenced, put in service, and taken out of the cluster', () => {
  const { image } = replayed(registration)
  const isFenced = () => image.brokers.get(1)?.isFenced
  expect(image.brokers.get(1)).toMatchObject({ epoch: 7n, rack: 'r', endpoints: [{ port: 9092 }] })
  expect(isFenced()).toBe(true)
  image.replay(batch([registrationChange({ fenced: -1 })]))
  expect(isFenced()).toBe(false)
  image.replay(batch([registrationChange({ inControlledShutdown: 1 })]))
  expect(isFenced()).toBe(false)
  image.replay(batch([registrationChange({ fenced: 1, logDirs: [ID] })]))
  expect(image.brokers.get(1)).toMatchObject({ isFenced: true, logDirs: [ID] })
  image.replay(batch([metadataRecord(UnfenceBrokerRecord, { id: 1, epoch: 7n })]))
  expect(isFenced()).toBe(false)
  image.replay(batch([metadataRecord(UnregisterBrokerRecord, { brokerId: 1, brokerEpoch: 7n })]))
  expect(image.brokers.size).toBe(0)
})

test('records of a transaction count when it ends, and not when it is aborted', () => {
  const begin = metadataRecord(BeginTransactionRecord, { name: null })
  const { image, delta } = replayed(begin, topic())
  expect(image.isInTransaction).toBe(true)
  expect(image.topic('t')).toBeUndefined()
  expect(delta.changedTopics.size).toBe(0)
  const ended = image.replay(batch([partition(0), metadataRecord(EndTransactionRecord, {})]))
  expect(image.topic('t')!.partitions).toHaveLength(1)
  expect([...ended.changedTopics]).toEqual(['t'])

  const aborted = replayed(begin, topic(), metadataRecord(AbortTransactionRecord, { reason: null })).image
  expect(aborted.isInTransaction).toBe(false)
  expect(aborted.topic('t')).toBeUndefined()
})

test('a broker that is back leads again what Apache Kafka left without a leader', () => {
  const { image } = replayed(
    topic(),
    partition(0),
    partition(1),
    partition(2, { replicas: [2], isr: [2], leader: 2 }),
    leaderless(0),
  )
  const elected = electionsAtStart(image, 1, false)
  expect(elected).toHaveLength(1)
  image.replay(batch(elected))
  expect(image.topic('t')!.partitions).toMatchObject([
    { leader: 1, isr: [1], leaderEpoch: 2, eligibleLeaderReplicas: [], lastKnownElr: [] },
    { leader: 1, leaderEpoch: 0 },
    { leader: 2, leaderEpoch: 0 },
  ])
  expect(electionsAtStart(image, 1, true)).toHaveLength(2)
})
