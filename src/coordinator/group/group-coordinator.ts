import type { BrokerConfig } from '../../config/broker-config.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Clock, Random, Timer } from '../../platform/platform.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../protocol/generated/consumer-group-heartbeat.ts'
import type { HeartbeatRequest } from '../../protocol/generated/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import type { LeaveGroupRequest, MemberResponse } from '../../protocol/generated/leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/generated/sync-group.ts'
import { coordinatorPartition } from '../../protocol/hash.ts'
import { CoordinatorRuntime } from '../runtime.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'
import type { Group } from './consumer/consumer-services.ts'
import type { GroupTopics } from './consumer/topics.ts'
import type { Committer, OffsetToCommit } from './group-offsets.ts'
import { GroupShard } from './group-shard.ts'
import type { CommittedOffset } from './offset-store.ts'
import { joinError, Reply, syncError, UNKNOWN_MEMBER_ID } from './responses.ts'

/** What the group coordinator is given of its broker: no log, no metadata, just these. */
export interface GroupCoordinatorDependencies {
  readonly clock: Clock
  readonly random: Random
  readonly config: BrokerConfig
  readonly logger: Logger
  /** Appends one batch to a partition of `__consumer_offsets` and returns its base offset; throws `ApiError`. */
  append(partition: number, batch: Buffer): bigint
  /** A partition of `__consumer_offsets` from its start, in buffers of whole batches. */
  readAll(partition: number): Iterable<Buffer>
  /** Partitions of `__consumer_offsets`; 0 while it does not exist. */
  partitionCount(): number
  /** The topics of the cluster. */
  readonly topics: GroupTopics
  /** What was set for one group. */
  groupConfigs(groupId: string): ReadonlyMap<string, string>
}

/** Who asks: the facts of a request that its body does not carry. */
export interface GroupCaller {
  readonly apiVersion: number
  /** A null client id counts as the empty one. */
  readonly clientId: string
  /** As Kafka shows and stores it: a slash, then the address. */
  readonly clientHost: string
}

/** A group in one line of a list. */
export interface GroupSummary {
  readonly groupId: string
  readonly protocolType: string
  readonly state: string
  readonly type: string
}

/**
 * The group coordinator of a broker: finds the shard of a group and runs the operation there. Refusals come as error codes where the
 * response has one for the group as a whole, and are thrown as `ApiError` elsewhere.
 */
export class GroupCoordinator {
  readonly #dependencies: GroupCoordinatorDependencies
  readonly #runtime: CoordinatorRuntime<GroupShard>
  #expiryTimer: Timer | undefined

  constructor(dependencies: GroupCoordinatorDependencies) {
    const { logger } = dependencies
    this.#dependencies = dependencies
    this.#runtime = new CoordinatorRuntime<GroupShard>({
      clock: dependencies.clock,
      logger,
      append: (partition, batch) => dependencies.append(partition, batch),
      readAll: (partition) => dependencies.readAll(partition),
      partitionCount: () => dependencies.partitionCount(),
      createShard: (_partition, timers) => new GroupShard(timers, dependencies),
    })
  }

  /** Offsets of an earlier run may expire though nobody asks for their groups. */
  start(): void {
    if (this.#dependencies.partitionCount() > 0) this.#armExpiry()
  }

  /** Answers what is parked and forgets all state; the log has it. */
  stop(): void {
    this.#expiryTimer?.cancel()
    this.#expiryTimer = undefined
    this.#runtime.stop()
  }

  joinGroup(request: JoinGroupRequest, caller: GroupCaller): JoinGroupResponse | Promise<JoinGroupResponse> {
    const { groupId, memberId, sessionTimeoutMs } = request
    const { config } = this.#dependencies
    const reply = new Reply<JoinGroupResponse>()
    try {
      const partition = this.#partitionOf(groupId)
      if (
        sessionTimeoutMs < config.get('group.min.session.timeout.ms') ||
        sessionTimeoutMs > config.get('group.max.session.timeout.ms')
      ) {
        throw new ApiError(ErrorCode.INVALID_SESSION_TIMEOUT)
      }
      const known = this.#runtime.shard(partition).groups.get(groupId)
      if (known?.type === 'consumer' && known.members.size > 0)
        return this.#joinConsumerGroup(known, request, caller)
      if (known?.type !== 'classic') {
        if (memberId !== '') throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
        this.#runtime.write(partition, (shard) => shard.create(groupId))
        this.#armExpiry()
      }
      this.#runtime.write(partition, (shard) =>
        shard.joins.join(classicGroup(shard, groupId), request, caller, reply),
      )
      return reply.result()
    } catch (error) {
      return joinError(codeOf(error), memberId)
    }
  }

  syncGroup(request: SyncGroupRequest): SyncGroupResponse | Promise<SyncGroupResponse> {
    const reply = new Reply<SyncGroupResponse>()
    try {
      const partition = this.#partitionOf(request.groupId)
      const group = memberGroup(this.#runtime.shard(partition), request.groupId)
      if (group.type === 'consumer')
        return this.#runtime.write(partition, (shard) => shard.classicMembers.sync(group, request))
      this.#runtime.write(partition, (shard) => shard.requests.sync(group, request, reply))
      return reply.result()
    } catch (error) {
      return syncError(codeOf(error))
    }
  }

  heartbeat(request: HeartbeatRequest): ErrorCode {
    try {
      const shard = this.#runtime.shard(this.#partitionOf(request.groupId))
      const group = memberGroup(shard, request.groupId)
      return group.type === 'consumer'
        ? shard.classicMembers.heartbeat(group, request)
        : shard.requests.heartbeat(group, request)
    } catch (error) {
      return codeOf(error)
    }
  }

  /** A heartbeat of the consumer protocol (KIP-848); a refusal is thrown, with the text that goes with it. */
  consumerGroupHeartbeat(
    request: ConsumerGroupHeartbeatRequest,
    caller: GroupCaller,
  ): ConsumerGroupHeartbeatResponse {
    const response = this.#runtime.write(this.#partitionOf(request.groupId), (shard) =>
      shard.consumerHeartbeat.handle(request, caller),
    )
    this.#armExpiry()
    return response
  }

  /** The outcome for each member; a refusal of the whole request is thrown. */
  leaveGroup(groupId: string, members: LeaveGroupRequest['members']): MemberResponse[] {
    return this.#runtime.write(this.#partitionOf(groupId), (shard) => {
      const group = shard.groups.get(groupId)
      if (group?.type === 'consumer') return shard.classicMembers.leave(group, members)
      if (group) return shard.requests.leave(group, members)
      const unknown = members.map(({ memberId, groupInstanceId }) => ({
        memberId,
        groupInstanceId,
        errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
      }))
      return { records: [], answer: () => unknown }
    })
  }

  /** An error code for each offset, in their order; a refusal of all of them is thrown. */
  commitOffsets(committer: Committer, offsets: readonly OffsetToCommit[]): ErrorCode[] {
    const partition = this.#anyPartitionOf(committer.groupId)
    const codes = this.#runtime.write(partition, (shard) => shard.offsets.commit(committer, offsets))
    this.#armExpiry()
    return codes
  }

  /**
   * What a group has committed, to be asked partition by partition. Throws when this broker does not coordinate the group, or when it is not
   * for this member; a null member with a negative epoch is an administrator.
   */
  offsetsOf(groupId: string, memberId: string | null = null, memberEpoch = -1): CommittedOffsets {
    const shard = this.#runtime.shard(this.#anyPartitionOf(groupId))
    shard.offsets.validateFetch(groupId, memberId, memberEpoch)
    return {
      get: (topic, partition, topicId) => shard.offsets.fetch(groupId, topic, partition, topicId),
      all: () => shard.store.ofGroup(groupId),
    }
  }

  /** An error code for each topic, by name. */
  deleteOffsets(
    groupId: string,
    topics: readonly { readonly name: string; readonly partitions: readonly number[] }[],
  ): ReadonlyMap<string, ErrorCode> {
    return this.#runtime.write(this.#partitionOf(groupId), (shard) => shard.offsets.delete(groupId, topics))
  }

  /** The group, or undefined when nobody knows it. */
  group(groupId: string): Group | undefined {
    return this.#runtime.shard(this.#anyPartitionOf(groupId)).groups.get(groupId)
  }

  listGroups(): GroupSummary[] {
    return this.#runtime.shards().flatMap((shard) =>
      Array.from(shard.groups.values(), ({ groupId, protocolType, state, type }) => ({
        groupId,
        protocolType: protocolType ?? '',
        state,
        type,
      })),
    )
  }

  deleteGroup(groupId: string): ErrorCode {
    try {
      return this.#runtime.write(this.#anyPartitionOf(groupId), (shard) => {
        const group = shard.groups.get(groupId)
        if (!group) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND)
        if (group.state !== 'Empty') throw new ApiError(ErrorCode.NON_EMPTY_GROUP)
        return { records: shard.remove(group), answer: () => ErrorCode.NONE }
      })
    } catch (error) {
      return codeOf(error)
    }
  }

  /** Offsets of topics that are gone go too. */
  onTopicsDeleted(names: readonly string[]): void {
    const topics = new Set(names)
    this.#forEachGroup((partition, groupId) => {
      this.#runtime.write(partition, (shard) => ({
        records: shard.offsets.tombstones(groupId, topics),
        answer: () => {},
      }))
    })
    this.onTopicsChanged(names, false)
  }

  /** Topics were created or have other partitions; `hasNew` tells whether some were created. */
  onTopicsChanged(names: readonly string[], hasNew: boolean): void {
    for (const shard of this.#runtime.loadedShards().values()) shard.onTopicsChanged(names, hasNew)
  }

  /** Groups in memory: states, members and what each waits for, offsets. */
  describe(): object {
    const groups = [...this.#runtime.loadedShards()].flatMap(([partition, shard]) =>
      shard.describe().map((group) => ({ partition, ...group })),
    )
    const { clock } = this.#dependencies
    return { groups, expiryInMs: this.#expiryTimer && this.#expiryTimer.dueMs - clock.elapsedMs() }
  }

  /** A member of the classic protocol joins a consumer group. */
  #joinConsumerGroup(
    group: ConsumerGroup,
    request: JoinGroupRequest,
    caller: GroupCaller,
  ): JoinGroupResponse {
    try {
      return this.#runtime.write(this.#partitionOf(group.groupId), (shard) =>
        shard.classicMembers.join(group, request, caller),
      )
    } catch (error) {
      return joinError(codeOf(error), UNKNOWN_MEMBER_ID)
    }
  }

  /** One timer for all groups, and none while there are none. */
  #armExpiry(): void {
    if (this.#expiryTimer) return
    const { clock, config } = this.#dependencies
    this.#expiryTimer = clock.schedule(config.get('offsets.retention.check.interval.ms'), () => {
      this.#expiryTimer = undefined
      this.#expire()
      if ([...this.#runtime.loadedShards().values()].some(({ groups }) => groups.size > 0)) this.#armExpiry()
    })
  }

  #expire(): void {
    const retentionMs = this.#dependencies.config.get('offsets.retention.minutes') * 60_000
    this.#forEachGroup((partition, groupId) => {
      this.#runtime.write(partition, (shard) => shard.expire(shard.groups.get(groupId)!, retentionMs))
    })
  }

  /** What fails for one group is no reason to leave out the others. */
  #forEachGroup(task: (partition: number, groupId: string) => void): void {
    for (const [partition, shard] of this.#runtime.shards().entries()) {
      for (const groupId of [...shard.groups.keys()]) {
        try {
          task(partition, groupId)
        } catch (error) {
          this.#dependencies.logger.warn({ groupId, err: error }, 'Offsets of group not cleaned up')
        }
      }
    }
  }

  #partitionOf(groupId: string): number {
    if (groupId === '') throw new ApiError(ErrorCode.INVALID_GROUP_ID)
    return this.#anyPartitionOf(groupId)
  }

  /** The empty group id is no group that one could join, but consumers without a group have always been able to commit under it. */
  #anyPartitionOf(groupId: string): number {
    const count = this.#dependencies.partitionCount()
    if (count === 0) throw new ApiError(ErrorCode.NOT_COORDINATOR)
    return coordinatorPartition(groupId, count)
  }
}

/** Committed offsets of one group. */
export interface CommittedOffsets {
  get(topic: string, partition: number, topicId?: string): CommittedOffset | undefined
  all(): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>
}

function memberGroup(shard: GroupShard, groupId: string): Group {
  const group = shard.groups.get(groupId)
  if (!group) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  return group
}

/** A group that is known to be one of the classic protocol. */
function classicGroup(shard: GroupShard, groupId: string): ClassicGroup {
  const group = memberGroup(shard, groupId)
  if (group.type !== 'classic') throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  return group
}

/** The code of a refusal; any other error is our fault and goes on. */
function codeOf(error: unknown): ErrorCode {
  if (error instanceof ApiError) return error.code
  throw error
}
