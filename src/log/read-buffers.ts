/** What most clients ask of a partition at a time (`max.partition.fetch.bytes`). */
const BUFFER_BYTES = 1024 * 1024
const KEPT_BUFFERS = 16

/**
 * Memory that catch-up reads are read into, used again once a client has been sent what was in it. Fresh memory costs more than the read
 * itself: the kernel has to clear every page of it. A buffer that is never given back is simply collected.
 */
export class ReadBuffers {
  readonly #free: Buffer[] = []
  /** Buffers of this pool by their memory, free or in use. */
  readonly #known = new WeakMap<ArrayBufferLike, Buffer>()

  /** Memory for `length` bytes, not cleared. */
  take(length: number): Buffer {
    if (length > BUFFER_BYTES) return Buffer.allocUnsafeSlow(length)
    // A small read is no reason to hold a large buffer while the client takes its time.
    if (length < BUFFER_BYTES / 8) return Buffer.allocUnsafeSlow(length)
    const whole = this.#free.pop() ?? this.#allocate()
    return whole.subarray(0, length)
  }

  /** Whether `giveBack` would do anything. */
  owns(bytes: Buffer): boolean {
    return this.#known.has(bytes.buffer)
  }

  /** Nobody looks at these bytes any more. */
  giveBack(bytes: Buffer): void {
    const whole = this.#known.get(bytes.buffer)
    // Two views of one buffer may come back: two readers must never get the same memory.
    if (whole && this.#free.length < KEPT_BUFFERS && !this.#free.includes(whole)) this.#free.push(whole)
  }

  #allocate(): Buffer {
    const whole = Buffer.allocUnsafeSlow(BUFFER_BYTES)
    this.#known.set(whole.buffer, whole)
    return whole
  }
}
