import type { AbortedTransaction } from './partition-log.ts'
import type { Segment } from './segment.ts'

/** See `PartitionLog.abortedTransactions`. */
export function findAborted(
  segments: readonly Segment[],
  fromOffset: bigint,
  upTo: bigint,
): AbortedTransaction[] {
  const found: AbortedTransaction[] = []
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1]
    if (next && next.baseOffset <= fromOffset) continue
    for (const entry of segment.transactionIndex.entries) {
      const { producerId, firstOffset, lastOffset, lastStableOffset } = entry
      if (lastOffset >= fromOffset && firstOffset < upTo) found.push({ producerId, firstOffset })
      // What ends later has begun at or behind this point.
      if (lastStableOffset >= upTo) return found
    }
  }
  return found
}
