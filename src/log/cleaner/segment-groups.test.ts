import { expect, test } from 'vitest'
import type { Segment } from '../segment.ts'
import { groupSegments } from './segment-groups.ts'

/** By base offset, bytes, and bytes of both indexes. */
function segments(...facts: readonly (readonly [bigint, number, number?, number?])[]): Segment[] {
  return facts.map(
    ([baseOffset, sizeInBytes, offsets = 0, times = 0]) =>
      ({
        baseOffset,
        sizeInBytes,
        offsetIndex: { sizeInBytes: offsets },
        timeIndex: { sizeInBytes: times },
      }) as Segment,
  )
}

const groups = (given: Segment[], limits: Partial<Parameters<typeof groupSegments>[1]> = {}) =>
  groupSegments(given, { segmentBytes: 100, indexBytes: 50, firstUncleanableOffset: 1000n, ...limits }).map(
    (group) => group.map(({ baseOffset }) => Number(baseOffset)),
  )

test('neighbours come together as long as they fit', () => {
  const given = segments([0n, 60], [10n, 40], [20n, 1], [30n, 99], [40n, 1], [50n, 150], [60n, 10])
  expect(groups(given)).toEqual([[0, 10], [20, 30], [40], [50], [60]])
})

test('their indexes have to fit as well', () => {
  expect(groups(segments([0n, 1, 30], [10n, 1, 20], [20n, 1, 1]))).toEqual([[0, 10], [20]])
  expect(groups(segments([0n, 1, 0, 30], [10n, 1, 0, 21], [20n, 1]))).toEqual([[0], [10, 20]])
})

test('an index counts from the base offset with 31 bits', () => {
  const far = 2n ** 31n
  expect(groups(segments([0n, 1], [5n, 1], [far, 1]), { firstUncleanableOffset: far + 9n })).toEqual([
    [0, 5],
    [Number(far)],
  ])
  expect(groups(segments([0n, 1], [5n, 1]), { firstUncleanableOffset: far })).toEqual([[0, 5]])
  expect(groups(segments([0n, 1], [5n, 1]), { firstUncleanableOffset: far + 1n })).toEqual([[0], [5]])
  // What is empty has no offsets.
  expect(groups(segments([0n, 1], [5n, 0]), { firstUncleanableOffset: far + 1n })).toEqual([[0, 5]])
})
