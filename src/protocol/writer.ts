import { type UnknownTaggedField, type Uuid, ZERO_UUID } from './api.ts'

/** A value that this version of the message cannot carry, and that must not be dropped in silence. */
export class UnrepresentableFieldError extends Error {
  override readonly name = 'UnrepresentableFieldError'
  readonly messageName: string
  readonly field: string
  readonly version: number

  constructor(message: string, field: string, version: number) {
    super(`${message} version ${version} cannot carry this value of ${field}`)
    this.messageName = message
    this.field = field
    this.version = version
  }
}

/** The value where this version allows no null. */
export function required<Value>(value: Value | null, message: string, field: string, version: number): Value {
  if (value === null) throw new UnrepresentableFieldError(message, field, version)
  return value
}

/** Buffer's own encoders, one layer below `write`. */
interface FastBuffer extends Buffer {
  utf8Write(text: string, offset: number, length: number): number
  latin1Write(text: string, offset: number, length: number): number
}

const MAX_STRING_BYTES = 0x7fff
const SLAB_BYTES = 16 * 1024
/** From here on a buffer is handed over by reference: a copy costs more than another entry of the gathered write. */
const BY_REFERENCE_BYTES = 1024

/**
 * Writes messages into slabs: small fields are packed, large buffers (records) are handed over as they are. `finish` gives the
 * pieces of one message and leaves the rest of the slab to the next, so that one writer serves a broker and costs nothing per message.
 */
export class Writer {
  #slab: FastBuffer
  #view: DataView
  /** Where the bytes begin that belong to no finished piece. */
  #start = 0
  #position = 0
  #pieces: Buffer[] = []
  /** Bytes in `#pieces`. */
  #piecesBytes = 0
  #isFramed = false
  /** Within a tagged field everything is packed, because its size goes before it. */
  #taggedDepth = 0

  constructor(slabBytes = SLAB_BYTES) {
    this.#slab = Buffer.allocUnsafeSlow(slabBytes) as FastBuffer
    this.#view = new DataView(this.#slab.buffer, 0, slabBytes)
  }

  /** Bytes written since the last `finish`. */
  get size(): number {
    return this.#piecesBytes + this.#position - this.#start
  }

  /** Begins a frame, leaving four bytes for its length. What a failed encode left behind is dropped. */
  beginFrame(): void {
    this.reset()
    this.#reserve(4)
    this.#position += 4
    this.#isFramed = true
  }

  /** Drops what has been written since the last `finish`. */
  reset(): void {
    this.#position = this.#start
    this.#pieces = []
    this.#piecesBytes = 0
    this.#isFramed = false
    this.#taggedDepth = 0
  }

  /** The pieces of what was written, to be sent in order; with the frame's length in place after `beginFrame`. */
  finish(): Buffer[] {
    const size = this.size
    this.#cut()
    const pieces = this.#pieces
    if (this.#isFramed) pieces[0]!.writeInt32BE(size - 4, 0)
    this.#pieces = []
    this.#piecesBytes = 0
    this.#isFramed = false
    return pieces
  }

  /** What was written as one buffer of its own: for records and blobs, which live longer than a slab should. */
  finishCopy(): Buffer {
    return Buffer.concat(this.finish())
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int8(value: number): void {
    this.#reserve(1)
    this.#view.setInt8(this.#position++, value)
  }

  int16(value: number): void {
    this.#reserve(2)
    this.#view.setInt16(this.#position, value)
    this.#position += 2
  }

  uint16(value: number): void {
    this.int16(value)
  }

  int32(value: number): void {
    this.#reserve(4)
    this.#view.setInt32(this.#position, value)
    this.#position += 4
  }

  uint32(value: number): void {
    this.int32(value)
  }

  int64(value: bigint): void {
    this.#reserve(8)
    this.#view.setBigInt64(this.#position, value)
    this.#position += 8
  }

  float64(value: number): void {
    this.#reserve(8)
    this.#view.setFloat64(this.#position, value)
    this.#position += 8
  }

  uuid(value: Uuid): void {
    this.#reserve(16)
    if (value === ZERO_UUID) this.#slab.fill(0, this.#position, this.#position + 16)
    else if (value.length !== 22 || this.#slab.write(value, this.#position, 'base64url') !== 16) {
      throw new RangeError(`'${value}' is no UUID of 22 characters`)
    }
    this.#position += 16
  }

  unsignedVarint(value: number): void {
    this.#reserve(5)
    if (value >= 0 && value < 0x80) {
      this.#slab[this.#position++] = value
      return
    }
    let rest = value >>> 0
    while (rest >= 0x80) {
      this.#slab[this.#position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#slab[this.#position++] = rest
  }

  string(value: string): void {
    this.#reserve(2 + value.length * 3)
    const length = this.#text(value, this.#position + 2)
    this.#view.setInt16(this.#position, length)
    this.#position += 2 + length
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1)
    else this.string(value)
  }

  compactString(value: string): void {
    // One byte of prefix holds lengths up to 126; 42 characters cannot take more, in whatever script.
    if (value.length > 42) {
      this.#longCompactString(value)
      return
    }
    this.#reserve(1 + value.length * 3)
    const length = this.#text(value, this.#position + 1)
    this.#slab[this.#position] = length + 1
    this.#position += 1 + length
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.unsignedVarint(0)
    else this.compactString(value)
  }

  bytes(value: Buffer): void {
    this.int32(value.length)
    this.raw(value)
  }

  nullableBytes(value: Buffer | null): void {
    if (value === null) this.int32(-1)
    else this.bytes(value)
  }

  compactBytes(value: Buffer): void {
    this.unsignedVarint(value.length + 1)
    this.raw(value)
  }

  compactNullableBytes(value: Buffer | null): void {
    if (value === null) this.unsignedVarint(0)
    else this.compactBytes(value)
  }

  records(value: Buffer | readonly Buffer[]): void {
    this.int32(recordsLength(value))
    this.#rawRecords(value)
  }

  nullableRecords(value: Buffer | readonly Buffer[] | null): void {
    if (value === null) this.int32(-1)
    else this.records(value)
  }

  compactRecords(value: Buffer | readonly Buffer[]): void {
    this.unsignedVarint(recordsLength(value) + 1)
    this.#rawRecords(value)
  }

  compactNullableRecords(value: Buffer | readonly Buffer[] | null): void {
    if (value === null) this.unsignedVarint(0)
    else this.compactRecords(value)
  }

  arrayLength(count: number): void {
    this.int32(count)
  }

  compactArrayLength(count: number): void {
    this.unsignedVarint(count + 1)
  }

  /** Bytes as they are; large ones by reference, so they must not change until they are sent. */
  raw(value: Buffer): void {
    if (value.length >= BY_REFERENCE_BYTES && this.#taggedDepth === 0) {
      this.#cut()
      this.#pieces.push(value)
      this.#piecesBytes += value.length
      return
    }
    this.#reserve(value.length)
    value.copy(this.#slab, this.#position)
    this.#position += value.length
  }

  /** Begins a tagged field; what comes until `endTaggedField` is its value. Returns what that wants back. */
  beginTaggedField(tag: number): number {
    this.unsignedVarint(tag)
    this.#taggedDepth++
    this.#reserve(1)
    this.#position++
    return this.#position - this.#start
  }

  /** Puts the size before the value of a tagged field. Sizes up to 127 fit the byte that was left for them. */
  endTaggedField(begin: number): void {
    this.#taggedDepth--
    const from = this.#start + begin
    const size = this.#position - from
    if (size < 0x80) {
      this.#slab[from - 1] = size
      return
    }
    const prefix = varintLength(size)
    this.#reserve(prefix - 1)
    const start = this.#start + begin
    this.#slab.copyWithin(start - 1 + prefix, start, start + size)
    this.#position = start - 1
    this.unsignedVarint(size)
    this.#position += size
  }

  /** Tagged fields of a struct that has none of its own in the spec. */
  unknownTaggedFields(fields: readonly UnknownTaggedField[] | undefined): void {
    if (fields === undefined) {
      this.unsignedVarint(0)
      return
    }
    this.unsignedVarint(fields.length)
    this.unknownTaggedFieldsFrom(fields, 0, Number.POSITIVE_INFINITY)
  }

  /** Those from index `from` on whose tag is below `tag`, so that known and unknown ones mingle in order; the next index. */
  unknownTaggedFieldsFrom(
    fields: readonly UnknownTaggedField[] | undefined,
    from: number,
    tag: number,
  ): number {
    if (fields === undefined) return 0
    let index = from
    for (; index < fields.length && fields[index]!.tag < tag; index++) {
      const field = fields[index]!
      this.unsignedVarint(field.tag)
      this.unsignedVarint(field.bytes.length)
      this.raw(field.bytes)
    }
    return index
  }

  /** Ends the piece that is being filled. */
  #cut(): void {
    if (this.#position === this.#start) return
    this.#pieces.push(this.#slab.subarray(this.#start, this.#position))
    this.#piecesBytes += this.#position - this.#start
    this.#start = this.#position
  }

  #reserve(size: number): void {
    if (this.#position + size > this.#slab.length) this.#grow(size)
  }

  /** Goes on in a fresh slab, taking along what belongs to no finished piece; the old one lives as long as its pieces do. */
  #grow(size: number): void {
    const pending = this.#position - this.#start
    const old = this.#slab
    const length = Math.max(SLAB_BYTES, 2 * (pending + size))
    this.#slab = Buffer.allocUnsafeSlow(length) as FastBuffer
    this.#view = new DataView(this.#slab.buffer, 0, length)
    old.copy(this.#slab, 0, this.#start, this.#position)
    this.#start = 0
    this.#position = pending
  }

  /** Writes text at `at`, for which there is room; returns its bytes. */
  #text(value: string, at: number): number {
    const length = value.length
    if (length <= 16) {
      const slab = this.#slab
      let index = 0
      for (; index < length; index++) {
        const code = value.charCodeAt(index)
        if (code > 0x7f) break
        slab[at + index] = code
      }
      if (index === length) return length
    }
    const written = this.#slab.utf8Write(value, at, length * 3)
    if (written > MAX_STRING_BYTES)
      throw new RangeError(`a string of ${written} bytes; the protocol allows ${MAX_STRING_BYTES}`)
    return written
  }

  #longCompactString(value: string): void {
    const length = Buffer.byteLength(value)
    this.unsignedVarint(length + 1)
    this.#reserve(value.length * 3)
    this.#position += this.#text(value, this.#position)
  }

  #rawRecords(value: Buffer | readonly Buffer[]): void {
    if (Buffer.isBuffer(value)) this.raw(value)
    else for (const buffer of value) this.raw(buffer)
  }
}

function recordsLength(value: Buffer | readonly Buffer[]): number {
  if (Buffer.isBuffer(value)) return value.length
  let length = 0
  for (const buffer of value) length += buffer.length
  return length
}

function varintLength(value: number): number {
  let length = 1
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++
  return length
}
