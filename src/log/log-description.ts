import type { TopicConfig } from '../config/topic-config.ts'
import type { LogDescription } from './partition-log.ts'
import type { ProducerState } from './producer-states.ts'

export function describeProducer(state: ProducerState): LogDescription['producers'][number] {
  return {
    producerId: state.producerId,
    producerEpoch: state.producerEpoch,
    lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: state.lastTimestamp,
    currentTransactionFirstOffset: state.currentTransactionFirstOffset,
  }
}

/** Plain sentences on what the configuration asks for and is not done. */
export function notesOn(config: TopicConfig): string[] {
  if (!config['cleanup.policy'].includes('compact')) return []
  return ['cleanup.policy asks for compaction, which is not done yet: all records are kept']
}
