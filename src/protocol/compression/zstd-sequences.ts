import type { Steps } from '../steps.ts'
import { type CodecMemory, copyPiece, repeatPiece } from './copies.ts'
import { DecompressionError } from './decompression-error.ts'
import {
  BITS_PER_WORD,
  baselineOf,
  bitCountOf,
  bitsAt,
  buildFseTable,
  endOfBits,
  type FseTable,
  manyBitsAt,
  readFseTable,
  singleSymbolTable,
  symbolOf,
} from './zstd-bits.ts'

const SEQUENCES_PER_STEP = 1024

/** One of the three kinds of numbers in a sequence. */
interface Kind {
  readonly maxAccuracyLog: number
  readonly maxSymbol: number
  /** The table of a block that brings none. */
  readonly predefined: FseTable
}

const ones = (count: number) => Array<number>(count).fill(1)
const twos = (count: number) => Array<number>(count).fill(2)
const rare = (count: number) => Array<number>(count).fill(-1)

const LITERAL_LENGTHS: Kind = {
  maxAccuracyLog: 9,
  maxSymbol: 35,
  predefined: buildFseTable([4, 3, ...twos(11), ...ones(3), ...twos(9), 3, 2, ...ones(5), ...rare(4)], 6),
}
const OFFSETS: Kind = {
  maxAccuracyLog: 8,
  // The next one stands for distances from 2 GiB on.
  maxSymbol: 30,
  predefined: buildFseTable([...ones(6), ...twos(3), ...ones(15), ...rare(5)], 5),
}
const MATCH_LENGTHS: Kind = {
  maxAccuracyLog: 9,
  maxSymbol: 52,
  predefined: buildFseTable([1, 4, 3, ...twos(6), ...ones(37), ...rare(7)], 6),
}

/** By code: how many bits follow it, and what they are added to. */
function lengthCodes(first: number, plain: number, extraBits: readonly number[]) {
  const bits = [...Array<number>(plain).fill(0), ...extraBits]
  const bases: number[] = []
  let base = first
  for (const count of bits) {
    bases.push(base)
    base += 2 ** count
  }
  return { bits: Uint8Array.from(bits), bases: Int32Array.from(bases) }
}

const literalCodes = lengthCodes(0, 16, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
const matchCodes = lengthCodes(3, 32, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])

/** What sequences take over from the blocks before. */
export interface SequenceState {
  /** Where the frame begins in the output: copies may not reach further back. */
  readonly frameStart: number
  literalLengths: FseTable | undefined
  offsets: FseTable | undefined
  matchLengths: FseTable | undefined
  /** The last three distances, the newest first. */
  readonly recent: Int32Array
}

export function startSequences(frameStart: number): SequenceState {
  const none = { literalLengths: undefined, offsets: undefined, matchLengths: undefined }
  return { frameStart, ...none, recent: Int32Array.of(1, 4, 8) }
}

/** Where a block is written: in front of `length` lies what came out before it. Its literals lie in the same memory, behind `limit`. */
export interface BlockOutput {
  readonly into: CodecMemory
  length: number
  /** It may not become longer. */
  readonly limit: number
  literalsAt: number
  readonly literalsEnd: number
}

/** Runs the sequences of a block: so many literals, then a copy. */
export function* readSequences(
  block: CodecMemory,
  from: number,
  output: BlockOutput,
  state: SequenceState,
): Steps<void> {
  const { count, end } = readCount(block.bytes, from)
  if (count > 0) {
    const run = new SequenceRun(block, end, state)
    for (let left = count; left > 0; ) {
      const step = Math.min(left, SEQUENCES_PER_STEP)
      left -= step
      run.execute(output, step, left === 0)
      if (left > 0) yield
    }
  }
  const { into, length, limit, literalsAt, literalsEnd } = output
  const rest = literalsEnd - literalsAt
  if (rest > limit - length) throw new DecompressionError('a zstd block is too long')
  into.bytes.copyWithin(length, literalsAt, literalsEnd)
  output.length = length + rest
}

function readCount(block: Buffer, from: number): { count: number; end: number } {
  const first = block[from]
  const bytes = first === undefined ? 1 : first < 128 ? 1 : first < 255 ? 2 : 3
  const end = from + bytes
  if (first === undefined || end > block.length) throw new DecompressionError('zstd sequences are cut off')
  if (bytes === 1) return { count: first, end }
  if (bytes === 2) return { count: ((first - 128) << 8) | block[from + 1]!, end }
  return { count: block.readUInt16LE(from + 1) + 0x7f00, end }
}

/** Sequences that are read and done at once. */
class SequenceRun {
  readonly #state: SequenceState
  readonly #literals: FseTable
  readonly #offsets: FseTable
  readonly #matches: FseTable
  readonly #view: DataView
  /** Between these lie the bits that have not been read. */
  readonly #bitsStart: number
  #bitsEnd: number
  #literalState: number
  #offsetState: number
  #matchState: number

  constructor(block: CodecMemory, from: number, state: SequenceState) {
    const { bytes, view } = block
    const modes = bytes[from]
    if (modes === undefined || (modes & 3) !== 0)
      throw new DecompressionError('zstd sequences have no tables')
    let at = from + 1
    const tableOf = (mode: number, kind: Kind, before: FseTable | undefined): FseTable => {
      if (mode === 0) return kind.predefined
      if (mode === 2) {
        const { table, end } = readFseTable(bytes, at, kind.maxAccuracyLog, kind.maxSymbol)
        at = end
        return table
      }
      const symbol = bytes[at]
      if (mode === 1 && symbol !== undefined && symbol <= kind.maxSymbol) {
        at++
        return singleSymbolTable(symbol)
      }
      if (mode === 1 || !before) throw new DecompressionError('zstd sequences have no table')
      return before
    }
    state.literalLengths = this.#literals = tableOf(modes >> 6, LITERAL_LENGTHS, state.literalLengths)
    state.offsets = this.#offsets = tableOf((modes >> 4) & 3, OFFSETS, state.offsets)
    state.matchLengths = this.#matches = tableOf((modes >> 2) & 3, MATCH_LENGTHS, state.matchLengths)
    this.#state = state
    this.#view = view
    this.#bitsStart = 8 * at
    let end = endOfBits(bytes, at, bytes.length)
    end -= this.#literals.accuracyLog
    this.#literalState = bitsAt(view, end, this.#literals.accuracyLog)
    end -= this.#offsets.accuracyLog
    this.#offsetState = bitsAt(view, end, this.#offsets.accuracyLog)
    end -= this.#matches.accuracyLog
    this.#matchState = bitsAt(view, end, this.#matches.accuracyLog)
    this.#bitsEnd = end
  }

  /** So many of them; `hasLast`: the last one is among them. All state is in local variables meanwhile: that makes it several times as fast. */
  execute(output: BlockOutput, count: number, hasLast: boolean): void {
    const { bytes, view: outputView } = output.into
    const { limit, literalsEnd } = output
    const { frameStart, recent } = this.#state
    const { entries: literals } = this.#literals
    const { entries: offsets } = this.#offsets
    const { entries: matches } = this.#matches
    const view = this.#view
    const bitsStart = this.#bitsStart
    let bitsEnd = this.#bitsEnd
    let literalState = this.#literalState
    let offsetState = this.#offsetState
    let matchState = this.#matchState
    let { length, literalsAt } = output
    for (let left = count; left > 0; left--) {
      const offsetEntry = offsets[offsetState]!
      const matchEntry = matches[matchState]!
      const literalEntry = literals[literalState]!
      const offsetCode = symbolOf(offsetEntry)
      bitsEnd -= offsetCode
      const offset =
        (1 << offsetCode) +
        (offsetCode > BITS_PER_WORD
          ? manyBitsAt(view, bitsEnd, offsetCode)
          : bitsAt(view, bitsEnd, offsetCode))
      const matchCode = symbolOf(matchEntry)
      bitsEnd -= matchCodes.bits[matchCode]!
      const matchLength = matchCodes.bases[matchCode]! + bitsAt(view, bitsEnd, matchCodes.bits[matchCode]!)
      const literalCode = symbolOf(literalEntry)
      bitsEnd -= literalCodes.bits[literalCode]!
      const literalLength =
        literalCodes.bases[literalCode]! + bitsAt(view, bitsEnd, literalCodes.bits[literalCode]!)
      if (!hasLast || left > 1) {
        bitsEnd -= bitCountOf(literalEntry)
        literalState = baselineOf(literalEntry) + bitsAt(view, bitsEnd, bitCountOf(literalEntry))
        bitsEnd -= bitCountOf(matchEntry)
        matchState = baselineOf(matchEntry) + bitsAt(view, bitsEnd, bitCountOf(matchEntry))
        bitsEnd -= bitCountOf(offsetEntry)
        offsetState = baselineOf(offsetEntry) + bitsAt(view, bitsEnd, bitCountOf(offsetEntry))
      }
      if (bitsEnd < bitsStart) throw new DecompressionError('zstd sequences are cut off')
      const distance =
        offset > 3
          ? newDistance(recent, offset - 3)
          : recentDistance(recent, literalLength === 0 ? offset : offset - 1)
      const matchAt = length + literalLength
      if (literalLength > literalsEnd - literalsAt || matchAt + matchLength > limit)
        throw new DecompressionError('a zstd sequence is too long')
      if (distance === 0 || distance > matchAt - frameStart)
        throw new DecompressionError('a zstd copy reaches outside')
      copyPiece(bytes, outputView, literalsAt, length, literalLength)
      repeatPiece(bytes, outputView, matchAt, distance, matchLength)
      literalsAt += literalLength
      length = matchAt + matchLength
    }
    if (hasLast && bitsEnd !== bitsStart) throw new DecompressionError('bits are left behind zstd sequences')
    this.#bitsEnd = bitsEnd
    this.#literalState = literalState
    this.#offsetState = offsetState
    this.#matchState = matchState
    output.length = length
    output.literalsAt = literalsAt
  }
}

function newDistance(recent: Int32Array, distance: number): number {
  recent[2] = recent[1]!
  recent[1] = recent[0]!
  recent[0] = distance
  return distance
}

/** 1 to 3 stand for recent distances: shifted by one where no literal lies between, since the newest could not be meant then. */
function recentDistance(recent: Int32Array, index: number): number {
  if (index === 0) return recent[0]!
  const distance = index === 3 ? recent[0]! - 1 : recent[index]!
  if (index > 1) recent[2] = recent[1]!
  recent[1] = recent[0]!
  recent[0] = distance
  return distance
}
