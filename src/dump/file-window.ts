import type { OpenFile } from '../platform/platform.ts'

const CHUNK_BYTES = 1024 * 1024

/** Reads a file of any size piece by piece: no more of it is in memory than was asked for at once, or a chunk. */
export class FileWindow {
  /** Bytes of the file when it was opened: what is appended later is not looked at. */
  readonly size: number
  readonly #file: OpenFile
  readonly #chunkBytes: number
  #chunk: Buffer = Buffer.alloc(0)
  #position = 0

  constructor(file: OpenFile, chunkBytes = CHUNK_BYTES) {
    this.#file = file
    this.size = file.size()
    this.#chunkBytes = chunkBytes
  }

  /** Bytes from a position on, fewer only at the end of the file. Valid until the next call. */
  read(position: number, length: number): Buffer {
    const wanted = Math.max(0, Math.min(length, this.size - position))
    const at = position - this.#position
    if (at >= 0 && at + wanted <= this.#chunk.length) return this.#chunk.subarray(at, at + wanted)
    const bytes = Buffer.allocUnsafe(Math.max(wanted, Math.min(this.#chunkBytes, this.size - position)))
    const count = this.#file.readSync(bytes, position)
    this.#chunk = bytes.subarray(0, count)
    this.#position = position
    return this.#chunk.subarray(0, wanted)
  }

  /** The same bytes chunk by chunk, for what is to be gone over once. */
  *chunks(from: number, to: number): Generator<Buffer> {
    for (let position = from; position < to; ) {
      const bytes = this.read(position, Math.min(this.#chunkBytes, to - position))
      if (bytes.length === 0) return
      yield bytes
      position += bytes.length
    }
  }

  /** Are all bytes from a position to the end 0, as in space that was allocated beforehand? */
  isZeroFrom(position: number): boolean {
    const zeros = Buffer.alloc(Math.min(this.#chunkBytes, this.size - position))
    for (const bytes of this.chunks(position, this.size))
      if (!bytes.equals(zeros.subarray(0, bytes.length))) return false
    return true
  }
}
