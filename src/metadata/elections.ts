import type { Uuid } from '../protocol/api.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import type { MetadataImage, PartitionImage } from './metadata-image.ts'
import type { MetadataRecord } from './metadata-record.ts'
import { partitionChange } from './partition-change.ts'

const NO_LEADER = -1
/** The leader may lack records that clients were told of. */
const RECOVERING = 1

/** As ElectLeaders numbers them (KIP-460). */
export const ElectionType = { PREFERRED: 0, UNCLEAN: 1 } as const

/** Partitions of a topic that shall get another leader. */
export interface ElectionRequest {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface ElectionOutcome {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly error: ApiError | undefined }[]
}

/**
 * Elects a broker that is back as the leader of partitions that it can lead and nobody does: Apache Kafka leaves them so when it stops.
 * After a crash all that it leads get a new leader epoch too: records may be lost that clients have seen, and that is how they find
 * out (KIP-320).
 */
export function electionsAtStart(
  image: MetadataImage,
  brokerId: number,
  isAfterCrash: boolean,
): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const { topicId, partitions } of image.topics.values()) {
    for (const partition of partitions) {
      const isLost = partition.leader === NO_LEADER
      if ((isLost && canLead(partition, brokerId)) || (isAfterCrash && partition.leader === brokerId)) {
        records.push(election(topicId, partition, brokerId))
      } else if (isLost && isTheLastOne(partition, brokerId)) {
        records.push(uncleanElection(topicId, partition, brokerId))
      }
    }
  }
  return records
}

/**
 * Decides on elections that a client asks for. null means all partitions: those that need no election are then left out of their
 * topic's row.
 */
export function electLeaders(
  image: MetadataImage,
  electionType: number,
  requests: readonly ElectionRequest[] | null,
): { records: MetadataRecord[]; outcomes: ElectionOutcome[] } {
  const records: MetadataRecord[] = []
  const elect = (topic: string, partition: number): ApiError | undefined => {
    try {
      records.push(electionOf(image, electionType, topic, partition))
      return undefined
    } catch (error) {
      if (error instanceof ApiError) return error
      throw error
    }
  }
  const outcomes = (requests ?? allPartitions(image)).map(({ topic, partitions }): ElectionOutcome => {
    const rows = partitions.map((partition) => ({ partition, error: elect(topic, partition) }))
    const isWanted = (error: ApiError | undefined) => error?.code !== ErrorCode.ELECTION_NOT_NEEDED
    return { topic, partitions: requests ? rows : rows.filter(({ error }) => isWanted(error)) }
  })
  return { records, outcomes }
}

/** What becomes of partitions when a broker goes: others lead, or nobody does; the last in sync may come back as the leader (KIP-966). */
export function departures(image: MetadataImage, brokerId: number): MetadataRecord[] {
  const hasEligibleReplicas = (image.features.get('eligible.leader.replicas.version') ?? 0) > 0
  const isAlive = (id: number) => image.brokers.get(id)?.isFenced === false
  const records: MetadataRecord[] = []
  for (const { topicId, partitions } of image.topics.values()) {
    for (const { partition, isr, leader, eligibleLeaderReplicas } of partitions) {
      if (!isr.includes(brokerId) && leader !== brokerId) continue
      const rest = isr.filter((id) => id !== brokerId)
      const keepsItself = rest.length === 0 && !hasEligibleReplicas
      records.push(
        partitionChange(topicId, partition, {
          isr: keepsItself ? null : rest,
          eligibleLeaderReplicas:
            rest.length === 0 && hasEligibleReplicas ? [...eligibleLeaderReplicas, brokerId] : null,
          ...(leader === brokerId ? { leader: rest.find(isAlive) ?? NO_LEADER } : {}),
        }),
      )
    }
  }
  return records
}

function allPartitions(image: MetadataImage): ElectionRequest[] {
  return Array.from(image.topics.values(), ({ name, partitions }) => ({
    topic: name,
    partitions: partitions.map(({ partition }) => partition),
  }))
}

function electionOf(image: MetadataImage, electionType: number, name: string, index: number): MetadataRecord {
  const topic = image.topic(name)
  if (!topic) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${name}`)
  const partition = topic.partitions[index]
  if (!partition) {
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${name}-${index}`)
  }
  const { replicas, leader } = partition
  const isAlive = (id: number) => image.brokers.get(id)?.isFenced === false
  const isPreferred = electionType === ElectionType.PREFERRED
  if (isPreferred ? leader === replicas[0] : leader !== NO_LEADER) {
    throw new ApiError(ErrorCode.ELECTION_NOT_NEEDED, 'Leader election not needed for topic partition.')
  }
  const eligible = replicas.filter((id) => isAlive(id) && canLead(partition, id))
  if (isPreferred) {
    if (eligible.includes(replicas[0]!)) return election(topic.topicId, partition, replicas[0]!)
    throw new ApiError(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE)
  }
  if (eligible[0] !== undefined) return election(topic.topicId, partition, eligible[0])
  const survivor = replicas.find(isAlive)
  if (survivor === undefined) throw new ApiError(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE)
  return uncleanElection(topic.topicId, partition, survivor)
}

function canLead({ isr, eligibleLeaderReplicas }: PartitionImage, brokerId: number): boolean {
  return isr.includes(brokerId) || eligibleLeaderReplicas.includes(brokerId)
}

/** Apache Kafka leaves it so when it is killed after a crash, before it has elected anybody: the last known leader leads again (KIP-966). */
function isTheLastOne(
  { isr, eligibleLeaderReplicas, lastKnownElr }: PartitionImage,
  brokerId: number,
): boolean {
  const nobodyElse = isr.length === 0 && eligibleLeaderReplicas.length === 0
  return nobodyElse && lastKnownElr.length === 1 && lastKnownElr[0] === brokerId
}

function election(topicId: Uuid, partition: PartitionImage, leader: number): MetadataRecord {
  const { isr, eligibleLeaderReplicas, lastKnownElr } = partition
  return partitionChange(topicId, partition.partition, {
    leader,
    isr: isr.includes(leader) ? null : [...isr, leader],
    eligibleLeaderReplicas: eligibleLeaderReplicas.length > 0 ? [] : null,
    lastKnownElr: lastKnownElr.length > 0 ? [] : null,
  })
}

/** A replica leads that may lack records: from now on what it has is the truth. */
function uncleanElection(topicId: Uuid, partition: PartitionImage, leader: number): MetadataRecord {
  const { eligibleLeaderReplicas, lastKnownElr } = partition
  return partitionChange(topicId, partition.partition, {
    leader,
    isr: [leader],
    leaderRecoveryState: RECOVERING,
    eligibleLeaderReplicas: eligibleLeaderReplicas.length > 0 ? [] : null,
    lastKnownElr: lastKnownElr.length > 0 ? [] : null,
  })
}
