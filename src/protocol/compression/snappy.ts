import type { Steps } from '../steps.ts'
import { DecompressionError, tooLarge } from './decompression-error.ts'
import { hashOf, MatchTable, matchLength } from './match-table.ts'

/** Begins the framing that Java's snappy streams have around their blocks; other clients send one block as it is. */
const FRAMING_MAGIC = Buffer.from('82534e4150505900', 'hex')
/** Behind the magic: two version numbers. */
const FRAMING_HEADER_BYTES = FRAMING_MAGIC.length + 8
const FRAMING_VERSION = 1
/** As large as Java's. Distances within a block fit into two bytes. */
const BLOCK_BYTES = 32 * 1024

const MAX_COPY_BYTES = 64
/** No element of two bytes gives more than this, so no block can grow more. */
const MAX_GROWTH = 32

/** A block at a time. */
export function* snappyDecompress(bytes: Buffer, maxBytes: number): Steps<Buffer> {
  if (!bytes.subarray(0, FRAMING_MAGIC.length).equals(FRAMING_MAGIC)) return decompressBlock(bytes, maxBytes)
  const blocks: Buffer[] = []
  let length = 0
  for (let at = FRAMING_HEADER_BYTES; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new DecompressionError('a snappy block has no whole length')
    const size = bytes.readInt32BE(at)
    at += 4
    if (size < 0 || size > bytes.length - at) throw new DecompressionError('a snappy block is cut off')
    const block = decompressBlock(bytes.subarray(at, at + size), maxBytes - length)
    blocks.push(block)
    length += block.length
    at += size
    yield
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, length)
}

/** A block says first how long it becomes: nothing is allocated for a length that it cannot have. */
function decompressBlock(block: Buffer, maxBytes: number): Buffer {
  let length = 0
  let at = 0
  for (let shift = 0; ; shift += 7) {
    const byte = block[at++]
    if (byte === undefined || shift > 28) throw new DecompressionError('a snappy block has no length')
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (length > maxBytes) throw tooLarge(maxBytes)
  if (length > block.length * MAX_GROWTH) throw new DecompressionError('a snappy block is too short')
  const output = Buffer.allocUnsafe(length)
  if (fill(output, block, at) !== length)
    throw new DecompressionError('a snappy block is not as long as it says')
  return output
}

/** Runs the elements of a block: pieces that stand in it, and copies of what came out before. Returns how much came out. */
function fill(output: Buffer, block: Buffer, from: number): number {
  let at = from
  let length = 0
  while (at < block.length) {
    const tag = block[at++]!
    const kind = tag & 3
    if (kind === 0) {
      let count = tag >>> 2
      if (count >= 60) {
        const width = count - 59
        if (at + width > block.length) throw new DecompressionError('a snappy literal is cut off')
        count = block.readUIntLE(at, width)
        at += width
      }
      count++
      if (count > block.length - at || count > output.length - length)
        throw new DecompressionError('a snappy literal is too long')
      output.set(block.subarray(at, at + count), length)
      at += count
      length += count
      continue
    }
    const width = kind === 3 ? 4 : kind
    if (at + width > block.length) throw new DecompressionError('a snappy copy is cut off')
    const low = block.readUIntLE(at, width)
    at += width
    const count = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    const distance = kind === 1 ? ((tag >>> 5) << 8) | low : low
    if (distance === 0 || distance > length || count > output.length - length)
      throw new DecompressionError('a snappy copy reaches outside')
    if (distance >= count) output.copyWithin(length, length - distance, length - distance + count)
    else for (let to = length; to < length + count; to++) output[to] = output[to - distance]!
    length += count
  }
  return length
}

/** In the framing of Java's streams, as Kafka's own broker compresses, a block at a time. */
export function* snappyCompress(bytes: Buffer): Steps<Buffer> {
  const header = Buffer.alloc(FRAMING_HEADER_BYTES)
  FRAMING_MAGIC.copy(header)
  header.writeInt32BE(FRAMING_VERSION, FRAMING_MAGIC.length)
  header.writeInt32BE(FRAMING_VERSION, FRAMING_MAGIC.length + 4)
  const parts: Buffer[] = [header]
  const table = new MatchTable()
  for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
    const block = compressBlock(bytes.subarray(from, from + BLOCK_BYTES), table)
    const size = Buffer.alloc(4)
    size.writeInt32BE(block.length)
    parts.push(size, block)
    yield
  }
  return Buffer.concat(parts)
}

function compressBlock(input: Buffer, table: MatchTable): Buffer {
  // A literal takes at most three bytes more than it holds, and there is one for every four bytes that are copied.
  const output = Buffer.allocUnsafe(32 + input.length + Math.ceil(input.length / 6))
  let length = 0
  for (let rest = input.length; ; rest >>>= 7) {
    output[length++] = rest < 0x80 ? rest : rest | 0x80
    if (rest < 0x80) break
  }
  const literal = (from: number, to: number) => {
    const last = to - from - 1
    if (last < 0) return
    if (last < 60) output[length++] = last << 2
    else if (last < 256) {
      output[length++] = 60 << 2
      output[length++] = last
    } else {
      output[length++] = 61 << 2
      length = output.writeUInt16LE(last, length)
    }
    length += input.copy(output, length, from, to)
  }
  let literalFrom = 0
  table.clear()
  for (let at = 0; at + 4 <= input.length; ) {
    const candidate = table.replace(hashOf(input, at), at)
    const count = candidate < 0 ? 0 : matchLength(input, candidate, at, input.length)
    if (count < 4) {
      at++
      continue
    }
    literal(literalFrom, at)
    for (let left = count; left > 0; left -= MAX_COPY_BYTES) {
      output[length++] = ((Math.min(left, MAX_COPY_BYTES) - 1) << 2) | 2
      length = output.writeUInt16LE(at - candidate, length)
    }
    at += count
    literalFrom = at
  }
  literal(literalFrom, input.length)
  return output.subarray(0, length)
}
