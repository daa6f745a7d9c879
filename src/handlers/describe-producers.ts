import { checkTopicName } from '../metadata/topic-names.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { DescribeProducers, type PartitionResponse } from '../protocol/generated/describe-producers.ts'
import { type BrokerServices, handler } from './handler.ts'

/** DescribeProducers (key 61, KIP-664): idempotent and transactional producers that a partition knows. */
export const describeProducers = handler(DescribeProducers, ({ topics }, { broker }) => ({
  throttleTimeMs: 0,
  topics: topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => describe(name, partitionIndex, broker)),
  })),
}))

function describe(topic: string, partitionIndex: number, broker: BrokerServices): PartitionResponse {
  try {
    checkTopicName(topic)
    if (!broker.metadata.topic(topic)) {
      throw new ApiError(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        'This server does not host this topic-partition.',
      )
    }
    const partition = broker.partitions.get(topic, partitionIndex)
    if (!partition) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const activeProducers = partition.log.describe().producers.map((producer) => ({
      producerId: producer.producerId,
      producerEpoch: producer.producerEpoch,
      lastSequence: producer.lastSequence,
      lastTimestamp: producer.lastTimestamp,
      coordinatorEpoch: producer.coordinatorEpoch,
      currentTxnStartOffset: producer.currentTransactionFirstOffset,
    }))
    return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null, activeProducers }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { partitionIndex, errorCode: error.code, errorMessage: error.explanation, activeProducers: [] }
  }
}
