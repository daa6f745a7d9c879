import type { AbortedTransaction } from './partition-log.ts'
import type { Segment } from './segment.ts'
import type { AbortedEntry } from './transaction-index.ts'

/** See `PartitionLog.abortedTransactions`. */
export function findAborted(
  segments: readonly Segment[],
  fromOffset: bigint,
  upTo: bigint,
): AbortedTransaction[] {
  return findAbortedEntries(segments, fromOffset, upTo).map(({ producerId, firstOffset }) => ({
    producerId,
    firstOffset,
  }))
}

/** The same with all that the indexes say of them. */
export function findAbortedEntries(
  segments: readonly Segment[],
  fromOffset: bigint,
  upTo: bigint,
): AbortedEntry[] {
  const found: AbortedEntry[] = []
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1]
    if (next && next.baseOffset <= fromOffset) continue
    for (const entry of segment.transactionIndex.entries) {
      if (entry.lastOffset >= fromOffset && entry.firstOffset < upTo) found.push(entry)
      // What ends later has begun at or behind this point.
      if (entry.lastStableOffset >= upTo) return found
    }
  }
  return found
}
