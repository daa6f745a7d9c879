import { baseOffset, batchSizeInBytes, lastOffset } from '../protocol/record-batch.ts'
import type { FetchedRecords } from './partition-log.ts'
import type { Segment } from './segment.ts'

/** Appends below this are copied into a block that they share: a batch of 100 bytes must not keep a socket's chunk alive. */
const SHARED_BELOW_BYTES = 16 * 1024
const FIRST_SHARED_BLOCK_BYTES = 4 * 1024
const SHARED_BLOCK_BYTES = 64 * 1024

/** How much all tails of a broker may hold together: what was appended longest ago goes first. */
export class TailMemory {
  readonly bytesPerLog: number
  readonly #limit: number
  readonly #blocks = new Set<TailBlock>()
  #bytes = 0

  constructor(limit = 64 * 1024 * 1024, bytesPerLog = 2 * 1024 * 1024) {
    this.#limit = limit
    this.bytesPerLog = bytesPerLog
  }

  get bytes(): number {
    return this.#bytes
  }

  add(block: TailBlock): void {
    this.#blocks.add(block)
    this.#bytes += block.bytes.length
    for (const oldest of this.#blocks) {
      if (this.#bytes <= this.#limit || oldest === block) return
      oldest.owner.dropFirst()
    }
  }

  remove(block: TailBlock): void {
    if (this.#blocks.delete(block)) this.#bytes -= block.bytes.length
  }
}

/** Consecutive batches in memory, and where they are in their segment. */
interface TailBlock {
  readonly owner: LogTail
  readonly bytes: Buffer
  /** Bytes in use. */
  length: number
  readonly segment: Segment
  readonly position: number
  readonly baseOffset: bigint
  nextOffset: bigint
}

/**
 * The batches that were appended last, in memory as they came, so that consumers at the tail are served without touching the file.
 * The blocks follow each other without a gap up to the end of the log.
 */
export class LogTail {
  readonly #memory: TailMemory
  #blocks: TailBlock[] = []
  #bytes = 0
  #nextBlockBytes = FIRST_SHARED_BLOCK_BYTES
  /** Where the last append begins: what consumers that wait for it ask for. */
  #lastOffset = -1n
  #lastAt = 0

  constructor(memory: TailMemory) {
    this.#memory = memory
  }

  /** Keeps what was just written at the end of the log. */
  append(segment: Segment, position: number, records: Buffer, base: bigint, next: bigint): void {
    const last = this.#blocks.at(-1)
    this.#lastOffset = base
    if (records.length < SHARED_BELOW_BYTES) {
      if (
        last &&
        last.segment === segment &&
        last.bytes.length - last.length >= records.length &&
        last.position + last.length === position
      ) {
        records.copy(last.bytes, last.length)
        this.#lastAt = last.length
        last.length += records.length
        last.nextOffset = next
        return
      }
      const bytes = Buffer.allocUnsafeSlow(Math.max(this.#nextBlockBytes, records.length))
      this.#nextBlockBytes = Math.min(SHARED_BLOCK_BYTES, this.#nextBlockBytes * 4)
      records.copy(bytes)
      this.#add(bytes, records.length, segment, position, base, next)
      return
    }
    // A large part of its memory stays as it is, a small one would keep the rest alive for nothing.
    const isMost = records.length * 2 >= records.buffer.byteLength
    this.#add(isMost ? records : copyOf(records), records.length, segment, position, base, next)
  }

  #add(bytes: Buffer, length: number, segment: Segment, position: number, base: bigint, next: bigint): void {
    const block = { owner: this, bytes, length, segment, position, baseOffset: base, nextOffset: next }
    this.#lastAt = 0
    this.#blocks.push(block)
    this.#bytes += bytes.length
    while (this.#bytes > this.#memory.bytesPerLog && this.#blocks.length > 1) this.dropFirst()
    this.#memory.add(block)
  }

  /** Whole batches from `offset` on; undefined when they are not all here. */
  read(offset: bigint, maxBytes: number, upTo: bigint, atLeastOneBatch: boolean): FetchedRecords | undefined {
    let index = this.#indexOf(offset)
    if (index < 0) return undefined
    const buffers: Buffer[] = []
    let sizeInBytes = 0
    let nextOffset = offset
    const first = this.#blocks[index]!
    let start = this.#findBatch(first, offset)
    for (; index < this.#blocks.length; index++, start = 0) {
      const block = this.#blocks[index]!
      // As from a file: a read ends with its segment.
      if (block.baseOffset >= upTo || block.segment !== first.segment) break
      let end = block.length
      const isWhole = block.nextOffset <= upTo && sizeInBytes + end - start <= maxBytes
      if (isWhole) nextOffset = block.nextOffset
      else {
        end = start
        while (end < block.length && baseOffset(block.bytes, end) < upTo) {
          const size = batchSizeInBytes(block.bytes, end)
          const isFirst = sizeInBytes === 0 && end === start
          if (sizeInBytes + end - start + size > maxBytes && !(isFirst && atLeastOneBatch)) break
          nextOffset = lastOffset(block.bytes, end) + 1n
          end += size
        }
      }
      if (end > start) {
        buffers.push(block.bytes.subarray(start, end))
        sizeInBytes += end - start
      }
      if (!isWhole) break
    }
    return { buffers, sizeInBytes, nextOffset }
  }

  /** Segment and position of the batch that holds `offset`; undefined when it is not here. */
  locate(offset: bigint): { segment: Segment; position: number } | undefined {
    const index = this.#indexOf(offset)
    if (index < 0) return undefined
    const block = this.#blocks[index]!
    return { segment: block.segment, position: block.position + this.#findBatch(block, offset) }
  }

  /** These segments are no longer what they were. */
  dropSegments(segments: readonly Segment[]): void {
    const last = this.#blocks.findLastIndex((block) => segments.includes(block.segment))
    for (let count = last + 1; count > 0; count--) this.dropFirst()
  }

  dropFirst(): void {
    const block = this.#blocks.shift()
    if (!block) return
    this.#bytes -= block.bytes.length
    this.#memory.remove(block)
  }

  clear(): void {
    while (this.#blocks.length > 0) this.dropFirst()
    this.#lastOffset = -1n
  }

  #indexOf(offset: bigint): number {
    const blocks = this.#blocks
    for (let index = blocks.length - 1; index >= 0; index--) {
      const block = blocks[index]!
      if (offset >= block.baseOffset) return offset < block.nextOffset ? index : -1
    }
    return -1
  }

  #findBatch(block: TailBlock, offset: bigint): number {
    if (offset === block.baseOffset) return 0
    let at = offset >= this.#lastOffset && block === this.#blocks.at(-1) ? this.#lastAt : 0
    while (lastOffset(block.bytes, at) < offset) at += batchSizeInBytes(block.bytes, at)
    return at
  }
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}
