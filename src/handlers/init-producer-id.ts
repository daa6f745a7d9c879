import { ErrorCode } from '../protocol/error-code.ts'
import { InitProducerId } from '../protocol/generated/init-producer-id.ts'
import { handler } from './handler.ts'

/**
 * InitProducerId (key 22): an id for an idempotent producer (KIP-98). 3 and newer bring the id and epoch that a producer had (KIP-360),
 * which matter for transactions only: without a transactional id the answer is always a new id with epoch 0.
 *
 * Transactions have no coordinator here yet, which is what Kafka says too while theirs cannot be found.
 */
export const initProducerId = handler(InitProducerId, (request, { broker }) => {
  const { transactionalId, producerId, producerEpoch } = request
  const refused = (errorCode: number) => ({
    throttleTimeMs: 0,
    errorCode,
    producerId: -1n,
    producerEpoch: -1,
  })
  if ((producerId === -1n) !== (producerEpoch === -1)) return refused(ErrorCode.INVALID_REQUEST)
  if (transactionalId === '') return refused(ErrorCode.INVALID_REQUEST)
  if (transactionalId !== null) return refused(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    producerId: broker.producerIds.next(),
    producerEpoch: 0,
  }
})
