import { ApiError } from '../protocol/error-code.ts'
import type { LogTrimmer } from './log-trimmer.ts'
import type { Partition } from './partition.ts'

/** All below `offset` (at most the high watermark) goes. */
export interface Deletion {
  readonly partition: Partition
  readonly offset: bigint
}

/**
 * Moves the starts of logs, writes once for all of them where they are, and removes the segments below. Gives for each its start, or why
 * nothing was deleted there.
 */
export function deleteRecords(
  deletions: readonly Deletion[],
  writeStarts: () => void,
): (bigint | ApiError)[] {
  const moved: { readonly trimmer: LogTrimmer; readonly before: bigint; readonly at: number }[] = []
  const outcomes = deletions.map(({ partition, offset }, at): bigint | ApiError => {
    try {
      const { log } = partition
      const before = log.logStartOffset
      if (log.trimmer.moveStart(offset)) moved.push({ trimmer: log.trimmer, before, at })
      return log.logStartOffset
    } catch (error) {
      if (error instanceof ApiError) return error
      throw error
    }
  })
  if (moved.length === 0) return outcomes
  try {
    writeStarts()
  } catch (error) {
    for (const { trimmer, before, at } of moved) outcomes[at] = trimmer.moveBack(before, error)
    return outcomes
  }
  for (const { trimmer, at } of moved) outcomes[at] = trimmer.removeBelowStart()
  return outcomes
}
