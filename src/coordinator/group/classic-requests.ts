import type { Logger } from '../../platform/logger.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type { HeartbeatRequest } from '../../protocol/generated/heartbeat.ts'
import type { MemberIdentity, MemberResponse } from '../../protocol/generated/leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/generated/sync-group.ts'
import type { Outcome } from '../runtime.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'
import type { GroupRecordWriter } from './group-records.ts'
import { answering, type Rebalance, unchanged } from './rebalance.ts'
import { EMPTY_BYTES, type Reply, syncError, UNKNOWN_MEMBER_ID } from './responses.ts'

/** SyncGroup, Heartbeat and LeaveGroup of classic groups. Refusals are thrown. */
export class ClassicRequests {
  readonly #rebalance: Rebalance
  readonly #records: GroupRecordWriter
  readonly #logger: Logger

  constructor(rebalance: Rebalance, records: GroupRecordWriter, logger: Logger) {
    this.#rebalance = rebalance
    this.#records = records
    this.#logger = logger
  }

  sync(group: ClassicGroup, request: SyncGroupRequest, reply: Reply<SyncGroupResponse>): Outcome<void> {
    const member = group.validateMember(request.memberId, request.groupInstanceId)
    if (request.generationId !== group.generationId) throw new ApiError(ErrorCode.ILLEGAL_GENERATION)
    if (
      differs(request.protocolType, group.protocolType) ||
      differs(request.protocolName, group.protocolName)
    ) {
      throw new ApiError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    }
    switch (group.state) {
      case 'PreparingRebalance':
        throw new ApiError(ErrorCode.REBALANCE_IN_PROGRESS)
      case 'CompletingRebalance':
        return this.#awaitAssignment(group, member, request, reply)
      case 'Stable':
        this.#rebalance.synced(group, member.memberId)
        this.#rebalance.touch(group, member)
        reply.complete({
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE,
          protocolType: group.protocolType,
          protocolName: group.protocolName,
          assignment: member.assignment,
        })
        return unchanged
      default:
        throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
    }
  }

  heartbeat(group: ClassicGroup, request: HeartbeatRequest): ErrorCode {
    const member = group.validateMember(request.memberId, request.groupInstanceId)
    if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
    this.#rebalance.touch(group, member)
    return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
  }

  leave(group: ClassicGroup, members: readonly MemberIdentity[]): Outcome<MemberResponse[]> {
    const responses = members.map(
      (member): MemberResponse => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        errorCode: this.#leaveOne(group, member),
      }),
    )
    const left = responses.filter(({ errorCode }) => errorCode === ErrorCode.NONE)
    if (left.length === 0 || group.state === 'Empty') return { records: [], answer: () => responses }
    const names = left.map(({ memberId, groupInstanceId }) => memberId || groupInstanceId)
    return answering(this.#rebalance.begin(group, `${names.join(', ')} left`), () => responses)
  }

  #leaveOne(group: ClassicGroup, { memberId, groupInstanceId, reason }: MemberIdentity): ErrorCode {
    // Administrators remove static members by instance id alone.
    const byInstance = memberId === UNKNOWN_MEMBER_ID && groupInstanceId !== null
    const leavingId = byInstance ? group.staticMemberId(groupInstanceId) : memberId
    if (!leavingId) return ErrorCode.UNKNOWN_MEMBER_ID
    this.#logger.debug(
      { groupId: group.groupId, memberId: leavingId, groupInstanceId, reason },
      'Member leaves',
    )
    if (group.forgetPending(leavingId)) return ErrorCode.NONE
    try {
      this.#rebalance.remove(group, group.validateMember(leavingId, groupInstanceId))
      return ErrorCode.NONE
    } catch (error) {
      if (error instanceof ApiError) return error.code
      throw error
    }
  }

  /** Parks the request; the leader's own brings the assignments, and what is in the log is then handed to all. */
  #awaitAssignment(
    group: ClassicGroup,
    member: ClassicMember,
    request: SyncGroupRequest,
    reply: Reply<SyncGroupResponse>,
  ): Outcome<void> {
    member.completeSync(syncError(ErrorCode.REBALANCE_IN_PROGRESS))
    member.awaitingSync = reply
    this.#rebalance.synced(group, member.memberId)
    if (group.leaderId !== member.memberId) return unchanged
    const assignments = new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment]))
    const assignmentOf = ({ memberId }: ClassicMember) => assignments.get(memberId) ?? EMPTY_BYTES
    return {
      records: [
        this.#records.generation(
          group,
          group.leaderId,
          group.members.values(),
          assignmentOf,
          this.#rebalance.nowMs,
        ),
      ],
      answer: () => this.#rebalance.assigned(group),
      failed: ({ code }) => {
        this.#rebalance.notAssigned(group, code)
        this.#rebalance.begin(group, 'the assignment could not be written')
      },
    }
  }
}

/** KIP-559: a member that names the protocol means this one. Before the first generation there is none to compare with. */
function differs(named: string | null, actual: string | null): boolean {
  return named !== null && actual !== null && named !== actual
}
