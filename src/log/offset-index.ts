import type { Files } from '../platform/platform.ts'
import { SparseIndex } from './sparse-index.ts'

const ENTRY_BYTES = 8

/**
 * `.index`: where in the segment a batch lies.
 *
 * | at | field | type |
 * |---|---|---|
 * | 0 | last offset of the batch, less the segment's base offset | int32 |
 * | 4 | position of the batch in the `.log` file | int32 |
 *
 * `00000003 00000000 00000009 000010c4`: the batch that ends with offset base+9 begins at byte 4292.
 */
export class OffsetIndex extends SparseIndex {
  constructor(files: Files, path: string, baseOffset: bigint, isNew: boolean) {
    super(files, path, baseOffset, ENTRY_BYTES, isNew)
  }

  isFull(maxBytes: number): boolean {
    return this.count >= Math.floor(maxBytes / ENTRY_BYTES)
  }

  append(lastOffset: bigint, position: number): void {
    const { bytes, at } = this.push()
    bytes.writeInt32BE(Number(lastOffset - this.baseOffset), at)
    bytes.writeInt32BE(position, at + 4)
  }

  /** Position from which to look for the batch that holds `offset`. */
  positionFor(offset: bigint): number {
    const relative = Number(offset - this.baseOffset)
    const index = this.search((bytes, at) => bytes.readInt32BE(at) <= relative)
    return index < 0 ? 0 : this.#positionOf(index)
  }

  /** The last position known. */
  lastPosition(): number {
    return this.lastEntry()?.position ?? 0
  }

  /** Last offset of the last batch that has an entry, and where that batch begins. */
  lastEntry(): { offset: bigint; position: number } | undefined {
    const { count } = this
    if (count === 0) return undefined
    const { bytes, at } = this.entry(count - 1)
    return { offset: this.baseOffset + BigInt(bytes.readInt32BE(at)), position: bytes.readInt32BE(at + 4) }
  }

  /** Keeps what points below a position. */
  truncateToPosition(position: number): void {
    this.keepFirst(this.search((bytes, at) => bytes.readInt32BE(at + 4) < position) + 1)
  }

  override problem(): string | undefined {
    const problem = super.problem()
    if (problem !== undefined || this.count === 0) return problem
    const { bytes, at } = this.entry(this.count - 1)
    if (bytes.readInt32BE(at) < 0 || bytes.readInt32BE(at + 4) < 0) return 'the last entry is negative'
    return undefined
  }

  #positionOf(index: number): number {
    const { bytes, at } = this.entry(index)
    return bytes.readInt32BE(at + 4)
  }
}
