import { CloseConnectionError, type ConnectionInfo } from '../handlers/handler.ts'
import type { Logger } from '../platform/logger.ts'
import type { Clock, Socket, Timer } from '../platform/platform.ts'
import { FrameReader } from './frame-reader.ts'
import type { FrameTap } from './tap.ts'

/** Answers requests: a frame without its size in, the response with its size out. */
export interface RequestHandler {
  /** null: this request gets no answer. Throws `CloseConnectionError` when the connection has to end instead. */
  handle(frame: Buffer, connection: ConnectionInfo): Buffer[] | null | Promise<Buffer[] | null>
}

/** What a connection needs of the server that it belongs to. */
export interface ConnectionHost {
  readonly requests: RequestHandler
  readonly clock: Clock
  readonly logger: Logger
  /** Read memory that all connections share; see `FrameReader`. */
  readonly scratch: Buffer
  readonly maxRequestBytes: number
  /** Memory of answers that can be used again once it has been sent. */
  readonly recycler?: Recycler | undefined
  /** Whoever watches the frames. */
  tap: FrameTap | undefined
  closed(connection: Connection): void
}

/** Takes memory back. */
export interface Recycler {
  owns(bytes: Buffer): boolean
  giveBack(bytes: Buffer): void
}

/** Requests that may wait behind the one in flight before the client feels it. */
const MAX_WAITING_REQUESTS = 64
const MAX_WAITING_BYTES = 256 * 1024

/** Answers of requests that came together leave in one write, up to this size. */
const MAX_GATHERED_BYTES = 256 * 1024

/**
 * One client. Requests are served in order and one at a time, as in Kafka: that keeps the answers in order and bounds what a client
 * can make the broker hold. Requests that wait are read up to a bound, then the socket is paused.
 */
export class Connection implements ConnectionInfo {
  readonly id: number
  readonly listenerName: string
  readonly clientAddress: string
  readonly clientPort: number
  readonly localAddress: string
  readonly localPort: number
  clientSoftwareName: string | undefined = undefined
  clientSoftwareVersion: string | undefined = undefined
  onDisconnect: (() => void) | undefined = undefined
  /** `Clock.elapsedMs` when a request last arrived or was answered. */
  lastActiveMs: number

  readonly #host: ConnectionHost
  readonly #socket: Socket
  readonly #reader: FrameReader
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #gathered: Buffer[] = []
  #gatheredBytes = 0
  #isInFlight = false
  /** The socket wants no more before it has drained. */
  #isFull = false
  #isPaused = false
  /** Set while the client is held back by a quota. */
  #muted: Timer | undefined
  #isStopping = false
  #isClosed = false
  #whenQuiet: (() => void)[] | undefined

  constructor(id: number, listenerName: string, socket: Socket, host: ConnectionHost) {
    this.id = id
    this.listenerName = listenerName
    this.clientAddress = socket.remoteAddress
    this.clientPort = socket.remotePort
    this.localAddress = socket.localAddress
    this.localPort = socket.localPort
    this.lastActiveMs = host.clock.elapsedMs()
    this.#host = host
    this.#socket = socket
    this.#reader = new FrameReader(host.scratch, host.maxRequestBytes, (frame) => {
      this.#waiting.push(frame)
      this.#waitingBytes += frame.length
    })
    socket.onSpace = () => this.#reader.space()
    socket.onBytes = (count) => this.#received(count)
    socket.onDrain = () => {
      this.#isFull = false
      this.#work()
    }
    socket.onClose = (error) => this.#ended(error)
  }

  /** A request waits for something else than the client. */
  get isInFlight(): boolean {
    return this.#isInFlight
  }

  /** Answers what is in flight, then closes. Requests that were not begun are not answered. */
  stop(): void {
    if (this.#isClosed || this.#isStopping) return
    this.#isStopping = true
    this.#waiting = []
    this.#waitingBytes = 0
    this.#pause()
    if (!this.#isInFlight) this.#socket.end()
  }

  /** Closes at once; `reason` is for the log. */
  close(reason: string): void {
    if (this.#isClosed) return
    this.#host.tap?.closing(this, reason)
    this.#host.logger.debug(
      { connection: this.id, client: this.clientAddress, reason },
      'connection closed by the broker',
    )
    this.#flush()
    this.#socket.end()
    this.#ended(undefined)
  }

  /** Closes without a word, whatever has not been sent. */
  destroy(): void {
    this.#socket.destroy()
    this.#ended(undefined)
  }

  /** Neither reads nor serves for so long; what it has answered still goes out. */
  mute(durationMs: number): void {
    if (this.#isClosed || this.#isStopping) return
    this.#muted?.cancel()
    this.#muted = this.#host.clock.schedule(durationMs, () => {
      this.#muted = undefined
      this.#work()
    })
  }

  /** Resolves when nothing that has arrived waits for an answer, or the connection is closed. */
  quiet(): Promise<void> {
    if (this.#isQuiet()) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenQuiet ??= []
      this.#whenQuiet.push(resolve)
    })
  }

  describe(): object {
    const { id, listenerName, clientAddress, clientSoftwareName, clientSoftwareVersion } = this
    return {
      id,
      listenerName,
      clientAddress,
      clientSoftwareName,
      clientSoftwareVersion,
      isInFlight: this.#isInFlight,
      waitingRequests: this.#waiting.length,
      mutedForMs: this.#muted ? this.#muted.dueMs - this.#host.clock.elapsedMs() : 0,
      idleMs: this.#host.clock.elapsedMs() - this.lastActiveMs,
    }
  }

  #received(count: number): void {
    if (this.#isClosed || this.#isStopping) return
    this.lastActiveMs = this.#host.clock.elapsedMs()
    this.#reader.received(count)
    this.#work()
  }

  /** Serves what waits, until a request has to wait or the client does not take its answers. */
  #work(): void {
    while (this.#mayServe() && this.#waiting.length > 0) this.#serve(this.#waiting.shift()!)
    this.#flush()
    if (this.#isClosed) return
    if (this.#reader.invalidSize !== undefined && !this.#isInFlight && this.#waiting.length === 0) {
      this.close(`a request of ${this.#reader.invalidSize} bytes`)
      return
    }
    const isMuch = this.#waiting.length >= MAX_WAITING_REQUESTS || this.#waitingBytes >= MAX_WAITING_BYTES
    const isToWait = isMuch || this.#muted !== undefined || this.#isStopping
    if (isToWait || this.#reader.invalidSize !== undefined) this.#pause()
    else if (this.#isPaused) {
      this.#isPaused = false
      this.#socket.resume()
    }
    if (this.#whenQuiet && this.#isQuiet()) this.#tellQuiet()
  }

  #mayServe(): boolean {
    return !this.#isInFlight && !this.#isFull && this.#muted === undefined
  }

  #serve(frame: Buffer): void {
    this.#waitingBytes -= frame.length
    this.#host.tap?.request(this, frame)
    let answer: Buffer[] | null | Promise<Buffer[] | null>
    try {
      answer = this.#host.requests.handle(frame, this)
    } catch (error) {
      this.#failed(error)
      return
    }
    if (!(answer instanceof Promise)) {
      this.#gather(answer)
      return
    }
    this.#isInFlight = true
    answer.then(
      (response) => this.#answered(response),
      (error: unknown) => this.#failed(error),
    )
  }

  #answered(response: Buffer[] | null): void {
    if (this.#isClosed) return
    this.#isInFlight = false
    this.onDisconnect = undefined
    this.lastActiveMs = this.#host.clock.elapsedMs()
    this.#gather(response)
    if (this.#isStopping) {
      this.#flush()
      this.#socket.end()
      return
    }
    this.#work()
  }

  #failed(error: unknown): void {
    if (this.#isClosed) return
    this.#isInFlight = false
    this.#waiting = []
    if (error instanceof CloseConnectionError) {
      this.close(error.message)
      return
    }
    this.#host.logger.error(
      { err: error, connection: this.id, client: this.clientAddress },
      'a request failed unexpectedly',
    )
    this.close('an unexpected failure')
  }

  #gather(response: Buffer[] | null): void {
    this.#host.tap?.response(this, response)
    if (response === null) return
    for (const buffer of response) {
      this.#gathered.push(buffer)
      this.#gatheredBytes += buffer.length
    }
    if (this.#gatheredBytes >= MAX_GATHERED_BYTES) this.#flush()
  }

  #flush(): void {
    if (this.#gathered.length === 0) return
    const buffers = this.#gathered
    this.#gathered = []
    this.#gatheredBytes = 0
    if (!this.#socket.write(buffers, this.#afterWriting(buffers))) this.#isFull = true
  }

  /** Gives back what of these buffers was only lent. */
  #afterWriting(buffers: readonly Buffer[]): (() => void) | undefined {
    const { recycler } = this.#host
    if (!recycler) return undefined
    const lent = buffers.filter((buffer) => recycler.owns(buffer))
    if (lent.length === 0) return undefined
    return () => {
      for (const buffer of lent) recycler.giveBack(buffer)
    }
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  #ended(error: Error | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#host.tap?.closed(this)
    if (error) {
      this.#host.logger.debug(
        { connection: this.id, client: this.clientAddress, error: error.message },
        'connection lost',
      )
    }
    this.#muted?.cancel()
    this.#waiting = []
    this.#gathered = []
    const { onDisconnect } = this
    this.onDisconnect = undefined
    onDisconnect?.()
    this.#host.closed(this)
    this.#tellQuiet()
  }

  #isQuiet(): boolean {
    return this.#isClosed || (!this.#isInFlight && this.#waiting.length === 0)
  }

  #tellQuiet(): void {
    const waiters = this.#whenQuiet
    this.#whenQuiet = undefined
    if (waiters) for (const resolve of waiters) resolve()
  }
}
