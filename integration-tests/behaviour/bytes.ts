/** Reads numbers as record batches write them; throws when the bytes end. */
export class ByteReader {
  readonly bytes: Buffer
  position = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.position >= this.bytes.length
  }

  take(length: number): Buffer {
    if (length < 0 || length > this.bytes.length - this.position) {
      throw new Error(`${length} bytes wanted, ${this.bytes.length - this.position} left`)
    }
    this.position += length
    return this.bytes.subarray(this.position - length, this.position)
  }

  int8 = () => this.take(1).readInt8()
  int16 = () => this.take(2).readInt16BE()
  int32 = () => this.take(4).readInt32BE()
  uint32 = () => this.take(4).readUInt32BE()
  int64 = () => this.take(8).readBigInt64BE()
  littleEndian = (length: number) => this.take(length).readUIntLE(0, length)

  unsignedVarint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new Error('varint too long')
  }

  varint(): bigint {
    const value = this.unsignedVarint()
    return (value >> 1n) ^ -(value & 1n)
  }
}

export function unsignedVarint(value: bigint | number): Buffer {
  const bytes: number[] = []
  let left = BigInt(value)
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80)
  bytes.push(Number(left))
  return Buffer.from(bytes)
}

export function varint(value: bigint | number): Buffer {
  const number = BigInt(value)
  return unsignedVarint(BigInt.asUintN(64, (number << 1n) ^ (number >> 63n)))
}

export const int8 = (value: number) => write(1, (b) => b.writeInt8(value))
export const int16 = (value: number) => write(2, (b) => b.writeInt16BE(value))
export const int32 = (value: number) => write(4, (b) => b.writeInt32BE(value))
export const uint32 = (value: number) => write(4, (b) => b.writeUInt32BE(value >>> 0))
export const int64 = (value: bigint | number) => write(8, (b) => b.writeBigInt64BE(BigInt(value)))
export const uint32LittleEndian = (value: number) => write(4, (b) => b.writeUInt32LE(value >>> 0))

function write(length: number, fill: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(length)
  fill(buffer)
  return buffer
}
