import type { Steps } from '../steps.ts'
import { writeUnsignedVarint } from '../varint.ts'
import { type CodecMemory, codecMemory, copyPiece, repeatPiece, SLACK_BYTES } from './copies.ts'
import { DecompressionError, tooLarge } from './decompression-error.ts'
import { copyLiteral, MatchTable, matchLength, stride, writeDistance } from './match-table.ts'
import type { Allocate } from './memory.ts'

/** Begins the framing that Java's snappy streams have around their blocks; other clients send one block as it is. */
const FRAMING_MAGIC = Buffer.from('82534e4150505900', 'hex')
/** Behind the magic: two version numbers. */
const FRAMING_HEADER_BYTES = FRAMING_MAGIC.length + 8
const FRAMING_VERSION = 1
/** As large as Java's. Distances within a block fit into two bytes. */
const BLOCK_BYTES = 32 * 1024

/** So many bytes come out in one step. */
const STEP_BYTES = 32 * 1024

const MAX_COPY_BYTES = 64
/** From this tag on the length of a piece stands behind it. */
const LONG_PIECE = 60 << 2
/** No element of two bytes gives more than this, so no block can grow more. */
const MAX_GROWTH = 32

/** At most 32 KiB at a time. */
export function* snappyDecompress(
  bytes: Buffer,
  maxBytes: number,
  allocate: Allocate = Buffer.allocUnsafe,
): Steps<Buffer> {
  const blocks = blocksOf(bytes, maxBytes)
  const total = blocks.reduce((sum, { length }) => sum + length, 0)
  const inputAt = total + SLACK_BYTES
  const memory = codecMemory(allocate(inputAt + bytes.length + SLACK_BYTES))
  bytes.copy(memory.bytes, inputAt)
  let start = 0
  for (const { from, to, length } of blocks) {
    const run = new BlockRun(inputAt + from, inputAt + to, start, length)
    while (!run.goOn(memory)) yield
    start += length
    yield
  }
  return memory.bytes.subarray(0, total)
}

interface Block {
  readonly from: number
  readonly to: number
  /** So long it says that it becomes. */
  readonly length: number
}

/** A block as it is, or the blocks in the framing of Java. */
function blocksOf(bytes: Buffer, maxBytes: number): Block[] {
  if (!bytes.subarray(0, FRAMING_MAGIC.length).equals(FRAMING_MAGIC))
    return [blockAt(bytes, 0, bytes.length, maxBytes)]
  const blocks: Block[] = []
  let left = maxBytes
  for (let at = FRAMING_HEADER_BYTES; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new DecompressionError('a snappy block has no whole length')
    const size = bytes.readInt32BE(at)
    at += 4
    if (size < 0 || size > bytes.length - at) throw new DecompressionError('a snappy block is cut off')
    const block = blockAt(bytes, at, at + size, left)
    blocks.push(block)
    left -= block.length
    at += size
  }
  return blocks
}

/** A block says first how long it becomes: nothing is allocated for a length that it cannot have. */
function blockAt(bytes: Buffer, start: number, to: number, maxBytes: number): Block {
  let length = 0
  let from = start
  for (let shift = 0; ; shift += 7) {
    const byte = from < to ? bytes[from++] : undefined
    if (byte === undefined || shift > 28) throw new DecompressionError('a snappy block has no length')
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (length > maxBytes) throw tooLarge(maxBytes)
  if (length > (to - start) * MAX_GROWTH) throw new DecompressionError('a snappy block is too short')
  return { from, to, length }
}

/** The elements of a block: pieces that stand in it, and copies of what came out before. */
class BlockRun {
  #at: number
  #length: number
  readonly #end: number
  readonly #start: number
  readonly #room: number

  /** A block between two positions, of which so many bytes must come out, behind `start`. */
  constructor(from: number, to: number, start: number, length: number) {
    this.#at = from
    this.#end = to
    this.#start = start
    this.#length = start
    this.#room = start + length
  }

  /** Does a step; true when it was the last. */
  goOn({ bytes, view }: CodecMemory): boolean {
    const end = this.#end
    const start = this.#start
    const room = this.#room
    const pause = this.#length + STEP_BYTES
    let at = this.#at
    let length = this.#length
    while (at < end && length < pause) {
      const tag = bytes[at++]!
      const kind = tag & 3
      // A piece that stands in the block tells in its first bits how long it is, or in how many bytes that follows.
      const width = kind > 0 ? (kind === 3 ? 4 : kind) : tag < LONG_PIECE ? 0 : (tag >>> 2) - 59
      if (width > end - at) throw new DecompressionError('a snappy length or distance is cut off')
      const number = width === 0 ? 0 : littleEndian(bytes, at, width)
      at += width
      if (kind === 0) {
        const count = 1 + (width === 0 ? tag >>> 2 : number)
        if (count <= 0 || count > end - at || count > room - length)
          throw new DecompressionError('a snappy literal is too long')
        copyPiece(bytes, view, at, length, count)
        at += count
        length += count
        continue
      }
      const count = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
      const distance = kind === 1 ? ((tag >>> 5) << 8) | number : number
      if (distance <= 0 || distance > length - start || count > room - length)
        throw new DecompressionError('a snappy copy reaches outside')
      repeatPiece(bytes, view, length, distance, count)
      length += count
    }
    this.#at = at
    this.#length = length
    if (at < end) return false
    if (length !== room) throw new DecompressionError('a snappy block is not as long as it says')
    return true
  }
}

/** A number of one to four bytes; below zero when it is far too large. */
function littleEndian(bytes: Buffer, at: number, width: number): number {
  if (width === 1) return bytes[at]!
  const low = bytes[at]! | (bytes[at + 1]! << 8)
  if (width === 2) return low
  const high = bytes[at + 2]! << 16
  return width === 3 ? low | high : low | high | (bytes[at + 3]! << 24)
}

/** In the framing of Java's streams, as Kafka's own broker compresses, a block at a time. */
export function* snappyCompress(bytes: Buffer, allocate: Allocate = Buffer.allocUnsafe): Steps<Buffer> {
  const input = codecMemory(bytes)
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
  const output = allocate(FRAMING_HEADER_BYTES + blocks * (4 + largestBlock(BLOCK_BYTES)))
  const table = new MatchTable()
  let length = FRAMING_MAGIC.copy(output)
  length = output.writeInt32BE(FRAMING_VERSION, length)
  length = output.writeInt32BE(FRAMING_VERSION, length)
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
    const at = length + 4
    length = compressBlock(input, from, Math.min(bytes.length, from + BLOCK_BYTES), table, output, at)
    output.writeInt32BE(length - at, at - 4)
    yield
  }
  return output.subarray(0, length)
}

/** A literal takes at most three bytes more than it holds, and there is one for every four bytes that are copied. */
function largestBlock(length: number): number {
  return 32 + length + Math.ceil(length / 6)
}

/** Writes the block; gives where it ends. A table may have seen other blocks. */
function compressBlock(
  input: CodecMemory,
  from: number,
  to: number,
  table: MatchTable,
  output: Buffer,
  start: number,
): number {
  const { bytes, view } = input
  let length = writeUnsignedVarint(output, start, to - from)
  let literalFrom = from
  let misses = 0
  for (let at = from; at + 4 <= to; ) {
    const candidate = table.replace(view, at)
    const count = candidate < from ? 0 : matchLength(input, candidate, at, to)
    if (count === 0) {
      at += stride(misses++)
      continue
    }
    length = writeLiteral(bytes, literalFrom, at, output, length)
    for (let left = count; left > 0; left -= MAX_COPY_BYTES) {
      output[length++] = ((Math.min(left, MAX_COPY_BYTES) - 1) << 2) | 2
      length = writeDistance(output, length, at - candidate)
    }
    at += count
    literalFrom = at
    misses = 0
  }
  return writeLiteral(bytes, literalFrom, to, output, length)
}

function writeLiteral(bytes: Buffer, from: number, to: number, output: Buffer, at: number): number {
  const last = to - from - 1
  let length = at
  if (last < 0) return length
  if (last < 60) output[length++] = last << 2
  else if (last < 256) {
    output[length++] = 60 << 2
    output[length++] = last
  } else {
    output[length++] = 61 << 2
    length = output.writeUInt16LE(last, length)
  }
  return copyLiteral(bytes, from, to, output, length)
}
