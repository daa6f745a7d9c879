import type { CodecMemory } from './copies.ts'
import { DecompressionError } from './decompression-error.ts'
import { type HuffmanTable, readHuffmanStream, readHuffmanTable } from './zstd-huffman.ts'

/** A block may use the code of the one before it. */
export interface LiteralsState {
  table: HuffmanTable | undefined
}

/** Literals of a block, in the memory that was given for them; `end` is the position behind them in the block. */
export interface Literals {
  readonly length: number
  readonly end: number
}

/** The bytes of a block that are copied from nowhere: at most `maxBytes`, into a part of `into`. */
export function readLiterals(
  block: CodecMemory,
  from: number,
  state: LiteralsState,
  into: Buffer,
  intoAt: number,
  maxBytes: number,
): Literals {
  const { bytes } = block
  if (bytes.length < from + 2) throw new DecompressionError('a zstd block is too short')
  const first = bytes[from]!
  const type = first & 3
  const format = (first >> 2) & 3
  if (type >= 2) return readCompressed(block, from, state, into, intoAt, maxBytes)
  const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1
  const length = headerBytes === 1 ? first >> 3 : readLittleEndian(bytes, from, headerBytes) >> 4
  const at = from + headerBytes
  const end = at + (type === 1 ? 1 : length)
  if (length > maxBytes || end > bytes.length) throw new DecompressionError('zstd literals are cut off')
  if (type === 1) into.fill(bytes[at]!, intoAt, intoAt + length)
  else bytes.copy(into, intoAt, at, end)
  return { length, end }
}

function readCompressed(
  block: CodecMemory,
  from: number,
  state: LiteralsState,
  into: Buffer,
  intoAt: number,
  maxBytes: number,
): Literals {
  const { bytes } = block
  const format = (bytes[from]! >> 2) & 3
  const hasTable = (bytes[from]! & 3) === 2
  const sizeBits = format < 2 ? 10 : format === 2 ? 14 : 18
  const headerBytes = (4 + 2 * sizeBits) >> 3
  // Two sizes of up to 18 bits behind four others: more than the 32 bits of an operator.
  const sizes = Math.floor(readLittleEndian(bytes, from, headerBytes) / 16)
  const length = sizes % 2 ** sizeBits
  let at = from + headerBytes
  const end = at + Math.floor(sizes / 2 ** sizeBits)
  if (length > maxBytes || end > bytes.length) throw new DecompressionError('zstd literals are cut off')
  if (hasTable) {
    const { table, end: tableEnd } = readHuffmanTable(block, at, end)
    state.table = table
    at = tableEnd
  }
  const { table } = state
  if (!table) throw new DecompressionError('zstd literals have no code')
  if (format === 0) readHuffmanStream(table, block, at, end, into, intoAt, intoAt + length)
  else readFourStreams(table, block, at, end, into, intoAt, length)
  return { length, end }
}

function readFourStreams(
  table: HuffmanTable,
  block: CodecMemory,
  from: number,
  to: number,
  into: Buffer,
  intoAt: number,
  length: number,
): void {
  if (to - from < 6) throw new DecompressionError('zstd literal streams are cut off')
  const quarter = (length + 3) >> 2
  let at = from + 6
  for (let stream = 0; stream < 4; stream++) {
    const end = stream === 3 ? to : at + block.bytes.readUInt16LE(from + 2 * stream)
    if (end > to) throw new DecompressionError('zstd literal streams are cut off')
    const intoEnd = Math.min(length, (stream + 1) * quarter)
    readHuffmanStream(
      table,
      block,
      at,
      end,
      into,
      intoAt + Math.min(length, stream * quarter),
      intoAt + intoEnd,
    )
    at = end
  }
}

function readLittleEndian(bytes: Buffer, at: number, count: number): number {
  if (at + count > bytes.length) throw new DecompressionError('zstd literals are cut off')
  return bytes.readUIntLE(at, count)
}
