import type { ConnectionInfo } from '../handlers/handler.ts'
import type { Logger } from '../platform/logger.ts'
import type { Clock, ListeningSocket, Network, Socket, Timer } from '../platform/platform.ts'
import { Connection, type ConnectionHost, type Recycler, type RequestHandler } from './connection.ts'
import { MemorySocket } from './memory-socket.ts'
import type { FrameTap } from './tap.ts'

const SCRATCH_BYTES = 64 * 1024

/** Where to listen, and what to tell clients. */
export interface ServerListener {
  readonly name: string
  /** undefined: all addresses, IPv6 and IPv4. */
  readonly host: string | undefined
  readonly port: number
  /** What `advertised.listeners` says; undefined tells each client the address that it dialled. */
  readonly advertised: { readonly host: string; readonly port: number } | undefined
}

/** A listener with the address that it got. */
export interface BoundListener {
  readonly name: string
  readonly host: string
  readonly port: number
}

export interface ServerLimits {
  /** `socket.request.max.bytes` */
  readonly maxRequestBytes: number
  /** `connections.max.idle.ms`; below zero: never. */
  readonly maxIdleMs: number
  /** `max.connections` */
  readonly maxConnections: number
  /** `max.connections.per.ip` */
  readonly maxConnectionsPerIp: number
  /** `max.connections.per.ip.overrides` */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
  /** `socket.listen.backlog.size` */
  readonly backlog: number
}

export interface ServerOptions {
  readonly network: Network
  readonly clock: Clock
  readonly logger: Logger
  readonly requests: RequestHandler
  readonly limits: ServerLimits
  /** Memory of answers that can be used again once it has been sent. */
  readonly recycler?: Recycler | undefined
  /** Counts a new connection of an address. 0: it is welcome; else it is not served, and kept open for so many milliseconds (KIP-612). */
  readonly throttleConnection?: ((address: string) => number) | undefined
}

/** All listeners and connections of one broker. */
export class NetworkServer {
  readonly #options: ServerOptions
  readonly #host: ConnectionHost
  readonly #connections = new Set<Connection>()
  readonly #perAddress = new Map<string, number>()
  /** Connections that are not served, until their time is up. */
  readonly #throttled = new Map<Socket, Timer>()
  readonly #bound: { listener: ServerListener; socket: ListeningSocket }[] = []
  #lastConnectionId = 0
  #idleTimer: Timer | undefined
  #isStopping = false
  #whenEmpty: (() => void) | undefined

  constructor(options: ServerOptions) {
    this.#options = options
    this.#host = {
      requests: options.requests,
      clock: options.clock,
      logger: options.logger,
      scratch: Buffer.allocUnsafeSlow(SCRATCH_BYTES),
      maxRequestBytes: options.limits.maxRequestBytes,
      recycler: options.recycler,
      tap: undefined,
      closed: (connection) => this.#closed(connection),
    }
  }

  /** Binds all listeners or none: with one port taken the others are given back. */
  async start(listeners: readonly ServerListener[]): Promise<void> {
    const { network, limits } = this.#options
    try {
      for (const listener of listeners) {
        const { host, port } = listener
        const socket = await network.listen({ host, port, backlog: limits.backlog }, (connected) =>
          this.#accept(connected, listener.name),
        )
        this.#bound.push({ listener, socket })
      }
    } catch (error) {
      await this.stop(0)
      throw error
    }
  }

  get listeners(): readonly BoundListener[] {
    return this.#bound.map(({ listener, socket }) => ({
      name: listener.name,
      host: listener.host ?? socket.host,
      port: socket.port,
    }))
  }

  /** Sees all frames from now on; undefined ends that. */
  set tap(tap: FrameTap | undefined) {
    this.#host.tap = tap
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** The address at which the client of `connection` reaches this broker again. */
  advertisedEndpoint(connection: ConnectionInfo): { host: string; port: number } {
    const bound = this.#bound.find(({ listener }) => listener.name === connection.listenerName)
    const advertised = bound?.listener.advertised
    if (!advertised) return { host: connection.localAddress, port: connection.localPort }
    // Port 0 means the one that the listener got.
    return { host: advertised.host, port: advertised.port || bound.socket.port }
  }

  /**
   * Serves bytes as if a client had sent them on a connection of its own, without a socket. Resolves when every complete request in
   * them is answered or the broker has closed the connection.
   */
  async inject(
    bytes: Buffer,
    listenerName = this.#bound[0]?.listener.name ?? 'PLAINTEXT',
  ): Promise<InjectAnswer> {
    const socket = new MemorySocket(this.#bound[0]?.socket.port)
    const connection = this.#open(socket, listenerName)
    socket.send(bytes)
    await connection.quiet()
    const wasClosed = socket.isClosed
    connection.destroy()
    return { bytes: socket.written(), wasClosed }
  }

  /** Takes no more connections or requests, answers what is in flight and closes; after `graceMs` it closes without an answer. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true
    this.#idleTimer?.cancel()
    const listening = this.#bound.splice(0).map(({ socket }) => socket.close())
    for (const socket of [...this.#throttled.keys()]) socket.destroy()
    for (const connection of [...this.#connections]) connection.stop()
    await Promise.all(listening)
    if (this.#connections.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.schedule(graceMs, () => {
        for (const connection of [...this.#connections]) connection.destroy()
      })
      this.#whenEmpty = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  describe(): object[] {
    return [...this.#connections].map((connection) => connection.describe())
  }

  #accept(socket: Socket, listenerName: string): void {
    const { remoteAddress } = socket
    let refusal = this.#refusal()
    if (refusal === undefined) {
      // In this order, as in Kafka: also a connection that is one too many of its address counts as a new one.
      const throttleTimeMs = this.#options.throttleConnection?.(remoteAddress) ?? 0
      if (throttleTimeMs > 0) {
        this.#keepUnserved(socket, throttleTimeMs)
        return
      }
      refusal = this.#refusalOf(remoteAddress)
    }
    if (refusal === undefined) {
      this.#open(socket, listenerName)
      return
    }
    if (!this.#isStopping) {
      this.#options.logger.warn(
        { client: socket.remoteAddress, listener: listenerName, limit: refusal },
        'connection refused',
      )
    }
    socket.destroy()
  }

  #refusal(): string | undefined {
    if (this.#isStopping) return 'stopping'
    return this.#connections.size >= this.#options.limits.maxConnections ? 'max.connections' : undefined
  }

  #refusalOf(address: string): string | undefined {
    const { maxConnectionsPerIp, maxConnectionsPerIpOverrides } = this.#options.limits
    const perIp = maxConnectionsPerIpOverrides.get(address) ?? maxConnectionsPerIp
    return (this.#perAddress.get(address) ?? 0) >= perIp ? 'max.connections.per.ip' : undefined
  }

  /** Whoever is let go at once would come again at once. */
  #keepUnserved(socket: Socket, durationMs: number): void {
    const { clock, logger } = this.#options
    logger.debug(
      { client: socket.remoteAddress, durationMs },
      'connection not served: too many of its address',
    )
    const timer = clock.schedule(durationMs, () => socket.destroy())
    this.#throttled.set(socket, timer)
    // What the client sends in the meantime is dropped, into memory that every read may use.
    socket.onSpace = () => this.#host.scratch
    socket.onClose = () => {
      timer.cancel()
      this.#throttled.delete(socket)
    }
  }

  #open(socket: Socket, listenerName: string): Connection {
    const connection = new Connection(++this.#lastConnectionId, listenerName, socket, this.#host)
    this.#connections.add(connection)
    const { clientAddress } = connection
    this.#perAddress.set(clientAddress, (this.#perAddress.get(clientAddress) ?? 0) + 1)
    if (this.#idleTimer === undefined) this.#watchIdle(this.#options.limits.maxIdleMs)
    return connection
  }

  #closed(connection: Connection): void {
    if (!this.#connections.delete(connection)) return
    const left = (this.#perAddress.get(connection.clientAddress) ?? 0) - 1
    if (left > 0) this.#perAddress.set(connection.clientAddress, left)
    else this.#perAddress.delete(connection.clientAddress)
    if (this.#connections.size === 0) this.#whenEmpty?.()
  }

  /** One timer for all connections, set for the one that has been idle longest; none while nobody is connected. */
  #watchIdle(delayMs: number): void {
    const { clock, limits } = this.#options
    if (limits.maxIdleMs < 0 || this.#isStopping) return
    this.#idleTimer = clock.schedule(delayMs, () => {
      this.#idleTimer = undefined
      const nowMs = clock.elapsedMs()
      let nextMs = limits.maxIdleMs
      for (const connection of [...this.#connections]) {
        const leftMs = connection.isInFlight
          ? limits.maxIdleMs
          : connection.lastActiveMs + limits.maxIdleMs - nowMs
        if (leftMs > 0) nextMs = Math.min(nextMs, leftMs)
        else this.#closeIdle(connection)
      }
      // Coarse on purpose: a thousand connections that fall idle one after the other wake us once a second at most.
      if (this.#connections.size > 0) this.#watchIdle(Math.max(nextMs, 1000))
    })
  }

  #closeIdle(connection: Connection): void {
    const { id, clientAddress } = connection
    this.#options.logger.debug({ connection: id, client: clientAddress }, 'idle connection closed')
    connection.destroy()
  }
}

/** What an injected client got. */
export interface InjectAnswer {
  /** All responses with their sizes, as they would have been sent. */
  readonly bytes: Buffer
  /** Whether the broker ended the connection. */
  readonly wasClosed: boolean
}
