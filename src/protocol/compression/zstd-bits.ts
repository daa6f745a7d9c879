import { DecompressionError } from './decompression-error.ts'

/** Reads bits from a stream's end to its start, as zstd writes what its entropy coders make. The highest set bit ends the stream. */
export class BackwardBits {
  /** Bits that have not been read; below zero when more were read than there are, which gives zeros. */
  left: number
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    const last = bytes.at(-1)
    if (!last) throw new DecompressionError('a zstd bit stream has no end')
    this.#bytes = bytes
    this.left = 8 * bytes.length - Math.clz32(last) + 23
  }

  /** At most 31 bits. */
  read(count: number): number {
    if (count > 16) {
      const high = this.read(count - 16)
      return high * 0x10000 + this.read(16)
    }
    this.left -= count
    return this.#bitsAt(this.left, count)
  }

  /** The next bits, at most 16, without moving on. */
  peek(count: number): number {
    return this.#bitsAt(this.left - count, count)
  }

  #bitsAt(position: number, count: number): number {
    if (position < 0) {
      const known = count + position
      return known <= 0 ? 0 : this.#bitsAt(0, known) << -position
    }
    const at = position >>> 3
    const bytes = this.#bytes
    const word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
    return (word >>> (position & 7)) & ((1 << count) - 1)
  }
}

/** A finite state entropy table: what each state stands for, and how to get to the next one. */
export interface FseTable {
  readonly accuracyLog: number
  readonly symbols: Uint8Array
  readonly bitCounts: Uint8Array
  readonly baselines: Uint16Array
}

/** The table of one symbol that takes no bits. */
export function singleSymbolTable(symbol: number): FseTable {
  return {
    accuracyLog: 0,
    symbols: Uint8Array.of(symbol),
    bitCounts: new Uint8Array(1),
    baselines: new Uint16Array(1),
  }
}

/** `frequencies` add up to 2 ** accuracyLog; -1 is a symbol less frequent than 1. */
export function buildFseTable(frequencies: readonly number[], accuracyLog: number): FseTable {
  const size = 1 << accuracyLog
  const symbols = new Uint8Array(size)
  const next = new Uint16Array(frequencies.length)
  let high = size
  frequencies.forEach((frequency, symbol) => {
    next[symbol] = Math.abs(frequency)
    if (frequency === -1) symbols[--high] = symbol
  })
  const step = (size >> 1) + (size >> 3) + 3
  let position = 0
  frequencies.forEach((frequency, symbol) => {
    for (let left = frequency; left > 0; left--) {
      symbols[position] = symbol
      do position = (position + step) & (size - 1)
      while (position >= high)
    }
  })
  const bitCounts = new Uint8Array(size)
  const baselines = new Uint16Array(size)
  for (let state = 0; state < size; state++) {
    const following = next[symbols[state]!]!++
    const bits = accuracyLog - (31 - Math.clz32(following))
    bitCounts[state] = bits
    baselines[state] = (following << bits) - size
  }
  return { accuracyLog, symbols, bitCounts, baselines }
}

/** Reads the description of a table; `end` is the position behind it. */
export function readFseTable(
  bytes: Buffer,
  from: number,
  maxAccuracyLog: number,
  maxSymbol: number,
): { table: FseTable; end: number } {
  let bit = 8 * from
  const read = (count: number) => {
    const at = bit >>> 3
    if (at >= bytes.length) throw new DecompressionError('a zstd table is cut off')
    const word = bytes[at]! | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
    const value = (word >>> (bit & 7)) & ((1 << count) - 1)
    bit += count
    return value
  }
  const accuracyLog = read(4) + 5
  if (accuracyLog > maxAccuracyLog) throw new DecompressionError('a zstd table is too large')
  const frequencies: number[] = []
  for (let remaining = 1 << accuracyLog; remaining > 0; ) {
    if (frequencies.length > maxSymbol) throw new DecompressionError('a zstd table has too many symbols')
    // Small values take one bit less: as many as the range leaves room for.
    const bits = 32 - Math.clz32(remaining + 1)
    const short = (1 << bits) - 2 - remaining
    let value = read(bits)
    const low = value & ((1 << (bits - 1)) - 1)
    if (low < short) {
      value = low
      bit--
    } else if (value >= 1 << (bits - 1)) value -= short
    const frequency = value - 1
    remaining -= Math.abs(frequency)
    frequencies.push(frequency)
    for (let repeat = frequency === 0 ? 3 : 0; repeat === 3; ) {
      repeat = read(2)
      for (let zero = 0; zero < repeat; zero++) frequencies.push(0)
    }
    if (remaining < 0 || frequencies.length > maxSymbol + 1)
      throw new DecompressionError('a zstd table does not add up')
  }
  return { table: buildFseTable(frequencies, accuracyLog), end: (bit + 7) >>> 3 }
}
