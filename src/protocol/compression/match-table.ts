const TABLE_BITS = 14

/** Where four bytes like these were seen last: what compressors of the LZ77 family find repetitions with. */
export class MatchTable {
  readonly #positions = new Int32Array(1 << TABLE_BITS).fill(-1)

  clear(): void {
    this.#positions.fill(-1)
  }

  /** Notes a position; returns the one that was noted before it, or -1. */
  replace(hash: number, position: number): number {
    const before = this.#positions[hash]!
    this.#positions[hash] = position
    return before
  }
}

/** Hash of the four bytes at a position. */
export function hashOf(bytes: Buffer, at: number): number {
  const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  return Math.imul(word, 0x9e3779b1) >>> (32 - TABLE_BITS)
}

/** How many bytes from two positions on are the same, before `end`. */
export function matchLength(bytes: Buffer, earlier: number, at: number, end: number): number {
  let length = 0
  while (at + length < end && bytes[earlier + length] === bytes[at + length]) length++
  return length
}
