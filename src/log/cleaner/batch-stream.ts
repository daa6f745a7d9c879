import { smallestSizeInBytes } from '../../protocol/any-batch.ts'
import { SMALLEST_MESSAGE_BYTES } from '../../protocol/legacy-message.ts'
import { batchSizeInBytes } from '../../protocol/record-batch.ts'
import type { Segment } from '../segment.ts'

const SMALLEST_CHUNK_BYTES = 4096

/**
 * Reads segments from front to back off the main thread, in pieces of one size, into memory that is used again: a piece is valid until the
 * next one is asked for. A batch that is larger makes all pieces behind it as large.
 */
export class BatchStream {
  #buffer: Buffer
  readonly #afterRead: (bytes: number) => Promise<void>

  /** `afterRead` is awaited with the size of each piece; what it throws ends the reading. */
  constructor(chunkBytes: number, afterRead: (bytes: number) => Promise<void>) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(SMALLEST_CHUNK_BYTES, chunkBytes))
    this.#afterRead = afterRead
  }

  /** The whole batches of the pieces. Throws for bytes that are no batch. */
  async *chunks(segment: Segment, from: number): AsyncGenerator<Buffer[], void> {
    const end = segment.sizeInBytes
    for (let position = from; position < end; ) {
      const bytes = await segment.read(position, 0, this.#buffer.subarray(0, end - position))
      await this.#afterRead(bytes.length)
      const batches = wholeBatches(bytes)
      if (batches.length > 0) {
        for (const batch of batches) position += batch.length
        yield batches
        continue
      }
      const size = bytes.length < SMALLEST_MESSAGE_BYTES ? 0 : batchSizeInBytes(bytes, 0)
      if (size <= bytes.length || position + size > end)
        throw new Error(`there is no batch at ${position} of ${segment.file.path}`)
      this.#buffer = Buffer.allocUnsafeSlow(size)
    }
  }
}

function wholeBatches(bytes: Buffer): Buffer[] {
  const batches: Buffer[] = []
  for (let at = 0; at + SMALLEST_MESSAGE_BYTES <= bytes.length; ) {
    const size = batchSizeInBytes(bytes, at)
    if (size < smallestSizeInBytes(bytes, at) || at + size > bytes.length) break
    batches.push(bytes.subarray(at, at + size))
    at += size
  }
  return batches
}
