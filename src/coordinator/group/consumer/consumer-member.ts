import type {
  ClassicMemberMetadata,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataValue,
  TopicPartitions,
} from '../../../protocol/generated/consumer-group-records.ts'
import { type HeldPartitions, NOTHING_HELD, sameHeld } from './partitions.ts'

/** Epoch in a heartbeat that joins the group. */
export const JOIN_EPOCH = 0
/** Epoch in a heartbeat that leaves the group; also of a member whose assignment is gone while it is being removed. */
export const LEAVE_EPOCH = -1
/** Epoch of a static member that left for a while and keeps its partitions (KIP-345). */
export const STATIC_LEAVE_EPOCH = -2

/**
 * How far a member has followed the target assignment; the numbers are those of the records.
 *
 * | state | meaning |
 * |---|---|
 * | STABLE | it has what the target of its epoch gives it |
 * | UNREVOKED_PARTITIONS | it has to give partitions up before it comes to the next epoch |
 * | UNRELEASED_PARTITIONS | it is at the target's epoch, but others still have partitions that it is to get |
 * | UNKNOWN | written by a version that knows more states: the member has to begin anew |
 */
export const MemberState = {
  STABLE: 0,
  UNREVOKED_PARTITIONS: 1,
  UNRELEASED_PARTITIONS: 2,
  UNKNOWN: 127,
} as const
export type MemberState = (typeof MemberState)[keyof typeof MemberState]

/** A member of a consumer group, as its records have it. Never changed: a new one takes its place. */
export interface ConsumerMember {
  readonly memberId: string
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: MemberState
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly rebalanceTimeoutMs: number
  readonly clientId: string
  readonly clientHost: string
  /** Without repetition. */
  readonly subscribedTopicNames: readonly string[]
  /** Empty or null: none. */
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  readonly assigned: HeldPartitions
  /** Still in its hands, but to be given up. */
  readonly pendingRevocation: HeldPartitions
  /** Set for a member that speaks the classic protocol in a consumer group. */
  readonly classic: ClassicMemberMetadata | null
}

/** A member that has said nothing yet. */
export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: MemberState.STABLE,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: -1,
    clientId: '',
    clientHost: '',
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    serverAssignor: null,
    assigned: NOTHING_HELD,
    pendingRevocation: NOTHING_HELD,
    classic: null,
  }
}

/** The regular expression that a member subscribes to, if it has one. */
export function regexOf(member: ConsumerMember | undefined): string | undefined {
  return member?.subscribedTopicRegex || undefined
}

/** Topic names without repetition. They keep their order, as an assignment may depend on it until the record, which is sorted, is replayed. */
export function uniqueNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
}

/** It has what the target assignment of this epoch gives it. */
export function isReconciledTo(member: ConsumerMember, assignmentEpoch: number): boolean {
  return member.state === MemberState.STABLE && member.memberEpoch === assignmentEpoch
}

/** Whether a member told the same about itself. */
export function sameFacts(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    sameNames(a.subscribedTopicNames, b.subscribedTopicNames) &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.serverAssignor === b.serverAssignor &&
    sameClassic(a.classic, b.classic)
  )
}

/** Whether a member stands at the same point of its reconciliation. */
export function sameProgress(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a.memberEpoch === b.memberEpoch &&
    a.previousMemberEpoch === b.previousMemberEpoch &&
    a.state === b.state &&
    sameHeld(a.assigned, b.assigned) &&
    sameHeld(a.pendingRevocation, b.pendingRevocation)
  )
}

/** The same names, in whatever order. */
export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  const names = new Set(b)
  return a.every((name) => names.has(name))
}

/** The member with what this record says of it. */
export function withFacts(member: ConsumerMember, value: ConsumerGroupMemberMetadataValue): ConsumerMember {
  return {
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    clientId: value.clientId,
    clientHost: value.clientHost,
    subscribedTopicNames: uniqueNames(value.subscribedTopicNames),
    subscribedTopicRegex: value.subscribedTopicRegex,
    serverAssignor: value.serverAssignor,
    classic: value.classicMemberMetadata && keepClassic(value.classicMemberMetadata),
  }
}

/** The member with what this record says that it has. */
export function withProgress(
  member: ConsumerMember,
  value: ConsumerGroupCurrentMemberAssignmentValue,
): ConsumerMember {
  const { memberEpoch } = value
  return {
    ...member,
    memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: stateOf(value.state),
    assigned: heldFrom(value.assignedPartitions, memberEpoch),
    pendingRevocation: heldFrom(value.partitionsPendingRevocation, memberEpoch),
  }
}

/** Copies the metadata out of the buffer of a request or of the log, which would otherwise live as long as the member. */
export function keepClassic(metadata: ClassicMemberMetadata): ClassicMemberMetadata {
  return {
    sessionTimeoutMs: metadata.sessionTimeoutMs,
    supportedProtocols: metadata.supportedProtocols.map(({ name, metadata: bytes }) => ({
      name,
      metadata: Buffer.from(bytes),
    })),
  }
}

function stateOf(value: number): MemberState {
  const known: readonly number[] = Object.values(MemberState)
  return known.includes(value) ? (value as MemberState) : MemberState.UNKNOWN
}

/** Records from before KIP-1251 have no epoch for each partition: the member's own stands in, which is at least 0 there. */
function heldFrom(topics: readonly TopicPartitions[], memberEpoch: number): HeldPartitions {
  return new Map(
    topics.map(({ topicId, partitions, assignmentEpochs }) => {
      const epochs = assignmentEpochs?.length === partitions.length ? assignmentEpochs : undefined
      return [
        topicId,
        new Map(partitions.map((partition, i) => [partition, epochs?.[i] ?? Math.max(memberEpoch, 0)])),
      ]
    }),
  )
}

function sameClassic(a: ClassicMemberMetadata | null, b: ClassicMemberMetadata | null): boolean {
  if (a === null || b === null) return a === b
  return (
    a.sessionTimeoutMs === b.sessionTimeoutMs &&
    a.supportedProtocols.length === b.supportedProtocols.length &&
    a.supportedProtocols.every(({ name, metadata }, i) => {
      const other = b.supportedProtocols[i]!
      return name === other.name && metadata.equals(other.metadata)
    })
  )
}
