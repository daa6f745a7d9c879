import type { LogDescription } from './partition-log.ts'
import type { ProducerState } from './producer-states.ts'

export function describeProducer(state: ProducerState): LogDescription['producers'][number] {
  return {
    producerId: state.producerId,
    producerEpoch: state.producerEpoch,
    lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: state.lastTimestamp,
    coordinatorEpoch: state.coordinatorEpoch,
    currentTransactionFirstOffset: state.currentTransactionFirstOffset,
  }
}
