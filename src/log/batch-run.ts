import {
  batchSizeInBytes,
  lastOffset,
  lastOffsetDelta,
  maxTimestamp,
  stampBatch,
} from '../protocol/record-batch.ts'
import type { AppendInfo } from './partition-log.ts'
import type { ProducedBatch } from './producer-states.ts'

/** Last offset and largest timestamp of batches that follow each other. */
export function extentOf(bytes: Buffer): { readonly lastOffset: bigint; readonly maxTimestamp: bigint } {
  let last = -1n
  let timestamp = -1n
  for (let at = 0; at < bytes.length; at += batchSizeInBytes(bytes, at)) {
    last = lastOffset(bytes, at)
    const latest = maxTimestamp(bytes, at)
    if (latest > timestamp) timestamp = latest
  }
  return { lastOffset: last, maxTimestamp: timestamp }
}

/** Gives our own batches their offsets and epoch. */
export function stampBatches(bytes: Buffer, base: bigint, leaderEpoch: number): void {
  let next = base
  for (let at = 0; at < bytes.length; at += batchSizeInBytes(bytes, at)) {
    stampBatch(bytes, at, next, leaderEpoch)
    next += BigInt(lastOffsetDelta(bytes, at)) + 1n
  }
}

/** The answer to a batch that was there already: what the first append was answered. */
export function duplicateInfo(
  { lastOffset: last, offsetDelta, timestamp }: ProducedBatch,
  logStartOffset: bigint,
): AppendInfo {
  return {
    baseOffset: last - BigInt(offsetDelta),
    lastOffset: last,
    logAppendTimeMs: timestamp,
    logStartOffset,
    isDuplicate: true,
  }
}
