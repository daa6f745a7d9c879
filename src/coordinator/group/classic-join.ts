import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/platform.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import type { Outcome } from '../runtime.ts'
import type { ClassicGroup } from './classic-group.ts'
import { ClassicMember, type MemberFacts } from './classic-member.ts'
import type { GroupCaller } from './group-coordinator.ts'
import type { GroupRecordWriter } from './group-records.ts'
import { type Rebalance, unchanged } from './rebalance.ts'
import { joinError, type Reply, syncError, UNKNOWN_MEMBER_ID } from './responses.ts'

/** KIP-394: from here on a new dynamic member is given an id first, so that a client that retries does not leave ghosts behind. */
const FIRST_VERSION_THAT_KNOWS_ITS_ID = 4
/** KIP-814: the leader that restarted as a static member learns that it leads, and that it need not assign. */
const FIRST_VERSION_WITH_SKIP_ASSIGNMENT = 9

/** JoinGroup of classic groups. */
export class ClassicJoin {
  readonly #rebalance: Rebalance
  readonly #records: GroupRecordWriter
  readonly #random: Random
  readonly #logger: Logger
  readonly #maxSize: () => number

  constructor(
    rebalance: Rebalance,
    records: GroupRecordWriter,
    random: Random,
    logger: Logger,
    maxSize: () => number,
  ) {
    this.#rebalance = rebalance
    this.#records = records
    this.#random = random
    this.#logger = logger
    this.#maxSize = maxSize
  }

  join(
    group: ClassicGroup,
    request: JoinGroupRequest,
    caller: GroupCaller,
    reply: Reply<JoinGroupResponse>,
  ): Outcome<void> {
    const { memberId } = request
    if (!this.#isAccepted(group, memberId)) {
      group.remove(memberId)
      reply.complete(joinError(ErrorCode.GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID))
      return unchanged
    }
    if (!group.supportsProtocols(request.protocolType, request.protocols)) {
      reply.complete(joinError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, memberId))
      return unchanged
    }
    return memberId === UNKNOWN_MEMBER_ID
      ? this.#joinNew(group, request, caller, reply)
      : this.#joinAgain(group, request, caller, reply)
  }

  /** `group.max.size`: while a rebalance is prepared those that wait count, else the members. */
  #isAccepted(group: ClassicGroup, memberId: string): boolean {
    switch (group.state) {
      case 'Empty':
      case 'Dead':
        return true
      case 'PreparingRebalance':
        return (
          group.members.get(memberId)?.awaitingJoin !== undefined || group.awaitingJoinCount < this.#maxSize()
        )
      case 'CompletingRebalance':
      case 'Stable':
        return group.members.has(memberId) || group.members.size < this.#maxSize()
    }
  }

  #joinNew(
    group: ClassicGroup,
    request: JoinGroupRequest,
    caller: GroupCaller,
    reply: Reply<JoinGroupResponse>,
  ): Outcome<void> {
    const { groupInstanceId } = request
    const memberId = `${groupInstanceId ?? caller.clientId}-${this.#random.dashedUuid()}`
    if (groupInstanceId !== null) {
      const oldMemberId = group.staticMemberId(groupInstanceId)
      if (oldMemberId !== undefined)
        return this.#joinStaticAgain(group, request, caller, oldMemberId, memberId, reply)
    } else if (caller.apiVersion >= FIRST_VERSION_THAT_KNOWS_ITS_ID) {
      this.#rebalance.expect(group, memberId, request.sessionTimeoutMs)
      reply.complete(joinError(ErrorCode.MEMBER_ID_REQUIRED, memberId))
      return unchanged
    }
    return this.#add(group, request, caller, memberId, reply)
  }

  #joinAgain(
    group: ClassicGroup,
    request: JoinGroupRequest,
    caller: GroupCaller,
    reply: Reply<JoinGroupResponse>,
  ): Outcome<void> {
    const { memberId } = request
    if (group.pendingMembers.has(memberId)) {
      if (request.groupInstanceId !== null) {
        // Only dynamic members are sent away with an id. Kafka takes this for a fault of its own, and says so.
        reply.complete(joinError(ErrorCode.UNKNOWN_SERVER_ERROR, UNKNOWN_MEMBER_ID))
        return unchanged
      }
      return this.#add(group, request, caller, memberId, reply)
    }
    const member = group.validateMember(memberId, request.groupInstanceId)
    const isUnchanged = member.matches(request.protocols)
    switch (group.state) {
      case 'PreparingRebalance':
        return this.#update(
          group,
          member,
          request,
          `${memberId} joins again${because(request.reason)}`,
          reply,
        )
      case 'CompletingRebalance':
        if (!isUnchanged)
          return this.#update(group, member, request, `${memberId} changed${because(request.reason)}`, reply)
        // It may not have got the answer to its first join.
        reply.complete(this.#currentGeneration(group, memberId))
        return unchanged
      case 'Stable':
        // A leader joins again to assign anew: topics may have changed without a change in any member's metadata.
        if (group.leaderId === memberId) {
          return this.#update(
            group,
            member,
            request,
            `the leader joins again${because(request.reason)}`,
            reply,
          )
        }
        if (!isUnchanged)
          return this.#update(group, member, request, `${memberId} changed${because(request.reason)}`, reply)
        reply.complete(this.#currentGeneration(group, memberId))
        return unchanged
      default:
        throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
    }
  }

  #add(
    group: ClassicGroup,
    request: JoinGroupRequest,
    caller: GroupCaller,
    memberId: string,
    reply: Reply<JoinGroupResponse>,
  ): Outcome<void> {
    const member = new ClassicMember(factsOf(request, caller, memberId))
    member.isNew = true
    member.awaitingJoin = reply
    if (group.state === 'PreparingRebalance' && group.isInitialRebalance) group.newMemberAdded = true
    group.add(member, request.protocolType)
    this.#rebalance.touchNew(group, member)
    return this.#rebalance.begin(group, `${memberId} joins${because(request.reason)}`)
  }

  #update(
    group: ClassicGroup,
    member: ClassicMember,
    request: JoinGroupRequest,
    reason: string,
    reply: Reply<JoinGroupResponse>,
  ): Outcome<void> {
    if (!member.matches(request.protocols)) member.protocols = keep(request.protocols)
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs
    member.sessionTimeoutMs = request.sessionTimeoutMs
    // A retry over another connection takes the place of a join that still waits; that one must not wait for ever.
    member.completeJoin(joinError(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId))
    member.awaitingJoin = reply
    return this.#rebalance.begin(group, reason)
  }

  /** KIP-345: a static member that starts anew keeps its place. Its old id is fenced; nobody else notices when nothing else changed. */
  #joinStaticAgain(
    group: ClassicGroup,
    request: JoinGroupRequest,
    caller: GroupCaller,
    oldMemberId: string,
    memberId: string,
    reply: Reply<JoinGroupResponse>,
  ): Outcome<void> {
    const oldMember = group.members.get(oldMemberId)!
    const member = new ClassicMember(factsOf(request, { ...caller, ...pickClient(oldMember) }, memberId))
    member.assignment = oldMember.assignment
    const oldLeaderId = group.leaderId
    const takeOver = () => {
      group.replace(oldMemberId, member)
      oldMember.sessionTimer?.cancel()
      oldMember.completeJoin(joinError(ErrorCode.FENCED_INSTANCE_ID, oldMemberId))
      oldMember.completeSync(syncError(ErrorCode.FENCED_INSTANCE_ID))
      // Kafka begins the session before it looks at what the new request says about sessions.
      this.#rebalance.touch(group, member, oldMember.sessionTimeoutMs)
      this.#logger.debug({ groupId: group.groupId, oldMemberId, memberId }, 'Static member takes over')
    }
    if (group.state === 'Stable' && selectsSameProtocol(group, oldMember, member)) {
      const members = Array.from(group.members.values(), (other) => (other === oldMember ? member : other))
      const leaderId = oldLeaderId === oldMemberId ? memberId : oldLeaderId
      return {
        records: [
          this.#records.generation(
            group,
            leaderId,
            members,
            ({ assignment }) => assignment,
            this.#rebalance.nowMs,
          ),
        ],
        answer: () => {
          takeOver()
          reply.complete(this.#afterTakeOver(group, member, oldLeaderId, caller.apiVersion))
        },
        failed: ({ code }) => reply.complete(joinError(code, UNKNOWN_MEMBER_ID)),
      }
    }
    takeOver()
    member.awaitingJoin = reply
    return this.#rebalance.begin(group, `static member ${memberId} starts anew${because(request.reason)}`)
  }

  /** Before KIP-814 a leader that restarted is told the old leader's id, so that it behaves as a follower and takes what it is given. */
  #afterTakeOver(
    group: ClassicGroup,
    member: ClassicMember,
    oldLeaderId: string | null,
    apiVersion: number,
  ): JoinGroupResponse {
    const response = this.#currentGeneration(group, member.memberId)
    if (apiVersion < FIRST_VERSION_WITH_SKIP_ASSIGNMENT)
      return { ...response, leader: oldLeaderId ?? '', members: [] }
    return { ...response, skipAssignment: group.leaderId === member.memberId }
  }

  #currentGeneration(group: ClassicGroup, memberId: string): JoinGroupResponse {
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      generationId: group.generationId,
      protocolType: group.protocolType,
      protocolName: group.protocolName,
      leader: group.leaderId ?? '',
      skipAssignment: false,
      memberId,
      members: group.leaderId === memberId ? group.membersForLeader() : [],
    }
  }
}

function factsOf(
  request: JoinGroupRequest,
  caller: Pick<GroupCaller, 'clientId' | 'clientHost'>,
  memberId: string,
): MemberFacts {
  return {
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: caller.clientId,
    clientHost: caller.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: keep(request.protocols),
  }
}

/** Copies the metadata out of the request's frame, which would otherwise live as long as the member. */
function keep(protocols: JoinGroupRequest['protocols']) {
  return protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
}

function pickClient({ clientId, clientHost }: ClassicMember) {
  return { clientId, clientHost }
}

function selectsSameProtocol(group: ClassicGroup, oldMember: ClassicMember, member: ClassicMember): boolean {
  const { protocols } = oldMember
  oldMember.protocols = member.protocols
  const selected = group.selectProtocol()
  oldMember.protocols = protocols
  return selected === group.protocolName
}

function because(reason: string | null): string {
  return reason ? ` (${reason})` : ''
}
