import type { Timer } from '../../platform/platform.ts'
import type { JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import type { SyncGroupResponse } from '../../protocol/generated/sync-group.ts'
import { EMPTY_BYTES, type Reply } from './responses.ts'

/** An assignment protocol that a member can do, with what it says about itself in it. */
export interface MemberProtocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface MemberFacts {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly protocols: readonly MemberProtocol[]
}

/** A member of a classic group. */
export class ClassicMember {
  readonly memberId: string
  /** Set by static members (KIP-345): who restarts under the same name takes over the old member's place. */
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  protocols: readonly MemberProtocol[]
  assignment: Buffer = EMPTY_BYTES
  /** Its first join has not been answered: it does not know its id, so no heartbeat can come, and its join is bounded in time instead. */
  isNew = false
  /** The parked JoinGroup. */
  awaitingJoin: Reply<JoinGroupResponse> | undefined
  /** The parked SyncGroup. */
  awaitingSync: Reply<SyncGroupResponse> | undefined
  /** Moves with every heartbeat; the timer behind it is only looked at again when it fires. */
  deadlineMs = Number.POSITIVE_INFINITY
  sessionTimer: Timer | undefined

  constructor(facts: MemberFacts) {
    this.memberId = facts.memberId
    this.groupInstanceId = facts.groupInstanceId
    this.clientId = facts.clientId
    this.clientHost = facts.clientHost
    this.rebalanceTimeoutMs = facts.rebalanceTimeoutMs
    this.sessionTimeoutMs = facts.sessionTimeoutMs
    this.protocols = facts.protocols
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null
  }

  /** A member whose request is parked here is alive without heartbeats, unless it is new. */
  get isAliveWhileWaiting(): boolean {
    return !this.isNew && (this.awaitingJoin !== undefined || this.awaitingSync !== undefined)
  }

  metadataOf(protocolName: string): Buffer | undefined {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata
  }

  /** Same protocols in the same order with the same metadata. */
  matches(protocols: readonly MemberProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(({ name, metadata }, i) => {
        const own = this.protocols[i]!
        return own.name === name && own.metadata.equals(metadata)
      })
    )
  }

  completeJoin(response: JoinGroupResponse): void {
    const reply = this.awaitingJoin
    this.awaitingJoin = undefined
    reply?.complete(response)
  }

  completeSync(response: SyncGroupResponse): void {
    const reply = this.awaitingSync
    this.awaitingSync = undefined
    reply?.complete(response)
  }

  describe(nowMs: number): object {
    return {
      memberId: this.memberId,
      groupInstanceId: this.groupInstanceId,
      clientId: this.clientId,
      clientHost: this.clientHost,
      waitsFor: this.awaitingJoin
        ? 'the other members to join'
        : this.awaitingSync
          ? 'the leader to assign'
          : undefined,
      protocols: this.protocols.map(({ name }) => name),
      assignmentBytes: this.assignment.length,
      sessionTimeoutMs: this.sessionTimeoutMs,
      rebalanceTimeoutMs: this.rebalanceTimeoutMs,
      expiresInMs:
        this.isAliveWhileWaiting || this.deadlineMs === Number.POSITIVE_INFINITY
          ? undefined
          : this.deadlineMs - nowMs,
    }
  }
}
