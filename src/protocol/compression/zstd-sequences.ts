import type { Steps } from '../steps.ts'
import { DecompressionError } from './decompression-error.ts'
import { BackwardBits, buildFseTable, type FseTable, readFseTable, singleSymbolTable } from './zstd-bits.ts'

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
  maxSymbol: 31,
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
  return { bits: Uint8Array.from(bits), bases: Uint32Array.from(bases) }
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
  readonly recent: [number, number, number]
}

export function startSequences(frameStart: number): SequenceState {
  const none = { literalLengths: undefined, offsets: undefined, matchLengths: undefined }
  return { frameStart, ...none, recent: [1, 4, 8] }
}

/** Runs the sequences of a block: so many literals, then a copy. Gives the length of the output, which must not pass `limit`. */
export function* readSequences(
  block: Buffer,
  from: number,
  literals: Buffer,
  output: Buffer,
  start: number,
  limit: number,
  state: SequenceState,
): Steps<number> {
  const { count, end } = readCount(block, from)
  let length = start
  let literalAt = 0
  if (count > 0) {
    const run = new SequenceReader(block, end, state)
    for (let left = count; left > 0; left--) {
      run.next(left === 1)
      const { literalLength, matchLength, distance } = run
      const matchAt = length + literalLength
      if (literalLength > literals.length - literalAt || matchAt + matchLength > limit)
        throw new DecompressionError('a zstd sequence is too long')
      if (distance === 0 || distance > matchAt - state.frameStart)
        throw new DecompressionError('a zstd copy reaches outside')
      literals.copy(output, length, literalAt, literalAt + literalLength)
      literalAt += literalLength
      length = matchAt + matchLength
      if (distance >= matchLength) output.copyWithin(matchAt, matchAt - distance, length - distance)
      else for (let to = matchAt; to < length; to++) output[to] = output[to - distance]!
      if (left % SEQUENCES_PER_STEP === 0) yield
    }
    run.finish()
  }
  if (length + literals.length - literalAt > limit) throw new DecompressionError('a zstd block is too long')
  return length + literals.copy(output, length, literalAt)
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

class SequenceReader {
  literalLength = 0
  matchLength = 0
  distance = 0
  readonly #literals: FseTable
  readonly #offsets: FseTable
  readonly #matches: FseTable
  readonly #recent: [number, number, number]
  readonly #bits: BackwardBits
  #literalState: number
  #offsetState: number
  #matchState: number

  constructor(block: Buffer, from: number, state: SequenceState) {
    const modes = block[from]
    if (modes === undefined || (modes & 3) !== 0)
      throw new DecompressionError('zstd sequences have no tables')
    let at = from + 1
    const tableOf = (mode: number, kind: Kind, before: FseTable | undefined): FseTable => {
      if (mode === 0) return kind.predefined
      if (mode === 2) {
        const { table, end } = readFseTable(block, at, kind.maxAccuracyLog, kind.maxSymbol)
        at = end
        return table
      }
      const symbol = block[at]
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
    this.#recent = state.recent
    this.#bits = new BackwardBits(block.subarray(at))
    this.#literalState = this.#bits.read(this.#literals.accuracyLog)
    this.#offsetState = this.#bits.read(this.#offsets.accuracyLog)
    this.#matchState = this.#bits.read(this.#matches.accuracyLog)
  }

  /** Reads one sequence into the three fields. */
  next(isLast: boolean): void {
    const bits = this.#bits
    const literals = this.#literals
    const offsets = this.#offsets
    const matches = this.#matches
    const offsetCode = offsets.symbols[this.#offsetState]!
    const offset = 2 ** offsetCode + bits.read(offsetCode)
    const matchCode = matches.symbols[this.#matchState]!
    this.matchLength = matchCodes.bases[matchCode]! + bits.read(matchCodes.bits[matchCode]!)
    const literalCode = literals.symbols[this.#literalState]!
    this.literalLength = literalCodes.bases[literalCode]! + bits.read(literalCodes.bits[literalCode]!)
    this.distance = this.#distanceOf(offset)
    if (!isLast) {
      this.#literalState =
        literals.baselines[this.#literalState]! + bits.read(literals.bitCounts[this.#literalState]!)
      this.#matchState =
        matches.baselines[this.#matchState]! + bits.read(matches.bitCounts[this.#matchState]!)
      this.#offsetState =
        offsets.baselines[this.#offsetState]! + bits.read(offsets.bitCounts[this.#offsetState]!)
    }
    if (bits.left < 0) throw new DecompressionError('zstd sequences are cut off')
  }

  finish(): void {
    if (this.#bits.left !== 0) throw new DecompressionError('bits are left behind zstd sequences')
  }

  /** 1 to 3 stand for recent distances: shifted by one where no literal lies between, since the newest could not be meant then. */
  #distanceOf(offset: number): number {
    const recent = this.#recent
    if (offset > 3) {
      recent[2] = recent[1]
      recent[1] = recent[0]
      recent[0] = offset - 3
      return recent[0]
    }
    const index = this.literalLength === 0 ? offset : offset - 1
    if (index === 0) return recent[0]
    const distance = index === 3 ? recent[0] - 1 : recent[index]!
    if (index > 1) recent[2] = recent[1]
    recent[1] = recent[0]
    recent[0] = distance
    return distance
  }
}
