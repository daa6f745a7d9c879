import type { Segment } from '../segment.ts'

const MAX_RELATIVE_OFFSET = 0x7fffffffn

export interface GroupLimits {
  /** `segment.bytes`. */
  readonly segmentBytes: number
  /** `segment.index.bytes`. */
  readonly indexBytes: number
  /** Offset up to which the log is cleaned: the last segment ends there at the latest. */
  readonly firstUncleanableOffset: bigint
}

/**
 * Segments that become one when a log is cleaned: neighbours that fit into one segment together, even if nothing of them goes. Without that
 * segments would become smaller and more with each cleaning.
 */
export function groupSegments(segments: readonly Segment[], limits: GroupLimits): Segment[][] {
  const { segmentBytes, indexBytes, firstUncleanableOffset } = limits
  const groups: Segment[][] = []
  let sizes = { log: 0, offsets: 0, times: 0 }
  for (const [index, segment] of segments.entries()) {
    const group = groups.at(-1)
    const grown = {
      log: sizes.log + segment.sizeInBytes,
      offsets: sizes.offsets + segment.offsetIndex.sizeInBytes,
      times: sizes.times + segment.timeIndex.sizeInBytes,
    }
    const nextOffset = segments[index + 1]?.baseOffset ?? firstUncleanableOffset
    const fits =
      group !== undefined &&
      grown.log <= segmentBytes &&
      grown.offsets <= indexBytes &&
      grown.times <= indexBytes &&
      // An empty one has no offsets of its own.
      (segment.sizeInBytes === 0 || nextOffset - 1n - group[0]!.baseOffset <= MAX_RELATIVE_OFFSET)
    if (fits) {
      group.push(segment)
      sizes = grown
      continue
    }
    groups.push([segment])
    sizes = {
      log: segment.sizeInBytes,
      offsets: segment.offsetIndex.sizeInBytes,
      times: segment.timeIndex.sizeInBytes,
    }
  }
  return groups
}
