/** What should be a record is none. */
export class InvalidRecordError extends Error {
  override readonly name = 'InvalidRecordError'
}

/**
 * Reads the numbers of records from front to back: varints in 7-bit groups, the lowest first. Signed ones are in zigzag form. Throws
 * `InvalidRecordError` for a number that is cut off or too long.
 */
export class VarintReader {
  readonly bytes: Uint8Array
  readonly end: number
  at: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  varint(): number {
    const first = this.at < this.end ? this.bytes[this.at]! : 0x80
    if (first < 0x80) {
      this.at++
      return (first >>> 1) ^ -(first & 1)
    }
    const bits = this.unsignedVarint()
    return (bits >>> 1) ^ -(bits & 1)
  }

  /** At most 32 bits. As in Kafka, what a fifth byte holds above them is dropped. */
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#next()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new InvalidRecordError('a varint is longer than five bytes')
  }

  varlong(): bigint {
    const bits = this.unsignedVarlong()
    return (bits >> 1n) ^ -(bits & 1n)
  }

  /** At most 64 bits. */
  unsignedVarlong(): bigint {
    let value = 0
    // Up to 49 bits a number is exact, and quicker than a bigint.
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      const byte = this.#next()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return BigInt(value)
    }
    let whole = BigInt(value)
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#next()
      whole |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, whole)
    }
    throw new InvalidRecordError('a varlong is longer than ten bytes')
  }

  /** Moves behind a varlong. */
  skipVarlong(): void {
    for (let count = 0; count < 10; count++) if (this.#next() < 0x80) return
    throw new InvalidRecordError('a varlong is longer than ten bytes')
  }

  /** Moves on by so many bytes; returns where they begin. */
  skip(count: number): number {
    const start = this.at
    if (count > this.end - start) throw new InvalidRecordError('a record ends early')
    this.at = start + count
    return start
  }

  #next(): number {
    if (this.at >= this.end) throw new InvalidRecordError('a record ends early')
    return this.bytes[this.at++]!
  }
}

/** Writes a varint in zigzag form; returns where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  return writeUnsignedVarint(bytes, at, (value << 1) ^ (value >> 31))
}

/** Writes the 32 bits of a number, unsigned; returns where it ends. */
export function writeUnsignedVarint(bytes: Uint8Array, at: number, value: number): number {
  let end = at
  let rest = value >>> 0
  for (; rest >= 0x80; rest >>>= 7) bytes[end++] = rest | 0x80
  bytes[end++] = rest
  return end
}

/** Writes a varlong in zigzag form; returns where it ends. */
export function writeVarlong(bytes: Uint8Array, at: number, value: bigint): number {
  return writeUnsignedVarlong(bytes, at, BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))
}

/** Writes the 64 bits of a number, unsigned; returns where it ends. */
export function writeUnsignedVarlong(bytes: Uint8Array, at: number, value: bigint): number {
  let end = at
  let rest = value
  for (; rest > 0xffffffffn; rest >>= 7n) bytes[end++] = Number(rest & 0x7fn) | 0x80
  return writeUnsignedVarint(bytes, end, Number(rest))
}

/** Bytes that a varint in zigzag form takes. */
export function sizeOfVarint(value: number): number {
  const bits = ((value << 1) ^ (value >> 31)) >>> 0
  return bits < 0x80 ? 1 : Math.ceil((32 - Math.clz32(bits)) / 7)
}

/** Bytes that a varlong in zigzag form takes. */
export function sizeOfVarlong(value: bigint): number {
  if (value >= -0x40000000n && value < 0x40000000n) return sizeOfVarint(Number(value))
  let size = 1
  for (let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)); rest >= 0x80n; rest >>= 7n) size++
  return size
}
