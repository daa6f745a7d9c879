import { covers, type Deviation, type Dialect, STANDARD } from './dialect.ts'
import type { Problem, ProblemKind, Region } from './node.ts'
import { count, hex } from './words.ts'

/** Ends an inspection at the first bytes that cannot be read. No error with a stack: guessing throws it by the thousand. */
export class Stop {
  readonly problem: Problem

  constructor(problem: Problem) {
    this.problem = problem
  }
}

export type FixedType = 'int8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'float64'

const sizes: Readonly<Record<FixedType, number>> = {
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  float64: 8,
}

/** Reads numbers from front to back in a dialect, and remembers where that mattered first. Throws `Stop`. */
export class Cursor {
  readonly region: Region
  readonly dialect: Dialect
  /** Where the message ends, by what is said of its size; the bytes may end before. */
  readonly end: number
  position: number
  deviation: Deviation | undefined

  constructor(region: Region, position: number, end: number, dialect: Dialect = STANDARD) {
    this.region = region
    this.position = position
    this.end = end
    this.dialect = dialect
  }

  /** Bytes up to the end that the message should have. */
  get remaining(): number {
    return this.end - this.position
  }

  /** Moves on by so many bytes and returns them. */
  take(length: number, path: string): Buffer {
    const start = this.position
    const { bytes, origin } = this.region
    const at = start - origin
    if (start + length > this.end || at + length > bytes.length) this.#endsEarly(length, path)
    this.position = start + length
    return bytes.subarray(at, at + length)
  }

  fixed(type: FixedType, path: string): number | bigint {
    const start = this.position
    const bytes = this.take(sizes[type], path)
    if (covers(this.dialect.littleEndian, start)) {
      const reversed = Buffer.from(bytes).reverse()
      if (!reversed.equals(bytes)) {
        const [found, expected] = [readFixed(type, reversed), hex(reversed)]
        this.deviate(start, path, `${hex(bytes)} is ${found} with the lowest byte first`, expected)
      }
      return readFixed(type, reversed)
    }
    return readFixed(type, bytes)
  }

  int8(path: string): number {
    return this.fixed('int8', path) as number
  }

  int16(path: string): number {
    return this.fixed('int16', path) as number
  }

  int32(path: string): number {
    return this.fixed('int32', path) as number
  }

  /** At most 32 bits in 7-bit groups, lowest first. */
  unsignedVarint(path: string): number {
    return Number(BigInt.asUintN(32, this.#groups(5, path)))
  }

  /** The same in zigzag form. */
  varint(path: string): number {
    return Number(this.#zigzag(5, 32, path))
  }

  varlong(path: string): bigint {
    return this.#zigzag(10, 64, path)
  }

  /** Whether null may stand where the spec has none; it is remembered. */
  allowsNull(start: number, path: string): boolean {
    if (this.dialect.nullEverywhere !== true) return false
    this.deviate(start, path, `${hex(this.#since(start))} is null`, 'a value')
    return true
  }

  /** A compact length: what is written less 1, and -1 for null. */
  compactLength(path: string, isNullable: boolean): number {
    const start = this.position
    const written = this.unsignedVarint(path)
    // Where null is allowed, 0 cannot be told from it.
    const isNull = written === 0 && isNullable
    if (isNull || !covers(this.dialect.plainCompactLengths, start)) return written - 1
    const bytes = hex(this.#since(start))
    this.deviate(
      start,
      path,
      `${bytes} is the length itself`,
      `${hexOfVarint(BigInt(written + 1))}, the length + 1`,
    )
    return written
  }

  /** Remembers the first place where the dialect mattered. */
  deviate(start: number, path: string, found: string, expected: string): void {
    this.deviation ??= { position: start, length: this.position - start, path, found, expected }
  }

  /** Ends the inspection with a problem whose wrong bytes reach from `start` to here. */
  fail(kind: ProblemKind, start: number, path: string, found: string, expected: string, cause = ''): never {
    throw new Stop(this.problem(kind, start, path, found, expected, cause))
  }

  problem(
    kind: ProblemKind,
    start: number,
    path: string,
    found: string,
    expected: string,
    cause = '',
  ): Problem {
    const length = this.position - start
    return { kind, region: this.region, position: start, length, path, found, expected, cause }
  }

  #since(start: number): Buffer {
    const { bytes, origin } = this.region
    return bytes.subarray(start - origin, this.position - origin)
  }

  #groups(most: number, path: string): bigint {
    const start = this.position
    let value = 0n
    for (let index = 0; index < most; index++) {
      const byte = this.take(1, path)[0]!
      value |= BigInt(byte & 0x7f) << BigInt(7 * index)
      if (byte < 0x80) return value
    }
    const found = `${hex(this.#since(start))} goes on after ${most} bytes`
    this.fail(
      'varint',
      start,
      path,
      found,
      `a varint of at most ${most} bytes`,
      'the message is shifted here',
    )
  }

  #zigzag(most: number, width: number, path: string): bigint {
    const start = this.position
    const bits = BigInt.asUintN(width, this.#groups(most, path))
    const value = (bits >> 1n) ^ -(bits & 1n)
    if (this.dialect.plainVarints !== true) return value
    const plain = BigInt.asIntN(width, bits)
    if (plain !== value) {
      const due = BigInt.asUintN(width, (plain << 1n) ^ (plain >> BigInt(width - 1)))
      this.deviate(start, path, `${hex(this.#since(start))} is ${plain} without zigzag`, hexOfVarint(due))
    }
    return plain
  }

  #endsEarly(length: number, path: string): never {
    const start = this.position
    const { bytes, origin } = this.region
    const there = origin + bytes.length
    const stop = Math.max(start, Math.min(this.end, there))
    const missing = length - (stop - start)
    this.position = stop
    const found = there < this.end ? 'the bytes are cut off here' : 'the message ends here'
    this.fail('end', stop, path, found, `${count(missing, 'byte')} more`)
  }
}

function readFixed(type: FixedType, bytes: Buffer): number | bigint {
  switch (type) {
    case 'int8':
      return bytes.readInt8()
    case 'int16':
      return bytes.readInt16BE()
    case 'uint16':
      return bytes.readUInt16BE()
    case 'int32':
      return bytes.readInt32BE()
    case 'uint32':
      return bytes.readUInt32BE()
    case 'int64':
      return bytes.readBigInt64BE()
    case 'float64':
      return bytes.readDoubleBE()
  }
}

function hexOfVarint(bits: bigint): string {
  const bytes: number[] = []
  let rest = bits
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  bytes.push(Number(rest))
  return hex(Buffer.from(bytes))
}
