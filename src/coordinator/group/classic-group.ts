import type { Timer } from '../../platform/platform.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type { GroupMetadataValue } from '../../protocol/generated/consumer-offsets-records.ts'
import type { JoinGroupResponseMember } from '../../protocol/generated/join-group.ts'
import { ClassicMember, type MemberProtocol } from './classic-member.ts'
import { EMPTY_BYTES } from './responses.ts'
import { subscribedTopics } from './subscription.ts'

/**
 * States of a classic group, and from which others each is reached:
 *
 * | state | entered from | when |
 * |---|---|---|
 * | Empty | PreparingRebalance | the last member went, or the group is new |
 * | PreparingRebalance | Empty, CompletingRebalance, Stable | somebody joined, left, expired or changed |
 * | CompletingRebalance | PreparingRebalance | all known members joined, or time was up |
 * | Stable | CompletingRebalance | the leader's assignment is in the log |
 * | Dead | Empty | deleted, or no offsets left; it is forgotten at once |
 */
export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

const CONSUMER_PROTOCOL_TYPE = 'consumer'

/**
 * A group of the classic protocol. What `replay` sets is in the log and outlives a restart; joins under way, requests that wait and
 * timers are not, and members that meet a restart in the middle of a rebalance join again.
 */
export class ClassicGroup {
  readonly groupId: string
  readonly type = 'classic'
  state: ClassicState = 'Empty'
  generationId = 0
  /** Null for a group that has only ever had commits without members. */
  protocolType: string | null = null
  protocolName: string | null = null
  leaderId: string | null = null
  /** When it became what it is; -1 when an old record did not say. */
  stateTimestampMs = -1
  /** By member id, in the order in which they came. */
  readonly members = new Map<string, ClassicMember>()
  /** Member ids that were given out and are expected back (KIP-394), with the timers that forget them. */
  readonly pendingMembers = new Map<string, Timer>()
  /** Members of this generation that have not asked for their assignment. */
  readonly pendingSyncs = new Set<string>()
  joinTimer: Timer | undefined
  syncTimer: Timer | undefined
  /** The rebalance under way began with nobody: it waits for `group.initial.rebalance.delay.ms`. */
  isInitialRebalance = false
  /** Somebody joined since the initial delay was last looked at. */
  newMemberAdded = false
  /**
   * Topics of the members' subscriptions when this generation began: who comes or restarts later counts from the next one on.
   * Undefined when the group does not say them in a form that is known.
   */
  subscribedTopics: ReadonlySet<string> | undefined
  readonly #staticMembers = new Map<string, string>()

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get usesConsumerProtocol(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE
  }

  /** How many of the members have a JoinGroup parked here. */
  get awaitingJoinCount(): number {
    let count = 0
    for (const member of this.members.values()) if (member.awaitingJoin) count++
    return count
  }

  get hasAllMembersJoined(): boolean {
    if (this.pendingMembers.size > 0) return false
    for (const member of this.members.values()) if (!member.awaitingJoin) return false
    return true
  }

  /** A rebalance waits for the slowest of its members. */
  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const { rebalanceTimeoutMs } of this.members.values())
      longest = Math.max(longest, rebalanceTimeoutMs)
    return longest
  }

  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#staticMembers.get(groupInstanceId)
  }

  /** Throws what a request of this member is to be refused with. */
  validateMember(memberId: string, groupInstanceId: string | null): ClassicMember {
    if (groupInstanceId !== null) {
      const current = this.#staticMembers.get(groupInstanceId)
      if (current === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
      // KIP-345: another instance took the name over.
      if (current !== memberId) throw new ApiError(ErrorCode.FENCED_INSTANCE_ID)
    }
    const member = this.members.get(memberId)
    if (!member) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
    return member
  }

  add(member: ClassicMember, protocolType: string): void {
    if (this.members.size === 0) this.protocolType = protocolType
    this.leaderId ??= member.memberId
    this.members.set(member.memberId, member)
    if (member.groupInstanceId !== null) this.#staticMembers.set(member.groupInstanceId, member.memberId)
    this.forgetPending(member.memberId)
  }

  /** Takes a member out; who leads passes to the one that has been in longest. */
  remove(memberId: string): ClassicMember | undefined {
    this.forgetPending(memberId)
    this.pendingSyncs.delete(memberId)
    const member = this.members.get(memberId)
    if (!member) return undefined
    this.members.delete(memberId)
    member.sessionTimer?.cancel()
    member.sessionTimer = undefined
    if (member.groupInstanceId !== null && this.#staticMembers.get(member.groupInstanceId) === memberId) {
      this.#staticMembers.delete(member.groupInstanceId)
    }
    if (this.leaderId === memberId) this.leaderId = this.members.keys().next().value ?? null
    return member
  }

  /** A static member came back under a new id: same place in line, same assignment, and it leads if it led. */
  replace(oldMemberId: string, member: ClassicMember): void {
    const others = [...this.members.values()]
    const wasLeader = this.leaderId === oldMemberId
    this.pendingSyncs.delete(oldMemberId)
    this.members.clear()
    for (const other of others) {
      const isSame = other.memberId === oldMemberId || other.memberId === member.memberId
      const next = isSame ? member : other
      this.members.set(next.memberId, next)
    }
    this.#staticMembers.set(member.groupInstanceId!, member.memberId)
    if (wasLeader) this.leaderId = member.memberId
  }

  forgetPending(memberId: string): boolean {
    this.pendingMembers.get(memberId)?.cancel()
    return this.pendingMembers.delete(memberId)
  }

  /** Whether a member with these protocols fits: the type of the others, and one protocol that all of them can do. */
  supportsProtocols(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0
    return protocolType === this.protocolType && protocols.some(({ name }) => this.#isSupportedByAll(name))
  }

  /** The protocol that most members prefer among those that all of them can do; the leader's order breaks ties. */
  selectProtocol(): string {
    const votes = new Map<string, number>()
    const candidates = new Set<string>()
    const leader = this.members.get(this.leaderId ?? '')
    for (const { name } of leader?.protocols ?? []) if (this.#isSupportedByAll(name)) candidates.add(name)
    for (const member of this.members.values()) {
      const choice = member.protocols.find(({ name }) => candidates.has(name))
      if (choice) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    let selected = ''
    for (const name of candidates) if ((votes.get(name) ?? 0) > (votes.get(selected) ?? 0)) selected = name
    return selected
  }

  /** Keeps the leader when it has joined again, else takes the first who has. False when nobody has. */
  electJoinedLeader(): boolean {
    if (this.leaderId === null) return false
    if (this.members.get(this.leaderId)?.awaitingJoin) return true
    for (const member of this.members.values()) {
      if (!member.awaitingJoin) continue
      this.leaderId = member.memberId
      return true
    }
    return false
  }

  /** All members with their metadata in the chosen protocol: what the leader gets to assign partitions with. */
  membersForLeader(): JoinGroupResponseMember[] {
    const protocolName = this.protocolName ?? ''
    return Array.from(this.members.values(), (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: member.metadataOf(protocolName) ?? EMPTY_BYTES,
    }))
  }

  /** Whether its members say that they read `topic`. Members that cannot be understood are taken to read everything. */
  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? this.usesConsumerProtocol
  }

  /** All that take part have joined. */
  beginGeneration(): void {
    this.generationId++
    this.protocolName = this.selectProtocol()
    this.isInitialRebalance = false
    this.pendingSyncs.clear()
    this.subscribedTopics = this.#readSubscriptions()
  }

  /** The log has been replayed to its end. */
  onLoaded(): void {
    this.subscribedTopics = this.#readSubscriptions()
  }

  /** Takes what the log says: the generation that was assigned, or that the group is empty. */
  replay(value: GroupMetadataValue): void {
    this.generationId = value.generation
    this.protocolType = value.protocolType === '' ? null : value.protocolType
    this.protocolName = value.protocol
    this.leaderId = value.leader
    this.stateTimestampMs = Number(value.currentStateTimestamp)
    this.state = value.members.length === 0 ? 'Empty' : 'Stable'
    const written = new Set<string>()
    for (const stored of value.members) {
      written.add(stored.memberId)
      let member = this.members.get(stored.memberId)
      if (!member) {
        member = new ClassicMember({
          memberId: stored.memberId,
          groupInstanceId: stored.groupInstanceId,
          clientId: stored.clientId,
          clientHost: stored.clientHost,
          rebalanceTimeoutMs: stored.rebalanceTimeout < 0 ? stored.sessionTimeout : stored.rebalanceTimeout,
          sessionTimeoutMs: stored.sessionTimeout,
          protocols: [{ name: value.protocol ?? '', metadata: Buffer.from(stored.subscription) }],
        })
        this.members.set(member.memberId, member)
        if (member.groupInstanceId !== null) this.#staticMembers.set(member.groupInstanceId, member.memberId)
      }
      // Copied, so that a few bytes do not keep the whole buffer of the log alive.
      member.assignment = Buffer.from(stored.assignment)
    }
    for (const memberId of [...this.members.keys()]) {
      if (written.has(memberId)) continue
      const leaderId = this.leaderId
      this.remove(memberId)
      this.leaderId = leaderId
    }
  }

  /** The last member went: a generation with nobody in it. */
  becomeEmpty(generationId: number): void {
    this.state = 'Empty'
    this.generationId = generationId
    this.protocolName = null
    this.leaderId = null
    this.isInitialRebalance = false
    this.pendingSyncs.clear()
    this.subscribedTopics = this.#readSubscriptions()
  }

  cancelTimers(): void {
    this.joinTimer?.cancel()
    this.syncTimer?.cancel()
    for (const timer of this.pendingMembers.values()) timer.cancel()
    for (const member of this.members.values()) member.sessionTimer?.cancel()
    this.pendingMembers.clear()
  }

  describe(nowMs: number): object {
    return {
      groupId: this.groupId,
      type: this.type,
      state: this.state,
      generationId: this.generationId,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      leaderId: this.leaderId,
      members: Array.from(this.members.values(), (member) => member.describe(nowMs)),
      pendingMembers: [...this.pendingMembers.keys()],
      pendingSyncs: [...this.pendingSyncs],
      joinEndsInMs: this.joinTimer && this.joinTimer.dueMs - nowMs,
      syncEndsInMs: this.syncTimer && this.syncTimer.dueMs - nowMs,
    }
  }

  #readSubscriptions(): ReadonlySet<string> | undefined {
    if (!this.usesConsumerProtocol) return undefined
    if (this.members.size === 0) return new Set()
    if (this.protocolName === null) return undefined
    const topics = new Set<string>()
    for (const member of this.members.values()) {
      const metadata = member.metadataOf(this.protocolName)
      const ofMember = metadata && subscribedTopics(metadata)
      if (!ofMember) return undefined
      for (const topic of ofMember) topics.add(topic)
    }
    return topics
  }

  #isSupportedByAll(protocolName: string): boolean {
    for (const { protocols } of this.members.values()) {
      if (!protocols.some(({ name }) => name === protocolName)) return false
    }
    return true
  }
}
