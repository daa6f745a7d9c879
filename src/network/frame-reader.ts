/** A frame that grows beyond this is not allocated at once: a size is only a claim until its bytes are here. */
const FIRST_BLOCK_BYTES = 2 * 1024 * 1024
const GROWTH = 4

/**
 * Cuts a byte stream into frames: a size of four bytes, then so many bytes.
 *
 * Bytes arrive in `scratch`, which all connections share. A frame gets memory of its own as soon as its size is known; what has come
 * of it is copied there, and the rest is read into its place. So each byte of a large frame is moved at most once, a small frame
 * never keeps a large chunk alive, and a connection that waits for its next request holds no buffer at all.
 */
export class FrameReader {
  /** The size that ended this stream: negative or above the limit. Nothing is read after it. */
  invalidSize: number | undefined
  readonly #scratch: Buffer
  readonly #maxFrameBytes: number
  readonly #onFrame: (frame: Buffer) => void
  /** The frame that is being filled; shorter than `#frameBytes` while a huge one grows. */
  #frame: Buffer | undefined
  #frameBytes = 0
  #filled = 0
  /** Bytes of a size field that was cut by the end of a chunk. */
  #sizePart = 0
  #sizePartBytes = 0

  constructor(scratch: Buffer, maxFrameBytes: number, onFrame: (frame: Buffer) => void) {
    this.#scratch = scratch
    this.#maxFrameBytes = maxFrameBytes
    this.#onFrame = onFrame
  }

  /** Where the next bytes belong. */
  space(): Buffer {
    return this.#frame === undefined ? this.#scratch : this.#frame.subarray(this.#filled)
  }

  /** So many bytes have arrived at the beginning of `space()`. */
  received(count: number): void {
    if (this.invalidSize !== undefined) return
    if (this.#frame === undefined) this.#cut(count)
    else this.#fill(count)
  }

  /** Memory held for a frame that is not complete. */
  get heldBytes(): number {
    return this.#frame?.length ?? 0
  }

  #fill(count: number): void {
    const frame = this.#frame!
    this.#filled += count
    if (this.#filled < frame.length) return
    if (frame.length === this.#frameBytes) {
      this.#frame = undefined
      this.#onFrame(frame)
      return
    }
    const larger = Buffer.allocUnsafeSlow(Math.min(frame.length * GROWTH, this.#frameBytes))
    frame.copy(larger)
    this.#frame = larger
  }

  #cut(count: number): void {
    const scratch = this.#scratch
    let at = 0
    while (at < count) {
      let size: number
      if (this.#sizePartBytes === 0 && count - at >= 4) {
        size = scratch.readInt32BE(at)
        at += 4
      } else {
        this.#sizePart = (this.#sizePart << 8) | scratch[at++]!
        if (++this.#sizePartBytes < 4) continue
        size = this.#sizePart
        this.#sizePart = this.#sizePartBytes = 0
      }
      if (size < 0 || size > this.#maxFrameBytes) {
        this.invalidSize = size
        return
      }
      const here = Math.min(size, count - at)
      const frame = allocate(Math.min(size, FIRST_BLOCK_BYTES))
      scratch.copy(frame, 0, at, at + here)
      at += here
      if (here < size) {
        this.#frame = frame
        this.#frameBytes = size
        this.#filled = here
      } else this.#onFrame(frame)
    }
  }
}

/** Small frames share Node's pool; large ones stand alone, so that keeping one keeps nothing else. */
function allocate(size: number): Buffer {
  return size < 4096 ? Buffer.allocUnsafe(size) : Buffer.allocUnsafeSlow(size)
}
