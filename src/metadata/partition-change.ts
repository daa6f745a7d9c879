import type { Uuid } from '../protocol/api.ts'
import { PartitionChangeRecord } from '../protocol/generated/metadata-records.ts'
import { type MetadataRecord, metadataRecord } from './metadata-record.ts'

/** Stands in a PartitionChangeRecord for "the leader stays". */
export const LEADER_STAYS = -2

/** A record that changes what it names of a partition, and leaves the rest. */
export function partitionChange(
  topicId: Uuid,
  partitionId: number,
  change: Partial<PartitionChangeRecord>,
): MetadataRecord {
  return metadataRecord(PartitionChangeRecord, {
    isr: null,
    leader: LEADER_STAYS,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: -1,
    directories: null,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    ...change,
    partitionId,
    topicId,
  })
}
