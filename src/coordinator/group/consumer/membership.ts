import { consumerAssignors } from '../../../config/consumer-assignors.ts'
import { ApiError, ErrorCode } from '../../../protocol/error-code.ts'
import { javaHash } from '../../../protocol/hash.ts'
import type { CoordinatorRecord } from '../../runtime.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import {
  type ConsumerMember,
  isReconciledTo,
  JOIN_EPOCH,
  MemberState,
  newMember,
  regexOf,
  STATIC_LEAVE_EPOCH,
  sameFacts,
  sameNames,
  sameProgress,
} from './consumer-member.ts'
import { type ConsumerServices, consumerGroup } from './consumer-services.ts'
import type { Fencing } from './fencing.ts'
import { capacityForCopy, hashMapOrder, TimelineOrder } from './hash-order.ts'
import { type HeldPartitions, heldOf, type TargetPartitions } from './partitions.ts'
import { type OwnedPartitions, reconcile } from './reconciliation.ts'
import type { RegexRefresh } from './regex-refresh.ts'
import type { Subscriptions } from './subscriptions.ts'
import { assignors, computeTarget, subscribedTopicIds } from './target-assignment.ts'

/** A member that a request is about, and how it is known. */
export interface Identity {
  readonly memberId: string
  readonly instanceId: string | null
  /** Epoch that the member names; undefined for a member of the classic protocol, which is told by its generation elsewhere. */
  readonly memberEpoch: number | undefined
  readonly owned: OwnedPartitions
  /** It joins: it need not be known. */
  readonly isJoining: boolean
}

/** What is known of a change while the records for it are put together. Nothing of it is in the group yet. */
export interface MemberChange {
  readonly group: ConsumerGroup
  readonly before: ConsumerMember
  readonly after: ConsumerMember
  readonly records: CoordinatorRecord[]
  /** What to do once the records are in the log. */
  readonly afterwards: (() => void)[]
}

/** Outcome of the first step: whether there is need for a new target. */
export interface SubscriptionStep {
  readonly groupEpoch: number
  readonly isSameForAll: boolean
  /** Topics or regular expression of the member are others than before. */
  readonly hasChanged: boolean
}

/** The steps by which a member comes into a group and follows it, the same for members of either protocol. */
export class Membership {
  readonly #services: ConsumerServices
  readonly #fencing: Fencing
  readonly #regexes: RegexRefresh

  constructor(services: ConsumerServices, fencing: Fencing, regexes: RegexRefresh) {
    this.#services = services
    this.#fencing = fencing
    this.#regexes = regexes
  }

  /** The member as it is known; a new one when it joins. Throws what the request is to be refused with. */
  find(group: ConsumerGroup, identity: Identity, records: CoordinatorRecord[]): ConsumerMember {
    return identity.instanceId === null
      ? this.#findDynamic(group, identity)
      : this.#findStatic(group, identity, identity.instanceId, records)
  }

  /** `group.consumer.max.size`. */
  refuseWhenFull(group: ConsumerGroup, memberId: string): void {
    const maxSize = this.#services.config.get('group.consumer.max.size')
    if (group.members.size < maxSize || group.members.has(memberId)) return
    throw new ApiError(
      ErrorCode.GROUP_MAX_SIZE_REACHED,
      `The consumer group has reached its maximum capacity of ${maxSize} members.`,
    )
  }

  /**
   * First step: what the member says about itself goes to the log, and the group's epoch goes up when topics are others than before.
   * `bumpsUnresolved`: also for a regular expression that has yet to be resolved, which otherwise brings a new epoch when it is.
   */
  subscribe(change: MemberChange, bumpsUnresolved: boolean): SubscriptionStep {
    const { group, before, after, records, afterwards } = change
    const { records: writer } = this.#services
    if (!sameFacts(before, after)) records.push(writer.member(group.groupId, after))
    const hasOtherNames = !sameNames(before.subscribedTopicNames, after.subscribedTopicNames)
    const regex = this.#regexes.subscribe(change)
    const bumps = hasOtherNames || (bumpsUnresolved ? regex !== 'same' : regex === 'resolved')
    const hasChanged = hasOtherNames || regex !== 'same'
    if (!bumps && !group.needsMetadataRefresh) {
      const { groupEpoch, subscriptions, members } = group
      return { groupEpoch, isSameForAll: subscriptions.isSameForAll(members.size), hasChanged }
    }
    const subscriptions = subscriptionsAfter(change)
    const hash = this.#services.hashes.ofGroup(subscriptions.topics)
    const isNewEpoch = bumps || hash !== group.metadataHash
    const groupEpoch = group.groupEpoch + (isNewEpoch ? 1 : 0)
    if (isNewEpoch) records.push(writer.groupEpoch(group.groupId, groupEpoch, hash))
    if (group.hasPartitionMetadataRecord) records.push(writer.partitionMetadataTombstone(group.groupId))
    afterwards.push(() => {
      const stored = consumerGroup(this.#services, group.groupId)
      if (stored) stored.needsMetadataRefresh = false
    })
    const isKnown = group.members.has(after.memberId) || group.staticMember(after.instanceId) !== undefined
    const isSameForAll = subscriptions.isSameForAll(group.members.size + (isKnown ? 0 : 1))
    return { groupEpoch, isSameForAll, hasChanged }
  }

  /** Second step: a new target when the group's epoch is ahead of the last one, and that is not too recent. */
  retarget(
    { group, before, after, records }: MemberChange,
    { groupEpoch, isSameForAll }: SubscriptionStep,
  ): { epoch: number; target: TargetPartitions } {
    const nowMs = this.#services.timers.clock.now()
    if (group.assignmentEpoch >= groupEpoch || !this.#mayAssign(group, nowMs))
      return { epoch: group.assignmentEpoch, target: group.targetOf(after) }
    const name = preferredAssignor(group, before, after) ?? this.#defaultAssignor
    const assignor = assignors.get(name)
    if (!assignor) throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR)
    const change = { groupEpoch, nowMs, assignor, member: after, isSameForAll }
    const computed = computeTarget(group, change, this.#services.topics, this.#services.records)
    records.push(...computed.records)
    this.#services.logger.debug(
      { groupId: group.groupId, groupEpoch, assignor: name },
      'New target assignment',
    )
    return { epoch: groupEpoch, target: computed.ofMember }
  }

  /** Third step: the member is brought towards the target. Gives it as it is then. */
  follow(
    { group, after, records, afterwards }: MemberChange,
    { epoch, target }: { epoch: number; target: TargetPartitions },
    hasSubscriptionChanged: boolean,
    owned: OwnedPartitions,
  ): ConsumerMember {
    if (!hasSubscriptionChanged && isReconciledTo(after, epoch)) return after
    const { topics, records: writer } = this.#services
    const subscribed = new Set(subscribedTopicIds(after, group.resolvedRegexes, topics))
    const next = reconcile(after, {
      targetEpoch: epoch,
      target,
      isSubscribed: (topicId) => subscribed.has(topicId),
      hasSubscriptionChanged,
      partitionEpoch: (topicId, partition) => group.partitionEpoch(topicId, partition),
      owned,
    })
    if (sameProgress(next, after)) return next
    records.push(writer.current(group.groupId, next))
    // Members of the classic protocol have timers for joining and syncing in its place.
    if (!next.classic) afterwards.push(() => this.#watchRevocation(group.groupId, next))
    return next
  }

  #watchRevocation(groupId: string, member: ConsumerMember): void {
    if (member.state === MemberState.UNREVOKED_PARTITIONS) this.#fencing.startRebalanceTimer(groupId, member)
    else this.#services.memberTimers.cancel(groupId, member.memberId, 'rebalance')
  }

  get #defaultAssignor(): string {
    return consumerAssignors(this.#services.config)[0]!
  }

  #mayAssign({ groupId, assignmentTimestampMs }: ConsumerGroup, nowMs: number): boolean {
    const intervalMs = this.#services.settings.assignmentIntervalMs(groupId)
    return assignmentTimestampMs === 0 || intervalMs === 0 || nowMs >= assignmentTimestampMs + intervalMs
  }

  #findDynamic(group: ConsumerGroup, { memberId, memberEpoch, owned, isJoining }: Identity): ConsumerMember {
    const member = group.members.get(memberId) ?? (isJoining ? newMember(memberId) : undefined)
    if (!member) throw unknownMember(group, memberId)
    if (memberEpoch !== undefined) refuseWrongEpoch(member, memberEpoch, owned)
    return member
  }

  #findStatic(
    group: ConsumerGroup,
    { memberId, memberEpoch, owned, isJoining }: Identity,
    instanceId: string,
    records: CoordinatorRecord[],
  ): ConsumerMember {
    const known = group.staticMember(instanceId)
    if (!isJoining) {
      const member = validatedStatic(known, memberId, instanceId)
      if (memberEpoch !== undefined) refuseWrongEpoch(member, memberEpoch, owned)
      return member
    }
    if (!known) return group.members.get(memberId) ?? newMember(memberId)
    const isClassic = memberEpoch === undefined
    if (!isClassic && !known.classic && known.memberEpoch !== STATIC_LEAVE_EPOCH) {
      throw new ApiError(
        ErrorCode.UNRELEASED_INSTANCE_ID,
        `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${known.memberId} member.`,
      )
    }
    // The new one takes over what the old one had and was to have.
    const member = { ...known, memberId, memberEpoch: JOIN_EPOCH, previousMemberEpoch: JOIN_EPOCH }
    const { groupId } = group
    const { records: writer } = this.#services
    records.push(
      ...writer.removedMember(groupId, known.memberId),
      writer.member(groupId, member),
      writer.target(groupId, memberId, group.target(known.memberId)),
      writer.current(groupId, member),
    )
    return member
  }
}

/** The static member that a request names. Throws when there is none, or another has its name now. */
export function validatedStatic(
  known: ConsumerMember | undefined,
  memberId: string,
  instanceId: string,
): ConsumerMember {
  if (!known) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
  if (known.memberId === memberId) return known
  throw new ApiError(
    ErrorCode.FENCED_INSTANCE_ID,
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ${known.memberId}.`,
  )
}

export function unknownMember({ groupId }: ConsumerGroup, memberId: string): ApiError {
  return new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${groupId}.`)
}

/** A member that missed an answer may come with the epoch before, as long as it has nothing that is not its own. */
function refuseWrongEpoch(member: ConsumerMember, memberEpoch: number, owned: OwnedPartitions): void {
  if (memberEpoch === JOIN_EPOCH || memberEpoch === member.memberEpoch) return
  const isGreater = memberEpoch > member.memberEpoch
  if (!isGreater && memberEpoch === member.previousMemberEpoch && isPartOf(owned, member.assigned)) return
  throw new ApiError(
    ErrorCode.FENCED_MEMBER_EPOCH,
    `The consumer group member has a ${isGreater ? 'greater' : 'smaller'} member epoch (${memberEpoch}) than the one known by the group coordinator (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  )
}

function isPartOf(owned: OwnedPartitions, assigned: HeldPartitions): boolean {
  if (owned === null) return false
  return owned.every(({ topicId, partitions }) => {
    const held = heldOf(assigned, topicId)
    return assigned.has(topicId) && partitions.every((partition) => held.has(partition))
  })
}

/** What the group subscribes to after the change. */
function subscriptionsAfter({ group, before, after }: MemberChange): Subscriptions {
  const subscriptions = group.subscriptions.copy()
  subscriptions.remove(before)
  subscriptions.add(after)
  const dropped = regexOf(before)
  if (dropped !== undefined && !subscriptions.regexes.has(dropped))
    subscriptions.removeResolved(group.resolvedRegexes.get(dropped)?.topics ?? [])
  return subscriptions
}

/**
 * The assignor that most members ask for; `before` and `after` stand for a change that is not in the group yet. Of two that are asked for as
 * often, the one that comes first in Apache Kafka's table.
 */
export function preferredAssignor(
  group: ConsumerGroup,
  before?: ConsumerMember,
  after?: ConsumerMember,
): string | undefined {
  const counts = new Map<string, number>()
  const timeline = new TimelineOrder()
  for (const { serverAssignor } of group.members.values()) {
    if (serverAssignor === null) continue
    counts.set(serverAssignor, (counts.get(serverAssignor) ?? 0) + 1)
    timeline.put(serverAssignor)
  }
  if (!after) return mostWanted(timeline, counts)
  const order = hashMapOrder(timeline, javaHash, capacityForCopy(counts.size))
  const change = (name: string | null | undefined, by: 1 | -1) => {
    if (!name) return
    const count = (counts.get(name) ?? 0) + by
    counts.set(name, count)
    if (count > 0) order.compute(name)
    else order.remove(name)
  }
  change(before?.serverAssignor, -1)
  change(after.serverAssignor, 1)
  return mostWanted(order, counts)
}

function mostWanted(names: Iterable<string>, counts: ReadonlyMap<string, number>): string | undefined {
  let preferred: string | undefined
  for (const name of names) {
    if (preferred === undefined || counts.get(name)! > counts.get(preferred)!) preferred = name
  }
  return preferred
}
