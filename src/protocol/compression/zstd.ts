import type { Steps } from '../steps.ts'
import { type CodecMemory, codecMemory, SLACK_BYTES } from './copies.ts'
import { DecompressionError, tooLarge } from './decompression-error.ts'
import type { Allocate } from './memory.ts'
import { ROOM_BEFORE_BITS } from './zstd-bits.ts'
import { type LiteralsState, readLiterals } from './zstd-literals.ts'
import { readSequences, type SequenceState, startSequences } from './zstd-sequences.ts'

const MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const SINGLE_SEGMENT = 0x20
const CHECKSUM = 0x04
const RESERVED = 0x08
const MAX_BLOCK_BYTES = 128 * 1024
/** Content size of four bytes, one segment. */
const STORED_DESCRIPTOR = 0xa0

/**
 * Zstandard (RFC 8878) for Node before 22.15, which has none of its own. Time and memory are bounded by the input and `maxBytes`: each block
 * is held to 128 KiB, and a step is a part of one. The checksum of a frame is not looked at, since the batch around it has one.
 */
export function* zstdDecompress(
  bytes: Buffer,
  maxBytes: number,
  allocate: Allocate = Buffer.allocUnsafe,
): Steps<Buffer> {
  const output = new Output(maxBytes, 4 * bytes.length, allocate)
  let at = 0
  do at = yield* readFrame(bytes, at, output)
  while (at < bytes.length)
  return output.finish()
}

/** A block at its largest, and behind it room for its literals. */
const BLOCK_ROOM = 2 * (MAX_BLOCK_BYTES + SLACK_BYTES)

/** What has come out, in memory that grows. */
class Output {
  into: CodecMemory = codecMemory(Buffer.alloc(0))
  length = 0
  readonly #maxBytes: number
  readonly #expected: number
  readonly #allocate: Allocate

  constructor(maxBytes: number, expected: number, allocate: Allocate) {
    this.#maxBytes = maxBytes
    this.#expected = expected
    this.#allocate = allocate
  }

  /** Makes room for so many bytes more. */
  reserve(count: number): void {
    const { bytes } = this.into
    const needed = this.length + count
    if (needed <= bytes.length) return
    // A block is given all the room that it may take, also at the limit.
    const most = this.#maxBytes + BLOCK_ROOM
    if (needed > most) throw tooLarge(this.#maxBytes)
    const larger = this.#allocate(Math.min(most, Math.max(needed, 2 * bytes.length, this.#expected)))
    bytes.copy(larger, 0, 0, this.length)
    this.into = codecMemory(larger)
  }

  finish(): Buffer {
    if (this.length > this.#maxBytes) throw tooLarge(this.#maxBytes)
    return this.into.bytes.subarray(0, this.length)
  }
}

/** Returns the position behind the frame. */
function* readFrame(bytes: Buffer, from: number, output: Output): Steps<number> {
  if (from + 8 > bytes.length) throw new DecompressionError('a zstd frame is cut off')
  const magic = bytes.readUInt32LE(from)
  if (magic - (magic % 16) === SKIPPABLE_MAGIC) return from + 8 + bytes.readUInt32LE(from + 4)
  if (magic !== MAGIC) throw new DecompressionError('this is no zstd frame')
  const header = readFrameHeader(bytes, from + 4)
  if (header.contentBytes !== undefined) output.reserve(header.contentBytes + BLOCK_ROOM)
  const start = output.length
  const literals: LiteralsState = { table: undefined }
  const sequences = startSequences(start)
  let at = header.end
  for (let isLast = false; !isLast; ) {
    if (at + 3 > bytes.length) throw new DecompressionError('a zstd frame has no end')
    const word = bytes.readUIntLE(at, 3)
    at += 3
    isLast = (word & 1) === 1
    at += yield* readBlock((word >> 1) & 3, bytes, at, word >> 3, output, literals, sequences)
    yield
  }
  if (header.contentBytes !== undefined && output.length - start !== header.contentBytes)
    throw new DecompressionError('a zstd frame is not as long as it says')
  return at + (header.hasChecksum ? 4 : 0)
}

function readFrameHeader(bytes: Buffer, from: number) {
  const descriptor = bytes[from]!
  if ((descriptor & RESERVED) !== 0) throw new DecompressionError('a zstd frame has a reserved bit set')
  const isSingleSegment = (descriptor & SINGLE_SEGMENT) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const sizeCode = descriptor >> 6
  const sizeBytes = sizeCode === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeCode
  // The window tells a reader how much to keep. We keep everything.
  const sizeAt = from + 1 + (isSingleSegment ? 0 : 1) + dictionaryBytes
  const end = sizeAt + sizeBytes
  if (end > bytes.length) throw new DecompressionError('a zstd frame header is cut off')
  const contentBytes =
    sizeBytes === 0
      ? undefined
      : sizeBytes === 8
        ? Number(bytes.readBigUInt64LE(sizeAt))
        : bytes.readUIntLE(sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  return { contentBytes, hasChecksum: (descriptor & CHECKSUM) !== 0, end }
}

/** Gives how many bytes of input the block takes. */
function* readBlock(
  type: number,
  bytes: Buffer,
  at: number,
  size: number,
  output: Output,
  literals: LiteralsState,
  sequences: SequenceState,
): Steps<number> {
  if (size > MAX_BLOCK_BYTES || type === 3) throw new DecompressionError('a zstd block is none')
  const inputBytes = type === 1 ? 1 : size
  if (at + inputBytes > bytes.length) throw new DecompressionError('a zstd block is cut off')
  if (type === 2) {
    output.reserve(BLOCK_ROOM)
    const { into, length: start } = output
    const block = codecMemory(bytes.subarray(at - ROOM_BEFORE_BITS, at + size))
    const limit = start + MAX_BLOCK_BYTES
    const literalsAt = limit + SLACK_BYTES
    const { length, end } = readLiterals(
      block,
      ROOM_BEFORE_BITS,
      literals,
      into.bytes,
      literalsAt,
      MAX_BLOCK_BYTES,
    )
    yield
    const run = { into, length: start, limit, literalsAt, literalsEnd: literalsAt + length }
    yield* readSequences(block, end, run, sequences)
    output.length = run.length
    return size
  }
  output.reserve(size)
  if (type === 1) output.into.bytes.fill(bytes[at]!, output.length, output.length + size)
  else bytes.copy(output.into.bytes, output.length, at, at + size)
  output.length += size
  return inputBytes
}

/** A frame of blocks that are not compressed, for Node before 22.15: every reader opens it, but it is not smaller. */
export function zstdStore(bytes: Buffer): Buffer {
  const header = Buffer.alloc(9)
  header.writeUInt32LE(MAGIC)
  header[4] = STORED_DESCRIPTOR
  header.writeUInt32LE(bytes.length, 5)
  const parts: Buffer[] = [header]
  let from = 0
  do {
    const block = bytes.subarray(from, from + MAX_BLOCK_BYTES)
    from += block.length
    const blockHeader = Buffer.alloc(3)
    blockHeader.writeUIntLE((block.length << 3) | (from === bytes.length ? 1 : 0), 0, 3)
    parts.push(blockHeader, block)
  } while (from < bytes.length)
  return Buffer.concat(parts)
}
