import { gunzipSync, gzipSync } from 'node:zlib'
import { ByteReader, int32, uint32LittleEndian, unsignedVarint } from './bytes.ts'

/** Codecs by the number in a batch's attributes. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type CodecName = (typeof CODECS)[number]

const SNAPPY_MAGIC = Buffer.from('82534e4150505900', 'hex')
const LZ4_MAGIC = Buffer.from('04224d18', 'hex')
const ZSTD_STORED = Buffer.from('28b52ffda0', 'hex')

/**
 * Packs for a broker to open: gzip for real, the others as stored blocks inside their right framing, which every decoder accepts.
 * Independent of the broker's own compression on purpose.
 */
export function pack(codec: CodecName, bytes: Buffer): Buffer {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes)
    case 'snappy':
      return packSnappy(bytes)
    case 'lz4': {
      const descriptor = Buffer.from([0x60, 0x40])
      const checksum = (xxHash32OfShort(descriptor) >>> 8) & 0xff
      const block = uint32LittleEndian(bytes.length | 0x80000000)
      return Buffer.concat([
        LZ4_MAGIC,
        descriptor,
        Buffer.from([checksum]),
        block,
        bytes,
        uint32LittleEndian(0),
      ])
    }
    case 'zstd': {
      const header = uint32LittleEndian((bytes.length << 3) | 1).subarray(0, 3)
      return Buffer.concat([ZSTD_STORED, uint32LittleEndian(bytes.length), header, bytes])
    }
  }
}

/** Opens what a broker sent; undefined for zstd other than one stored block, which only a full decoder opens. */
export function unpack(codec: CodecName, bytes: Buffer): Buffer | undefined {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gunzipSync(bytes)
    case 'snappy':
      return unpackSnappy(bytes)
    case 'lz4':
      return unpackLz4(bytes)
    case 'zstd':
      return bytes.subarray(0, 5).equals(ZSTD_STORED) && (bytes[9]! & 7) === 1
        ? bytes.subarray(12)
        : undefined
  }
}

function packSnappy(bytes: Buffer): Buffer {
  const parts: Buffer[] = [unsignedVarint(bytes.length)]
  for (let i = 0; i < bytes.length; i += 60) {
    const literal = bytes.subarray(i, i + 60)
    parts.push(Buffer.from([(literal.length - 1) << 2]), literal)
  }
  const block = Buffer.concat(parts)
  return Buffer.concat([SNAPPY_MAGIC, int32(1), int32(1), int32(block.length), block])
}

/** Output of an LZ77 decoder: literals, and copies of what was written before. */
class Output {
  #bytes: Buffer
  #length = 0

  constructor(size: number) {
    this.#bytes = Buffer.alloc(Math.max(size, 64))
  }

  literal(bytes: Buffer): void {
    this.#reserve(bytes.length)
    this.#length += bytes.copy(this.#bytes, this.#length)
  }

  copyBack(distance: number, length: number): void {
    if (distance <= 0 || distance > this.#length) throw new Error('a copy from before the start')
    this.#reserve(length)
    for (let i = 0; i < length; i++, this.#length++) {
      this.#bytes[this.#length] = this.#bytes[this.#length - distance]!
    }
  }

  finish = () => this.#bytes.subarray(0, this.#length)

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = Buffer.alloc((this.#length + more) * 2)
    this.#bytes.copy(larger)
    this.#bytes = larger
  }
}

function unpackSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, 8).equals(SNAPPY_MAGIC)) return unpackSnappyBlock(bytes)
  const reader = new ByteReader(bytes)
  reader.take(16)
  const blocks: Buffer[] = []
  while (!reader.isAtEnd) blocks.push(unpackSnappyBlock(reader.take(reader.int32())))
  return Buffer.concat(blocks)
}

function unpackSnappyBlock(block: Buffer): Buffer {
  const reader = new ByteReader(block)
  const output = new Output(Number(reader.unsignedVarint()))
  while (!reader.isAtEnd) {
    const tag = reader.littleEndian(1)
    const kind = tag & 3
    if (kind === 0) {
      const short = tag >> 2
      output.literal(reader.take((short < 60 ? short : reader.littleEndian(short - 59)) + 1))
    } else if (kind === 1) {
      output.copyBack(((tag >> 5) << 8) | reader.littleEndian(1), ((tag >> 2) & 7) + 4)
    } else {
      output.copyBack(reader.littleEndian(kind === 2 ? 2 : 4), (tag >> 2) + 1)
    }
  }
  return output.finish()
}

function unpackLz4(bytes: Buffer): Buffer {
  const reader = new ByteReader(bytes)
  reader.take(4)
  const flags = reader.littleEndian(1)
  reader.take(1 + (flags & 8 ? 8 : 0) + 1)
  const output = new Output(bytes.length * 2)
  for (let size = reader.littleEndian(4); size !== 0; size = reader.littleEndian(4)) {
    const block = reader.take(size & 0x7fffffff)
    if (size & 0x80000000) output.literal(block)
    else unpackLz4Block(block, output)
    if (flags & 16) reader.take(4)
  }
  return output.finish()
}

function unpackLz4Block(block: Buffer, output: Output): void {
  const reader = new ByteReader(block)
  const extended = (length: number) => {
    let total = length
    for (let byte = 255; length === 15 && byte === 255; total += byte) byte = reader.littleEndian(1)
    return total
  }
  while (!reader.isAtEnd) {
    const token = reader.littleEndian(1)
    output.literal(reader.take(extended(token >> 4)))
    if (reader.isAtEnd) return
    const distance = reader.littleEndian(2)
    output.copyBack(distance, extended(token & 15) + 4)
  }
}

const rotateLeft = (value: number, bits: number) => ((value << bits) | (value >>> (32 - bits))) >>> 0

/** xxHash32 of fewer than four bytes, as the header of an LZ4 frame needs it. */
function xxHash32OfShort(bytes: Buffer): number {
  let hash = (0x165667b1 + bytes.length) >>> 0
  for (const byte of bytes) {
    hash = Math.imul(rotateLeft((hash + Math.imul(byte, 0x165667b1)) >>> 0, 11), 0x9e3779b1) >>> 0
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca77) >>> 0
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae3d) >>> 0
  return (hash ^ (hash >>> 16)) >>> 0
}
