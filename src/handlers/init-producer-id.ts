import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { InitProducerId } from '../protocol/generated/init-producer-id.ts'
import { handler } from './handler.ts'

/**
 * InitProducerId (key 22): an id for an idempotent producer (KIP-98). 3 and newer bring the id and epoch that a producer had (KIP-360),
 * which matter for transactions only: without a transactional id the answer is always a new id with epoch 0.
 *
 * Transactions are not served yet. The answer is one that clients give up at, with a message that fits: while a coordinator is merely not
 * available they would ask again and again.
 */
export const initProducerId = handler(InitProducerId, async (request, { broker }) => {
  const { transactionalId, producerId, producerEpoch } = request
  const answer = { throttleTimeMs: 0, ongoingTxnProducerId: -1n, ongoingTxnProducerEpoch: -1 }
  const refused = (errorCode: number) => ({ ...answer, errorCode, producerId: -1n, producerEpoch: -1 })
  if ((producerId === -1n) !== (producerEpoch === -1)) return refused(ErrorCode.INVALID_REQUEST)
  if (transactionalId === '') return refused(ErrorCode.INVALID_REQUEST)
  if (transactionalId !== null) return refused(ErrorCode.UNSUPPORTED_VERSION)
  try {
    const newProducerId = await broker.producerIds.next()
    return { ...answer, errorCode: ErrorCode.NONE, producerId: newProducerId, producerEpoch: 0 }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return refused(error.code)
  }
})
