import { DecompressionError } from './decompression-error.ts'
import { BackwardBits, readFseTable } from './zstd-bits.ts'

const MAX_CODE_BITS = 11
const MAX_SYMBOL = 255
const MAX_WEIGHT_ACCURACY_LOG = 6

/** For each sequence of `maxBits` bits the symbol that it begins with, and how many of the bits belong to it. */
export interface HuffmanTable {
  readonly maxBits: number
  readonly symbols: Uint8Array
  readonly bitCounts: Uint8Array
}

/** Reads the description of a code; `end` is the position behind it. */
export function readHuffmanTable(bytes: Buffer, from: number): { table: HuffmanTable; end: number } {
  const header = bytes[from]
  if (header === undefined) throw new DecompressionError('a zstd code is cut off')
  const size = header < 128 ? header : (header - 126) >> 1
  const end = from + 1 + size
  if (end > bytes.length) throw new DecompressionError('a zstd code is cut off')
  const description = bytes.subarray(from + 1, end)
  const weights = header < 128 ? readWeights(description) : plainWeights(description, header - 127)
  return { table: buildTable(weights), end }
}

/** Two weights in a byte. */
function plainWeights(bytes: Buffer, count: number): number[] {
  return Array.from({ length: count }, (_, index) => (bytes[index >> 1]! >> (index % 2 === 0 ? 4 : 0)) & 15)
}

/** Two states take turns; the stream ends when one of them finds no bits for its next. */
function readWeights(bytes: Buffer): number[] {
  const { table, end } = readFseTable(bytes, 0, MAX_WEIGHT_ACCURACY_LOG, MAX_SYMBOL)
  const { symbols, bitCounts, baselines, accuracyLog } = table
  const bits = new BackwardBits(bytes.subarray(end))
  const weights: number[] = []
  let state = bits.read(accuracyLog)
  let other = bits.read(accuracyLog)
  if (bits.left < 0) throw new DecompressionError('the weights of a zstd code are cut off')
  while (weights.length < MAX_SYMBOL) {
    weights.push(symbols[state]!)
    const next = baselines[state]! + bits.read(bitCounts[state]!)
    if (bits.left < 0) {
      weights.push(symbols[other]!)
      break
    }
    state = other
    other = next
  }
  return weights
}

/** The last symbol's weight is not written: it makes the sum a power of two. */
function buildTable(weights: number[]): HuffmanTable {
  let sum = 0
  for (const weight of weights) if (weight > 0) sum += 2 ** (weight - 1)
  const maxBits = 32 - Math.clz32(sum)
  const rest = 2 ** maxBits - sum
  if (sum === 0 || maxBits > MAX_CODE_BITS || weights.length > MAX_SYMBOL || (rest & (rest - 1)) !== 0)
    throw new DecompressionError('the weights of a zstd code do not add up')
  weights.push(32 - Math.clz32(rest))
  const symbols = new Uint8Array(1 << maxBits)
  const bitCounts = new Uint8Array(1 << maxBits)
  let at = 0
  for (let weight = 1; weight <= maxBits; weight++) {
    for (let symbol = 0; symbol < weights.length; symbol++) {
      if (weights[symbol] !== weight) continue
      const end = at + (1 << (weight - 1))
      symbols.fill(symbol, at, end)
      bitCounts.fill(maxBits + 1 - weight, at, end)
      at = end
    }
  }
  return { maxBits, symbols, bitCounts }
}

/** Fills `into` from one stream, which must hold exactly so much. */
export function readHuffmanStream(table: HuffmanTable, stream: Buffer, into: Buffer): void {
  const { maxBits, symbols, bitCounts } = table
  const bits = new BackwardBits(stream)
  for (let at = 0; at < into.length; at++) {
    const index = bits.peek(maxBits)
    into[at] = symbols[index]!
    bits.left -= bitCounts[index]!
  }
  if (bits.left !== 0) throw new DecompressionError('a zstd literal stream is too long or too short')
}
