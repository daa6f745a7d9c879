import { DecompressionError } from './decompression-error.ts'
import { type HuffmanTable, readHuffmanStream, readHuffmanTable } from './zstd-huffman.ts'

/** A block may use the code of the one before it. */
export interface LiteralsState {
  table: HuffmanTable | undefined
}

/** The bytes of a block that are copied from nowhere; `end` is the position behind them. */
export function readLiterals(
  block: Buffer,
  state: LiteralsState,
  maxBytes: number,
): { content: Buffer; end: number } {
  if (block.length < 2) throw new DecompressionError('a zstd block is too short')
  const type = block[0]! & 3
  const format = (block[0]! >> 2) & 3
  if (type >= 2) return readCompressed(block, type === 2, format, state, maxBytes)
  const headerBytes = format === 1 ? 2 : format === 3 ? 3 : 1
  const size = headerBytes === 1 ? block[0]! >> 3 : readLittleEndian(block, headerBytes) >> 4
  const end = headerBytes + (type === 1 ? 1 : size)
  if (size > maxBytes || end > block.length) throw new DecompressionError('zstd literals are cut off')
  if (type === 1) return { content: Buffer.alloc(size, block[headerBytes]), end }
  return { content: block.subarray(headerBytes, end), end }
}

function readCompressed(
  block: Buffer,
  hasTable: boolean,
  format: number,
  state: LiteralsState,
  maxBytes: number,
): { content: Buffer; end: number } {
  const sizeBits = format < 2 ? 10 : format === 2 ? 14 : 18
  const headerBytes = (4 + 2 * sizeBits) >> 3
  // Two sizes of up to 18 bits behind four others: more than the 32 bits of an operator.
  const sizes = Math.floor(readLittleEndian(block, headerBytes) / 16)
  const size = sizes % 2 ** sizeBits
  const end = headerBytes + Math.floor(sizes / 2 ** sizeBits)
  if (size > maxBytes || end > block.length) throw new DecompressionError('zstd literals are cut off')
  let at = headerBytes
  if (hasTable) {
    const { table, end: tableEnd } = readHuffmanTable(block.subarray(0, end), at)
    state.table = table
    at = tableEnd
  }
  const { table } = state
  if (!table) throw new DecompressionError('zstd literals have no code')
  const content = Buffer.allocUnsafe(size)
  if (format === 0) readHuffmanStream(table, block.subarray(at, end), content)
  else readFourStreams(table, block.subarray(at, end), content)
  return { content, end }
}

function readFourStreams(table: HuffmanTable, streams: Buffer, content: Buffer): void {
  if (streams.length < 6) throw new DecompressionError('zstd literal streams are cut off')
  const quarter = (content.length + 3) >> 2
  let at = 6
  for (let stream = 0; stream < 4; stream++) {
    const end = stream === 3 ? streams.length : at + streams.readUInt16LE(2 * stream)
    const into = content.subarray(stream * quarter, stream === 3 ? content.length : (stream + 1) * quarter)
    readHuffmanStream(table, streams.subarray(at, end), into)
    at = end
  }
}

function readLittleEndian(block: Buffer, count: number): number {
  if (count > block.length) throw new DecompressionError('zstd literals are cut off')
  return block.readUIntLE(0, count)
}
