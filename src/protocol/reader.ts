import { type UnknownTaggedField, type Uuid, ZERO_UUID } from './api.ts'

/** The bytes are not the message that they should be. Says where it went wrong: the byte, and the field once it is known. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError'
  readonly reason: string
  /** Counted from the start of the reader's buffer. */
  readonly position: number
  /** `topics[2].partitions[0].records`; empty when it is no field. */
  readonly fieldPath: string

  constructor(reason: string, position: number, fieldPath: string) {
    super(`${reason} at byte ${position}${fieldPath === '' ? '' : ` in ${fieldPath}`}`)
    this.reason = reason
    this.position = position
    this.fieldPath = fieldPath
  }
}

/** Default of bytes that a version lacks. */
export const EMPTY_BYTES = Buffer.alloc(0)

/** Buffer's own string decoders, one layer below `toString`; their argument checks are ours already. */
interface FastBuffer extends Buffer {
  utf8Slice(start: number, end: number): string
  latin1Slice(start: number, end: number): string
  base64urlSlice(start: number, end: number): string
}

const MAX_STRING_BYTES = 0x7fff
/** Far more than any sender has; each takes two bytes on the wire and a hundred in memory. */
const MAX_UNKNOWN_TAGGED_FIELDS = 10_000

/**
 * Reads one frame from front to back. Every read names its field, so that a malformed message can be explained; nothing is ever
 * allocated by a claimed length that the remaining bytes cannot back.
 */
export class Reader {
  readonly buffer: Buffer
  readonly end: number
  position: number
  readonly #view: DataView
  #unknownTaggedFields = 0

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = start
    this.end = end
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  }

  /** Bytes that have not been read. */
  get remaining(): number {
    return this.end - this.position
  }

  bool(field: string): boolean {
    return this.#view.getInt8(this.#advance(1, field)) !== 0
  }

  int8(field: string): number {
    return this.#view.getInt8(this.#advance(1, field))
  }

  int16(field: string): number {
    return this.#view.getInt16(this.#advance(2, field))
  }

  uint16(field: string): number {
    return this.#view.getUint16(this.#advance(2, field))
  }

  int32(field: string): number {
    return this.#view.getInt32(this.#advance(4, field))
  }

  uint32(field: string): number {
    return this.#view.getUint32(this.#advance(4, field))
  }

  int64(field: string): bigint {
    return this.#view.getBigInt64(this.#advance(8, field))
  }

  float64(field: string): number {
    return this.#view.getFloat64(this.#advance(8, field))
  }

  uuid(field: string): Uuid {
    const at = this.#advance(16, field)
    if (this.#view.getInt32(at) === 0 && this.#isZero(at + 4, at + 16)) return ZERO_UUID
    return (this.buffer as FastBuffer).base64urlSlice(at, at + 16)
  }

  /** At most 32 bits in 7-bit groups, lowest first. */
  unsignedVarint(field: string): number {
    const at = this.#advance(1, field)
    const first = this.buffer[at]!
    return first < 0x80 ? first : this.#longVarint(first & 0x7f, at, field)
  }

  string(field: string): string {
    return this.#text(this.int16(field), field)
  }

  nullableString(field: string): string | null {
    const length = this.int16(field)
    return length < 0 ? null : this.#text(length, field)
  }

  compactString(field: string): string {
    return this.#text(this.unsignedVarint(field) - 1, field)
  }

  compactNullableString(field: string): string | null {
    const length = this.unsignedVarint(field)
    return length === 0 ? null : this.#text(length - 1, field)
  }

  /** A copy: small blobs outlive the frame that they came in, and must not keep it alive. */
  bytes(field: string): Buffer {
    return this.#copy(this.int32(field), field)
  }

  nullableBytes(field: string): Buffer | null {
    const length = this.int32(field)
    return length < 0 ? null : this.#copy(length, field)
  }

  compactBytes(field: string): Buffer {
    return this.#copy(this.unsignedVarint(field) - 1, field)
  }

  compactNullableBytes(field: string): Buffer | null {
    const length = this.unsignedVarint(field)
    return length === 0 ? null : this.#copy(length - 1, field)
  }

  /** A view into the frame: record batches are never copied on their way to the log. */
  records(field: string): Buffer {
    return this.#slice(this.int32(field), field)
  }

  nullableRecords(field: string): Buffer | null {
    const length = this.int32(field)
    return length < 0 ? null : this.#slice(length, field)
  }

  compactRecords(field: string): Buffer {
    return this.#slice(this.unsignedVarint(field) - 1, field)
  }

  compactNullableRecords(field: string): Buffer | null {
    const length = this.unsignedVarint(field)
    return length === 0 ? null : this.#slice(length - 1, field)
  }

  /** Count of elements, each of which takes at least `leastBytes`: what the frame cannot hold is refused before it is allocated. */
  arrayLength(field: string, leastBytes: number): number {
    return this.#checkedCount(this.int32(field), field, leastBytes)
  }

  /** The same, and -1 for null. */
  nullableArrayLength(field: string, leastBytes: number): number {
    const count = this.int32(field)
    return count < 0 ? -1 : this.#checkedCount(count, field, leastBytes)
  }

  compactArrayLength(field: string, leastBytes: number): number {
    return this.#checkedCount(this.unsignedVarint(field) - 1, field, leastBytes)
  }

  compactNullableArrayLength(field: string, leastBytes: number): number {
    const count = this.unsignedVarint(field) - 1
    return count < 0 ? -1 : this.#checkedCount(count, field, leastBytes)
  }

  /** Count of tagged fields; each takes a byte for its tag and one for its size. */
  tagCount(): number {
    const count = this.unsignedVarint('tagged fields')
    if (count > this.remaining >> 1)
      throw this.malformed(`${count} tagged fields do not fit`, 'tagged fields')
    return count
  }

  /** Size of the tagged field that begins here, whose tag has been read; returns where it ends. */
  taggedFieldEnd(): number {
    const size = this.unsignedVarint('tagged fields')
    if (size > this.remaining)
      throw this.malformed(`a tagged field of ${size} bytes does not fit`, 'tagged fields')
    return this.position + size
  }

  /** Holds a known tagged field to the size that was announced. */
  endTaggedField(end: number, field: string): void {
    if (this.position !== end)
      throw this.malformed('the size of the tagged field and its value differ', field)
  }

  /** Keeps a tagged field that the spec does not know. Order and repetition are the sender's business, as in Kafka. */
  unknownTaggedField(
    tag: number,
    end: number,
    known: UnknownTaggedField[] | undefined,
  ): UnknownTaggedField[] {
    if (++this.#unknownTaggedFields > MAX_UNKNOWN_TAGGED_FIELDS) {
      throw this.malformed(`more than ${MAX_UNKNOWN_TAGGED_FIELDS} unknown tagged fields`, 'tagged fields')
    }
    const field = { tag, bytes: Buffer.from(this.buffer.subarray(this.position, end)) }
    this.position = end
    if (known === undefined) return [field]
    known.push(field)
    return known
  }

  /** The tagged fields of a struct that has none of its own in the spec. */
  unknownTaggedFields(): UnknownTaggedField[] | undefined {
    const count = this.tagCount()
    let fields: UnknownTaggedField[] | undefined
    for (let index = 0; index < count; index++) {
      const tag = this.unsignedVarint('tagged fields')
      fields = this.unknownTaggedField(tag, this.taggedFieldEnd(), fields)
    }
    return fields
  }

  /** The error for what is wrong here. */
  malformed(reason: string, field: string): MalformedMessageError {
    return new MalformedMessageError(reason, this.position, field)
  }

  /** Puts the field that a failed struct lies in before the path of its error. */
  inside(error: unknown, field: string, index?: number): unknown {
    if (!(error instanceof MalformedMessageError)) return error
    const parent = index === undefined ? field : `${field}[${index}]`
    return new MalformedMessageError(error.reason, error.position, `${parent}.${error.fieldPath}`)
  }

  #advance(size: number, field: string): number {
    const at = this.position
    if (at + size > this.end) throw this.malformed(`the message ends, ${size} bytes were expected`, field)
    this.position = at + size
    return at
  }

  #longVarint(lowest: number, start: number, field: string): number {
    let value = lowest
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.buffer[this.#advance(1, field)]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    this.position = start
    throw this.malformed('a varint is longer than five bytes', field)
  }

  #text(length: number, field: string): string {
    if (length < 0 || length > MAX_STRING_BYTES) throw this.#badLength(length, field)
    if (length === 0) return ''
    const start = this.#advance(length, field)
    if (length > 24) return (this.buffer as FastBuffer).utf8Slice(start, start + length)
    return this.#shortText(start, start + length)
  }

  /** Names are short and ASCII nearly always; then the latin1 decoder, which needs no validation, is the quickest. */
  #shortText(start: number, end: number): string {
    const buffer = this.buffer as FastBuffer
    for (let at = start; at < end; at++) {
      if (buffer[at]! > 0x7f) return buffer.utf8Slice(start, end)
    }
    return buffer.latin1Slice(start, end)
  }

  #slice(length: number, field: string): Buffer {
    if (length < 0) throw this.#badLength(length, field)
    if (length === 0) return EMPTY_BYTES
    const start = this.#advance(length, field)
    return this.buffer.subarray(start, start + length)
  }

  #copy(length: number, field: string): Buffer {
    if (length < 0) throw this.#badLength(length, field)
    if (length === 0) return EMPTY_BYTES
    const start = this.#advance(length, field)
    const copy = Buffer.allocUnsafe(length)
    if (length > 64) copy.set(new Uint8Array(this.buffer.buffer, this.buffer.byteOffset + start, length))
    else for (let at = 0; at < length; at++) copy[at] = this.buffer[start + at]!
    return copy
  }

  #checkedCount(count: number, field: string, leastBytes: number): number {
    if (count < 0) throw this.#badLength(count, field)
    if (count * leastBytes > this.remaining) {
      throw this.malformed(`${count} elements do not fit in ${this.remaining} bytes`, field)
    }
    return count
  }

  #badLength(length: number, field: string): MalformedMessageError {
    return this.malformed(length === -1 ? 'null where a value must be' : `impossible length ${length}`, field)
  }

  #isZero(start: number, end: number): boolean {
    for (let at = start; at < end; at++) if (this.buffer[at] !== 0) return false
    return true
  }
}
