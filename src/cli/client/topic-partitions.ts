import { ListOffsets } from '../../protocol/generated/list-offsets.ts'
import type { MetadataResponsePartition, MetadataResponseTopic } from '../../protocol/generated/metadata.ts'
import { check } from './broker-error.ts'
import type { Cluster } from './cluster.ts'

/** What ListOffsets takes for a timestamp to mean the end or the beginning of a partition. */
export const LATEST = -1n
export const EARLIEST = -2n

/** Partitions by the broker that leads them. */
export function byLeader<Partition extends Pick<MetadataResponsePartition, 'leaderId'>>(
  partitions: Iterable<Partition>,
): Map<number, Partition[]> {
  const groups = new Map<number, Partition[]>()
  for (const partition of partitions) {
    const group = groups.get(partition.leaderId)
    if (group) group.push(partition)
    else groups.set(partition.leaderId, [partition])
  }
  return groups
}

/**
 * Offset of the first record at or after `timestamp` in each partition; -1 where there is none. LATEST and EARLIEST stand for the end and
 * the beginning.
 */
export async function listOffsets(
  cluster: Cluster,
  topic: MetadataResponseTopic,
  timestamp: bigint,
  only: (partition: number) => boolean = () => true,
): Promise<Map<number, bigint>> {
  const name = topic.name ?? ''
  const offsets = new Map<number, bigint>()
  const wanted = topic.partitions.filter(({ partitionIndex }) => only(partitionIndex))
  await Promise.all(
    [...byLeader(wanted)].map(async ([leaderId, partitions]) => {
      const leader = await cluster.broker(leaderId)
      // Version 0 gives offsets of segments, not of timestamps.
      const { topics } = await leader.request(ListOffsets, { min: 1 }, () => ({
        replicaId: -1,
        isolationLevel: 0,
        topics: [
          {
            name,
            partitions: partitions.map(({ partitionIndex }) => ({
              partitionIndex,
              currentLeaderEpoch: -1,
              timestamp,
              maxNumOffsets: 1,
            })),
          },
        ],
        timeoutMs: 10_000,
      }))
      for (const { partitionIndex, errorCode, offset } of topics[0]?.partitions ?? []) {
        check(errorCode, `${name}-${partitionIndex}`)
        offsets.set(partitionIndex, offset)
      }
    }),
  )
  return offsets
}
