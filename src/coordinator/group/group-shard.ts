import type { BrokerConfig } from '../../config/broker-config.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/platform.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { CoordinatorRecord, CoordinatorShard, Outcome, ShardTimers } from '../runtime.ts'
import { ClassicGroup } from './classic-group.ts'
import { ClassicJoin } from './classic-join.ts'
import { ClassicRequests } from './classic-requests.ts'
import { ClassicMembers } from './consumer/classic-members.ts'
import { ConsumerGroup } from './consumer/consumer-group.ts'
import { type ConsumerGroupRecord, ConsumerGroupRecordWriter } from './consumer/consumer-group-records.ts'
import { ConsumerHeartbeat } from './consumer/consumer-heartbeat.ts'
import { MemberState } from './consumer/consumer-member.ts'
import type { ConsumerServices, Group } from './consumer/consumer-services.ts'
import { Downgrade } from './consumer/downgrade.ts'
import { Fencing } from './consumer/fencing.ts'
import { GroupSettings } from './consumer/group-settings.ts'
import { MemberTimers } from './consumer/member-timers.ts'
import { Membership } from './consumer/membership.ts'
import { TopicHashes } from './consumer/metadata-hash.ts'
import { RegexRefresh } from './consumer/regex-refresh.ts'
import type { GroupTopics } from './consumer/topics.ts'
import { Upgrade } from './consumer/upgrade.ts'
import { GroupOffsets } from './group-offsets.ts'
import { GroupRecordWriter, readGroupRecord } from './group-records.ts'
import { OffsetStore } from './offset-store.ts'
import { Rebalance } from './rebalance.ts'
import { joinError, syncError } from './responses.ts'

/** What a shard is given of its broker. */
export interface ShardDependencies {
  readonly config: BrokerConfig
  readonly logger: Logger
  readonly random: Random
  readonly topics: GroupTopics
  /** What was set for one group. */
  groupConfigs(groupId: string): ReadonlyMap<string, string>
}

/** The groups and offsets of one partition of `__consumer_offsets`. */
export class GroupShard implements CoordinatorShard {
  readonly groups = new Map<string, Group>()
  readonly store = new OffsetStore()
  readonly offsets: GroupOffsets
  readonly joins: ClassicJoin
  readonly requests: ClassicRequests
  readonly consumerHeartbeat: ConsumerHeartbeat
  /** Members of the classic protocol in consumer groups. */
  readonly classicMembers: ClassicMembers
  readonly #rebalance: Rebalance
  readonly #records = new GroupRecordWriter()
  readonly #consumerRecords = new ConsumerGroupRecordWriter()
  readonly #timers: ShardTimers
  readonly #config: BrokerConfig
  readonly #logger: Logger
  readonly #memberTimers: MemberTimers
  readonly #hashes: TopicHashes
  readonly #fencing: Fencing
  readonly #regexes: RegexRefresh

  constructor(timers: ShardTimers, { config, logger, random, topics, groupConfigs }: ShardDependencies) {
    const maxSize = () => config.get('group.max.size')
    this.#timers = timers
    this.#config = config
    this.#logger = logger
    this.#memberTimers = new MemberTimers(timers)
    this.#hashes = new TopicHashes(topics)
    this.#rebalance = new Rebalance(timers, logger, this.#records, () =>
      config.get('group.initial.rebalance.delay.ms'),
    )
    this.joins = new ClassicJoin(this.#rebalance, this.#records, random, logger, maxSize)
    this.requests = new ClassicRequests(this.#rebalance, this.#records, logger)
    const services: ConsumerServices = {
      groups: this.groups,
      topics,
      hashes: this.#hashes,
      records: this.#consumerRecords,
      classicRecords: this.#records,
      rebalance: this.#rebalance,
      settings: new GroupSettings(config, groupConfigs),
      config,
      timers,
      memberTimers: this.#memberTimers,
      random,
      logger,
    }
    const downgrade = new Downgrade(services)
    this.#fencing = new Fencing(services, downgrade)
    this.#regexes = new RegexRefresh(services)
    const membership = new Membership(services, this.#fencing, this.#regexes)
    const upgrade = new Upgrade(services, this.#fencing)
    this.consumerHeartbeat = new ConsumerHeartbeat(services, membership, this.#fencing, upgrade)
    this.classicMembers = new ClassicMembers(services, membership, this.#fencing, downgrade)
    this.offsets = new GroupOffsets(this.groups, this.store, this.#rebalance, this.#records, () =>
      config.get('offset.metadata.max.bytes'),
    )
  }

  /** A classic group that nobody knew: it is in the log before its first member is. An empty consumer group makes room for it. */
  create(groupId: string): Outcome<void> {
    const known = this.groups.get(groupId)
    const tombstones = known?.type === 'consumer' ? known.tombstones(this.#consumerRecords) : []
    const empty = this.#records.emptyGroup(new ClassicGroup(groupId), 0, this.#timers.clock.now())
    return { records: [...tombstones, empty], answer: () => {} }
  }

  /** The tombstones of all that the log has of a group, its offsets included. */
  remove(group: Group): CoordinatorRecord[] {
    const { groupId } = group
    return [...this.offsets.tombstones(groupId), ...this.#tombstones(group)]
  }

  /** Offsets whose retention is over, and the group with them when nothing is left of it (KIP-211). */
  expire(group: Group, retentionMs: number): Outcome<void> {
    const { records, isNothingLeft } = this.offsets.expire(group, retentionMs)
    const isUnused = group.state === 'Empty' && (group.type === 'consumer' || group.pendingMembers.size === 0)
    return {
      records: isNothingLeft && isUnused ? [...records, ...this.#tombstones(group)] : records,
      answer: () => {},
    }
  }

  /** Topics came, went, or have other partitions: groups that read them look again with their next heartbeat. */
  onTopicsChanged(names: readonly string[], hasNew: boolean): void {
    for (const name of names) this.#hashes.forget(name)
    for (const group of this.groups.values()) {
      if (group.type === 'consumer' && names.some((name) => group.isSubscribedTo(name)))
        group.needsMetadataRefresh = true
    }
    if (hasNew) this.#regexes.onTopicsCreated()
  }

  replay(record: CoordinatorRecord): void {
    const read = readGroupRecord(record)
    if (!read) return
    if (read.kind === 'group') {
      if (read.value) this.#classicGroup(read.groupId).replay(read.value)
      else this.#forget(read.groupId)
    } else if (read.kind !== 'offset') this.#replayConsumerGroup(read)
    else if (read.value) {
      // A group may consist of nothing but its offsets.
      if (!this.groups.has(read.groupId)) this.#classicGroup(read.groupId)
      this.store.put(read.groupId, read.topic, read.partition, read.value)
    } else {
      this.store.remove(read.groupId, read.topic, read.partition)
    }
  }

  onLoaded(): void {
    for (const group of this.groups.values()) {
      // Members have a whole session to show that they outlived the restart.
      if (group.type === 'classic') this.#startClassic(group)
      else this.#startConsumer(group)
    }
  }

  close(): void {
    this.#memberTimers.cancelAll()
    for (const group of this.groups.values()) {
      if (group.type === 'consumer') continue
      group.cancelTimers()
      for (const member of group.members.values()) {
        member.completeJoin(joinError(ErrorCode.NOT_COORDINATOR, member.memberId))
        member.completeSync(syncError(ErrorCode.NOT_COORDINATOR))
      }
    }
  }

  describe(): object[] {
    const nowMs = this.#timers.clock.elapsedMs()
    return Array.from(this.groups.values(), (group) => ({
      ...group.describe(nowMs),
      offsets: [...this.store.ofGroup(group.groupId)].flatMap(([topic, partitions]) =>
        Array.from(partitions, ([partition, { offset }]) => ({ topic, partition, offset })),
      ),
    }))
  }

  #startClassic(group: ClassicGroup): void {
    group.onLoaded()
    for (const member of group.members.values()) this.#rebalance.touch(group, member)
    if (group.members.size > this.#config.get('group.max.size'))
      this.#rebalance.begin(group, 'the group is larger than group.max.size')
  }

  #startConsumer(group: ConsumerGroup): void {
    for (const member of group.members.values()) {
      this.#fencing.startSession(group.groupId, member.memberId)
      if (member.state === MemberState.UNREVOKED_PARTITIONS)
        this.#fencing.startRebalanceTimer(group.groupId, member)
    }
  }

  #replayConsumerGroup(record: ConsumerGroupRecord): void {
    const { groupId } = record
    const known = this.groups.get(groupId)
    if (known?.type === 'consumer') {
      if (record.kind === 'group-epoch' && !record.value) this.#forget(groupId)
      else known.replay(record)
    } else if (record.value) {
      // A group of offsets alone has no records of its own, so that it gives way.
      if (known) this.#forget(groupId)
      const group = new ConsumerGroup(groupId)
      this.groups.set(groupId, group)
      group.replay(record)
    }
  }

  #classicGroup(groupId: string): ClassicGroup {
    const known = this.groups.get(groupId)
    if (known?.type === 'classic') return known
    if (known) this.#forget(groupId)
    const group = new ClassicGroup(groupId)
    this.groups.set(groupId, group)
    return group
  }

  #tombstones(group: Group): CoordinatorRecord[] {
    return group.type === 'consumer'
      ? group.tombstones(this.#consumerRecords)
      : [this.#records.groupTombstone(group.groupId)]
  }

  #forget(groupId: string): void {
    const group = this.groups.get(groupId)
    if (!group) return
    if (group.type === 'classic') {
      group.cancelTimers()
      group.state = 'Dead'
    } else {
      this.#memberTimers.cancelGroup(groupId)
      group.isDead = true
    }
    this.groups.delete(groupId)
    this.#logger.debug({ groupId }, 'Group is gone')
  }
}
