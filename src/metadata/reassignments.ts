import { type Uuid, ZERO_UUID } from '../protocol/api.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import type { MetadataImage, PartitionImage } from './metadata-image.ts'
import type { MetadataRecord } from './metadata-record.ts'
import { partitionChange } from './partition-change.ts'
import { checkReplicas, type ReplicaAssignment } from './replica-placement.ts'

/** Which brokers shall hold a partition (KIP-455); null takes a move back that goes on. */
export interface PartitionReassignment {
  readonly partition: number
  readonly replicas: ReplicaAssignment | null
}

export interface TopicReassignment {
  readonly name: string
  readonly partitions: readonly PartitionReassignment[]
}

export interface ReassignmentOutcome {
  readonly name: string
  readonly partitions: readonly { readonly partition: number; readonly error: ApiError | undefined }[]
}

/** Decides on moves of partitions, each for itself. */
export function alterReassignments(
  image: MetadataImage,
  topics: readonly TopicReassignment[],
  mayChangeReplicationFactor: boolean,
): { records: MetadataRecord[]; outcomes: ReassignmentOutcome[] } {
  const records: MetadataRecord[] = []
  const attempt = (name: string, reassignment: PartitionReassignment): ApiError | undefined => {
    try {
      const record = reassign(image, name, reassignment, mayChangeReplicationFactor)
      if (record) records.push(record)
      return undefined
    } catch (error) {
      if (error instanceof ApiError) return error
      throw error
    }
  }
  const outcomes = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((each) => ({ partition: each.partition, error: attempt(name, each) })),
  }))
  return { records, outcomes }
}

function reassign(
  image: MetadataImage,
  name: string,
  { partition: index, replicas }: PartitionReassignment,
  mayChangeReplicationFactor: boolean,
): MetadataRecord | undefined {
  const topic = image.topic(name)
  if (!topic) {
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${name}.`)
  }
  const partition = topic.partitions[index]
  if (!partition) {
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${name}:${index}.`)
  }
  if (replicas === null) return cancellation(image, topic.topicId, partition)
  checkReplicas(image.brokers, replicas, undefined)
  if (!mayChangeReplicationFactor) checkReplicationFactor(partition, replicas)
  return move(image, topic.topicId, partition, replicas)
}

/** Where a partition lies when a move that goes on is done. */
function destination({ replicas, removingReplicas }: PartitionImage): ReplicaAssignment {
  return replicas.filter((id) => !removingReplicas.includes(id))
}

export function isReassigning({ addingReplicas, removingReplicas }: PartitionImage): boolean {
  return addingReplicas.length > 0 || removingReplicas.length > 0
}

/** KIP-860. */
function checkReplicationFactor(partition: PartitionImage, replicas: ReplicaAssignment): void {
  const current = destination(partition).length
  if (current === replicas.length) return
  throw new ApiError(
    ErrorCode.INVALID_REPLICATION_FACTOR,
    `The replication factor is changed from ${current} to ${replicas.length}`,
  )
}

function cancellation(image: MetadataImage, topicId: Uuid, partition: PartitionImage): MetadataRecord {
  if (!isReassigning(partition)) throw new ApiError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
  const isOld = (id: number) => !partition.addingReplicas.includes(id)
  const isr = partition.isr.filter(isOld)
  return placement(
    topicId,
    partition,
    {
      replicas: partition.replicas.filter(isOld),
      isr: isr.length > 0 ? isr : partition.isr,
      adding: [],
      removing: [],
    },
    image,
  )
}

/**
 * A move begins by adding replicas, and ends, with those gone that shall go, when the new ones are in sync. Where nothing has to be
 * copied that is at once.
 */
function move(
  image: MetadataImage,
  topicId: Uuid,
  partition: PartitionImage,
  target: ReplicaAssignment,
): MetadataRecord | undefined {
  const old = partition.replicas.filter((id) => !partition.addingReplicas.includes(id))
  const removing = old.filter((id) => !target.includes(id)).sort((a, b) => a - b)
  const adding = target.filter((id) => !old.includes(id)).sort((a, b) => a - b)
  const isr = partition.isr.filter((id) => !removing.includes(id))
  const isDone = isr.length > 0 && adding.every((id) => isr.includes(id))
  const next = isDone
    ? { replicas: target, isr, adding: [], removing: [] }
    : { replicas: [...target, ...removing], isr: partition.isr, adding, removing }
  if (isSame(next.replicas, partition.replicas) && !isReassigning(partition) && isDone) return undefined
  return placement(topicId, partition, next, image)
}

interface Placement {
  readonly replicas: ReplicaAssignment
  readonly isr: readonly number[]
  readonly adding: readonly number[]
  readonly removing: readonly number[]
}

function placement(
  topicId: Uuid,
  partition: PartitionImage,
  { replicas, isr, adding, removing }: Placement,
  image: MetadataImage,
): MetadataRecord {
  const { leader } = partition
  const directories = replicas.map((id) => {
    const at = partition.replicas.indexOf(id)
    return partition.directories[at] ?? onlyDirectory(image, id)
  })
  const alive = isr.find((id) => image.brokers.get(id)?.isFenced === false) ?? isr[0]
  const nextLeader = leader === -1 || isr.includes(leader) ? leader : (alive ?? leader)
  // A replica that is gone must not take part in what follows: a new leader epoch tells it so.
  const isShrunk = !partition.replicas.every((id) => replicas.includes(id))
  return partitionChange(topicId, partition.partition, {
    replicas: isSame(replicas, partition.replicas) ? null : replicas,
    directories: isSame(replicas, partition.replicas) ? null : directories,
    isr: isSame(isr, partition.isr) ? null : isr,
    addingReplicas: isSame(adding, partition.addingReplicas) ? null : adding,
    removingReplicas: isSame(removing, partition.removingReplicas) ? null : removing,
    ...(nextLeader === leader && !isShrunk ? {} : { leader: nextLeader }),
  })
}

/** A broker with several directories decides itself, and tells later (KIP-858). */
function onlyDirectory(image: MetadataImage, id: number): Uuid {
  const logDirs = image.brokers.get(id)?.logDirs ?? []
  return logDirs.length === 1 ? logDirs[0]! : ZERO_UUID
}

function isSame<Value>(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at])
}
