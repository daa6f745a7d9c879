import type { Uuid } from '../../../protocol/api.ts'
import type { CoordinatorRecord } from '../../runtime.ts'
import {
  type ConsumerGroupRecord,
  type ConsumerGroupRecordWriter,
  type ResolvedRegex,
  readConsumerGroupRecord,
} from './consumer-group-records.ts'
import {
  type ConsumerMember,
  isReconciledTo,
  LEAVE_EPOCH,
  MemberState,
  newMember,
  withFacts,
  withProgress,
} from './consumer-member.ts'
import { TimelineOrder } from './hash-order.ts'
import {
  type HeldPartitions,
  heldOf,
  listed,
  NO_TARGET,
  NOTHING_HELD,
  type TargetPartitions,
} from './partitions.ts'
import { Subscriptions } from './subscriptions.ts'

/**
 * States of a consumer group:
 *
 * | state | when |
 * |---|---|
 * | Empty | nobody is in it |
 * | Assigning | members or topics have changed since the target assignment was worked out |
 * | Reconciling | some member has not come to the target assignment |
 * | Stable | all have what the target gives them |
 * | Dead | deleted; it is forgotten at once |
 */
export type ConsumerState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable' | 'Dead'

/** A partition that nobody has. */
export const NOT_OWNED = -1

/**
 * A group of the consumer protocol (KIP-848). All of its state is in the log and changed by `replay` only; what members are to have (the
 * target) is worked out here by the coordinator, and each comes to it at its own pace.
 */
export class ConsumerGroup {
  readonly groupId: string
  readonly type = 'consumer'
  readonly protocolType = 'consumer'
  isDead = false
  /** Grows with every change of members, subscriptions or topics. A first member brings a new group to 2, as in Apache Kafka. */
  groupEpoch = 1
  /** Over the subscribed topics, their partitions and racks; a change calls for a new assignment. */
  metadataHash = 0n
  /** The group epoch that the target assignment was worked out for. */
  assignmentEpoch = 1
  /** When that was; 0 when it is not known. */
  assignmentTimestampMs = 0
  /** Apache Kafka 4.0 left a record that has to be removed. */
  hasPartitionMetadataRecord = false
  /** The topics have to be looked at again before the next answer. Not in the log: true after a start. */
  needsMetadataRefresh = true
  readonly members = new Map<string, ConsumerMember>()
  /** Member ids in the order in which Apache Kafka's assignors see them. */
  readonly memberOrder = new TimelineOrder()
  readonly subscriptions = new Subscriptions()
  readonly resolvedRegexes = new Map<string, ResolvedRegex>()
  readonly #targets = new Map<string, TargetPartitions>()
  /** Who is to have a partition. */
  readonly #targetOwners = new Map<Uuid, Map<number, string>>()
  /** Epoch of the member that has a partition now. */
  readonly #partitionEpochs = new Map<Uuid, Map<number, number>>()
  readonly #staticMembers = new Map<string, string>()

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get state(): ConsumerState {
    if (this.isDead) return 'Dead'
    if (this.members.size === 0) return 'Empty'
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning'
    for (const member of this.members.values()) {
      if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling'
    }
    return 'Stable'
  }

  staticMember(instanceId: string | null): ConsumerMember | undefined {
    if (instanceId === null) return undefined
    const memberId = this.#staticMembers.get(instanceId)
    return memberId === undefined ? undefined : this.members.get(memberId)
  }

  get classicMemberCount(): number {
    let count = 0
    for (const { classic } of this.members.values()) if (classic) count++
    return count
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscriptions.has(topic)
  }

  target(memberId: string): TargetPartitions {
    return this.#targets.get(memberId) ?? NO_TARGET
  }

  hasTarget(memberId: string): boolean {
    return this.#targets.has(memberId)
  }

  /** Target of a member; a static member that comes back under a new id finds that of its instance id. */
  targetOf({ memberId, instanceId }: ConsumerMember): TargetPartitions {
    if (instanceId === null) return this.target(memberId)
    const known = this.#staticMembers.get(instanceId)
    return known === undefined ? NO_TARGET : this.target(known)
  }

  /** Some member is to have it. */
  isTargeted(topicId: Uuid, partition: number): boolean {
    return this.#targetOwners.get(topicId)?.has(partition) ?? false
  }

  /** Epoch of the member that has the partition, or `NOT_OWNED`. */
  partitionEpoch(topicId: Uuid, partition: number): number {
    return this.#partitionEpochs.get(topicId)?.get(partition) ?? NOT_OWNED
  }

  /** Something that the member is to get is still in other hands. */
  waitsForUnreleasedPartitions(member: ConsumerMember): boolean {
    if (member.state !== MemberState.UNRELEASED_PARTITIONS) return false
    for (const [topicId, partitions] of this.target(member.memberId)) {
      const assigned = heldOf(member.assigned, topicId)
      for (const partition of partitions) {
        if (!assigned.has(partition) && this.partitionEpoch(topicId, partition) !== NOT_OWNED) return true
      }
    }
    return false
  }

  /** The records that make an end of the group. */
  tombstones(records: ConsumerGroupRecordWriter): CoordinatorRecord[] {
    return records.removedGroup(this.groupId, [...this.memberOrder], [...this.resolvedRegexes.keys()])
  }

  /** A group as these records would make it, without changing any that there is. */
  static fromRecords(groupId: string, records: readonly CoordinatorRecord[]): ConsumerGroup {
    const group = new ConsumerGroup(groupId)
    for (const record of records) {
      const read = readConsumerGroupRecord(record)
      if (read) group.replay(read)
    }
    return group
  }

  replay(record: ConsumerGroupRecord): void {
    switch (record.kind) {
      case 'group-epoch':
        if (!record.value) return
        this.groupEpoch = record.value.epoch
        this.metadataHash = record.value.metadataHash
        return
      case 'partition-metadata':
        this.hasPartitionMetadataRecord = record.value !== null
        return
      case 'member': {
        const member = this.members.get(record.memberId)
        if (record.value) this.#setMember(withFacts(member ?? newMember(record.memberId), record.value))
        else if (member) this.#removeMember(member)
        return
      }
      case 'target-epoch':
        this.assignmentEpoch = record.value?.assignmentEpoch ?? -1
        this.assignmentTimestampMs = Number(record.value?.assignmentTimestamp ?? 0n)
        return
      case 'target':
        this.#setTarget(
          record.memberId,
          record.value &&
            new Map(
              record.value.topicPartitions.map(({ topicId, partitions }) => [topicId, new Set(partitions)]),
            ),
        )
        return
      case 'current': {
        const member = this.members.get(record.memberId)
        if (record.value) this.#setMember(withProgress(member ?? newMember(record.memberId), record.value))
        else if (member) this.#setMember(withoutPartitions(member))
        return
      }
      case 'regex': {
        const old = this.resolvedRegexes.get(record.regex)
        if (old) this.subscriptions.removeResolved(old.topics)
        if (record.value) {
          this.resolvedRegexes.set(record.regex, record.value)
          this.subscriptions.addResolved(record.value.topics)
        } else this.resolvedRegexes.delete(record.regex)
        return
      }
    }
  }

  describe(): object {
    return {
      groupId: this.groupId,
      type: this.type,
      state: this.state,
      groupEpoch: this.groupEpoch,
      assignmentEpoch: this.assignmentEpoch,
      members: Array.from(this.members.values(), (member) => ({
        memberId: member.memberId,
        instanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        protocol: member.classic ? 'classic' : 'consumer',
        memberEpoch: member.memberEpoch,
        state: stateNames[member.state],
        subscribedTopicNames: member.subscribedTopicNames,
        subscribedTopicRegex: member.subscribedTopicRegex,
        assigned: listed(member.assigned),
        pendingRevocation: listed(member.pendingRevocation),
        target: listed(this.target(member.memberId)),
      })),
    }
  }

  #setMember(member: ConsumerMember): void {
    const old = this.members.get(member.memberId)
    if (old) {
      this.subscriptions.remove(old)
      this.#removeEpochs(old)
    }
    this.memberOrder.put(member.memberId)
    this.members.set(member.memberId, member)
    this.subscriptions.add(member)
    this.#addEpochs(member)
    if (member.instanceId !== null) this.#staticMembers.set(member.instanceId, member.memberId)
  }

  #removeMember(member: ConsumerMember): void {
    this.memberOrder.remove(member.memberId)
    this.members.delete(member.memberId)
    this.subscriptions.remove(member)
    this.#removeEpochs(member)
    if (member.instanceId !== null) this.#staticMembers.delete(member.instanceId)
  }

  #setTarget(memberId: string, partitions: TargetPartitions | null): void {
    const old = this.target(memberId)
    const next = partitions ?? NO_TARGET
    for (const [topicId, numbers] of old) {
      const owners = this.#targetOwners.get(topicId)
      if (!owners) continue
      // A partition that moved may have its new owner already.
      for (const number of numbers) if (owners.get(number) === memberId) owners.delete(number)
      if (owners.size === 0) this.#targetOwners.delete(topicId)
    }
    for (const [topicId, numbers] of next) {
      const owners = getOrCreate(this.#targetOwners, topicId, () => new Map<number, string>())
      for (const number of numbers) owners.set(number, memberId)
    }
    if (partitions) this.#targets.set(memberId, partitions)
    else this.#targets.delete(memberId)
  }

  #addEpochs({ assigned, pendingRevocation, memberEpoch }: ConsumerMember): void {
    for (const [topicId, partition] of both(assigned, pendingRevocation)) {
      const epochs = getOrCreate(this.#partitionEpochs, topicId, () => new Map<number, number>())
      epochs.set(partition, Math.max(epochs.get(partition) ?? memberEpoch, memberEpoch))
    }
  }

  #removeEpochs({ assigned, pendingRevocation, memberEpoch }: ConsumerMember): void {
    for (const [topicId, partition] of both(assigned, pendingRevocation)) {
      const epochs = this.#partitionEpochs.get(topicId)
      // Another member may have got it at a later epoch.
      if (epochs?.get(partition) === memberEpoch) epochs.delete(partition)
      if (epochs?.size === 0) this.#partitionEpochs.delete(topicId)
    }
  }
}

const stateNames: Readonly<Record<MemberState, string>> = {
  [MemberState.STABLE]: 'stable',
  [MemberState.UNREVOKED_PARTITIONS]: 'has partitions to give up',
  [MemberState.UNRELEASED_PARTITIONS]: 'waits for partitions that others give up',
  [MemberState.UNKNOWN]: 'unknown',
}

function withoutPartitions(member: ConsumerMember): ConsumerMember {
  return {
    ...member,
    memberEpoch: LEAVE_EPOCH,
    previousMemberEpoch: LEAVE_EPOCH,
    assigned: NOTHING_HELD,
    pendingRevocation: NOTHING_HELD,
  }
}

function* both(...all: HeldPartitions[]): Iterable<[Uuid, number]> {
  for (const held of all) {
    for (const [topicId, partitions] of held)
      for (const partition of partitions.keys()) yield [topicId, partition]
  }
}

function getOrCreate<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = create()
    map.set(key, value)
  }
  return value
}
