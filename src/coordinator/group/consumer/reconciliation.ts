import type { Uuid } from '../../../protocol/api.ts'
import { ApiError, ErrorCode } from '../../../protocol/error-code.ts'
import { NOT_OWNED } from './consumer-group.ts'
import { type ConsumerMember, MemberState } from './consumer-member.ts'
import { type HeldPartitions, heldOf, NOTHING_HELD, type TargetPartitions } from './partitions.ts'

/** What a member says that it has, as in its heartbeat; null when it has not changed since it last said so. */
export type OwnedPartitions =
  | readonly { readonly topicId: Uuid; readonly partitions: readonly number[] }[]
  | null

/** What a member is brought towards. */
export interface ReconciliationGoal {
  readonly targetEpoch: number
  readonly target: TargetPartitions
  /** Topics that it subscribes to: the target may be older than its subscription. */
  isSubscribed(topicId: Uuid): boolean
  /** Its subscription has just changed: what it no longer wants is taken at once, before there is a new target. */
  readonly hasSubscriptionChanged: boolean
  /** Epoch of the member that has a partition, or `NOT_OWNED`. */
  partitionEpoch(topicId: Uuid, partition: number): number
  readonly owned: OwnedPartitions
}

/**
 * Brings a member one step nearer to the target assignment (KIP-848): first it gives up what it is to lose, and shows that in a heartbeat;
 * then it comes to the target's epoch and gets what is free; what others still have it gets when they have given it up. Gives the same
 * object when there is nothing to do. Throws FENCED_MEMBER_EPOCH for a member in a state that is not known here.
 */
export function reconcile(member: ConsumerMember, goal: ReconciliationGoal): ConsumerMember {
  switch (member.state) {
    case MemberState.STABLE:
      if (member.memberEpoch !== goal.targetEpoch) return advance(member, goal, member.memberEpoch)
      return goal.hasSubscriptionChanged ? dropUnsubscribed(member, goal) : member
    case MemberState.UNREVOKED_PARTITIONS:
      if (!ownsAny(goal.owned, member.pendingRevocation)) return advance(member, goal, member.memberEpoch)
      return goal.hasSubscriptionChanged ? dropUnsubscribed(member, goal) : member
    case MemberState.UNRELEASED_PARTITIONS:
      return advance(member, goal, member.memberEpoch)
    case MemberState.UNKNOWN:
      if (goal.owned === null || goal.owned.length > 0) {
        throw new ApiError(
          ErrorCode.FENCED_MEMBER_EPOCH,
          'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
        )
      }
      return advance(member, goal, goal.targetEpoch)
  }
}

/** Towards the target: to its epoch, unless there are partitions to give up first. */
function advance(
  member: ConsumerMember,
  goal: ReconciliationGoal,
  epochUntilRevoked: number,
): ConsumerMember {
  const kept = new Map<Uuid, Map<number, number>>()
  const revoked = new Map<Uuid, Map<number, number>>()
  const gained: [Uuid, number][] = []
  let isWaiting = false
  for (const topicId of new Set([...goal.target.keys(), ...member.assigned.keys()])) {
    const target = (goal.isSubscribed(topicId) && goal.target.get(topicId)) || NO_PARTITIONS
    const assigned = heldOf(member.assigned, topicId)
    for (const [partition, epoch] of assigned)
      put(target.has(partition) ? kept : revoked, topicId, partition, epoch)
    const ownPending = heldOf(member.pendingRevocation, topicId)
    for (const partition of target) {
      if (assigned.has(partition)) continue
      const isFree = goal.partitionEpoch(topicId, partition) === NOT_OWNED || ownPending.has(partition)
      if (isFree) gained.push([topicId, partition])
      else isWaiting = true
    }
  }
  if (revoked.size > 0 && ownsAny(goal.owned, revoked)) {
    return {
      ...member,
      state: MemberState.UNREVOKED_PARTITIONS,
      memberEpoch: epochUntilRevoked,
      previousMemberEpoch: member.memberEpoch,
      assigned: kept,
      pendingRevocation: revoked,
    }
  }
  for (const [topicId, partition] of gained) put(kept, topicId, partition, goal.targetEpoch)
  return {
    ...member,
    state: isWaiting ? MemberState.UNRELEASED_PARTITIONS : MemberState.STABLE,
    memberEpoch: goal.targetEpoch,
    previousMemberEpoch: member.memberEpoch,
    assigned: kept,
    pendingRevocation: NOTHING_HELD,
  }
}

/** Takes partitions of topics that the member has ended its subscription to, without a new target. */
function dropUnsubscribed(member: ConsumerMember, goal: ReconciliationGoal): ConsumerMember {
  const dropped = [...member.assigned].filter(([topicId]) => !goal.isSubscribed(topicId))
  if (dropped.length === 0) return member
  const assigned = new Map(member.assigned)
  const pending = new Map(member.pendingRevocation)
  for (const [topicId, partitions] of dropped) {
    assigned.delete(topicId)
    pending.set(topicId, new Map([...heldOf(pending, topicId), ...partitions]))
  }
  const next = { ...member, previousMemberEpoch: member.memberEpoch, assigned }
  // A member that has given them up already only gets shorter.
  return ownsAny(goal.owned, pending)
    ? { ...next, state: MemberState.UNREVOKED_PARTITIONS, pendingRevocation: pending }
    : next
}

/** A member that does not say what it has is taken to have it all. */
function ownsAny(owned: OwnedPartitions, partitions: HeldPartitions): boolean {
  if (owned === null) return true
  return owned.some((topic) => {
    const held = heldOf(partitions, topic.topicId)
    return topic.partitions.some((partition) => held.has(partition))
  })
}

const NO_PARTITIONS: ReadonlySet<number> = new Set()

function put(map: Map<Uuid, Map<number, number>>, topicId: Uuid, partition: number, epoch: number): void {
  const partitions = map.get(topicId)
  if (partitions) partitions.set(partition, epoch)
  else map.set(topicId, new Map([[partition, epoch]]))
}
