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
const MAX_DISTANCE = 0xffff
/** The format wants the last bytes of a block to be literals, and no match to begin near its end. */
const LAST_LITERALS = 5
const MATCH_LIMIT = 12

/** 64 KiB, 256 KiB, 1 MiB or 4 MiB. */
function blockBytes(code: number): number {
  return 1 << (8 + 2 * code)
}

/** One frame with independent blocks; like Kafka's reader it checks the header and the blocks, but not the checksum of the whole. */
export function lz4Decompress(bytes: Buffer, maxBytes: number): Buffer {
  const { blocksAt, maxBlockBytes, hasBlockChecksums } = readFrameHeader(bytes)
  const blocks: Buffer[] = []
  let length = 0
  const scratch = Buffer.allocUnsafe(Math.min(maxBlockBytes, 255 * bytes.length))
  for (let at = blocksAt; ; ) {
    if (at + 4 > bytes.length) throw new DecompressionError('an lz4 frame has no end')
    const word = bytes.readUInt32LE(at)
    at += 4
    if (word === 0) break
    const isStored = word >= STORED
    const size = isStored ? word - STORED : word
    const behind = at + size + (hasBlockChecksums ? 4 : 0)
    if (size > maxBlockBytes || behind > bytes.length) throw new DecompressionError('an lz4 block is cut off')
    const block = bytes.subarray(at, at + size)
    if (hasBlockChecksums && xxHash32(block) !== bytes.readUInt32LE(at + size))
      throw new DecompressionError('the checksum of an lz4 block is wrong')
    const content = isStored ? block : Buffer.from(scratch.subarray(0, fill(scratch, block)))
    length += content.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    blocks.push(content)
    at = behind
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, length)
}

function readFrameHeader(bytes: Buffer) {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== MAGIC)
    throw new DecompressionError('this is no lz4 frame')
  const flags = bytes[4]!
  if ((flags & 0xc0) !== VERSION_BITS) throw new DecompressionError('the lz4 frame has an unknown version')
  if ((flags & INDEPENDENT_BLOCKS) === 0)
    throw new DecompressionError('lz4 blocks that depend on each other are not supported')
  const code = (bytes[5]! >> 4) & 7
  if (code < BLOCK_CODE) throw new DecompressionError(`an lz4 frame has no block size ${code}`)
  const checksumAt = 6 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8)
  if (((xxHash32(bytes.subarray(4, checksumAt)) >>> 8) & 0xff) !== bytes[checksumAt])
    throw new DecompressionError('the checksum of the lz4 header is wrong')
  return {
    blocksAt: checksumAt + 1,
    maxBlockBytes: blockBytes(code),
    hasBlockChecksums: (flags & BLOCK_CHECKSUMS) !== 0,
  }
}

/** Runs the sequences of a block: a literal, and a copy of what came out before. Returns how much came out. */
function fill(output: Buffer, block: Buffer): number {
  let at = 0
  let length = 0
  /** A length of 15 goes on in bytes that are added up, as long as they are 255. */
  const extended = (start: number) => {
    let total = start
    for (let byte = 255; byte === 255; total += byte) {
      if (at >= block.length) throw new DecompressionError('an lz4 length is cut off')
      byte = block[at++]!
    }
    return total
  }
  while (at < block.length) {
    const token = block[at++]!
    const literal = token >>> 4 === 15 ? extended(15) : token >>> 4
    if (literal > block.length - at || literal > output.length - length)
      throw new DecompressionError('an lz4 literal is too long')
    if (literal > 0) output.set(block.subarray(at, at + literal), length)
    at += literal
    length += literal
    if (at === block.length) return length
    if (at + 2 > block.length) throw new DecompressionError('an lz4 distance is cut off')
    const distance = block[at]! | (block[at + 1]! << 8)
    at += 2
    const count = MIN_MATCH + ((token & 15) === 15 ? extended(15) : token & 15)
    if (distance === 0 || distance > length || count > output.length - length)
      throw new DecompressionError('an lz4 copy reaches outside')
    if (distance >= count) output.copyWithin(length, length - distance, length - distance + count)
    else if (distance === 1) output.fill(output[length - 1]!, length, length + count)
    else for (let to = length; to < length + count; to++) output[to] = output[to - distance]!
    length += count
  }
  throw new DecompressionError('an lz4 block does not end in a literal')
}

/** One frame as Kafka writes it: independent blocks of 64 KiB, no checksums but the header's. */
export function lz4Compress(bytes: Buffer): Buffer {
  const header = Buffer.from([0, 0, 0, 0, VERSION_BITS | INDEPENDENT_BLOCKS, BLOCK_CODE << 4, 0])
  header.writeUInt32LE(MAGIC)
  header[6] = (xxHash32(header.subarray(4, 6)) >>> 8) & 0xff
  const parts: Buffer[] = [header]
  const table = new MatchTable()
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
    const input = bytes.subarray(from, from + BLOCK_BYTES)
    const block = compressBlock(input, table)
    const isSmaller = block.length < input.length
    parts.push(littleEndian(isSmaller ? block.length : input.length + STORED), isSmaller ? block : input)
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
