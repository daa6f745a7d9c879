import { DecompressionError } from './decompression-error.ts'

/**
 * zstd writes what its entropy coders make from a stream's end to its start: the first bits are the last ones, and the highest bit that is
 * set ends the stream. Places in it are counted in bits.
 */

/** So many bytes in front of a stream may be looked at with its last bits: they are read four bytes at a time. */
export const ROOM_BEFORE_BITS = 4
/** So many bits are in four bytes at the least, wherever in a byte the first one is. */
export const BITS_PER_WORD = 25

/** Where the bits of a stream between two positions end. */
export function endOfBits(bytes: Buffer, from: number, to: number): number {
  const last = to > from ? bytes[to - 1]! : 0
  if (last === 0) throw new DecompressionError('a zstd bit stream has no end')
  return 8 * to - Math.clz32(last) + 23
}

/** The bits before a place, the last one highest: 25 at the least. In front of the stream lies anything. */
export function wordBefore(view: DataView, place: number): number {
  const end = (place + 7) >> 3
  return view.getInt32(Math.max(0, end - 4), true) << (8 * end - place)
}

/** Bits from a place on, at most 25. */
export function bitsAt(view: DataView, place: number, count: number): number {
  // In two shifts: none by 32 bits can be.
  return (wordBefore(view, place + count) >>> 1) >>> (31 - count)
}

/** The same up to 30. */
export function manyBitsAt(view: DataView, place: number, count: number): number {
  return (bitsAt(view, place + 16, count - 16) << 16) | bitsAt(view, place, 16)
}

/** A finite state entropy table: for each state what it stands for, and how to get to the next one. */
export interface FseTable {
  readonly accuracyLog: number
  readonly entries: Int32Array
}

export function symbolOf(entry: number): number {
  return entry & 0xff
}

/** So many bits are read for the next state. */
export function bitCountOf(entry: number): number {
  return (entry >> 8) & 0xff
}

/** To this they are added. */
export function baselineOf(entry: number): number {
  return entry >> 16
}

/** The table of one symbol that takes no bits. */
export function singleSymbolTable(symbol: number): FseTable {
  return { accuracyLog: 0, entries: Int32Array.of(symbol) }
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
  const entries = new Int32Array(size)
  for (let state = 0; state < size; state++) {
    const following = next[symbols[state]!]!++
    const bits = accuracyLog - (31 - Math.clz32(following))
    entries[state] = (((following << bits) - size) << 16) | (bits << 8) | symbols[state]!
  }
  return { accuracyLog, entries }
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
