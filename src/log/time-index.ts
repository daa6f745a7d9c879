import type { Files } from '../platform/platform.ts'
import { SparseIndex } from './sparse-index.ts'

const ENTRY_BYTES = 12

/** The largest timestamp so far, and the last offset of the first batch that had it. */
export interface TimestampEntry {
  readonly timestamp: bigint
  readonly offset: bigint
}

/**
 * `.timeindex`: the largest timestamp up to an offset.
 *
 * | at | field | type |
 * |---|---|---|
 * | 0 | largest timestamp of the segment so far | int64 |
 * | 8 | last offset of the batch that has it, less the segment's base offset | int32 |
 *
 * `0000018bcfe56800 00000009`: up to offset base+9 no record is younger than 1700000000000. Timestamps rise from entry to entry.
 */
export class TimeIndex extends SparseIndex {
  /** Timestamp of the last entry, as long as entries are appended. */
  #lastTimestamp: bigint | undefined

  constructor(files: Files, path: string, baseOffset: bigint, isNew: boolean) {
    super(files, path, baseOffset, ENTRY_BYTES, isNew)
  }

  /** One entry stays free for the one that closing the segment appends. */
  isFull(maxBytes: number): boolean {
    return this.count >= Math.floor(maxBytes / ENTRY_BYTES) - 1
  }

  /** Appends unless the index knows a timestamp as large. */
  maybeAppend(timestamp: bigint, offset: bigint): void {
    this.#lastTimestamp ??= this.lastEntry()?.timestamp ?? -1n
    if (timestamp <= this.#lastTimestamp) return
    const { bytes, at } = this.push()
    bytes.writeBigInt64BE(timestamp, at)
    bytes.writeInt32BE(Number(offset - this.baseOffset), at + 8)
    this.#lastTimestamp = timestamp
  }

  lastEntry(): TimestampEntry | undefined {
    const { count } = this
    return count === 0 ? undefined : this.#read(count - 1)
  }

  /** The last entry with a timestamp at or below; the search for a record of that time begins there. */
  lookup(timestamp: bigint): TimestampEntry | undefined {
    const index = this.search((bytes, at) => bytes.readBigInt64BE(at) <= timestamp)
    return index < 0 ? undefined : this.#read(index)
  }

  /** Keeps what speaks of offsets below. */
  truncateToOffset(offset: bigint): void {
    const relative = Number(offset - this.baseOffset)
    this.keepFirst(this.search((bytes, at) => bytes.readInt32BE(at + 8) < relative) + 1)
    this.#lastTimestamp = undefined
  }

  override clear(): void {
    super.clear()
    this.#lastTimestamp = undefined
  }

  override problem(): string | undefined {
    const problem = super.problem()
    if (problem !== undefined || this.count === 0) return problem
    const last = this.#read(this.count - 1)
    if (last.offset < this.baseOffset) return `the last entry is below the base offset ${this.baseOffset}`
    if (last.timestamp < this.#read(0).timestamp) return 'the last timestamp is below the first'
    return undefined
  }

  #read(index: number): TimestampEntry {
    const { bytes, at } = this.entry(index)
    return {
      timestamp: bytes.readBigInt64BE(at),
      offset: this.baseOffset + BigInt(bytes.readInt32BE(at + 8)),
    }
  }
}
