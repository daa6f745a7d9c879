/** Far above what a fetch asks for; a web server that is taken for a broker claims more. */
const MAX_FRAME_BYTES = 512 * 1024 * 1024

/** Cuts what a broker sends into responses; each chunk is copied once, however large the response. */
export class ResponseFrames {
  #chunks: Buffer[] = []
  #bytes = 0
  /** Bytes until the response that is under way is complete, its length included. */
  #needed = 4

  /** The responses that are complete now, without their length. Throws when the bytes cannot be Kafka's. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    const frames: Buffer[] = []
    while (this.#bytes >= this.#needed) {
      const received = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
      const size = received.readInt32BE(0)
      if (size < 4 || size > MAX_FRAME_BYTES) throw new RangeError(`a response of ${size} bytes`)
      this.#needed = 4 + size
      this.#chunks = [received]
      if (this.#bytes < this.#needed) break
      frames.push(received.subarray(4, this.#needed))
      this.#chunks = [received.subarray(this.#needed)]
      this.#bytes -= this.#needed
      this.#needed = 4
    }
    return frames
  }
}
