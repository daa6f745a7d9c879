export interface ProducerSnapshotEntry { producerId: bigint; producerEpoch: number; lastSequence: number; lastOffset: bigint; offsetDelta: number; timestamp: bigint; coordinatorEpoch: number; currentTxnFirstOffset: bigint }
export function decodeProducerSnapshot(_b: Buffer): ProducerSnapshotEntry[] { throw new Error('unfinished') }
export function encodeProducerSnapshot(_e: readonly ProducerSnapshotEntry[]): Buffer { return Buffer.alloc(0) }
