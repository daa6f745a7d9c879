import { readRecords } from '../protocol/record.ts'
import { baseOffset, isControlBatch, isTransactional, producerId } from '../protocol/record-batch.ts'
import { batchesOf } from './batches.ts'

/** In the key of a control record, behind its version: how a transaction ended. */
const TYPE_AT = 2
const COMMIT = 1

/**
 * The batches of an internal topic's partition that count: not the marks that end transactions, and of those that transactions wrote
 * (offsets that a producer sends along) only those that were committed (KIP-98). `read` gives the log from its start, in buffers of whole
 * batches; it is asked a second time when there are transactions in it.
 */
export function* countedBatches(read: () => Iterable<Buffer>): Generator<Buffer> {
  let uncommitted: ReadonlySet<bigint> | undefined
  for (const batch of batchesIn(read())) {
    if (isControlBatch(batch, 0)) continue
    if (isTransactional(batch, 0)) {
      uncommitted ??= uncommittedBatches(read())
      if (uncommitted.has(baseOffset(batch, 0))) continue
    }
    yield batch
  }
}

/** Base offsets of the batches whose transaction was aborted, or has not ended. */
function uncommittedBatches(buffers: Iterable<Buffer>): Set<bigint> {
  const uncommitted = new Set<bigint>()
  /** Of the transactions that go on, by their producer. */
  const open = new Map<bigint, bigint[]>()
  for (const batch of batchesIn(buffers)) {
    if (!isTransactional(batch, 0)) continue
    const producer = producerId(batch, 0)
    const offsets = open.get(producer) ?? []
    if (!isControlBatch(batch, 0)) {
      offsets.push(baseOffset(batch, 0))
      uncommitted.add(baseOffset(batch, 0))
      open.set(producer, offsets)
      continue
    }
    if (isCommit(batch)) for (const offset of offsets) uncommitted.delete(offset)
    open.delete(producer)
  }
  return uncommitted
}

function isCommit(batch: Buffer): boolean {
  for (const { key } of readRecords(batch)) return key?.readInt16BE(TYPE_AT) === COMMIT
  return false
}

function* batchesIn(buffers: Iterable<Buffer>): Generator<Buffer> {
  for (const buffer of buffers) yield* batchesOf(buffer)
}
