import { runAll, type Steps } from '../steps.ts'
import { DecompressionError, tooLarge } from './decompression-error.ts'
import { hashOf, MatchTable, matchLength } from './match-table.ts'
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

const MIN_MATCH = 4
/** A byte of a length stands for 255 bytes at most. */
const MAX_EXPANSION = 255
const MAX_DISTANCE = 0xffff
/** The format wants the last bytes of a block to be literals, and no match to begin near its end. */
const LAST_LITERALS = 5
const MATCH_LIMIT = 12

/** Shorter pieces are copied byte by byte: a call takes longer than that. */
const NATIVE_COPY_FROM = 48

/** 64 KiB, 256 KiB, 1 MiB or 4 MiB. */
function blockBytes(code: number): number {
  return 1 << (8 + 2 * code)
}

/** One frame with independent blocks; like Kafka's reader it checks the header and the blocks, but not the checksum of the whole. */
export function lz4Decompress(bytes: Buffer, maxBytes: number, checksHeader = true): Buffer {
  return runAll(lz4DecompressInSteps(bytes, maxBytes, checksHeader))
}

/** The same, a block at a time. */
export function* lz4DecompressInSteps(bytes: Buffer, maxBytes: number, checksHeader = true): Steps<Buffer> {
  const header = readFrameHeader(bytes, checksHeader)
  const { maxBlockBytes, hasBlockChecksums } = header
  const output = Buffer.allocUnsafe(Math.min(contentBound(bytes, header), maxBytes + maxBlockBytes))
  let length = 0
  for (let at = header.blocksAt; ; ) {
    if (at + 4 > bytes.length) throw new DecompressionError('an lz4 frame has no end')
    const word = bytes.readUInt32LE(at)
    at += 4
    if (word === 0) return output.subarray(0, length)
    const isStored = word >= STORED
    const size = isStored ? word - STORED : word
    const behind = at + size + (hasBlockChecksums ? 4 : 0)
    if (size > maxBlockBytes || behind > bytes.length) throw new DecompressionError('an lz4 block is cut off')
    const block = bytes.subarray(at, at + size)
    if (hasBlockChecksums && xxHash32(block) !== bytes.readUInt32LE(at + size))
      throw new DecompressionError('the checksum of an lz4 block is wrong')
    if (isStored) length += block.copy(output, length)
    else length = fill(output, length, Math.min(output.length, length + maxBlockBytes), block)
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

/**
 * Runs the sequences of a block: a literal, and a copy of what came out before. Writes from `start` to at most `room`, and returns where
 * it ended. All state is in local variables that no closure sees: that makes it twice as fast.
 */
function fill(output: Buffer, start: number, room: number, block: Buffer): number {
  const size = block.length
  let at = 0
  let length = start
  while (at < size) {
    const token = block[at++]!
    let literal = token >>> 4
    if (literal === 15) {
      // A length of 15 goes on in bytes that are added up, as long as they are 255.
      let byte = 255
      for (; byte === 255 && at < size; literal += byte) byte = block[at++]!
      if (byte === 255) throw new DecompressionError('an lz4 length is cut off')
    }
    if (literal > size - at || literal > room - length)
      throw new DecompressionError('an lz4 literal is too long')
    const literalEnd = at + literal
    if (literal > NATIVE_COPY_FROM) {
      block.copy(output, length, at, literalEnd)
      at = literalEnd
      length += literal
    } else while (at < literalEnd) output[length++] = block[at++]!
    if (at === size) return length
    if (at + 2 > size) throw new DecompressionError('an lz4 distance is cut off')
    const distance = block[at]! | (block[at + 1]! << 8)
    at += 2
    let count = token & 15
    if (count === 15) {
      let byte = 255
      for (; byte === 255 && at < size; count += byte) byte = block[at++]!
      if (byte === 255) throw new DecompressionError('an lz4 length is cut off')
    }
    count += MIN_MATCH
    if (distance === 0 || distance > length - start || count > room - length)
      throw new DecompressionError('an lz4 copy reaches outside')
    const end = length + count
    let from = length - distance
    if (count > NATIVE_COPY_FROM && distance >= count) {
      output.copyWithin(length, from, from + count)
      length = end
    } else if (count > NATIVE_COPY_FROM && distance === 1) {
      output.fill(output[from]!, length, end)
      length = end
    } else while (length < end) output[length++] = output[from++]!
  }
  throw new DecompressionError('an lz4 block does not end in a literal')
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
export function* lz4CompressInSteps(bytes: Buffer, coversMagic = false): Steps<Buffer> {
  const header = Buffer.from([0, 0, 0, 0, VERSION_BITS | INDEPENDENT_BLOCKS, BLOCK_CODE << 4, 0])
  header.writeUInt32LE(MAGIC)
  header[6] = headerChecksum(header.subarray(coversMagic ? 0 : 4, 6))
  const parts: Buffer[] = [header]
  const table = new MatchTable()
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
    const input = bytes.subarray(from, from + BLOCK_BYTES)
    const block = compressBlock(input, table)
    const isSmaller = block.length < input.length
    parts.push(littleEndian(isSmaller ? block.length : input.length + STORED), isSmaller ? block : input)
    yield
  }
  parts.push(littleEndian(0))
  return Buffer.concat(parts)
}

function littleEndian(word: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(word)
  return bytes
}

function compressBlock(input: Buffer, table: MatchTable): Buffer {
  const output = Buffer.allocUnsafe(16 + input.length + Math.ceil(input.length / 255))
  let length = 0
  const extend = (rest: number) => {
    for (let left = rest; ; left -= 255) {
      output[length++] = Math.min(left, 255)
      if (left < 255) return
    }
  }
  /** `count` 0: the last literal, which no copy follows. */
  const sequence = (from: number, to: number, distance: number, count: number) => {
    const literal = to - from
    const more = count === 0 ? 0 : count - MIN_MATCH
    output[length++] = (Math.min(literal, 15) << 4) | Math.min(more, 15)
    if (literal >= 15) extend(literal - 15)
    length += input.copy(output, length, from, to)
    if (count === 0) return
    length = output.writeUInt16LE(distance, length)
    if (more >= 15) extend(more - 15)
  }
  let literalFrom = 0
  table.clear()
  for (let at = 0; at < input.length - MATCH_LIMIT; ) {
    const candidate = table.replace(hashOf(input, at), at)
    const isNear = candidate >= 0 && at - candidate <= MAX_DISTANCE
    const count = isNear ? matchLength(input, candidate, at, input.length - LAST_LITERALS) : 0
    if (count < MIN_MATCH) {
      at++
      continue
    }
    sequence(literalFrom, at, at - candidate, count)
    at += count
    literalFrom = at
  }
  sequence(literalFrom, input.length, 0, 0)
  return output.subarray(0, length)
}
