import type { BrokerConfig } from '../../config/broker-config.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Clock, Random } from '../../platform/platform.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type { DeletableGroupResult } from '../../protocol/generated/delete-groups.ts'
import type { DescribedGroup } from '../../protocol/generated/describe-groups.ts'
import type { HeartbeatRequest } from '../../protocol/generated/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import type { LeaveGroupRequest, LeaveGroupResponse } from '../../protocol/generated/leave-group.ts'
import type { ListedGroup } from '../../protocol/generated/list-groups.ts'
import type { OffsetCommitRequest, OffsetCommitResponse } from '../../protocol/generated/offset-commit.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../protocol/generated/offset-delete.ts'
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/generated/sync-group.ts'
import { coordinatorPartition } from '../../protocol/hash.ts'
import { CoordinatorRuntime } from '../runtime.ts'
import type { CommittedOffset } from './offset-store.ts'
import { GroupShard } from './group-shard.ts'
import { joinError, syncError } from './responses.ts'

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
  topic(name: string): { readonly topicId: string; readonly partitionCount: number } | undefined
  topicName(topicId: string): string | undefined
}

/** Who asks: the facts of a request that its body does not carry. */
export interface GroupCaller {
  readonly apiVersion: number
  /** A null client id counts as the empty one. */
  readonly clientId: string
  /** As Kafka shows and stores it: a slash, then the address. */
  readonly clientHost: string
}
