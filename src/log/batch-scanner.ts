import { smallestSizeInBytes } from '../protocol/any-batch.ts'
import { SMALLEST_MESSAGE_BYTES } from '../protocol/legacy-message.ts'
import { batchSizeInBytes } from '../protocol/record-batch.ts'

/** First read; around an index entry the batch that is looked for lies within. */
const FIRST_READ_BYTES = 4096
/** Batches up to this size are always there whole: control batches among them. */
const WHOLE_BELOW_BYTES = 128
/** Later reads, when it goes on and on. */
const READ_BYTES = 1024 * 1024

/** A `LogFile`, or a file that is only read. */
export interface ReadableFile {
  readSync(into: Buffer, position: number): number
}

/**
 * Walks over the batches of a file, or messages of the older formats, by their headers. With `withRecords` each batch is in memory whole, otherwise at least its header, and
 * the records of large batches are jumped over. Stops in front of what cannot be a batch.
 */
export class BatchScanner {
  /** Where the batch is in memory. */
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  /** Where it is in the file, and its size. */
  position = 0
  size = 0
  readonly #file: ReadableFile
  readonly #end: number
  readonly #withRecords: boolean
  /** Position in the file of `bytes[0]`. */
  #bytesPosition = 0
  #readBytes = FIRST_READ_BYTES

  constructor(file: ReadableFile, end: number, withRecords = false) {
    this.#file = file
    this.#end = end
    this.#withRecords = withRecords
    if (withRecords) this.#readBytes = READ_BYTES
  }

  /** Is there a batch at a position? */
  moveTo(position: number): boolean {
    this.position = position
    if (position + SMALLEST_MESSAGE_BYTES > this.#end || !this.#has(SMALLEST_MESSAGE_BYTES)) return false
    this.size = batchSizeInBytes(this.bytes, this.at)
    if (this.size < smallestSizeInBytes(this.bytes, this.at) || position + this.size > this.#end) return false
    return this.#has(this.#withRecords ? this.size : Math.min(this.size, WHOLE_BELOW_BYTES))
  }

  /** Goes on to the batch behind. */
  next(): boolean {
    return this.moveTo(this.position + this.size)
  }

  /** Brings so many bytes at the position into memory. */
  #has(length: number): boolean {
    this.at = this.position - this.#bytesPosition
    if (this.at >= 0 && this.at + length <= this.bytes.length) return true
    const wanted = Math.min(Math.max(length, this.#readBytes), this.#end - this.position)
    const into =
      this.bytes.buffer.byteLength >= wanted
        ? Buffer.from(this.bytes.buffer, 0, wanted)
        : Buffer.allocUnsafeSlow(wanted)
    const count = this.#file.readSync(into, this.position)
    this.bytes = into.subarray(0, count)
    this.#bytesPosition = this.position
    this.at = 0
    // A batch larger than what was read is jumped over: reading more at once would only read what is not looked at.
    if (this.size <= this.#readBytes) this.#readBytes = Math.min(READ_BYTES, this.#readBytes * 4)
    return count >= length
  }
}
