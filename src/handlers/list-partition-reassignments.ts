import type { PartitionImage } from '../metadata/metadata-image.ts'
import { isReassigning } from '../metadata/reassignments.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  ListPartitionReassignments,
  type ListPartitionReassignmentsRequest,
} from '../protocol/generated/list-partition-reassignments.ts'
import { type BrokerServices, handler } from './handler.ts'

/** ListPartitionReassignments (key 46, KIP-455): moves that go on, all of them or those of some partitions. What is not known is left out. */
export const listPartitionReassignments = handler(ListPartitionReassignments, ({ topics }, { broker }) => {
  const listed = Array.from(candidates(topics, broker), ({ name, partitions }) => ({
    name,
    partitions: partitions.filter(isReassigning).map((each) => ({
      partitionIndex: each.partition,
      replicas: each.replicas,
      addingReplicas: each.addingReplicas,
      removingReplicas: each.removingReplicas,
    })),
  }))
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    topics: listed.filter(({ partitions }) => partitions.length > 0),
  }
})

function candidates(
  topics: ListPartitionReassignmentsRequest['topics'],
  { metadata }: BrokerServices,
): Iterable<{ readonly name: string; readonly partitions: readonly PartitionImage[] }> {
  if (topics === null) return metadata.topics.values()
  return topics.map(({ name, partitionIndexes }) => {
    const known = metadata.topic(name)?.partitions ?? []
    return { name, partitions: known.filter(({ partition }) => partitionIndexes.includes(partition)) }
  })
}
