import type { Logger } from '../../platform/logger.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { Outcome, ShardTimers } from '../runtime.ts'
import type { ClassicGroup, ClassicState } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'
import type { GroupRecordWriter } from './group-records.ts'
import { EMPTY_BYTES, joinError, syncError, UNKNOWN_MEMBER_ID } from './responses.ts'

/** An operation that changed nothing that has to be in the log. */
export const unchanged: Outcome<void> = { records: [], answer: () => {} }

/** The same change, with this response. */
export function answering<Response>(change: Outcome<void>, response: () => Response): Outcome<Response> {
  const { records, failed } = change
  return {
    records,
    answer: () => {
      change.answer()
      return response()
    },
    failed:
      failed &&
      ((error) => {
        failed(error)
        return response()
      }),
  }
}

/** A join that is not answered because its client vanished is given up after this long: such members cannot send heartbeats. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60_000

/** A rebalance that nobody came to is looked at again no sooner than this, whatever rebalance timeout the members chose. */
const MIN_POSTPONE_MS = 100

/**
 * How a classic group comes from one generation to the next, and what happens when time is up. Its timers are operations:
 * they return records as requests do.
 */
export class Rebalance {
  readonly #timers: ShardTimers
  readonly #logger: Logger
  readonly #records: GroupRecordWriter
  readonly #initialDelayMs: () => number

  constructor(timers: ShardTimers, logger: Logger, records: GroupRecordWriter, initialDelayMs: () => number) {
    this.#records = records
    this.#timers = timers
    this.#logger = logger
    this.#initialDelayMs = initialDelayMs
  }

  get nowMs(): number {
    return this.#timers.clock.now()
  }

  /** After somebody came, went or changed: begins a rebalance, or looks whether the one under way is complete. */
  begin(group: ClassicGroup, reason: string): Outcome<void> {
    return group.state === 'PreparingRebalance' ? this.continue(group) : this.#prepare(group, reason)
  }

  /** Completes the join phase when all are there. The initial delay is always waited for. */
  continue(group: ClassicGroup): Outcome<void> {
    if (group.state !== 'PreparingRebalance' || group.isInitialRebalance) return unchanged
    if (group.hasAllMembersJoined) return this.#completeJoin(group)
    if (!group.joinTimer) this.#scheduleJoinEnd(group, group.rebalanceTimeoutMs)
    return unchanged
  }

  /** Begins a member's session anew. The timer is only touched when it would fire too late; else it looks again when it fires. */
  touch(group: ClassicGroup, member: ClassicMember, sessionTimeoutMs = member.sessionTimeoutMs): void {
    this.#expireAfter(group, member, sessionTimeoutMs)
  }

  /** Bounds the wait of a member that does not know its id yet. */
  touchNew(group: ClassicGroup, member: ClassicMember): void {
    this.#expireAfter(group, member, NEW_MEMBER_JOIN_TIMEOUT_MS)
  }

  /** Keeps a member id that was given out until its owner joins with it, for one session timeout (KIP-394). */
  expect(group: ClassicGroup, memberId: string, sessionTimeoutMs: number): void {
    const timer = this.#timers.after(sessionTimeoutMs, () => {
      if (!group.forgetPending(memberId)) return unchanged
      this.#logger.debug({ groupId: group.groupId, memberId }, 'Pending member expired')
      return this.continue(group)
    })
    group.pendingMembers.set(memberId, timer)
  }

  /** Takes a member out and answers what it has parked. */
  remove(group: ClassicGroup, member: ClassicMember): void {
    member.completeJoin(joinError(ErrorCode.UNKNOWN_MEMBER_ID, UNKNOWN_MEMBER_ID))
    member.completeSync(syncError(ErrorCode.UNKNOWN_MEMBER_ID))
    group.remove(member.memberId)
    this.#cancelSyncTimerWhenDone(group)
  }

  /** The member has asked for its assignment. */
  synced(group: ClassicGroup, memberId: string): void {
    group.pendingSyncs.delete(memberId)
    this.#cancelSyncTimerWhenDone(group)
  }

  /** The leader's assignment is in the log and replayed: all that wait for it get their part. */
  assigned(group: ClassicGroup): void {
    for (const member of group.members.values()) {
      if (!member.awaitingSync) continue
      member.completeSync({
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        protocolType: group.protocolType,
        protocolName: group.protocolName,
        assignment: member.assignment,
      })
      this.touch(group, member)
    }
    this.#logger.debug({ groupId: group.groupId, generationId: group.generationId }, 'Group is stable')
  }

  /** Nobody gets an assignment of this generation: those that wait are told why. */
  notAssigned(group: ClassicGroup, errorCode: ErrorCode): void {
    for (const member of group.members.values()) {
      member.assignment = EMPTY_BYTES
      if (!member.awaitingSync) continue
      member.completeSync(syncError(errorCode))
      this.touch(group, member)
    }
  }

  #prepare(group: ClassicGroup, reason: string): Outcome<void> {
    if (group.state === 'CompletingRebalance') this.notAssigned(group, ErrorCode.REBALANCE_IN_PROGRESS)
    group.syncTimer?.cancel()
    group.syncTimer = undefined
    group.isInitialRebalance = group.state === 'Empty'
    this.#move(group, 'PreparingRebalance', reason)
    if (!group.isInitialRebalance) return this.continue(group)
    const delayMs = this.#initialDelayMs()
    this.#delayInitial(group, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0))
    return unchanged
  }

  /** A new group gives its members time to come: the delay begins again with each newcomer, up to the rebalance timeout. */
  #delayInitial(group: ClassicGroup, delayMs: number, remainingMs: number): void {
    group.newMemberAdded = false
    group.joinTimer = this.#timers.after(delayMs, () => {
      group.joinTimer = undefined
      if (!group.newMemberAdded || remainingMs === 0) return this.#completeJoin(group)
      this.#delayInitial(
        group,
        Math.min(this.#initialDelayMs(), remainingMs),
        Math.max(remainingMs - delayMs, 0),
      )
      return unchanged
    })
  }

  #scheduleJoinEnd(group: ClassicGroup, delayMs: number): void {
    group.joinTimer = this.#timers.after(delayMs, () => {
      group.joinTimer = undefined
      return this.#completeJoin(group)
    })
  }

  /** All have joined, or time is up: dynamic members that did not come are out, the others are the next generation. */
  #completeJoin(group: ClassicGroup): Outcome<void> {
    if (group.state !== 'PreparingRebalance') return unchanged
    group.joinTimer?.cancel()
    group.joinTimer = undefined
    for (const member of [...group.members.values()]) {
      if (member.awaitingJoin || member.isStatic) continue
      this.#logger.debug(
        { groupId: group.groupId, memberId: member.memberId },
        'Member did not join again in time',
      )
      this.remove(group, member)
    }
    if (group.members.size === 0) return this.#becomeEmpty(group)
    if (!group.electJoinedLeader()) {
      // Only static members are left and none has come: they have until their sessions end.
      this.#scheduleJoinEnd(group, Math.max(group.rebalanceTimeoutMs, MIN_POSTPONE_MS))
      return unchanged
    }
    group.beginGeneration()
    this.#move(group, 'CompletingRebalance', 'all members joined')
    for (const member of group.members.values()) {
      member.completeJoin({
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        generationId: group.generationId,
        protocolType: group.protocolType,
        protocolName: group.protocolName,
        leader: group.leaderId ?? '',
        skipAssignment: false,
        memberId: member.memberId,
        members: member.memberId === group.leaderId ? group.membersForLeader() : [],
      })
      member.isNew = false
      this.touch(group, member)
      group.pendingSyncs.add(member.memberId)
    }
    this.#scheduleSyncEnd(group)
    return unchanged
  }

  #becomeEmpty(group: ClassicGroup): Outcome<void> {
    const generationId = group.generationId + 1
    const become = () => {
      group.becomeEmpty(generationId)
      this.#logger.debug({ groupId: group.groupId, generationId }, 'Group is empty')
    }
    // The members are gone whether the log takes the record or not; a restart then finds the members that it last wrote, and they expire.
    return {
      records: [this.#records.emptyGroup(group, generationId, this.nowMs)],
      answer: become,
      failed: become,
    }
  }

  /** Members that do not ask for their assignment within the rebalance timeout are out. */
  #scheduleSyncEnd(group: ClassicGroup): void {
    const { generationId } = group
    group.syncTimer?.cancel()
    group.syncTimer = this.#timers.after(group.rebalanceTimeoutMs, () => {
      group.syncTimer = undefined
      const isCurrent = group.state === 'CompletingRebalance' || group.state === 'Stable'
      if (!isCurrent || group.generationId !== generationId || group.pendingSyncs.size === 0) return unchanged
      const late = [...group.pendingSyncs]
      for (const memberId of late) {
        const member = group.members.get(memberId)
        if (member) this.remove(group, member)
      }
      return this.begin(group, `no sync in time from ${late.join(', ')}`)
    })
  }

  #cancelSyncTimerWhenDone(group: ClassicGroup): void {
    if (group.pendingSyncs.size > 0) return
    group.syncTimer?.cancel()
    group.syncTimer = undefined
  }

  #expireAfter(group: ClassicGroup, member: ClassicMember, timeoutMs: number): void {
    member.deadlineMs = this.#timers.clock.elapsedMs() + timeoutMs
    if (member.sessionTimer && member.sessionTimer.dueMs <= member.deadlineMs) return
    member.sessionTimer?.cancel()
    this.#armSession(group, member, timeoutMs)
  }

  #armSession(group: ClassicGroup, member: ClassicMember, delayMs: number): void {
    member.sessionTimer = this.#timers.after(delayMs, () => {
      member.sessionTimer = undefined
      if (group.members.get(member.memberId) !== member || member.isAliveWhileWaiting) return unchanged
      const remainingMs = member.deadlineMs - this.#timers.clock.elapsedMs()
      if (remainingMs > 0) {
        this.#armSession(group, member, remainingMs)
        return unchanged
      }
      this.#logger.debug({ groupId: group.groupId, memberId: member.memberId }, 'Session of member expired')
      this.remove(group, member)
      return group.state === 'Empty' ? unchanged : this.begin(group, `session of ${member.memberId} expired`)
    })
  }

  #move(group: ClassicGroup, state: ClassicState, reason: string): void {
    this.#logger.debug(
      { groupId: group.groupId, generationId: group.generationId, from: group.state, to: state, reason },
      'Group changes state',
    )
    group.state = state
    group.stateTimestampMs = this.nowMs
  }
}
