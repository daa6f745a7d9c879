import type { TopicConfig } from '../config/topic-config.ts'
import type { Segment } from './segment.ts'

/** What decides whether the oldest segments of a log may go. */
export interface RetentionRequest {
  readonly segments: readonly Segment[]
  readonly config: TopicConfig
  readonly logStartOffset: bigint
  readonly logEndOffset: bigint
  readonly highWatermark: bigint
  readonly nowMs: number
}

/** Why segments go, as the log says it. */
export type RetentionReason = 'log start offset' | 'retention.bytes' | 'retention.ms'

export interface DeletableSegments {
  readonly count: number
  readonly reason: RetentionReason
}

/** How many of the oldest segments lie wholly below the log start. */
export function segmentsBelowLogStart(request: RetentionRequest): DeletableSegments | undefined {
  const { logStartOffset } = request
  const count = countWhile(request, (_, next) => next !== undefined && next.baseOffset <= logStartOffset)
  return count > 0 ? { count, reason: 'log start offset' } : undefined
}

/**
 * How many of the oldest segments go, and why: those wholly below the log start; with the policy `delete` also what is beyond
 * `retention.bytes` or older than `retention.ms` by its youngest record. Never what is above the high watermark.
 */
export function deletableSegments(request: RetentionRequest): DeletableSegments | undefined {
  const { segments, config, nowMs } = request
  const belowStart = segmentsBelowLogStart(request)
  if (belowStart) return belowStart
  if (!config['cleanup.policy'].includes('delete')) return undefined
  const maxBytes = config['retention.bytes']
  if (maxBytes >= 0) {
    let excess = segments.reduce((size, segment) => size + segment.sizeInBytes, -maxBytes)
    const count = countWhile(request, (segment) => {
      excess -= segment.sizeInBytes
      return excess >= 0
    })
    if (count > 0) return { count, reason: 'retention.bytes' }
  }
  const maxMs = config['retention.ms']
  if (maxMs >= 0) {
    const count = countWhile(request, (segment) => {
      return nowMs - segment.largestTimestampMs > maxMs
    })
    if (count > 0) return { count, reason: 'retention.ms' }
  }
  return undefined
}

/** Counts from the oldest on; what comes behind a segment that stays does too. */
function countWhile(
  { segments, logEndOffset, highWatermark }: RetentionRequest,
  mayGo: (segment: Segment, next: Segment | undefined) => boolean,
): number {
  let count = 0
  for (const segment of segments) {
    const next = segments[count + 1]
    const end = next?.baseOffset ?? logEndOffset
    const isLastAndEmpty = next === undefined && segment.sizeInBytes === 0
    if (isLastAndEmpty || highWatermark < end || !mayGo(segment, next)) break
    count++
  }
  return count
}
