import { ZERO_UUID } from '../../protocol/api.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type { CoordinatorRecord, Outcome } from '../runtime.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'
import type { ConsumerMember } from './consumer/consumer-member.ts'
import type { Group } from './consumer/consumer-services.ts'
import type { GroupRecordWriter } from './group-records.ts'
import type { CommittedOffset, OffsetStore } from './offset-store.ts'
import type { Rebalance } from './rebalance.ts'

/** Who commits. */
export interface Committer {
  readonly groupId: string
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Negative: not a member, but a consumer that only keeps its offsets here, or an administrator. */
  readonly generationId: number
  readonly apiVersion: number
}

export interface OffsetToCommit extends CommittedOffset {
  readonly topic: string
  readonly partition: number
}

/** From here on members of consumer groups can commit, and an unknown group has an error of its own (KIP-848). */
const FIRST_COMMIT_VERSION_WITH_MEMBER_EPOCH = 9

/** Committed offsets of the groups of one shard: who may commit, what is deleted, what expires. */
export class GroupOffsets {
  readonly #groups: ReadonlyMap<string, Group>
  readonly #store: OffsetStore
  readonly #rebalance: Rebalance
  readonly #records: GroupRecordWriter
  readonly #metadataMaxBytes: () => number

  constructor(
    groups: ReadonlyMap<string, Group>,
    store: OffsetStore,
    rebalance: Rebalance,
    records: GroupRecordWriter,
    metadataMaxBytes: () => number,
  ) {
    this.#groups = groups
    this.#store = store
    this.#rebalance = rebalance
    this.#records = records
    this.#metadataMaxBytes = metadataMaxBytes
  }

  /** An error code for each offset, in their order. A refusal of all of them is thrown. */
  commit(committer: Committer, offsets: readonly OffsetToCommit[]): Outcome<ErrorCode[]> {
    const validate = this.#validateCommitter(committer)
    const maxBytes = this.#metadataMaxBytes()
    const records: CoordinatorRecord[] = []
    const codes = offsets.map((committed) => {
      if (committed.metadata.length > maxBytes) return ErrorCode.OFFSET_METADATA_TOO_LARGE
      validate?.(committed)
      records.push(this.#records.offset(committer.groupId, committed.topic, committed.partition, committed))
      return ErrorCode.NONE
    })
    return { records, answer: () => codes }
  }

  /** The committed offset, unless it is of a topic that had the same name before. */
  fetch(groupId: string, topic: string, partition: number, topicId = ZERO_UUID): CommittedOffset | undefined {
    const committed = this.#store.get(groupId, topic, partition)
    if (!committed || committed.topicId === ZERO_UUID || topicId === ZERO_UUID) return committed
    return committed.topicId === topicId ? committed : undefined
  }

  /** OffsetDelete (KIP-496): tells for each topic whether its offsets go; those of topics that members read stay. */
  delete(
    groupId: string,
    topics: readonly { readonly name: string; readonly partitions: readonly number[] }[],
  ): Outcome<ReadonlyMap<string, ErrorCode>> {
    const group = this.#groups.get(groupId)
    if (!group) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND)
    // Only consumers say in a known form what they read.
    if (group.type === 'classic' && group.state !== 'Empty' && !group.usesConsumerProtocol)
      throw new ApiError(ErrorCode.NON_EMPTY_GROUP)
    const records: CoordinatorRecord[] = []
    const codes = new Map<string, ErrorCode>()
    for (const { name, partitions } of topics) {
      const isRead = group.isSubscribedTo(name)
      codes.set(name, isRead ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE)
      if (isRead) continue
      for (const partition of partitions) {
        if (this.#store.get(groupId, name, partition))
          records.push(this.#records.offsetTombstone(groupId, name, partition))
      }
    }
    return { records, answer: () => codes }
  }

  /** The tombstones of the offsets of a group, of all topics or of these. */
  tombstones(groupId: string, topics?: ReadonlySet<string>): CoordinatorRecord[] {
    const records: CoordinatorRecord[] = []
    for (const [topic, partitions] of this.#store.ofGroup(groupId)) {
      if (topics && !topics.has(topic)) continue
      for (const partition of partitions.keys())
        records.push(this.#records.offsetTombstone(groupId, topic, partition))
    }
    return records
  }

  /**
   * The tombstones of offsets whose retention is over, and whether no others are left. What starts the retention: the group's becoming empty;
   * the commit, for offsets without members, for topics that a stable group reads no more, and in groups of the consumer protocol.
   */
  expire(
    group: Group,
    retentionMs: number,
  ): { records: readonly CoordinatorRecord[]; isNothingLeft: boolean } {
    const { nowMs } = this.#rebalance
    const records: CoordinatorRecord[] = []
    let kept = 0
    const startOf = retentionStart(group)
    for (const [topic, partitions] of this.#store.ofGroup(group.groupId)) {
      const mayExpire = startOf !== undefined && !group.isSubscribedTo(topic)
      for (const [partition, committed] of partitions) {
        if (mayExpire && isExpired(committed, startOf(committed), nowMs, retentionMs)) {
          records.push(this.#records.offsetTombstone(group.groupId, topic, partition))
        } else kept++
      }
    }
    return { records, isNothingLeft: kept === 0 }
  }

  /** Throws when a member may not read what its group has committed: in a group of the consumer protocol its epoch has to be the current one. */
  validateFetch(groupId: string, memberId: string | null, memberEpoch: number): void {
    const group = this.#groups.get(groupId)
    if (group?.type !== 'consumer' || (memberId === null && memberEpoch < 0)) return
    const member = group.members.get(memberId ?? '')
    if (!member) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
    if (memberEpoch !== member.memberEpoch) throw wrongEpoch(member)
  }

  /** Gives what has to be asked for each offset, if anything. */
  #validateCommitter(committer: Committer): ((offset: OffsetToCommit) => void) | undefined {
    const { groupId, memberId, groupInstanceId, generationId, apiVersion } = committer
    const group = this.#groups.get(groupId)
    if (!group) {
      if (generationId < 0) return undefined
      throw new ApiError(
        apiVersion >= FIRST_COMMIT_VERSION_WITH_MEMBER_EPOCH
          ? ErrorCode.GROUP_ID_NOT_FOUND
          : ErrorCode.ILLEGAL_GENERATION,
      )
    }
    if (group.type === 'consumer') return validateConsumerCommitter(group, committer)
    if (generationId < 0 && group.state === 'Empty') return undefined
    if (generationId < 0 && memberId === '' && groupInstanceId === null)
      throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
    const member = group.validateMember(memberId, groupInstanceId)
    if (generationId !== group.generationId) throw new ApiError(ErrorCode.ILLEGAL_GENERATION)
    if (group.state === 'CompletingRebalance') throw new ApiError(ErrorCode.REBALANCE_IN_PROGRESS)
    // A member that commits is alive.
    this.#rebalance.touch(group, member)
    return undefined
  }
}

/**
 * Members of consumer groups name their epoch. One that missed an answer may come with an older one, for partitions that it has had since then
 * (KIP-1251).
 */
function validateConsumerCommitter(
  group: ConsumerGroup,
  { memberId, generationId, apiVersion }: Committer,
): ((offset: OffsetToCommit) => void) | undefined {
  if (generationId < 0 && group.members.size === 0) return undefined
  const member = group.members.get(memberId)
  if (!member) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  if (!member.classic && apiVersion < FIRST_COMMIT_VERSION_WITH_MEMBER_EPOCH)
    throw new ApiError(ErrorCode.UNSUPPORTED_VERSION)
  if (generationId === member.memberEpoch) return undefined
  if (generationId > member.memberEpoch) throw wrongEpoch(member)
  return ({ topicId, partition }) => {
    const since =
      member.assigned.get(topicId)?.get(partition) ?? member.pendingRevocation.get(topicId)?.get(partition)
    if (since === undefined || generationId < since) throw wrongEpoch(member)
  }
}

function wrongEpoch({ classic }: ConsumerMember): ApiError {
  return new ApiError(classic ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH)
}

function retentionStart(group: Group): ((committed: CommittedOffset) => number) | undefined {
  const ofCommit = (committed: CommittedOffset) => Number(committed.commitTimestampMs)
  if (group.type === 'consumer' || group.protocolType === null) return ofCommit
  if (group.state === 'Empty') return group.stateTimestampMs < 0 ? ofCommit : () => group.stateTimestampMs
  return group.state === 'Stable' && group.subscribedTopics ? ofCommit : undefined
}

function isExpired(committed: CommittedOffset, startMs: number, nowMs: number, retentionMs: number): boolean {
  if (committed.expireTimestampMs !== -1n) return nowMs >= Number(committed.expireTimestampMs)
  return nowMs - startMs >= retentionMs
}
