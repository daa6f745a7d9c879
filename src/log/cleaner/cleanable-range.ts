import type { Segment } from '../segment.ts'
import type { CleanableLog } from './cleanable-log.ts'

/** Which part of a log can be cleaned, and how much there is to gain. */
export interface CleanableRange {
  /** Up to here it has been cleaned. */
  readonly firstDirtyOffset: bigint
  /** Base offset of the first segment that must stay as it is. */
  readonly firstUncleanableOffset: bigint
  /** Of the segments with dirty records that can be cleaned. */
  readonly cleanableBytes: number
  /** The same and the clean ones. */
  readonly totalBytes: number
  /** `max.compaction.lag.ms` has passed: it must be cleaned, whatever there is to gain. */
  readonly isOverdue: boolean
  /** The checkpoint speaks of offsets that the log does not have: it has to be written anew. */
  readonly isCheckpointWrong: boolean
}

/** `cleanedUpTo`: the checkpoint of the last cleaning, if there was one. */
export function cleanableRange(
  log: CleanableLog,
  cleanedUpTo: bigint | undefined,
  nowMs: number,
): CleanableRange {
  const { logStartOffset, logEndOffset, segments } = log
  const checkpoint = cleanedUpTo ?? logStartOffset
  // Records were deleted, or a crash cut the log: nobody knows what is clean.
  const isCheckpointWrong = checkpoint < logStartOffset || checkpoint > logEndOffset
  const firstDirtyOffset = isCheckpointWrong ? logStartOffset : checkpoint
  const active = segments.at(-1)!
  const dirty =
    firstDirtyOffset < active.baseOffset ? segmentsFrom(segments.slice(0, -1), firstDirtyOffset) : []
  const firstUncleanableOffset = firstUncleanable(log, dirty, firstDirtyOffset, nowMs)
  const cleanBytes = sizeOf(segments.filter(({ baseOffset }) => baseOffset < firstDirtyOffset))
  const cleanableBytes = sizeOf(
    segmentsFrom(segments, firstDirtyOffset).filter(({ baseOffset }) => baseOffset < firstUncleanableOffset),
  )
  return {
    firstDirtyOffset,
    firstUncleanableOffset,
    cleanableBytes,
    totalBytes: cleanBytes + cleanableBytes,
    isOverdue: isOverdue(dirty, log.config['max.compaction.lag.ms'], nowMs),
    isCheckpointWrong,
  }
}

/** The share of what a cleaning would look at that is dirty. */
export function dirtyRatio({ cleanableBytes, totalBytes }: CleanableRange): number {
  return totalBytes === 0 ? 0 : cleanableBytes / totalBytes
}

/** Is there enough to gain, or is it time? */
export function isWorthCleaning(range: CleanableRange, log: CleanableLog): boolean {
  if (range.isOverdue && range.cleanableBytes > 0) return true
  return dirtyRatio(range) > log.config['min.cleanable.dirty.ratio']
}

/** Not what is written to, nor what a transaction may still change, nor what is younger than `min.compaction.lag.ms`. */
function firstUncleanable(
  { segments, lastStableOffset, config }: CleanableLog,
  dirty: readonly Segment[],
  firstDirtyOffset: bigint,
  nowMs: number,
): bigint {
  const active = segments.at(-1)!
  const minLagMs = config['min.compaction.lag.ms']
  const young = minLagMs > 0 && dirty.find((segment) => segment.largestTimestampMs > nowMs - minLagMs)
  let first = active.baseOffset < lastStableOffset ? active.baseOffset : lastStableOffset
  if (young && young.baseOffset < first) first = young.baseOffset
  if (first < firstDirtyOffset) first = firstDirtyOffset
  const segment = segments.findLast(({ baseOffset }) => baseOffset <= first)
  return segment?.baseOffset ?? segments[0]!.baseOffset
}

/** From the one that holds an offset on. */
function segmentsFrom(segments: readonly Segment[], offset: bigint): readonly Segment[] {
  return segments.slice(
    Math.max(
      0,
      segments.findLastIndex(({ baseOffset }) => baseOffset <= offset),
    ),
  )
}

function isOverdue(dirty: readonly Segment[], maxLagMs: number, nowMs: number): boolean {
  if (maxLagMs >= nowMs) return false
  return dirty.some(({ firstTimestamp }) => firstTimestamp > 0n && Number(firstTimestamp) < nowMs - maxLagMs)
}

function sizeOf(segments: readonly Segment[]): number {
  return segments.reduce((size, segment) => size + segment.sizeInBytes, 0)
}
