import type { CodecMemory } from './copies.ts'

const TABLE_BITS = 14
/** After so many places in a row where nothing repeats, every second one is looked at, then every third: noise is not worth the time. */
const PATIENCE_BITS = 6

/** Matches of fewer bytes are not worth writing. */
export const MIN_MATCH = 4
/** Shorter literals are copied byte by byte: a call takes longer than that. */
const NATIVE_FROM = 64

/** Where four bytes like these were seen last: what compressors of the LZ77 family find repetitions with. */
export class MatchTable {
  readonly #positions = new Int32Array(1 << TABLE_BITS).fill(-1)

  /** Notes a position; returns the one that was noted before it, or -1. The same four bytes need not lie there. */
  replace(view: DataView, position: number): number {
    const hash = Math.imul(view.getInt32(position, true), 0x9e3779b1) >>> (32 - TABLE_BITS)
    const before = this.#positions[hash]!
    this.#positions[hash] = position
    return before
  }
}

/** How far to go on after so many places where nothing repeated. */
export function stride(misses: number): number {
  return 1 + (misses >>> PATIENCE_BITS)
}

/** How many bytes from two positions on are the same, before `end`; 0 when it is not worth a copy. */
export function matchLength({ bytes, view }: CodecMemory, earlier: number, at: number, end: number): number {
  if (at + MIN_MATCH > end || view.getInt32(earlier, true) !== view.getInt32(at, true)) return 0
  let length = MIN_MATCH
  const words = end - at - 3
  while (length < words && view.getInt32(earlier + length, true) === view.getInt32(at + length, true))
    length += 4
  while (at + length < end && bytes[earlier + length] === bytes[at + length]) length++
  return length
}

/** Copies a literal; gives where it ends. */
export function copyLiteral(bytes: Buffer, from: number, to: number, output: Buffer, at: number): number {
  if (to - from > NATIVE_FROM) return at + bytes.copy(output, at, from, to)
  let length = at
  for (let index = from; index < to; index++) output[length++] = bytes[index]!
  return length
}

/** The two bytes of a distance. */
export function writeDistance(output: Buffer, at: number, distance: number): number {
  output[at] = distance
  output[at + 1] = distance >>> 8
  return at + 2
}
