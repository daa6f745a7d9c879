import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { UnregisterBroker, type UnregisterBrokerResponse } from '../protocol/generated/unregister-broker.ts'
import { handler } from './handler.ts'

/** UnregisterBroker (key 64, KIP-631): forgets a broker, so that it counts no more where replicas are placed. */
export const unregisterBroker = handler(
  UnregisterBroker,
  async ({ brokerId }, { broker }): Promise<UnregisterBrokerResponse> => {
    try {
      await broker.controller.unregisterBroker(brokerId)
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { throttleTimeMs: 0, errorCode: error.code, errorMessage: error.message }
    }
  },
)
