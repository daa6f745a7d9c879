import type { Partition } from '../log/partition.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { DeleteRecords } from '../protocol/generated/delete-records.ts'
import { type BrokerServices, handler } from './handler.ts'
import { isInternalTopic } from './internal-topics.ts'

/** Offset that stands for the high watermark. */
const HIGH_WATERMARK = -1n

/**
 * DeleteRecords (key 21): moves the beginning of partitions forward (KIP-107). All versions alike; 2 is flexible. Of a partition that
 * stands in the request twice the last one counts, and its topic is answered once: as in Kafka.
 */
export const deleteRecords = handler(DeleteRecords, (request, { broker }) => {
  const topics = new Map<string, Map<number, bigint>>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex, offset } of partitions) {
      const offsets = topics.get(name)
      if (offsets) offsets.set(partitionIndex, offset)
      else topics.set(name, new Map([[partitionIndex, offset]]))
    }
  }
  return {
    throttleTimeMs: 0,
    topics: Array.from(topics, ([name, offsets]) => ({
      name,
      partitions: Array.from(offsets, ([index, offset]) => deleteFrom(broker, name, index, offset)),
    })),
  }
})

function deleteFrom(broker: BrokerServices, topic: string, partitionIndex: number, offset: bigint) {
  const refused = (errorCode: number) => ({ partitionIndex, lowWatermark: -1n, errorCode })
  if (isInternalTopic(topic)) return refused(ErrorCode.INVALID_TOPIC_EXCEPTION)
  const partition = broker.partitions.get(topic, partitionIndex)
  if (!partition) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  try {
    return { partitionIndex, lowWatermark: deleteBefore(partition, offset), errorCode: ErrorCode.NONE }
  } catch (error) {
    if (error instanceof ApiError) return refused(error.code)
    throw error
  }
}

function deleteBefore(partition: Partition, offset: bigint): bigint {
  const policy = partition.config['cleanup.policy']
  if (policy.includes('compact') && !policy.includes('delete')) throw new ApiError(ErrorCode.POLICY_VIOLATION)
  const { log } = partition
  const target = offset === HIGH_WATERMARK ? log.highWatermark : offset
  if (target < 0n || target > log.highWatermark) throw new ApiError(ErrorCode.OFFSET_OUT_OF_RANGE)
  return log.deleteRecordsBefore(target)
}
