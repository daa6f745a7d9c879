/** Gives memory for so many bytes. Nobody has cleared it. */
export type Allocate = (bytes: number) => Buffer

/**
 * Memory that is used again: what it gives is valid until somebody asks again. Fresh memory costs as much time as to decompress into it, and
 * collecting what is large holds up everybody. It stays until the next such collection.
 */
export class ReusedMemory {
  #bytes: WeakRef<Buffer> | undefined

  readonly take = (count: number): Buffer => {
    const kept = this.#bytes?.deref()
    if (kept !== undefined && kept.length >= count) return kept.subarray(0, count)
    const bytes = Buffer.allocUnsafeSlow(count)
    this.#bytes = new WeakRef(bytes)
    return bytes
  }
}
