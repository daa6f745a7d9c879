import type { Socket } from '../platform/platform.ts'

/** A socket without a network: what `broker.inject` and tests speak through. */
export class MemorySocket implements Socket {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort = 0
  readonly localAddress = '127.0.0.1'
  readonly localPort: number
  onSpace: () => Buffer = () => Buffer.alloc(0)
  onBytes: (count: number) => void = () => {}
  onClose: (error: Error | undefined) => void = () => {}
  onDrain: () => void = () => {}
  /** Each gathered write, in order. */
  readonly writes: Buffer[][] = []
  /** What is to be called once the client has taken what was written, see `take`. */
  readonly #untaken: (() => void)[] = []
  /** Whether the next write reports that the client takes no more for now. */
  isFull = false
  isPaused = false
  isClosed = false

  constructor(localPort = 9092) {
    this.localPort = localPort
  }

  /** Bytes from the client. What comes while the socket is paused waits for `resume`. */
  send(bytes: Buffer): void {
    this.#unread.push(bytes)
    this.#deliver()
  }

  /** All that was written, as one. */
  written(): Buffer {
    return Buffer.concat(this.writes.flat())
  }

  /** The client leaves. */
  disconnect(error?: Error): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#untaken.length = 0
    this.onClose(error)
  }

  /** The client has taken what was written. */
  drain(): void {
    this.isFull = false
    this.onDrain()
  }

  write(buffers: readonly Buffer[], onWritten?: () => void): boolean {
    if (this.isClosed) return true
    this.writes.push([...buffers])
    if (onWritten) this.#untaken.push(onWritten)
    return !this.isFull
  }

  /** The client's side takes the writes whose memory was only lent, the oldest first; all of them, or so many. */
  take(count = this.#untaken.length): void {
    for (const onWritten of this.#untaken.splice(0, count)) onWritten()
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    this.#deliver()
  }

  end(): void {
    this.disconnect()
  }

  destroy(): void {
    this.disconnect()
  }

  readonly #unread: Buffer[] = []

  #deliver(): void {
    while (!this.isPaused && !this.isClosed) {
      const bytes = this.#unread[0]
      if (bytes === undefined) return
      const count = bytes.copy(this.onSpace())
      if (count === bytes.length) this.#unread.shift()
      else this.#unread[0] = bytes.subarray(count)
      this.onBytes(count)
    }
  }
}
