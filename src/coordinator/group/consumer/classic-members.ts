import { ApiError, ErrorCode } from '../../../protocol/error-code.ts'
import type { HeartbeatRequest } from '../../../protocol/generated/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../../protocol/generated/join-group.ts'
import type { MemberIdentity, MemberResponse } from '../../../protocol/generated/leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../../protocol/generated/sync-group.ts'
import type { CoordinatorRecord, Outcome } from '../../runtime.ts'
import type { GroupCaller } from '../group-coordinator.ts'
import { joinError } from '../responses.ts'
import { readSubscription, writeAssignment } from '../subscription.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, keepClassic, MemberState, uniqueNames } from './consumer-member.ts'
import type { ConsumerServices } from './consumer-services.ts'
import type { Downgrade } from './downgrade.ts'
import type { Fencing } from './fencing.ts'
import { type MemberChange, type Membership, unknownMember, validatedStatic } from './membership.ts'
import type { OwnedPartitions } from './reconciliation.ts'

const PROTOCOL_TYPE = 'consumer'
/** KIP-394: from here on a new dynamic member is given an id first. */
const FIRST_VERSION_THAT_KNOWS_ITS_ID = 4

/**
 * Members that speak the classic protocol in a consumer group, while a group migrates (KIP-848). Nobody waits for anybody: a join is answered at
 * once with the member's own epoch as generation, a sync with what it has, and a heartbeat tells it to join again when there is more or less.
 * Refusals are thrown.
 */
export class ClassicMembers {
  readonly #services: ConsumerServices
  readonly #membership: Membership
  readonly #fencing: Fencing
  readonly #downgrade: Downgrade

  constructor(services: ConsumerServices, membership: Membership, fencing: Fencing, downgrade: Downgrade) {
    this.#services = services
    this.#membership = membership
    this.#fencing = fencing
    this.#downgrade = downgrade
  }

  join(group: ConsumerGroup, request: JoinGroupRequest, caller: GroupCaller): Outcome<JoinGroupResponse> {
    const { groupInstanceId: instanceId } = request
    const isNew = request.memberId === ''
    const memberId = request.memberId || this.#services.random.uuid()
    this.#refuseJoin(group, request, memberId)
    if (isNew && instanceId === null && caller.apiVersion >= FIRST_VERSION_THAT_KNOWS_ITS_ID)
      return { records: [], answer: () => joinError(ErrorCode.MEMBER_ID_REQUIRED, memberId) }
    const subscription = readSubscription(request.protocols[0]!.metadata)
    if (!subscription) throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR)
    const owned = this.#ownedFrom(subscription.ownedPartitions)
    const records: CoordinatorRecord[] = []
    const isJoining = instanceId === null || isNew
    const identity = { memberId, instanceId, memberEpoch: undefined, owned, isJoining }
    const before = this.#membership.find(group, identity, records)
    const after: ConsumerMember = {
      ...before,
      instanceId: instanceId ?? before.instanceId,
      rackId: subscription.rackId || before.rackId,
      rebalanceTimeoutMs:
        request.rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
      subscribedTopicNames: uniqueNames(subscription.topics),
      subscribedTopicRegex: '',
      clientId: caller.clientId,
      clientHost: caller.clientHost,
      classic: keepClassic({
        sessionTimeoutMs: request.sessionTimeoutMs,
        supportedProtocols: request.protocols,
      }),
    }
    const change: MemberChange = { group, before, after, records, afterwards: [] }
    const replaced = group.staticMember(instanceId)
    return replaced && this.#downgrade.isDueWithReplaced(group, replaced)
      ? this.#joinDowngraded(change, replaced, owned)
      : this.#joinConsumerGroup(change, request, owned)
  }

  sync(group: ConsumerGroup, request: SyncGroupRequest): Outcome<SyncGroupResponse> {
    const { groupId } = group
    const { protocolType, protocolName } = request
    const member = validated(group, request.memberId, request.groupInstanceId)
    const { supportedProtocols, sessionTimeoutMs } = classicOf(member)
    if (request.generationId !== member.memberEpoch) throw new ApiError(ErrorCode.ILLEGAL_GENERATION)
    const isOtherProtocol = protocolName !== null && protocolName !== supportedProtocols[0]?.name
    if ((protocolType !== null && protocolType !== PROTOCOL_TYPE) || isOtherProtocol)
      throw new ApiError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    // One that has to give up partitions has joined for that, and joins again when it has.
    if (group.assignmentEpoch > member.memberEpoch && member.state !== MemberState.UNREVOKED_PARTITIONS) {
      this.#fencing.expectJoin(groupId, member)
      throw new ApiError(ErrorCode.REBALANCE_IN_PROGRESS)
    }
    return {
      records: [],
      answer: () => {
        this.#services.memberTimers.cancel(groupId, member.memberId, 'sync')
        this.#fencing.startSession(groupId, member.memberId, sessionTimeoutMs)
        const assignment = this.#assignmentOf(member)
        return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, protocolType, protocolName, assignment }
      },
    }
  }

  heartbeat(group: ConsumerGroup, request: HeartbeatRequest): ErrorCode {
    const { groupId } = group
    const member = validated(group, request.memberId, request.groupInstanceId)
    const { sessionTimeoutMs } = classicOf(member)
    if (request.generationId !== member.memberEpoch) throw new ApiError(ErrorCode.ILLEGAL_GENERATION)
    this.#fencing.startSession(groupId, member.memberId, sessionTimeoutMs)
    const hasToJoin =
      member.memberEpoch < group.assignmentEpoch ||
      member.state === MemberState.UNREVOKED_PARTITIONS ||
      (member.state === MemberState.UNRELEASED_PARTITIONS && !group.waitsForUnreleasedPartitions(member))
    if (!hasToJoin) return ErrorCode.NONE
    this.#fencing.expectJoin(groupId, member)
    return ErrorCode.REBALANCE_IN_PROGRESS
  }

  /** Members of either protocol; administrators name static members by their instance id alone. */
  leave(group: ConsumerGroup, members: readonly MemberIdentity[]): Outcome<MemberResponse[]> {
    const leaving = new Set<ConsumerMember>()
    const responses = members.map(({ memberId, groupInstanceId }): MemberResponse => {
      try {
        const known = group.staticMember(groupInstanceId)
        const expectedId = memberId === '' && known ? known.memberId : memberId
        leaving.add(
          groupInstanceId === null
            ? validated(group, memberId, null)
            : validatedStatic(known, expectedId, groupInstanceId),
        )
        return { memberId, groupInstanceId, errorCode: ErrorCode.NONE }
      } catch (error) {
        if (error instanceof ApiError) return { memberId, groupInstanceId, errorCode: error.code }
        throw error
      }
    })
    return this.#fencing.remove(group, [...leaving], responses)
  }

  #joinConsumerGroup(
    change: MemberChange,
    request: JoinGroupRequest,
    owned: OwnedPartitions,
  ): Outcome<JoinGroupResponse> {
    const { group, records, afterwards } = change
    const { groupId } = group
    const step = this.#membership.subscribe(change, true)
    const goal = this.#membership.retarget(change, step)
    const member = this.#membership.follow(change, goal, step.hasChanged, owned)
    return {
      records,
      answer: () => {
        for (const task of afterwards) task()
        this.#services.memberTimers.cancel(groupId, member.memberId, 'join')
        this.#fencing.startSession(groupId, member.memberId, request.sessionTimeoutMs)
        this.#fencing.expectSync(groupId, member.memberId, request.rebalanceTimeoutMs)
        return joined(member)
      },
    }
  }

  #joinDowngraded(
    change: MemberChange,
    replaced: ConsumerMember,
    owned: OwnedPartitions,
  ): Outcome<JoinGroupResponse> {
    const { group, after, records } = change
    const step = this.#membership.subscribe(change, true)
    const rebalances = group.assignmentEpoch < step.groupEpoch
    const goal = { epoch: group.assignmentEpoch, target: group.targetOf(after) }
    const member = rebalances ? after : this.#membership.follow(change, goal, step.hasChanged, owned)
    const conversion = this.#downgrade.withReplaced(group, member, replaced, rebalances)
    records.push(...conversion.records)
    return {
      records,
      answer: () => {
        conversion.afterwards()
        return joined(member)
      },
    }
  }

  #refuseJoin(group: ConsumerGroup, request: JoinGroupRequest, memberId: string): void {
    const policy = this.#services.config.get('group.consumer.migration.policy').toLowerCase()
    if (policy === 'disabled') throw new ApiError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    this.#membership.refuseWhenFull(group, memberId)
    if (request.protocolType !== PROTOCOL_TYPE || !isSupported(group, request))
      throw new ApiError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  }

  #ownedFrom(
    owned: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  ): OwnedPartitions {
    return owned.flatMap(({ topic, partitions }) => {
      const known = this.#services.topics.byName(topic)
      return known ? { topicId: known.topicId, partitions } : []
    })
  }

  #assignmentOf(member: ConsumerMember): Buffer {
    const assignedPartitions = [...member.assigned].flatMap(([topicId, partitions]) => {
      const topic = this.#services.topics.byId(topicId)?.name
      return topic === undefined ? [] : { topic, partitions: [...partitions.keys()] }
    })
    const { metadata } = classicOf(member).supportedProtocols[0]!
    return writeAssignment({ assignedPartitions, userData: null }, metadata)
  }
}

/** All members of the classic protocol have to be able to do one of its protocols. */
function isSupported(group: ConsumerGroup, { protocols }: JoinGroupRequest): boolean {
  const classic = [...group.members.values()].flatMap((member) => member.classic ?? [])
  return protocols.some(({ name }) =>
    classic.every(({ supportedProtocols }) => supportedProtocols.some((each) => each.name === name)),
  )
}

function validated(group: ConsumerGroup, memberId: string, instanceId: string | null): ConsumerMember {
  if (instanceId !== null) return validatedStatic(group.staticMember(instanceId), memberId, instanceId)
  const member = group.members.get(memberId)
  if (!member) throw unknownMember(group, memberId)
  return member
}

function classicOf({ classic }: ConsumerMember) {
  if (!classic) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  return classic
}

function joined(member: ConsumerMember): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    generationId: member.memberEpoch,
    protocolType: PROTOCOL_TYPE,
    protocolName: classicOf(member).supportedProtocols[0]!.name,
    leader: '',
    skipAssignment: false,
    memberId: member.memberId,
    members: [],
  }
}
