import type { CodecMemory } from './copies.ts'
import { DecompressionError } from './decompression-error.ts'
import { baselineOf, bitCountOf, bitsAt, endOfBits, readFseTable, symbolOf, wordBefore } from './zstd-bits.ts'

const MAX_CODE_BITS = 11
const MAX_SYMBOL = 255
const MAX_WEIGHT_ACCURACY_LOG = 6

/** For each sequence of `maxBits` bits the symbol that it begins with, and above it how many of the bits belong to it. */
export interface HuffmanTable {
  readonly maxBits: number
  readonly entries: Uint16Array
}

/** Reads the description of a code; `end` is the position behind it. */
export function readHuffmanTable(
  block: CodecMemory,
  from: number,
  to: number,
): { table: HuffmanTable; end: number } {
  const { bytes } = block
  const header = from < to ? bytes[from]! : 255
  const size = header < 128 ? header : (header - 126) >> 1
  const end = from + 1 + size
  if (end > to) throw new DecompressionError('a zstd code is cut off')
  const weights =
    header < 128
      ? readWeights(block, from + 1, end)
      : plainWeights(bytes.subarray(from + 1, end), header - 127)
  return { table: buildTable(weights), end }
}

/** Two weights in a byte. */
function plainWeights(bytes: Buffer, count: number): number[] {
  return Array.from({ length: count }, (_, index) => (bytes[index >> 1]! >> (index % 2 === 0 ? 4 : 0)) & 15)
}

/** Two states take turns; the stream ends when one of them finds no bits for its next. */
function readWeights({ bytes, view }: CodecMemory, from: number, to: number): number[] {
  const { table, end } = readFseTable(bytes.subarray(0, to), from, MAX_WEIGHT_ACCURACY_LOG, MAX_SYMBOL)
  const { accuracyLog, entries } = table
  let place = endOfBits(bytes, end, to) - accuracyLog
  let state = bitsAt(view, place, accuracyLog)
  place -= accuracyLog
  let other = bitsAt(view, place, accuracyLog)
  if (place < 8 * end) throw new DecompressionError('the weights of a zstd code are cut off')
  const weights: number[] = []
  while (weights.length < MAX_SYMBOL) {
    const entry = entries[state]!
    weights.push(symbolOf(entry))
    place -= bitCountOf(entry)
    if (place < 8 * end) {
      weights.push(symbolOf(entries[other]!))
      break
    }
    state = other
    other = baselineOf(entry) + bitsAt(view, place, bitCountOf(entry))
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
  const entries = new Uint16Array(1 << maxBits)
  let at = 0
  for (let weight = 1; weight <= maxBits; weight++) {
    for (let symbol = 0; symbol < weights.length; symbol++) {
      if (weights[symbol] !== weight) continue
      const end = at + (1 << (weight - 1))
      entries.fill(((maxBits + 1 - weight) << 8) | symbol, at, end)
      at = end
    }
  }
  return { maxBits, entries }
}

/** Fills a part of `into` from the stream between two positions, which must hold exactly so much. */
export function readHuffmanStream(
  { maxBits, entries }: HuffmanTable,
  { bytes, view }: CodecMemory,
  from: number,
  to: number,
  into: Buffer,
  intoFrom: number,
  intoTo: number,
): void {
  const start = 8 * from
  const unused = 32 - maxBits
  let end = endOfBits(bytes, from, to)
  let at = intoFrom
  // Two symbols are in one word, always.
  for (const last = intoTo - 1; at < last && end - start >= 2 * maxBits; at += 2) {
    const word = wordBefore(view, end)
    const first = entries[word >>> unused]!
    const second = entries[(word << (first >>> 8)) >>> unused]!
    end -= (first >>> 8) + (second >>> 8)
    into[at] = first
    into[at + 1] = second
  }
  for (; at < intoTo && end > start; at++) {
    const entry = entries[wordBefore(view, end) >>> unused]!
    end -= entry >>> 8
    into[at] = entry
  }
  if (at < intoTo || end !== start)
    throw new DecompressionError('a zstd literal stream is too long or too short')
}
