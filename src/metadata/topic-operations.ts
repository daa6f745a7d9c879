import type { BrokerConfig } from '../config/broker-config.ts'
import { ConfigError } from '../config/config-error.ts'
import { validateTopicConfig } from '../config/topic-config.ts'
import type { Random } from '../platform/platform.ts'
import { type Uuid, ZERO_UUID } from '../protocol/api.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { ConfigRecord, PartitionRecord, TopicRecord } from '../protocol/generated/metadata-records.ts'
import { resourceTypeOf } from './config-type.ts'
import type { BrokerImage, MetadataImage } from './metadata-image.ts'
import { type MetadataRecord, metadataRecord } from './metadata-record.ts'
import { checkAssignment, placeReplicas, type ReplicaAssignment } from './replica-placement.ts'
import { type CollidingNames, checkTopicName } from './topic-names.ts'

/** The log of all this is no topic that clients could have. */
const METADATA_TOPIC = '__cluster_metadata'
const NONE: readonly never[] = []

/** A topic to create. */
export interface NewTopic {
  readonly name: string
  /** -1 for the broker's default, and when `assignments` say it. */
  readonly partitions: number
  /** -1 for the broker's default, and when `assignments` say it. */
  readonly replicationFactor: number
  /** Which brokers hold which partitions; empty when the controller decides. */
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: ReplicaAssignment }[]
  readonly configs: ReadonlyMap<string, string | null>
}

/** A topic as it was, or would be, created. */
export interface CreatedTopic {
  readonly name: string
  readonly topicId: Uuid
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: ReadonlyMap<string, string>
}

/** How many partitions a topic shall have, and where the new ones shall lie. */
export interface MorePartitions {
  readonly name: string
  readonly count: number
  /** One for each new partition; null when the controller decides. */
  readonly assignments: readonly ReplicaAssignment[] | null
}

/** What whoever asks may create. */
export interface PartitionAllowance {
  /** Counts so many partitions, or throws the `ApiError` that refuses them. */
  record(partitions: number): void
}

/** What a decision comes to: the records that make it true, and what to tell about it. */
interface Decision<Result> {
  readonly records: MetadataRecord[]
  readonly result: Result
}

/** Decides on topics: reads the image, and returns records. Nothing is changed here. All throw `ApiError`. */
export class TopicOperations {
  readonly #image: MetadataImage
  readonly #config: BrokerConfig
  readonly #random: Random
  readonly #collidingNames: CollidingNames

  constructor(image: MetadataImage, config: BrokerConfig, random: Random, collidingNames: CollidingNames) {
    this.#image = image
    this.#config = config
    this.#random = random
    this.#collidingNames = collidingNames
  }

  createTopic(topic: NewTopic, allowance?: PartitionAllowance): Decision<CreatedTopic> {
    const { name } = topic
    checkTopicName(name)
    if (name === METADATA_TOPIC) {
      throw new ApiError(ErrorCode.INVALID_REQUEST, `Creation of internal topic ${name} is prohibited.`)
    }
    if (this.#image.topic(name)) {
      throw new ApiError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
    }
    const other = this.#collidingNames.collidingWith(name)
    if (other !== undefined) {
      throw new ApiError(
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        `Topic '${name}' collides with the existing topic '${other}'.`,
      )
    }
    const configs = this.#checkedConfigs(topic.configs)
    const replicas = topic.assignments.length > 0 ? this.#assigned(topic) : this.#placed(topic)
    allowance?.record(replicas.length)
    const topicId = this.#random.uuid()
    const records = [metadataRecord(TopicRecord, { name, topicId })]
    for (const [configName, value] of configs) {
      records.push(configRecord(resourceTypeOf('topic'), name, configName, value))
    }
    for (const [partition, each] of replicas.entries()) {
      records.push(this.#partitionRecord(topicId, partition, each))
    }
    const replicationFactor = replicas[0]!.length
    return { records, result: { name, topicId, partitions: replicas.length, replicationFactor, configs } }
  }

  #checkedConfigs(configs: ReadonlyMap<string, string | null>): ReadonlyMap<string, string> {
    if (configs.size === 0) return new Map()
    try {
      validateTopicConfig(configs, this.#config)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      throw new ApiError(ErrorCode.INVALID_CONFIG, error.message)
    }
    // Null values were refused just now.
    return configs as ReadonlyMap<string, string>
  }

  #placed({ partitions, replicationFactor }: NewTopic): ReplicaAssignment[] {
    if (replicationFactor < -1 || replicationFactor === 0) {
      throw new ApiError(
        ErrorCode.INVALID_REPLICATION_FACTOR,
        'Replication factor must be larger than 0, or -1 to use the default value.',
      )
    }
    if (partitions < -1 || partitions === 0) {
      throw new ApiError(
        ErrorCode.INVALID_PARTITIONS,
        'Number of partitions must be larger than 0, or -1 to use the default value.',
      )
    }
    return this.#place(
      partitions === -1 ? this.#config.get('num.partitions') : partitions,
      replicationFactor === -1 ? this.#config.get('default.replication.factor') : replicationFactor,
    )
  }

  #place(partitions: number, replicationFactor: number): ReplicaAssignment[] {
    const { brokers } = this.#image
    const first = brokers.size > 1 ? this.#random.integer(brokers.size) : 0
    return placeReplicas(brokers, partitions, replicationFactor, first)
  }

  #assigned({ partitions, replicationFactor, assignments }: NewTopic): ReplicaAssignment[] {
    if (replicationFactor !== -1 || partitions !== -1) {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        'A manual partition assignment was specified, so partition count and replication factor have to be -1.',
      )
    }
    const byPartition = new Map<number, ReplicaAssignment>()
    for (const { partitionIndex, brokerIds } of assignments) {
      if (byPartition.has(partitionIndex)) {
        throw new ApiError(
          ErrorCode.INVALID_REPLICA_ASSIGNMENT,
          `Partition ${partitionIndex} was assigned more than once.`,
        )
      }
      checkAssignment(this.#image.brokers, brokerIds, assignments[0]!.brokerIds.length)
      byPartition.set(partitionIndex, brokerIds)
    }
    return Array.from({ length: byPartition.size }, (_, partition) => {
      const replicas = byPartition.get(partition)
      if (replicas) return replicas
      throw new ApiError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        'Partitions have to be numbered from 0 without a gap.',
      )
    })
  }

  createPartitions(
    { name, count, assignments }: MorePartitions,
    allowance?: PartitionAllowance,
  ): Decision<string> {
    const topic = this.#image.topic(name)
    if (!topic) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const present = topic.partitions.length
    if (count <= present) {
      throw new ApiError(
        ErrorCode.INVALID_PARTITIONS,
        count === present
          ? `Topic already has ${present} partition(s).`
          : `The topic ${name} currently has ${present} partition(s); ${count} would not be an increase.`,
      )
    }
    const replicationFactor = topic.partitions[0]!.replicas.length
    const added = count - present
    // Before the rest is looked at, as in Kafka.
    allowance?.record(added)
    if (assignments) {
      if (assignments.length !== added) {
        throw new ApiError(
          ErrorCode.INVALID_REPLICA_ASSIGNMENT,
          `Attempted to add ${added} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
        )
      }
      for (const each of assignments) checkAssignment(this.#image.brokers, each, replicationFactor)
    }
    const replicas = assignments ?? this.#place(added, replicationFactor)
    const records = replicas.map((each, i) => this.#partitionRecord(topic.topicId, present + i, each))
    return { records, result: name }
  }

  #partitionRecord(topicId: Uuid, partitionId: number, replicas: ReplicaAssignment): MetadataRecord {
    const { brokers } = this.#image
    const isOnline = (id: number) => !brokers.get(id)!.isFenced
    const isr = replicas.every(isOnline) ? replicas : replicas.filter(isOnline)
    return metadataRecord(PartitionRecord, {
      partitionId,
      topicId,
      replicas,
      isr,
      removingReplicas: NONE,
      addingReplicas: NONE,
      leader: isr[0]!,
      leaderRecoveryState: 0,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: replicas.map((id) => directoryOf(brokers.get(id)!)),
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    })
  }
}

/** Where a broker puts a new replica: its one directory; with several it decides itself, and tells later (KIP-858). */
function directoryOf({ logDirs }: BrokerImage): Uuid {
  return logDirs.length === 1 ? logDirs[0]! : ZERO_UUID
}

/** A setting of a resource; null takes it back. */
export function configRecord(
  resourceType: number,
  resourceName: string,
  name: string,
  value: string | null,
): MetadataRecord {
  return metadataRecord(ConfigRecord, { resourceType, resourceName, name, value })
}
