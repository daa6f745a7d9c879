import type { Uuid } from '../../../protocol/api.ts'

/** Partitions by topic, as an assignor gives them out. */
export type TargetPartitions = ReadonlyMap<Uuid, ReadonlySet<number>>

/** Partitions by topic that a member has, each with the epoch at which it got it: commits of an older epoch are refused (KIP-1251). */
export type HeldPartitions = ReadonlyMap<Uuid, ReadonlyMap<number, number>>

export const NO_TARGET: TargetPartitions = new Map()
export const NOTHING_HELD: HeldPartitions = new Map()
const NO_EPOCHS: ReadonlyMap<number, number> = new Map()

/** Partitions of one topic, with their epochs. */
export function heldOf(held: HeldPartitions, topicId: Uuid): ReadonlyMap<number, number> {
  return held.get(topicId) ?? NO_EPOCHS
}

export function sameTarget(a: TargetPartitions, b: TargetPartitions): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (!others || others.size !== partitions.size) return false
    for (const partition of partitions) if (!others.has(partition)) return false
  }
  return true
}

export function sameHeld(a: HeldPartitions, b: HeldPartitions): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (!others || others.size !== partitions.size) return false
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false
  }
  return true
}

/** The same partitions, all had since `epoch`. */
export function heldSince(partitions: TargetPartitions, epoch: number): HeldPartitions {
  return new Map(
    Array.from(partitions, ([topicId, numbers]) => [
      topicId,
      new Map(Array.from(numbers, (number) => [number, epoch])),
    ]),
  )
}

/** As a list, in the form that messages have. */
export function listed(
  partitions: ReadonlyMap<Uuid, ReadonlySet<number> | ReadonlyMap<number, number>>,
): { topicId: Uuid; partitions: number[] }[] {
  return Array.from(partitions, ([topicId, numbers]) => ({ topicId, partitions: [...numbers.keys()] }))
}
