import type { Deletion } from '../log/delete-records.ts'
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
  const answers = new Map<string, Answer[]>()
  const deletions: (Deletion & { readonly answer: Answer })[] = []
  for (const [name, offsets] of topics) {
    const partitions: Answer[] = []
    answers.set(name, partitions)
    for (const [partitionIndex, offset] of offsets) {
      const answer: Answer = { partitionIndex, lowWatermark: -1n, errorCode: ErrorCode.NONE }
      partitions.push(answer)
      try {
        deletions.push({ ...deletionOf(broker, name, partitionIndex, offset), answer })
      } catch (error) {
        refuse(answer, error)
      }
    }
  }
  broker.partitions.deleteRecords(deletions).forEach((outcome, at) => {
    const { answer } = deletions[at]!
    if (typeof outcome === 'bigint') answer.lowWatermark = outcome
    else refuse(answer, outcome)
  })
  return { throttleTimeMs: 0, topics: Array.from(answers, ([name, partitions]) => ({ name, partitions })) }
})

interface Answer {
  readonly partitionIndex: number
  lowWatermark: bigint
  errorCode: number
}

function refuse(answer: Answer, error: unknown): void {
  if (!(error instanceof ApiError)) throw error
  answer.errorCode = error.code
}

/** Throws `ApiError` when there is nothing to delete from. */
function deletionOf(broker: BrokerServices, topic: string, index: number, offset: bigint): Deletion {
  if (isInternalTopic(topic)) throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION)
  const partition = broker.partitions.get(topic, index)
  if (!partition) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const policy = partition.config['cleanup.policy']
  if (policy.includes('compact') && !policy.includes('delete')) throw new ApiError(ErrorCode.POLICY_VIOLATION)
  const target = offset === HIGH_WATERMARK ? partition.log.highWatermark : offset
  if (target < 0n) throw new ApiError(ErrorCode.OFFSET_OUT_OF_RANGE)
  return { partition, offset: target }
}
