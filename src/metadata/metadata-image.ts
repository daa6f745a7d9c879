import type { RecordCodec, Uuid } from '../protocol/api.ts'
import {
  AbortTransactionRecord,
  BeginTransactionRecord,
  BrokerRegistrationChangeRecord,
  ClearElrRecord,
  ClientQuotaRecord,
  ConfigRecord,
  EndTransactionRecord,
  FeatureLevelRecord,
  FenceBrokerRecord,
  PartitionChangeRecord,
  PartitionRecord,
  ProducerIdsRecord,
  RegisterBrokerRecord,
  RemoveTopicRecord,
  RemoveUserScramCredentialRecord,
  TopicRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
  UserScramCredentialRecord,
} from '../protocol/generated/metadata-records.ts'
import { CarriedRecords } from './carried-records.ts'
import { ClientQuotas } from './client-quotas.ts'
import { type ConfigType, configTypeOf } from './config-type.ts'
import { KRAFT_VERSION } from './features.ts'
import type { MetadataBatch, MetadataRecord } from './metadata-record.ts'
import { LATEST_METADATA_VERSION, METADATA_VERSION } from './metadata-version.ts'
import { LEADER_STAYS } from './partition-change.ts'
import { QuorumImage } from './quorum-image.ts'
import { ScramCredentials } from './scram-credentials.ts'

export interface TopicImage {
  readonly name: string
  readonly topicId: Uuid
  /** By their number, without a gap. */
  readonly partitions: readonly PartitionImage[]
}

export interface PartitionImage {
  readonly partition: number
  /** Brokers that hold a copy, the preferred leader first. */
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** Broker that leads, or -1. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  /** 0 recovered, 1 the leader was elected with loss and its log has yet to be recovered (KIP-704). */
  readonly leaderRecoveryState: number
  /** Directory of each replica, in the order of `replicas` (KIP-858). */
  readonly directories: readonly Uuid[]
  /** Replicas out of sync that could lead without loss (KIP-966). */
  readonly eligibleLeaderReplicas: readonly number[]
  readonly lastKnownElr: readonly number[]
  /** Replicas that a move brings, and those that go when it is done (KIP-455). */
  readonly addingReplicas: readonly number[]
  readonly removingReplicas: readonly number[]
}

export interface BrokerImage {
  readonly id: number
  readonly epoch: bigint
  readonly incarnationId: Uuid
  readonly endpoints: readonly BrokerEndpointImage[]
  readonly rack: string | null
  /** Out of service: registered, but leads nothing. */
  readonly isFenced: boolean
  readonly logDirs: readonly Uuid[]
}

export interface BrokerEndpointImage {
  /** Name of the listener. */
  readonly name: string
  readonly host: string
  readonly port: number
}

/** What a batch changed, by name. */
export interface MetadataDelta {
  /** Topics that are new, or of which a partition is new or has changed. */
  readonly changedTopics: ReadonlySet<string>
  /** Those of them that are new. */
  readonly createdTopics: ReadonlySet<string>
  /** Topics that are gone, as they were. One of the same name may have been created since. */
  readonly removedTopics: readonly TopicImage[]
  /** Of which resources a setting has changed. */
  readonly changedConfigs: Record<ConfigType, ReadonlySet<string>>
}

interface MutableTopic extends TopicImage {
  readonly partitions: PartitionImage[]
}

const NONE: readonly never[] = []
const NO_CONFIGS: ReadonlyMap<string, string> = new Map()

/**
 * The cluster as the metadata log describes it, built by nothing but replaying that log. Who keeps an image hands it every batch in
 * order. Records that nothing here needs yet (rules, tokens) are carried along for the next snapshot.
 */
export class MetadataImage {
  readonly clientQuotas = new ClientQuotas()
  readonly scramCredentials = new ScramCredentials()
  readonly carried = new CarriedRecords()
  readonly quorum = new QuorumImage()
  #lastAppliedOffset = -1n
  #lastAppliedEpoch = -1
  #nextProducerId = 0n
  readonly #features = new Map<string, number>()
  readonly #topics = new Map<string, MutableTopic>()
  readonly #topicsById = new Map<Uuid, MutableTopic>()
  readonly #brokers = new Map<number, BrokerImage>()
  readonly #registrations = new Map<number, RegisterBrokerRecord>()
  readonly #configs: Record<ConfigType, Map<string, Map<string, string>>> = {
    topic: new Map(),
    broker: new Map(),
    'client-metrics': new Map(),
    group: new Map(),
  }
  /** Records since a BeginTransactionRecord, which do not count yet (KIP-868). */
  #transaction: MetadataRecord[] | undefined
  #delta = new Delta()

  /** Offset of the last record that was replayed; -1 when there was none. */
  get lastAppliedOffset(): bigint {
    return this.#lastAppliedOffset
  }

  /** Epoch of the controller that wrote it; -1 when there was none. */
  get lastAppliedEpoch(): number {
    return this.#lastAppliedEpoch
  }

  /** The active controller, or -1. */
  get controllerId(): number {
    return this.quorum.leaderId
  }

  /** First producer id that no broker has got yet. */
  get nextProducerId(): bigint {
    return this.#nextProducerId
  }

  /** Features that the cluster has agreed on, with their level (KIP-584). */
  get features(): ReadonlyMap<string, number> {
    return this.#features
  }

  /** Level of `metadata.version`: how records are written. The newest as long as nothing has been written. */
  get metadataVersion(): number {
    return this.#features.get(METADATA_VERSION) ?? LATEST_METADATA_VERSION
  }

  /** By name, oldest first. */
  get topics(): ReadonlyMap<string, TopicImage> {
    return this.#topics
  }

  /** Registrations, fenced ones included. */
  get brokers(): ReadonlyMap<number, BrokerImage> {
    return this.#brokers
  }

  /** The same with all that a registration says. */
  get registrations(): ReadonlyMap<number, RegisterBrokerRecord> {
    return this.#registrations
  }

  /** A transaction of the log has begun and not ended. */
  get isInTransaction(): boolean {
    return this.#transaction !== undefined
  }

  topic(name: string): TopicImage | undefined {
    return this.#topics.get(name)
  }

  topicById(topicId: Uuid): TopicImage | undefined {
    return this.#topicsById.get(topicId)
  }

  /** Settings as they were set, by name. The broker '' stands for the default of all brokers. */
  configs(type: ConfigType, name: string): ReadonlyMap<string, string> {
    return this.#configs[type].get(name) ?? NO_CONFIGS
  }

  /** Names of the resources of a kind that have settings. */
  configured(type: ConfigType): Iterable<string> {
    return this.#configs[type].keys()
  }

  /** Takes in the next batch of the log, and tells what that changed. */
  replay(batch: MetadataBatch): MetadataDelta {
    this.#delta = new Delta()
    if (batch.control) this.quorum.replay(batch.control)
    for (const record of batch.records) this.#replayRecord(record)
    this.#lastAppliedOffset = batch.lastOffset
    this.#lastAppliedEpoch = batch.leaderEpoch
    return this.#delta
  }

  #replayRecord(record: MetadataRecord): void {
    switch (record.codec.key) {
      case BeginTransactionRecord.key:
        this.#transaction = []
        return
      case AbortTransactionRecord.key:
        this.#transaction = undefined
        return
      case EndTransactionRecord.key: {
        const records = this.#transaction ?? []
        this.#transaction = undefined
        for (const each of records) this.#apply(each)
        return
      }
      default:
        if (this.#transaction) this.#transaction.push(record)
        else this.#apply(record)
    }
  }

  #apply(record: MetadataRecord): void {
    const apply = this.#appliers.get(record.codec.key)
    if (apply) apply(record.message)
    else this.carried.replay(record)
  }

  readonly #appliers: ReadonlyMap<number, (message: unknown) => void> = new Map([
    on(FeatureLevelRecord, ({ name, featureLevel }) => {
      // Its level stands in control records. Some releases of Apache Kafka wrote it here too, wrongly (KAFKA-18979).
      if (name === KRAFT_VERSION) return
      if (featureLevel === 0) this.#features.delete(name)
      else this.#features.set(name, featureLevel)
    }),
    on(TopicRecord, (record) => this.#addTopic(record)),
    on(PartitionRecord, (record) => this.#setPartition(record)),
    on(PartitionChangeRecord, (record) => this.#changePartition(record)),
    on(RemoveTopicRecord, ({ topicId }) => this.#removeTopic(topicId)),
    on(ConfigRecord, (record) => this.#setConfig(record)),
    on(ProducerIdsRecord, ({ nextProducerId }) => {
      this.#nextProducerId = nextProducerId
    }),
    on(ClientQuotaRecord, (record) => this.clientQuotas.replay(record)),
    on(UserScramCredentialRecord, (record) => this.scramCredentials.replay(record)),
    on(RemoveUserScramCredentialRecord, (record) => this.scramCredentials.replayRemoval(record)),
    on(RegisterBrokerRecord, (record) => this.#registerBroker(record)),
    on(UnregisterBrokerRecord, ({ brokerId }) => {
      this.#brokers.delete(brokerId)
      this.#registrations.delete(brokerId)
    }),
    on(FenceBrokerRecord, ({ id }) => this.#changeBroker(id, { fenced: true })),
    on(UnfenceBrokerRecord, ({ id }) => this.#changeBroker(id, { fenced: false })),
    on(BrokerRegistrationChangeRecord, (record) => this.#changeRegistration(record)),
    on(ClearElrRecord, ({ topicName }) => this.#clearElr(topicName)),
  ])

  #addTopic({ name, topicId }: TopicRecord): void {
    const topic: MutableTopic = { name, topicId, partitions: [] }
    this.#topics.set(name, topic)
    this.#topicsById.set(topicId, topic)
    this.#delta.changedTopics.add(name)
    this.#delta.createdTopics.add(name)
  }

  #setPartition(record: PartitionRecord): void {
    const topic = this.#topicsById.get(record.topicId)
    if (!topic) return
    topic.partitions[record.partitionId] = {
      partition: record.partitionId,
      replicas: record.replicas,
      isr: record.isr,
      leader: record.leader,
      leaderEpoch: record.leaderEpoch,
      partitionEpoch: record.partitionEpoch,
      leaderRecoveryState: record.leaderRecoveryState,
      directories: record.directories,
      eligibleLeaderReplicas: record.eligibleLeaderReplicas ?? NONE,
      lastKnownElr: record.lastKnownElr ?? NONE,
      addingReplicas: record.addingReplicas,
      removingReplicas: record.removingReplicas,
    }
    this.#delta.changedTopics.add(topic.name)
  }

  #changePartition(change: PartitionChangeRecord): void {
    const topic = this.#topicsById.get(change.topicId)
    const partition = topic?.partitions[change.partitionId]
    if (!topic || !partition) return
    const isNewLeader = change.leader !== LEADER_STAYS
    topic.partitions[change.partitionId] = {
      partition: partition.partition,
      replicas: change.replicas ?? partition.replicas,
      isr: change.isr ?? partition.isr,
      leader: isNewLeader ? change.leader : partition.leader,
      leaderEpoch: partition.leaderEpoch + (isNewLeader ? 1 : 0),
      partitionEpoch: partition.partitionEpoch + 1,
      leaderRecoveryState:
        change.leaderRecoveryState >= 0 ? change.leaderRecoveryState : partition.leaderRecoveryState,
      directories: change.directories ?? partition.directories,
      eligibleLeaderReplicas: change.eligibleLeaderReplicas ?? partition.eligibleLeaderReplicas,
      lastKnownElr: change.lastKnownElr ?? partition.lastKnownElr,
      addingReplicas: change.addingReplicas ?? partition.addingReplicas,
      removingReplicas: change.removingReplicas ?? partition.removingReplicas,
    }
    this.#delta.changedTopics.add(topic.name)
  }

  #removeTopic(topicId: Uuid): void {
    const topic = this.#topicsById.get(topicId)
    if (!topic) return
    this.#topicsById.delete(topicId)
    this.#topics.delete(topic.name)
    this.#configs.topic.delete(topic.name)
    this.#delta.changedTopics.delete(topic.name)
    this.#delta.createdTopics.delete(topic.name)
    this.#delta.removedTopics.push(topic)
  }

  #setConfig({ resourceType, resourceName, name, value }: ConfigRecord): void {
    const type = configTypeOf(resourceType)
    if (type === undefined) return
    const resources = this.#configs[type]
    let configs = resources.get(resourceName)
    if (value !== null) {
      if (!configs) {
        configs = new Map()
        resources.set(resourceName, configs)
      }
      configs.set(name, value)
    } else if (configs?.delete(name) && configs.size === 0) resources.delete(resourceName)
    this.#delta.changedConfigs[type].add(resourceName)
  }

  #registerBroker(record: RegisterBrokerRecord): void {
    this.#registrations.set(record.brokerId, record)
    this.#brokers.set(record.brokerId, {
      id: record.brokerId,
      epoch: record.brokerEpoch,
      incarnationId: record.incarnationId,
      endpoints: record.endPoints,
      rack: record.rack,
      isFenced: record.fenced,
      logDirs: record.logDirs,
    })
  }

  #changeRegistration(change: BrokerRegistrationChangeRecord): void {
    const { brokerId, fenced, inControlledShutdown, logDirs, cordonedLogDirs } = change
    this.#changeBroker(brokerId, {
      ...(fenced === 0 ? {} : { fenced: fenced > 0 }),
      ...(inControlledShutdown === 0 ? {} : { inControlledShutdown: inControlledShutdown > 0 }),
      ...(logDirs.length === 0 ? {} : { logDirs }),
      ...(cordonedLogDirs === null ? {} : { cordonedLogDirs }),
    })
  }

  #changeBroker(id: number, change: Partial<RegisterBrokerRecord>): void {
    const registration = this.#registrations.get(id)
    if (registration) this.#registerBroker({ ...registration, ...change })
  }

  #clearElr(topicName: string): void {
    for (const topic of this.#topics.values()) {
      if (topicName !== '' && topic.name !== topicName) continue
      topic.partitions.forEach((partition, index) => {
        topic.partitions[index] = { ...partition, eligibleLeaderReplicas: NONE, lastKnownElr: NONE }
      })
      this.#delta.changedTopics.add(topic.name)
    }
  }

  describe(): object {
    let partitions = 0
    for (const topic of this.#topics.values()) partitions += topic.partitions.length
    return {
      lastAppliedOffset: this.#lastAppliedOffset,
      lastAppliedEpoch: this.#lastAppliedEpoch,
      controllerId: this.controllerId,
      kraftVersion: this.quorum.kraftVersion,
      features: Object.fromEntries(this.#features),
      brokers: [...this.#brokers.values()],
      topics: this.#topics.size,
      partitions,
      nextProducerId: this.#nextProducerId,
      isInTransaction: this.isInTransaction,
    }
  }
}

class Delta implements MetadataDelta {
  readonly changedTopics = new Set<string>()
  readonly createdTopics = new Set<string>()
  readonly removedTopics: TopicImage[] = []
  readonly changedConfigs: Record<ConfigType, Set<string>> = {
    topic: new Set(),
    broker: new Set(),
    'client-metrics': new Set(),
    group: new Set(),
  }
}

/** A row of the table of appliers; the message has the type of the codec that decoded it. */
function on<Message>(
  codec: RecordCodec<Message>,
  apply: (message: Message) => void,
): [number, (message: unknown) => void] {
  return [codec.key, (message) => apply(message as Message)]
}
