import type { BrokerConfig } from '../config/broker-config.ts'
import type { DataDirectory } from '../log/data-directory.ts'
import type { Partition } from '../log/partition.ts'
import type { Logger } from '../platform/logger.ts'
import type { Clock, Random } from '../platform/platform.ts'
import type { Uuid } from '../protocol/api.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  ProducerIdsRecord,
  RemoveTopicRecord,
  UnregisterBrokerRecord,
} from '../protocol/generated/metadata-records.ts'
import { bootstrapRecords } from './bootstrap.ts'
import { alterClientQuotas, type QuotaAlteration, type QuotaOutcome } from './client-quota-operations.ts'
import { type ConfigType, resourceTypeOf } from './config-type.ts'
import { duplicatesIn } from './duplicates.ts'
import {
  departures,
  type ElectionOutcome,
  type ElectionRequest,
  electionsAtStart,
  electLeaders,
} from './elections.ts'
import { type FeatureUpdate, updateFeatures } from './feature-operations.ts'
import { internalTopic } from './internal-topics.ts'
import { MetadataCommits } from './metadata-commits.ts'
import { type LoadedMetadata, readMetadataDirectory } from './metadata-directory.ts'
import { type BrokerEndpointImage, MetadataImage } from './metadata-image.ts'
import { MetadataLog } from './metadata-log.ts'
import { type MetadataBatch, type MetadataRecord, metadataRecord } from './metadata-record.ts'
import { MetadataSnapshots } from './metadata-snapshots.ts'
import { recordsAtLevel } from './metadata-version.ts'
import { readQuorumEpoch, writeQuorumState } from './quorum-state.ts'
import { ownVoter } from './quorum-voter.ts'
import { alterReassignments, type ReassignmentOutcome, type TopicReassignment } from './reassignments.ts'
import {
  abortRecord,
  brokerRegistration,
  controllerRegistration,
  nothingCordoned,
  registrationsAfterUpgrade,
  unfenced,
} from './registration.ts'
import {
  alterScramCredentials,
  type ScramDeletion,
  type ScramOutcome,
  type ScramUpsertion,
} from './scram-operations.ts'
import { CollidingNames } from './topic-names.ts'
import {
  type CreatedTopic,
  configRecord,
  type MorePartitions,
  type NewTopic,
  type PartitionAllowance,
  TopicOperations,
} from './topic-operations.ts'

/** Producer ids come in blocks of so many. */
const PRODUCER_ID_BLOCK = 1000
/** More than that in one request would be a batch that others cannot take. */
const MAX_PARTITIONS_PER_REQUEST = 10_000

export interface ControllerOptions {
  /** `__cluster_metadata-0`. */
  readonly log: Partition
  /** The directory that holds it. */
  readonly directory: DataDirectory
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly nodeId: number
  readonly config: BrokerConfig
}

/** Takes in the batches of the metadata log, one after the other. */
export type MetadataListener = (batch: MetadataBatch) => void

/** How a request about topics is to be carried out. */
export interface TopicOptions {
  /** Says what would come of it, and does nothing. It counts all the same. */
  readonly validateOnly?: boolean | undefined
  readonly allowance?: PartitionAllowance | undefined
}

/** One topic's part of a request that names several: it was done, or why not. */
export type TopicOutcome<Result> = { readonly name: string } & (
  | { readonly result: Result; readonly error?: undefined }
  | { readonly error: ApiError; readonly result?: undefined }
)

/**
 * The only writer of the metadata log. An operation reads the controller's image and decides; its records are appended as one batch and
 * replayed into that image, all of that at once. When the device has the batch, the listeners get it, and only then the operation
 * resolves: what was answered is there for everybody, and outlives a loss of power. One that changes nothing waits too for what it may
 * have seen. All reject with `ApiError`.
 */
export class Controller {
  readonly #options: ControllerOptions
  readonly #log: MetadataLog
  readonly #image = new MetadataImage()
  readonly #collidingNames = new CollidingNames()
  readonly #topics: TopicOperations
  readonly #snapshots: MetadataSnapshots
  readonly #commits: MetadataCommits
  readonly #listeners: MetadataListener[] = []
  #loaded: LoadedMetadata = { endOffset: 0n, bootstrap: [] }

  constructor(options: ControllerOptions) {
    const { log, clock, config, random, logger, directory } = options
    this.#options = options
    this.#log = new MetadataLog(log, clock)
    const { files } = directory
    const image = this.#image
    const folder = this.#folder
    this.#snapshots = new MetadataSnapshots({ files, folder, log: this.#log, image, config, clock, logger })
    const deliver = (batch: MetadataBatch) => this.#deliver(batch)
    this.#commits = new MetadataCommits({ log: this.#log, clock, isVolatile: files.isVolatile, deliver })
    this.#topics = new TopicOperations(this.#image, config, random, this.#collidingNames)
  }

  /**
   * From now on `listener` gets every batch. Who subscribes before `load` gets the whole log, and so builds an image of its own: the
   * controller's is nobody else's.
   */
  subscribe(listener: MetadataListener): void {
    this.#listeners.push(listener)
  }

  /**
   * Replays what is in the directory, from the newest snapshot on, and changes nothing there. Throws `DataDirectoryError` when something is
   * missing or damaged, or of a kind that this broker cannot take up.
   */
  load(): void {
    const { directory, nodeId, logger } = this.#options
    const image = this.#image
    const request = { directory, folder: this.#folder, image, nodeId, logger }
    this.#loaded = readMetadataDirectory(request, (batch) => {
      this.#replay(batch)
      this.#deliver(batch)
    })
  }

  get #folder(): string {
    return `${this.#options.directory.path}/__cluster_metadata-0`
  }

  /**
   * Begins this controller's epoch and puts the broker beside it in service, which clients reach at `endpoints`; in a new directory it
   * founds the cluster first. All of that goes to the device in one flush.
   */
  async start(endpoints: readonly BrokerEndpointImage[]): Promise<void> {
    const { directory, nodeId, logger, random, config } = this.#options
    const { endOffset, bootstrap } = this.#loaded
    const { quorum } = this.#image
    this.#log.continueAt(endOffset)
    const lastEpoch = Math.max(
      this.#image.lastAppliedEpoch,
      readQuorumEpoch(directory.files, this.#folder, logger),
      0,
    )
    const epoch = lastEpoch + 1
    writeQuorumState(directory.files, this.#folder, nodeId, epoch, quorum.kraftVersion)
    this.#snapshots.removeUnfinished()
    const isOnlyInSnapshot = quorum.kraftVersion > 0 && endOffset === 0n
    this.#take(this.#log.beginEpoch(epoch, nodeId, isOnlyInSnapshot ? quorum : undefined))
    if (this.#image.isInTransaction) this.#append([abortRecord()])
    if (this.#image.features.size === 0) this.#append(bootstrapRecords(bootstrap, config))
    this.#append([controllerRegistration(nodeId, random.uuid())])
    const brokerEpoch = this.#log.endOffset
    const rack = config.get('broker.rack')
    const { directoryId } = directory
    const broker = { brokerId: nodeId, incarnationId: random.uuid(), endpoints, rack, directoryId }
    this.#append([brokerRegistration(broker, brokerEpoch)])
    this.#append([nothingCordoned(nodeId, brokerEpoch)])
    const elected = electionsAtStart(this.#image, nodeId, !directory.wasCleanShutdown)
    await this.#commit([unfenced(nodeId, brokerEpoch), ...elected])
    logger.info(
      { epoch, brokerEpoch: Number(brokerEpoch), topics: this.#image.topics.size },
      'Controller started',
    )
  }

  /** Creates those topics that can be; one that cannot does not hold the others back. */
  async createTopics(
    topics: readonly NewTopic[],
    { validateOnly = false, allowance }: TopicOptions = {},
  ): Promise<TopicOutcome<CreatedTopic>[]> {
    this.#checkSize(topics, ({ partitions, assignments }) =>
      assignments.length > 0 ? assignments.length : Math.max(partitions, 1),
    )
    return this.#each(topics, validateOnly, (topic) => this.#topics.createTopic(topic, allowance))
  }

  /** Creates one topic. */
  async createTopic(topic: NewTopic, allowance?: PartitionAllowance): Promise<CreatedTopic> {
    const { records, result } = this.#topics.createTopic(topic, allowance)
    await this.#commit(records)
    return result
  }

  /** Creates a topic with the broker's defaults, as Metadata does for a topic that it does not know. Another request may be at it. */
  async autoCreateTopic(name: string, allowance?: PartitionAllowance): Promise<void> {
    if (this.#image.topic(name)) await this.#commits.settle()
    else await this.createTopic(this.#internalTopic(name) ?? topicWithDefaults(name), allowance)
  }

  /** Creates one of the broker's own topics if it is missing. */
  async ensureInternalTopic(name: string): Promise<void> {
    const topic = this.#internalTopic(name)
    if (!topic) throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `${name} is no internal topic`)
    await this.autoCreateTopic(name)
  }

  #internalTopic(name: string): NewTopic | undefined {
    return internalTopic(name, this.#options.config, this.#image.brokers.size)
  }

  /** Gives topics more partitions. */
  async createPartitions(
    topics: readonly MorePartitions[],
    { validateOnly = false, allowance }: TopicOptions = {},
  ): Promise<TopicOutcome<string>[]> {
    this.#checkSize(topics, ({ name, count }) =>
      Math.max(0, count - (this.#image.topic(name)?.partitions.length ?? 0)),
    )
    return this.#each(topics, validateOnly, (topic) => this.#topics.createPartitions(topic, allowance))
  }

  /** Deletes topics with all that belongs to them. Those that are not there are left out. */
  async deleteTopics(topicIds: readonly Uuid[]): Promise<void> {
    const known = topicIds.filter((topicId) => this.#image.topicById(topicId))
    await this.#commit(known.map((topicId) => metadataRecord(RemoveTopicRecord, { topicId })))
  }

  /** What a change of settings goes by; nobody else has to know it yet. */
  configs(type: ConfigType, name: string): ReadonlyMap<string, string> {
    return this.#image.configs(type, name)
  }

  /** Changes settings of a resource; null takes one back. The values have to be valid. */
  async alterConfigs(
    type: ConfigType,
    name: string,
    changes: ReadonlyMap<string, string | null>,
  ): Promise<void> {
    const current = this.#image.configs(type, name)
    const records: MetadataRecord[] = []
    for (const [key, value] of changes) {
      if ((current.get(key) ?? null) === value) continue
      records.push(configRecord(resourceTypeOf(type), name, key, value))
    }
    await this.#commit(records)
  }

  /** Sets and removes quotas of clients, each entity for itself. */
  async alterClientQuotas(
    alterations: readonly QuotaAlteration[],
    { validateOnly = false }: { validateOnly?: boolean } = {},
  ): Promise<QuotaOutcome[]> {
    const { records, outcomes } = alterClientQuotas(this.#image.clientQuotas, alterations)
    await this.#commit(validateOnly ? [] : records)
    return outcomes
  }

  /** Sets and removes credentials of SCRAM users, each user for itself. */
  async alterScramCredentials(
    deletions: readonly ScramDeletion[],
    upsertions: readonly ScramUpsertion[],
  ): Promise<ScramOutcome[]> {
    const { records, outcomes } = alterScramCredentials(this.#image, deletions, upsertions)
    await this.#commit(records)
    return outcomes
  }

  /** Has the cluster agree on levels of features: all of them, or none. */
  async updateFeatures(
    updates: readonly FeatureUpdate[],
    { validateOnly = false }: { validateOnly?: boolean } = {},
  ): Promise<void> {
    const { config, nodeId, directory, random } = this.#options
    const { directoryId } = directory
    const before = this.#image.metadataVersion
    const { records, raisesKraftVersion } = updateFeatures(this.#image, config, nodeId, updates)
    if (!validateOnly) {
      if (raisesKraftVersion)
        this.#take(this.#log.setQuorum({ kraftVersion: 1, voters: [ownVoter(config, nodeId, directoryId)] }))
      this.#append(records)
      const node = { nodeId, incarnationId: random.uuid(), directoryId }
      this.#append(registrationsAfterUpgrade(this.#image, before, node))
    }
    await this.#commit([])
  }

  /** Elects leaders, each partition for itself; null: wherever it is needed. */
  async electLeaders(
    electionType: number,
    requests: readonly ElectionRequest[] | null,
  ): Promise<ElectionOutcome[]> {
    const { records, outcomes } = electLeaders(this.#image, electionType, requests)
    await this.#commit(records)
    return outcomes
  }

  /** Begins moves of partitions and takes them back, each partition for itself. */
  async alterReassignments(
    topics: readonly TopicReassignment[],
    mayChangeReplicationFactor: boolean,
  ): Promise<ReassignmentOutcome[]> {
    const { records, outcomes } = alterReassignments(this.#image, topics, mayChangeReplicationFactor)
    await this.#commit(records)
    return outcomes
  }

  /** Forgets a broker. One that runs serves nothing until it is started again and registers anew. */
  async unregisterBroker(brokerId: number): Promise<void> {
    const broker = this.#image.brokers.get(brokerId)
    if (!broker) {
      throw new ApiError(
        ErrorCode.BROKER_ID_NOT_REGISTERED,
        `Broker ID ${brokerId} is not currently registered`,
      )
    }
    const record = metadataRecord(UnregisterBrokerRecord, { brokerId, brokerEpoch: broker.epoch })
    await this.#commit([...departures(this.#image, brokerId), record])
  }

  /** A block of producer ids that nobody has got yet, and nobody will get again. */
  async allocateProducerIds(): Promise<{ firstProducerId: bigint; count: number }> {
    const { nodeId } = this.#options
    const firstProducerId = this.#image.nextProducerId
    await this.#commit([
      metadataRecord(ProducerIdsRecord, {
        brokerId: nodeId,
        brokerEpoch: this.#image.brokers.get(nodeId)?.epoch ?? -1n,
        nextProducerId: firstProducerId + BigInt(PRODUCER_ID_BLOCK),
      }),
    ])
    return { firstProducerId, count: PRODUCER_ID_BLOCK }
  }

  /** Waits for a flush and a snapshot that are under way; no other begins. */
  async stop(): Promise<void> {
    await this.#commits.stop()
    await this.#snapshots.stop()
  }

  describe(): object {
    return { nodeId: this.#options.nodeId, listeners: this.#listeners.length, image: this.#image.describe() }
  }

  #checkSize<Topic>(topics: readonly Topic[], partitionsOf: (topic: Topic) => number): void {
    let partitions = 0
    for (const topic of topics) partitions += partitionsOf(topic)
    if (partitions <= MAX_PARTITIONS_PER_REQUEST) return
    throw new ApiError(
      ErrorCode.POLICY_VIOLATION,
      `Excessively large number of partitions per request: ${partitions}, at most ${MAX_PARTITIONS_PER_REQUEST}.`,
    )
  }

  /** Decides on each topic by itself; what was decided becomes one batch. A topic that is named twice is refused, once. */
  async #each<Topic extends { readonly name: string }, Result>(
    topics: readonly Topic[],
    validateOnly: boolean,
    decide: (topic: Topic) => { records: MetadataRecord[]; result: Result },
  ): Promise<TopicOutcome<Result>[]> {
    const duplicates = duplicatesIn(topics.map(({ name }) => name))
    const outcomes = Array.from(duplicates, (name): TopicOutcome<Result> => {
      return { name, error: new ApiError(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.') }
    })
    const records: MetadataRecord[] = []
    for (const topic of topics) {
      const { name } = topic
      if (duplicates.has(name)) continue
      try {
        const decision = decide(topic)
        for (const record of decision.records) records.push(record)
        outcomes.push({ name, result: decision.result })
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        outcomes.push({ name, error })
      }
    }
    await this.#commit(validateOnly ? [] : records)
    return outcomes
  }

  /** Resolves when these records, and all that the controller's image holds besides, are committed. */
  #commit(records: readonly MetadataRecord[]): Promise<void> {
    this.#append(records)
    return this.#commits.settle()
  }

  #append(records: readonly MetadataRecord[]): void {
    const written = recordsAtLevel(records, this.#image.metadataVersion)
    if (written.length === 0) return
    this.#take(this.#log.append(written))
    this.#snapshots.writeIfDue()
  }

  #take(batch: MetadataBatch): void {
    this.#replay(batch)
    this.#commits.add(batch)
  }

  #replay(batch: MetadataBatch): void {
    const { changedTopics, removedTopics } = this.#image.replay(batch)
    this.#snapshots.grown(batch.sizeInBytes ?? 0, batch.timestamp ?? -1n)
    for (const { name } of removedTopics) this.#collidingNames.remove(name)
    for (const name of changedTopics) this.#collidingNames.add(name)
  }

  #deliver(batch: MetadataBatch): void {
    for (const listener of this.#listeners) listener(batch)
  }
}

function topicWithDefaults(name: string): NewTopic {
  return { name, partitions: -1, replicationFactor: -1, assignments: [], configs: new Map() }
}
