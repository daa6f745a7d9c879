import type { Uuid } from '../../src/protocol/api.ts'
import { Holdings } from './holdings.ts'
import { PartitionLedger, type TopicPromises } from './partition-ledger.ts'
import { isKeyed } from './plan-topics.ts'
import { Register } from './register.ts'
import { Violation } from './violation.ts'

/** No offset has been committed. */
export const NO_OFFSET = -1
/** A topic that is not there, as the value of its register. */
export const ABSENT = 'absent'

/** By these settings old records may go. */
const EXPIRY: readonly string[] = ['retention.ms', 'retention.bytes']
const DEFAULT_DELETE_RETENTION_MS = 86_400_000

/** A topic from its creation to its deletion. */
export interface TopicLedger extends TopicPromises {
  readonly name: string
  readonly partitions: (PartitionLedger | undefined)[]
  /** At least so many partitions have been acknowledged. */
  partitionCount: number
  /** The settings that it was created with, once that is known. */
  created: ReadonlyMap<string, string> | undefined
  /** Settings that have been altered. */
  readonly configs: Map<string, Register<string | null>>
}

/** All that clients know of a cluster. What it is told has to fit what it knows; else it throws a `Violation`. */
export class Ledger {
  readonly topics = new Map<Uuid, TopicLedger>()
  readonly #flushesAtOnce: boolean
  /** Topic id by name: which one is there. */
  readonly names = new Map<string, Register<string>>()
  readonly #commits = new Map<string, Register<number>>()
  /** What has been committed, for who wants to check all of it. */
  readonly committed: {
    readonly group: string
    readonly topicId: Uuid
    readonly topic: string
    readonly partition: number
  }[] = []
  /** Which members of groups have which partitions. */
  readonly holdings = new Holdings()
  /** By era, group, generation and leader: which member has a partition. */
  readonly #owners = new Map<string, string>()
  readonly #producerIds = new Set<bigint>()
  #now = 0
  /** How often generations may have been forgotten. */
  #era = 0

  /** `flushesAtOnce`: every log does. */
  constructor(flushesAtOnce: boolean) {
    this.#flushesAtOnce = flushesAtOnce
  }

  /** A moment later than all before. */
  tick(): number {
    return ++this.#now
  }

  /** Who has which name; reads of it and changes to it go in here. */
  name(topic: string): Register<string> {
    let register = this.names.get(topic)
    if (!register) {
      register = new Register(`topic ${topic}`, 'topics stay created and deleted', ABSENT)
      this.names.set(topic, register)
    }
    return register
  }

  topic(topicId: Uuid, name: string): TopicLedger {
    let topic = this.topics.get(topicId)
    if (!topic) {
      topic = {
        name,
        partitions: [],
        partitionCount: 0,
        created: undefined,
        configs: new Map(),
        isKeyed: isKeyed(name),
        // Until its settings are known.
        mayExpire: true,
        shortestLagMs: 0,
        shortestDeleteRetentionMs: 0,
        flushesAtOnce: this.#flushesAtOnce,
        flushEra: 0,
        flushedAlways: this.#flushesAtOnce,
        isDeleted: false,
      }
      this.topics.set(topicId, topic)
    }
    return topic
  }

  partition(topicId: Uuid, name: string, index: number): PartitionLedger {
    const topic = this.topic(topicId, name)
    let partition = topic.partitions[index]
    if (!partition) {
      partition = new PartitionLedger(`${name}-${index} (${topicId.slice(0, 4)})`, topic)
      topic.partitions[index] = partition
    }
    return partition
  }

  /** The broker has acknowledged a topic. */
  topicCreated(topicId: Uuid, name: string, partitions: number, configs: ReadonlyMap<string, string>): void {
    const topic = this.topic(topicId, name)
    topic.partitionCount = Math.max(topic.partitionCount, partitions)
    topic.created = configs
    topic.mayExpire = EXPIRY.some((setting) => configs.has(setting) || topic.configs.has(setting))
    const isAltered = (setting: string) => topic.configs.has(setting)
    if (!isAltered('min.compaction.lag.ms'))
      topic.shortestLagMs = Number(configs.get('min.compaction.lag.ms') ?? 0)
    if (!isAltered('delete.retention.ms'))
      topic.shortestDeleteRetentionMs = Number(
        configs.get('delete.retention.ms') ?? DEFAULT_DELETE_RETENTION_MS,
      )
    if (configs.get('flush.messages') === '1' && !isAltered('flush.messages')) {
      topic.flushesAtOnce = true
      topic.flushedAlways = true
    }
  }

  /** A setting is going to change: from now on it may promise less. */
  alters(topic: TopicLedger, name: string, value: string | null): void {
    if (EXPIRY.includes(name) || name === 'cleanup.policy') topic.mayExpire = true
    if (name === 'min.compaction.lag.ms')
      topic.shortestLagMs = Math.min(topic.shortestLagMs, Number(value ?? 0))
    if (name === 'delete.retention.ms')
      topic.shortestDeleteRetentionMs = Math.min(
        topic.shortestDeleteRetentionMs,
        Number(value ?? DEFAULT_DELETE_RETENTION_MS),
      )
    if (name === 'flush.messages') {
      topic.flushEra++
      topic.flushesAtOnce = false
      topic.flushedAlways = false
    }
  }

  /** A setting has changed for sure, and no other change of it is under way. */
  altered(topic: TopicLedger, name: string, value: string | null): void {
    if (name !== 'flush.messages') return
    topic.flushesAtOnce = value === '1' || (value === null && this.#flushesAtOnce)
  }

  config(topicId: Uuid, topic: string, name: string): Register<string | null> {
    const { configs, created } = this.topic(topicId, topic)
    const initial = created ? (created.get(name) ?? null) : undefined
    let register = configs.get(name)
    if (!register) {
      register = new Register(`${name} of ${topic}`, 'settings stay as they were set', initial)
      configs.set(name, register)
    }
    return register
  }

  commit(group: string, topicId: Uuid, topic: string, partition: number): Register<number> {
    const key = `${group} ${topicId} ${partition}`
    let register = this.#commits.get(key)
    if (!register) {
      register = new Register(
        `${group}'s offset of ${topic}-${partition}`,
        'committed offsets are kept',
        NO_OFFSET,
        !this.#flushesAtOnce,
      )
      this.#commits.set(key, register)
      this.committed.push({ group, topicId, topic, partition })
    }
    return register
  }

  giveProducerId(producerId: bigint): void {
    if (this.#producerIds.has(producerId))
      throw new Violation('producer ids are given once', `${producerId} was given before`)
    this.#producerIds.add(producerId)
  }

  /** A topic is gone for good. */
  forgetTopic(topicId: Uuid): void {
    const topic = this.topics.get(topicId)
    if (topic) topic.isDeleted = true
    this.topics.delete(topicId)
  }

  /** A member was given a partition. Its generation's leader never gives one to two. */
  own(group: string, generation: number, leader: string, partition: string, member: string): void {
    const key = `${this.#era} ${group} ${generation} ${leader} ${partition}`
    const owner = this.#owners.get(key)
    if (owner !== undefined && owner !== member)
      throw new Violation('a partition has one owner', `${partition} in generation ${generation} of ${group}`)
    this.#owners.set(key, member)
  }

  /** The broker stopped, was killed, or lost power. */
  endLife(): void {
    const now = this.tick()
    for (const register of this.names.values()) register.endLife(now)
    for (const register of this.#commits.values()) register.endLife(now)
    for (const { configs } of this.topics.values()) {
      for (const register of configs.values()) register.endLife(now)
    }
  }

  /** Power was lost, and not everything went to the device at once: commits and generations may be those of a moment ago. */
  losePower(): void {
    this.#era++
    this.holdings.forgetAll()
    for (const commits of this.#commits.values()) commits.losePower()
  }
}
