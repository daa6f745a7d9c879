import type { ManualClock } from './manual-clock.ts'
import type { ListeningSocket, ListenOptions, Network, Socket } from './platform.ts'
import type { SimulatedRandom } from './simulated-random.ts'

const USUAL_DELAY_MS = 5
const SLOW_DELAY_MS = 500
/** What a socket takes before it asks its writer to wait. */
const SEND_BUFFER_BYTES = 64 * 1024
const FIRST_PORT = 30_000

/** Who listens and answers; nothing reaches it once it is dead. */
export interface SimulatedHost {
  readonly isAlive: boolean
}

interface Listener {
  readonly host: SimulatedHost
  readonly onConnection: (socket: Socket) => void
}

/**
 * A network in memory. What is sent arrives later, in pieces of any size and in order; what goes over different connections arrives in any
 * order. A connection can be cut behind any byte of either direction.
 */
export class SimulatedNetwork {
  readonly #clock: ManualClock
  readonly #random: SimulatedRandom
  readonly #listeners = new Map<number, Listener>()
  readonly #connections = new Set<SimulatedConnection>()
  #connectionCount = 0
  #nextPort = FIRST_PORT

  constructor(clock: ManualClock, random: SimulatedRandom) {
    this.#clock = clock
    this.#random = random
  }

  host(): { isAlive: boolean } {
    return { isAlive: true }
  }

  /** The network as a process on this host uses it. */
  of(host: SimulatedHost): Network {
    return { listen: (options, onConnection) => this.#listen(host, options, onConnection) }
  }

  /** Opens a connection, which can be written to at once; undefined when nobody listens. */
  connect(port: number): SimulatedConnection | undefined {
    const listener = this.#listeners.get(port)
    if (!listener?.host.isAlive) return undefined
    const random = this.#random.fork(`connection ${++this.#connectionCount}`)
    const connection = new SimulatedConnection(
      this.#clock,
      random,
      port,
      40_000 + this.#connectionCount,
      () => this.#connections.delete(connection),
    )
    connection.host = listener.host
    this.#connections.add(connection)
    listener.onConnection(connection.serverSocket)
    return connection
  }

  /** The host is dead: its ports are free, and its clients learn of it some time. */
  kill(host: { isAlive: boolean }): void {
    host.isAlive = false
    for (const [port, listener] of this.#listeners) if (listener.host === host) this.#listeners.delete(port)
    for (const connection of [...this.#connections]) if (connection.host === host) connection.lose()
  }

  /** Cuts all connections. */
  cutAll(): void {
    for (const connection of [...this.#connections]) connection.cut()
  }

  async #listen(
    host: SimulatedHost,
    options: ListenOptions,
    onConnection: (socket: Socket) => void,
  ): Promise<ListeningSocket> {
    const port = options.port || this.#nextPort++
    if (this.#listeners.has(port))
      throw Object.assign(new Error(`listen EADDRINUSE: port ${port}`), {
        code: 'EADDRINUSE',
        syscall: 'listen',
      })
    this.#listeners.set(port, { host, onConnection })
    return {
      host: options.host ?? '127.0.0.1',
      port,
      close: async () => {
        this.#listeners.delete(port)
      },
    }
  }
}

/** One direction of a connection: bytes on their way. */
class Channel {
  readonly #clock: ManualClock
  readonly #random: SimulatedRandom
  readonly #deliver: (bytes: Buffer) => void
  readonly #onCut: () => void
  #lastArrivalMs = 0
  #sent = 0
  #cutAfter = Number.POSITIVE_INFINITY
  underway = 0

  constructor(
    clock: ManualClock,
    random: SimulatedRandom,
    deliver: (bytes: Buffer) => void,
    onCut: () => void,
  ) {
    this.#clock = clock
    this.#random = random
    this.#deliver = deliver
    this.#onCut = onCut
  }

  /** The connection ends once so many more bytes have arrived. */
  cutAfter(bytes: number): void {
    this.#cutAfter = this.#sent + bytes
  }

  send(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const left = bytes.length - at
      const end = at + (this.#random.chance(70) ? left : 1 + this.#random.integer(left))
      this.#sendPiece(bytes.subarray(at, end))
      at = end
    }
  }

  /** Runs behind all that was sent. */
  after(task: () => void): void {
    this.#clock.schedule(this.#arrivalMs() - this.#clock.elapsedMs(), task)
  }

  #sendPiece(piece: Buffer): void {
    const room = Math.max(0, this.#cutAfter - this.#sent)
    this.#sent += piece.length
    const whole = piece.subarray(0, Math.min(piece.length, room))
    this.underway += piece.length
    const copy = Buffer.from(whole)
    this.after(() => {
      this.underway -= piece.length
      // A real socket reads the memory as late as that: who takes it back too early shall be found out.
      if (!whole.equals(copy)) throw new Error('memory was changed that a socket had yet to send')
      if (copy.length > 0) this.#deliver(copy)
      if (piece.length > room) this.#onCut()
    })
  }

  #arrivalMs(): number {
    const random = this.#random
    const delayMs = random.integer(random.chance(3) ? SLOW_DELAY_MS : USUAL_DELAY_MS)
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#clock.elapsedMs() + delayMs)
    return this.#lastArrivalMs
  }
}

/** A connection, as its client holds it. */
export class SimulatedConnection {
  readonly serverSocket: ServerSocket
  host: SimulatedHost | undefined
  onBytes: (bytes: Buffer) => void = () => {}
  onClose: () => void = () => {}
  readonly #toServer: Channel
  readonly #toClient: Channel
  readonly #onEnd: () => void
  #isClosed = false

  constructor(
    clock: ManualClock,
    random: SimulatedRandom,
    serverPort: number,
    clientPort: number,
    onEnd: () => void,
  ) {
    this.#onEnd = onEnd
    const cut = () => this.cut()
    this.#toServer = new Channel(clock, random, (bytes) => this.serverSocket.arrived(bytes), cut)
    this.#toClient = new Channel(clock, random, (bytes) => this.#isClosed || this.onBytes(bytes), cut)
    this.serverSocket = new ServerSocket(serverPort, clientPort, this.#toClient, () => this.lose())
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  send(bytes: Buffer): void {
    if (!this.#isClosed) this.#toServer.send(bytes)
  }

  /** Breaks the connection once the broker has got so many more bytes, or the client. */
  cutAfter(direction: 'sent' | 'received', bytes: number): void {
    if (direction === 'sent') this.#toServer.cutAfter(bytes)
    else this.#toClient.cutAfter(bytes)
  }

  /** Breaks it at once: what is under way is lost, and both ends learn of it. */
  cut(): void {
    this.serverSocket.disconnected(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
    this.#ended()
  }

  /** The server's end is gone; what it had sent still arrives. */
  lose(): void {
    this.serverSocket.abandon()
    this.#toClient.after(() => this.#ended())
  }

  #ended(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onEnd()
    this.onClose()
  }
}

/** The broker's end of a connection. */
class ServerSocket implements Socket {
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort: number
  readonly localAddress = '127.0.0.1'
  readonly localPort: number
  onSpace: () => Buffer = () => Buffer.alloc(0)
  onBytes: (count: number) => void = () => {}
  onClose: (error: Error | undefined) => void = () => {}
  onDrain: () => void = () => {}
  readonly #channel: Channel
  readonly #onEnd: () => void
  #unread: Buffer[] = []
  #isPaused = false
  #isEnded = false
  #isFull = false

  constructor(localPort: number, remotePort: number, channel: Channel, onEnd: () => void) {
    this.localPort = localPort
    this.remotePort = remotePort
    this.#channel = channel
    this.#onEnd = onEnd
  }

  arrived(bytes: Buffer): void {
    this.#unread.push(bytes)
    this.#deliver()
  }

  /** The connection is broken, and the broker learns of it. */
  disconnected(error: Error | undefined): void {
    if (this.#isEnded) return
    this.abandon()
    this.onClose(error)
  }

  /** Nothing goes in or out any more, and nobody is told. */
  abandon(): void {
    this.#isEnded = true
    this.#unread = []
  }

  write(buffers: readonly Buffer[], onWritten?: () => void): boolean {
    if (this.#isEnded) return true
    for (const buffer of buffers) this.#channel.send(buffer)
    const isFull = this.#channel.underway > SEND_BUFFER_BYTES
    this.#isFull ||= isFull
    if (onWritten || isFull) this.#channel.after(() => this.#written(onWritten))
    return !isFull
  }

  #written(onWritten: (() => void) | undefined): void {
    if (this.#isEnded) return
    onWritten?.()
    if (!this.#isFull || this.#channel.underway > 0) return
    this.#isFull = false
    this.onDrain()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#deliver()
  }

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.#isEnded) return
    this.#onEnd()
    this.onClose(undefined)
  }

  #deliver(): void {
    while (!this.#isPaused && !this.#isEnded) {
      const bytes = this.#unread[0]
      if (bytes === undefined) return
      const count = bytes.copy(this.onSpace())
      if (count === bytes.length) this.#unread.shift()
      else this.#unread[0] = bytes.subarray(count)
      this.onBytes(count)
    }
  }
}
