import { ZERO_UUID } from '../../protocol/api.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type { CoordinatorRecord, Outcome } from '../runtime.ts'
import type { ClassicGroup } from './classic-group.ts'
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

/** From here on an unknown group has an error of its own (KIP-848). */
const FIRST_COMMIT_VERSION_THAT_KNOWS_UNKNOWN_GROUPS = 9

/** Committed offsets of the groups of one shard: who may commit, what is deleted, what expires. */
export class GroupOffsets {
  readonly #groups: ReadonlyMap<string, ClassicGroup>
  readonly #store: OffsetStore
  readonly #rebalance: Rebalance
  readonly #records: GroupRecordWriter
  readonly #metadataMaxBytes: () => number

  constructor(
    groups: ReadonlyMap<string, ClassicGroup>,
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
    this.#validateCommitter(committer)
    const maxBytes = this.#metadataMaxBytes()
    const records: CoordinatorRecord[] = []
    const codes = offsets.map((committed) => {
      if (committed.metadata.length > maxBytes) return ErrorCode.OFFSET_METADATA_TOO_LARGE
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
    if (group.state !== 'Empty' && !group.usesConsumerProtocol) throw new ApiError(ErrorCode.NON_EMPTY_GROUP)
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

  /** Offsets of deleted topics. */
  deleteTopics(groupId: string, topics: ReadonlySet<string>): Outcome<void> {
    const records: CoordinatorRecord[] = []
    for (const [topic, partitions] of this.#store.ofGroup(groupId)) {
      if (!topics.has(topic)) continue
      for (const partition of partitions.keys())
        records.push(this.#records.offsetTombstone(groupId, topic, partition))
    }
    return { records, answer: () => {} }
  }

  /** All that is left of a group: the tombstones of its offsets, then its own. */
  deleteGroup(groupId: string): CoordinatorRecord[] {
    const records: CoordinatorRecord[] = []
    for (const [topic, partitions] of this.#store.ofGroup(groupId)) {
      for (const partition of partitions.keys())
        records.push(this.#records.offsetTombstone(groupId, topic, partition))
    }
    records.push(this.#records.groupTombstone(groupId))
    return records
  }

  /**
   * Offsets whose retention is over, and the group with them when nothing else is left of it (KIP-211). What starts the retention:
   * the group's becoming empty; the commit, for offsets without members and for topics that a stable group reads no more.
   */
  expire(group: ClassicGroup, retentionMs: number): Outcome<void> {
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
    if (kept === 0 && group.state === 'Empty' && group.pendingMembers.size === 0)
      records.push(this.#records.groupTombstone(group.groupId))
    return { records, answer: () => {} }
  }

  #validateCommitter({ groupId, memberId, groupInstanceId, generationId, apiVersion }: Committer): void {
    const group = this.#groups.get(groupId)
    if (!group) {
      if (generationId < 0) return
      throw new ApiError(
        apiVersion >= FIRST_COMMIT_VERSION_THAT_KNOWS_UNKNOWN_GROUPS
          ? ErrorCode.GROUP_ID_NOT_FOUND
          : ErrorCode.ILLEGAL_GENERATION,
      )
    }
    if (generationId < 0 && group.state === 'Empty') return
    if (generationId < 0 && memberId === '' && groupInstanceId === null)
      throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
    const member = group.validateMember(memberId, groupInstanceId)
    if (generationId !== group.generationId) throw new ApiError(ErrorCode.ILLEGAL_GENERATION)
    if (group.state === 'CompletingRebalance') throw new ApiError(ErrorCode.REBALANCE_IN_PROGRESS)
    // A member that commits is alive.
    this.#rebalance.touch(group, member)
  }
}

function retentionStart(group: ClassicGroup): ((committed: CommittedOffset) => number) | undefined {
  const ofCommit = (committed: CommittedOffset) => Number(committed.commitTimestampMs)
  if (group.protocolType === null) return ofCommit
  if (group.state === 'Empty') return group.stateTimestampMs < 0 ? ofCommit : () => group.stateTimestampMs
  return group.state === 'Stable' && group.subscribedTopics ? ofCommit : undefined
}

function isExpired(committed: CommittedOffset, startMs: number, nowMs: number, retentionMs: number): boolean {
  if (committed.expireTimestampMs !== -1n) return nowMs >= Number(committed.expireTimestampMs)
  return nowMs - startMs >= retentionMs
}
