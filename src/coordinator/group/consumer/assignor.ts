import type { Uuid } from '../../../protocol/api.ts'
import type { TargetPartitions } from './partitions.ts'

/** A member, as an assignor sees it. */
export interface MemberToAssign {
  readonly memberId: string
  readonly instanceId: string | null
  /** Topics that it subscribes to and that exist. */
  readonly topicIds: readonly Uuid[]
  /** Its part of the last target assignment. */
  readonly target: TargetPartitions
}

/** What there is to assign, and to whom. */
export interface AssignmentTask {
  /** In the order in which Apache Kafka's assignors see them. */
  readonly members: readonly MemberToAssign[]
  /** All members subscribe to the same topics. */
  readonly isSameForAll: boolean
  partitionCount(topicId: Uuid): number
  /** Some member had it in the last target assignment. */
  isTargeted(topicId: Uuid, partition: number): boolean
}

/** Works out what each member is to have. Members that get nothing may be left out. */
export type Assignor = (task: AssignmentTask) => Map<string, TargetPartitions>
