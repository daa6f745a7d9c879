import { runAll, type Steps } from '../steps.ts'
import { type CodecMemory, codecMemory, copyPiece, repeatPiece, SLACK_BYTES } from './copies.ts'
import { DecompressionError, tooLarge } from './decompression-error.ts'
import { copyLiteral, MatchTable, MIN_MATCH, matchLength, stride, writeDistance } from './match-table.ts'
import type { Allocate } from './memory.ts'
import { xxHash32 } from './xxhash32.ts'

const MAGIC = 0x184d2204
const VERSION_BITS = 0x40
const INDEPENDENT_BLOCKS = 0x20
const BLOCK_CHECKSUMS = 0x10
const CONTENT_SIZE = 0x08
/** Bit of a block's size: the block is not compressed. */
const STORED = 0x80000000

/** The block size that Kafka writes, by its code in the frame. */
const BLOCK_CODE = 4
const BLOCK_BYTES = blockBytes(BLOCK_CODE)

/** The header of a frame, and its end. */
const FRAME_BYTES = 7 + 4

/** A byte of a length stands for 255 bytes at most. */
const MAX_EXPANSION = 255
/** So many bytes come out in one step. */
const STEP_BYTES = 64 * 1024
/** The format wants the last bytes of a block to be literals, and no match to begin near its end. */
const LAST_LITERALS = 5
const MATCH_LIMIT = 12

/** 64 KiB, 256 KiB, 1 MiB or 4 MiB. */
function blockBytes(code: number): number {
  return 1 << (8 + 2 * code)
}

/** One frame with independent blocks; like Kafka's reader it checks the header and the blocks, but not the checksum of the whole. */
export function lz4Decompress(bytes: Buffer, maxBytes: number, checksHeader = true): Buffer {
  return runAll(lz4DecompressInSteps(bytes, maxBytes, checksHeader))
}

/** The same, at most 64 KiB at a time. */
export function* lz4DecompressInSteps(
  bytes: Buffer,
  maxBytes: number,
  checksHeader = true,
  allocate: Allocate = Buffer.allocUnsafe,
): Steps<Buffer> {
  const header = readFrameHeader(bytes, checksHeader)
  const { maxBlockBytes, hasBlockChecksums } = header
  const bound = Math.min(contentBound(bytes, header), maxBytes + maxBlockBytes)
  const inputAt = bound + SLACK_BYTES
  const memory = codecMemory(allocate(inputAt + bytes.length + SLACK_BYTES))
  bytes.copy(memory.bytes, inputAt)
  let length = 0
  for (let at = header.blocksAt; ; ) {
    if (at + 4 > bytes.length) throw new DecompressionError('an lz4 frame has no end')
    const word = bytes.readUInt32LE(at)
    at += 4
    if (word === 0) return memory.bytes.subarray(0, length)
    const isStored = word >= STORED
    const end = at + (isStored ? word - STORED : word)
    const behind = end + (hasBlockChecksums ? 4 : 0)
    if (end - at > maxBlockBytes || behind > bytes.length)
      throw new DecompressionError('an lz4 block is cut off')
    if (hasBlockChecksums && xxHash32(bytes.subarray(at, end)) !== bytes.readUInt32LE(end))
      throw new DecompressionError('the checksum of an lz4 block is wrong')
    if (isStored) length += bytes.copy(memory.bytes, length, at, end)
    else {
      const run = new BlockRun(inputAt + at, inputAt + end, length, Math.min(bound, length + maxBlockBytes))
      while (!run.goOn(memory)) yield
      length = run.length
    }
    if (length > maxBytes) throw tooLarge(maxBytes)
    at = behind
    yield
  }
}

/** What the blocks of a frame can become at most: by their sizes alone, which are true or found out later. */
function contentBound(bytes: Buffer, { blocksAt, maxBlockBytes, hasBlockChecksums }: FrameHeader): number {
  let bound = 0
  for (let at = blocksAt; at + 4 <= bytes.length; ) {
    const word = bytes.readUInt32LE(at)
    if (word === 0) break
    const size = word >= STORED ? word - STORED : word
    bound += word >= STORED ? size : Math.min(maxBlockBytes, MAX_EXPANSION * size)
    at += 4 + size + (hasBlockChecksums ? 4 : 0)
  }
  return bound
}

interface FrameHeader {
  readonly blocksAt: number
  readonly maxBlockBytes: number
  readonly hasBlockChecksums: boolean
}

function readFrameHeader(bytes: Buffer, checksHeader: boolean): FrameHeader {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== MAGIC)
    throw new DecompressionError('this is no lz4 frame')
  const flags = bytes[4]!
  if ((flags & 0xc0) !== VERSION_BITS) throw new DecompressionError('the lz4 frame has an unknown version')
  if ((flags & INDEPENDENT_BLOCKS) === 0)
    throw new DecompressionError('lz4 blocks that depend on each other are not supported')
  const code = (bytes[5]! >> 4) & 7
  if (code < BLOCK_CODE) throw new DecompressionError(`an lz4 frame has no block size ${code}`)
  const checksumAt = 6 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8)
  if (checksHeader && headerChecksum(bytes.subarray(4, checksumAt)) !== bytes[checksumAt])
    throw new DecompressionError('the checksum of the lz4 header is wrong')
  return {
    blocksAt: checksumAt + 1,
    maxBlockBytes: blockBytes(code),
    hasBlockChecksums: (flags & BLOCK_CHECKSUMS) !== 0,
  }
}

/** The sequences of a block: each is a literal, and a copy of what came out before. */
class BlockRun {
  length: number
  #at: number
  readonly #end: number
  readonly #start: number
  readonly #room: number

  /** A block between two positions, which is written from `start` to at most `room`. */
  constructor(from: number, to: number, start: number, room: number) {
    this.#at = from
    this.#end = to
    this.#start = start
    this.#room = room
    this.length = start
  }

  /** Does a step; true when it was the last. All state is in local variables meanwhile: that makes it twice as fast. */
  goOn({ bytes, view }: CodecMemory): boolean {
    const end = this.#end
    const start = this.#start
    const room = this.#room
    const pause = this.length + STEP_BYTES
    let at = this.#at
    let length = this.length
    while (at < end) {
      const token = bytes[at++]!
      let literal = token >>> 4
      if (literal === 15) {
        // A length of 15 goes on in bytes that are added up, as long as they are 255.
        let byte = 255
        for (; byte === 255 && at < end; literal += byte) byte = bytes[at++]!
        if (byte === 255) throw new DecompressionError('an lz4 length is cut off')
      }
      if (literal > end - at || literal > room - length)
        throw new DecompressionError('an lz4 literal is too long')
      copyPiece(bytes, view, at, length, literal)
      at += literal
      length += literal
      if (at === end) {
        this.length = length
        return true
      }
      if (at + 2 > end) throw new DecompressionError('an lz4 distance is cut off')
      const distance = bytes[at]! | (bytes[at + 1]! << 8)
      at += 2
      let count = token & 15
      if (count === 15) {
        let byte = 255
        for (; byte === 255 && at < end; count += byte) byte = bytes[at++]!
        if (byte === 255) throw new DecompressionError('an lz4 length is cut off')
      }
      count += MIN_MATCH
      if (distance === 0 || distance > length - start || count > room - length)
        throw new DecompressionError('an lz4 copy reaches outside')
      repeatPiece(bytes, view, length, distance, count)
      length += count
      if (length < pause || at === end) continue
      this.#at = at
      this.length = length
      return false
    }
    throw new DecompressionError('an lz4 block does not end in a literal')
  }
}

/** The second byte of the hash. */
function headerChecksum(covered: Buffer): number {
  return (xxHash32(covered) >>> 8) & 0xff
}

/**
 * One frame as Kafka writes it: independent blocks of 64 KiB, no checksums but the header's. With `coversMagic` that one is computed over
 * the frame's magic too, wrongly, as Kafka does in message format 0 (KAFKA-3160).
 */
export function lz4Compress(bytes: Buffer, coversMagic = false): Buffer {
  return runAll(lz4CompressInSteps(bytes, coversMagic))
}

/** The same, a block at a time. */
export function* lz4CompressInSteps(
  bytes: Buffer,
  coversMagic = false,
  allocate: Allocate = Buffer.allocUnsafe,
): Steps<Buffer> {
  const input = codecMemory(bytes)
  const blocks = Math.ceil(bytes.length / BLOCK_BYTES)
  const output = allocate(FRAME_BYTES + blocks * (4 + largestBlock(BLOCK_BYTES)))
  const table = new MatchTable()
  let length = writeFrameHeader(output, coversMagic)
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
    const to = Math.min(bytes.length, from + BLOCK_BYTES)
    const at = length + 4
    length = compressBlock(input, from, to, table, output, at)
    const isSmaller = length - at < to - from
    if (!isSmaller) length = at + bytes.copy(output, at, from, to)
    output.writeUInt32LE(isSmaller ? length - at : to - from + STORED, at - 4)
    yield
  }
  length = output.writeUInt32LE(0, length)
  return output.subarray(0, length)
}

function writeFrameHeader(output: Buffer, coversMagic: boolean): number {
  output.writeUInt32LE(MAGIC)
  output[4] = VERSION_BITS | INDEPENDENT_BLOCKS
  output[5] = BLOCK_CODE << 4
  output[6] = headerChecksum(output.subarray(coversMagic ? 0 : 4, 6))
  return 7
}

/** So long a block may become before it is found to be no smaller. */
function largestBlock(length: number): number {
  return 16 + length + Math.ceil(length / 255)
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
  let length = start
  let literalFrom = from
  let misses = 0
  for (let at = from; at < to - MATCH_LIMIT; ) {
    const candidate = table.replace(view, at)
    const count = candidate < from ? 0 : matchLength(input, candidate, at, to - LAST_LITERALS)
    if (count === 0) {
      at += stride(misses++)
      continue
    }
    length = writeLiteral(bytes, literalFrom, at, Math.min(count - MIN_MATCH, 15), output, length)
    length = writeDistance(output, length, at - candidate)
    if (count - MIN_MATCH >= 15) length = writeRest(output, length, count - MIN_MATCH - 15)
    at += count
    literalFrom = at
    misses = 0
  }
  return writeLiteral(bytes, literalFrom, to, 0, output, length)
}

/** Begins a sequence. `more`: the four bits that tell how long its copy is. */
function writeLiteral(
  bytes: Buffer,
  from: number,
  to: number,
  more: number,
  output: Buffer,
  at: number,
): number {
  const literal = to - from
  let length = at
  output[length++] = (Math.min(literal, 15) << 4) | more
  if (literal >= 15) length = writeRest(output, length, literal - 15)
  return copyLiteral(bytes, from, to, output, length)
}

/** The part of a length that has no room in its four bits. */
function writeRest(output: Buffer, at: number, rest: number): number {
  let length = at
  let left = rest
  for (; left >= 255; left -= 255) output[length++] = 255
  output[length++] = left
  return length
}
