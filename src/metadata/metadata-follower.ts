import type { BrokerConfig } from '../config/broker-config.ts'
import { type TopicConfig, topicConfig } from '../config/topic-config.ts'
import type { PartitionAssignment } from '../log/partition.ts'
import type { Partitions } from '../log/partitions.ts'
import { type MetadataDelta, MetadataImage, type TopicImage } from './metadata-image.ts'
import type { MetadataBatch } from './metadata-record.ts'

/** What a broker does about its metadata besides its partitions and settings. */
export interface MetadataReactions {
  /** Names of topics that are gone; some may exist again. */
  onTopicsDeleted(names: readonly string[]): void
  /** Names of topics that are new or have other partitions; `hasNew` tells whether some are new. */
  onTopicsChanged(names: readonly string[], hasNew: boolean): void
  /** After each batch, when all of it is in force. */
  onChange(): void
}

export interface MetadataFollowerOptions {
  readonly nodeId: number
  readonly config: BrokerConfig
  readonly partitions: Partitions
  readonly reactions: MetadataReactions
}

/**
 * A broker's own image of the cluster. It follows the metadata log, batch by batch, and brings the broker's partitions and settings to
 * what the log says. It never asks the controller.
 */
export class MetadataFollower {
  readonly image = new MetadataImage()
  readonly #options: MetadataFollowerOptions
  /** Before that the log is only replayed: what is in between was true once, and is not to be done again. */
  #isLive = false
  /** What topics without a setting of their own go by: one object for all of them. */
  #defaults: TopicConfig | undefined

  constructor(options: MetadataFollowerOptions) {
    this.#options = options
  }

  /** Takes in the next batch. */
  follow(batch: MetadataBatch): void {
    const delta = this.image.replay(batch)
    if (!this.#isLive) return
    this.#apply(delta)
    this.#options.reactions.onChange()
  }

  /** The log has been replayed: its settings hold now. Gives the partitions that this broker has to take up. */
  goLive(): PartitionAssignment[] {
    this.#isLive = true
    this.#applyBrokerConfig()
    return Array.from(this.image.topics.values()).flatMap((topic) => this.#assignmentsOf(topic))
  }

  #apply({ changedTopics, createdTopics, removedTopics, changedConfigs }: MetadataDelta): void {
    const { partitions, reactions } = this.#options
    if (changedConfigs.broker.size > 0) this.#applyBrokerConfig()
    for (const { name } of removedTopics) partitions.delete(name)
    if (removedTopics.length > 0) reactions.onTopicsDeleted(removedTopics.map(({ name }) => name))
    for (const name of changedTopics) this.#applyTopic(name)
    if (changedTopics.size > 0) reactions.onTopicsChanged([...changedTopics], createdTopics.size > 0)
    // The defaults of the broker are those of every topic that does not say otherwise.
    if (changedConfigs.broker.size > 0) for (const name of this.image.topics.keys()) this.#updateConfig(name)
    else for (const name of changedConfigs.topic) if (!changedTopics.has(name)) this.#updateConfig(name)
  }

  #applyTopic(name: string): void {
    const topic = this.image.topic(name)
    if (!topic) return
    const { partitions } = this.#options
    for (const assignment of this.#assignmentsOf(topic)) {
      const partition = partitions.get(name, assignment.partition)
      if (partition) partition.update(assignment)
      else partitions.create(assignment)
    }
  }

  #updateConfig(name: string): void {
    if (this.image.topic(name)) this.#options.partitions.updateConfig(name, this.#configOf(name))
  }

  #applyBrokerConfig(): void {
    const { config, nodeId } = this.#options
    this.#defaults = undefined
    config.setDynamic(this.image.configs('broker', String(nodeId)), this.image.configs('broker', ''))
  }

  #configOf(topic: string): TopicConfig {
    const { config } = this.#options
    const overrides = this.image.configs('topic', topic)
    if (overrides.size > 0) return topicConfig(overrides, config)
    this.#defaults ??= topicConfig(overrides, config)
    return this.#defaults
  }

  #assignmentsOf({ name, topicId, partitions }: TopicImage): PartitionAssignment[] {
    const { nodeId } = this.#options
    const config = this.#configOf(name)
    const assignments: PartitionAssignment[] = []
    for (const { partition, replicas, isr, leaderEpoch, partitionEpoch } of partitions) {
      if (!replicas.includes(nodeId)) continue
      assignments.push({
        topic: name,
        partition,
        topicId,
        leaderEpoch,
        partitionEpoch,
        replicas,
        isr,
        config,
      })
    }
    return assignments
  }
}
