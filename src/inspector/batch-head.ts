import { type Region, slice } from './node.ts'

/** Bytes in front of what the length of a batch or message counts. */
export const LOG_OVERHEAD = 12
/** Where the magic stands in every format. */
export const MAGIC_AT = 16
/** Bytes of a batch of magic 2 in front of its records. */
export const BATCH_OVERHEAD = 61
/** The smallest batch or message of each magic. */
export const leastBatchBytes: readonly number[] = [26, 34, BATCH_OVERHEAD]

/** Size of the batch at a position by what it says itself; undefined when its head is not there or cannot be one. */
export function batchSize(region: Region, position: number): number | undefined {
  const head = slice(region, position, MAGIC_AT + 1)
  if (head.length <= MAGIC_AT) return undefined
  const size = LOG_OVERHEAD + head.readInt32BE(8)
  const least = leastBatchBytes[head[MAGIC_AT]!]
  return least !== undefined && size >= least ? size : undefined
}
