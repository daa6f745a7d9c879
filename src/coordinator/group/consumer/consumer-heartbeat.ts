import { ApiError, ErrorCode } from '../../../protocol/error-code.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../protocol/generated/consumer-group-heartbeat.ts'
import type { CoordinatorRecord, Outcome } from '../../runtime.ts'
import type { GroupCaller } from '../group-coordinator.ts'
import { ConsumerGroup } from './consumer-group.ts'
import {
  type ConsumerMember,
  JOIN_EPOCH,
  LEAVE_EPOCH,
  STATIC_LEAVE_EPOCH,
  uniqueNames,
} from './consumer-member.ts'
import type { ConsumerServices } from './consumer-services.ts'
import type { Fencing } from './fencing.ts'
import { type MemberChange, type Membership, unknownMember, validatedStatic } from './membership.ts'
import { heldSince, listed, NOTHING_HELD, sameHeld } from './partitions.ts'
import type { Upgrade } from './upgrade.ts'

/** ConsumerGroupHeartbeat: the one request by which a member joins, follows and leaves its group (KIP-848). Refusals are thrown. */
export class ConsumerHeartbeat {
  readonly #services: ConsumerServices
  readonly #membership: Membership
  readonly #fencing: Fencing
  readonly #upgrade: Upgrade

  constructor(services: ConsumerServices, membership: Membership, fencing: Fencing, upgrade: Upgrade) {
    this.#services = services
    this.#membership = membership
    this.#fencing = fencing
    this.#upgrade = upgrade
  }

  handle(
    request: ConsumerGroupHeartbeatRequest,
    caller: GroupCaller,
  ): Outcome<ConsumerGroupHeartbeatResponse> {
    const { memberEpoch } = request
    return memberEpoch === LEAVE_EPOCH || memberEpoch === STATIC_LEAVE_EPOCH
      ? this.#leave(request)
      : this.#beat(request, caller)
  }

  #beat(
    request: ConsumerGroupHeartbeatRequest,
    caller: GroupCaller,
  ): Outcome<ConsumerGroupHeartbeatResponse> {
    const { groupId, instanceId, memberEpoch, topicPartitions: owned } = request
    const isJoining = memberEpoch === JOIN_EPOCH
    const records: CoordinatorRecord[] = []
    const afterwards: (() => void)[] = []
    const group = this.#group(groupId, isJoining, records, afterwards)
    this.#membership.refuseWhenFull(group, request.memberId)
    // Up to version 0 the coordinator may draw the id.
    const memberId = request.memberId || this.#services.random.uuid()
    const identity = { memberId, instanceId, memberEpoch, owned, isJoining }
    const before = this.#membership.find(group, identity, records)
    const after = updated(before, request, caller)
    const change: MemberChange = { group, before, after, records, afterwards }
    const step = this.#membership.subscribe(change, false)
    const goal = this.#membership.retarget(change, step)
    const member = this.#membership.follow(change, goal, step.hasChanged, owned)
    const isFull =
      request.rebalanceTimeoutMs !== -1 &&
      (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
      owned !== null
    const hasNews = isJoining || isFull || !sameHeld(before.assigned, member.assigned)
    return {
      records,
      answer: () => {
        for (const task of afterwards) task()
        this.#fencing.startSession(groupId, memberId)
        return {
          ...accepted(memberId, member.memberEpoch),
          heartbeatIntervalMs: this.#services.settings.heartbeatIntervalMs(groupId),
          assignment: hasNews ? { topicPartitions: listed(member.assigned) } : null,
        }
      },
    }
  }

  /** The group; a new one, or one made of a classic group, when the member joins. */
  #group(
    groupId: string,
    isJoining: boolean,
    records: CoordinatorRecord[],
    afterwards: (() => void)[],
  ): ConsumerGroup {
    const known = this.#services.groups.get(groupId)
    if (known?.type === 'consumer') return known
    if (!isJoining) {
      const message = known
        ? `Group ${groupId} is not a consumer group.`
        : `Consumer group ${groupId} not found.`
      throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, message)
    }
    if (!known) return new ConsumerGroup(groupId)
    if (known.state === 'Empty') {
      records.push(this.#services.classicRecords.groupTombstone(groupId))
      return new ConsumerGroup(groupId)
    }
    return this.#upgrade.convert(known, records, afterwards)
  }

  #leave(request: ConsumerGroupHeartbeatRequest): Outcome<ConsumerGroupHeartbeatResponse> {
    const { groupId, instanceId, memberId, memberEpoch } = request
    const group = this.#services.groups.get(groupId)
    if (group?.type !== 'consumer') {
      const message = group ? `Group ${groupId} is not a consumer group.` : `Group ${groupId} not found.`
      throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, message)
    }
    const response = accepted(memberId, memberEpoch)
    if (instanceId === null) {
      const member = group.members.get(memberId)
      if (!member) throw unknownMember(group, memberId)
      return this.#fencing.remove(group, [member], response)
    }
    const member = validatedStatic(group.staticMember(instanceId), memberId, instanceId)
    if (memberEpoch === LEAVE_EPOCH) return this.#fencing.remove(group, [member], response)
    // It keeps what it has; whoever comes back under its instance id has had it from the beginning.
    const partitions = new Map(
      Array.from(member.assigned, ([topicId, held]) => [topicId, new Set(held.keys())]),
    )
    const away = {
      ...member,
      memberEpoch: STATIC_LEAVE_EPOCH,
      assigned: heldSince(partitions, 0),
      pendingRevocation: NOTHING_HELD,
    }
    return { records: [this.#services.records.current(groupId, away)], answer: () => response }
  }
}

/** What the member says now, over what it said before. */
function updated(
  member: ConsumerMember,
  request: ConsumerGroupHeartbeatRequest,
  { clientId, clientHost }: GroupCaller,
): ConsumerMember {
  const { subscribedTopicNames: names } = request
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs:
      request.rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: names ? uniqueNames(names) : member.subscribedTopicNames,
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    clientId,
    clientHost,
    classic: null,
  }
}

function accepted(memberId: string, memberEpoch: number): ConsumerGroupHeartbeatResponse {
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    memberId,
    memberEpoch,
    heartbeatIntervalMs: 0,
    assignment: null,
  }
}
