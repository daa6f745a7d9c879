import { connect, type Socket } from 'node:net'

/** A plain TCP connection that speaks in frames (an int32 length, then that many bytes) and lets the caller decide what they mean. */
export class FrameConnection {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #isClosed = false
  #wake: (() => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
      this.#wake?.()
    })
    socket.on('error', () => {})
    const closed = () => {
      this.#isClosed = true
      this.#wake?.()
    }
    socket.on('end', closed)
    socket.on('close', closed)
  }

  static open(host: string, port: number, timeoutMs = 5000): Promise<FrameConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, timeout: timeoutMs })
      socket.once('error', reject)
      socket.once('timeout', () =>
        socket.destroy(new Error(`no connection to ${host}:${port} within ${timeoutMs} ms`)),
      )
      socket.once('connect', () => {
        socket.setTimeout(0)
        socket.off('error', reject)
        resolve(new FrameConnection(socket))
      })
    })
  }

  /** Sends bytes as they are. A connection that is gone says so at the next `frame`. */
  write(bytes: Buffer | readonly Buffer[]): void {
    if (this.#isClosed) return
    if (Buffer.isBuffer(bytes)) {
      this.#socket.write(bytes)
      return
    }
    this.#socket.cork()
    for (const part of bytes) this.#socket.write(part)
    this.#socket.uncork()
  }

  /** The next frame without its length; `silent` when none is complete in time, `closed` when none can come any more. */
  async frame(timeoutMs: number): Promise<Buffer | 'silent' | 'closed'> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const frame = this.#takeFrame()
      if (frame !== undefined) return frame
      if (this.#isClosed) return 'closed'
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) return 'silent'
      await this.#somethingHappened(leftMs)
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  #takeFrame(): Buffer | undefined {
    if (this.#received.length < 4) return undefined
    const end = 4 + this.#received.readInt32BE(0)
    if (this.#received.length < end) return undefined
    const frame = this.#received.subarray(4, end)
    this.#received = this.#received.subarray(end)
    return frame
  }

  #somethingHappened(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(done, timeoutMs)
      this.#wake = done
    })
  }
}
