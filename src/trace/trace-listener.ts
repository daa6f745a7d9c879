import type { LocalListener, LocalSocket, LocalSockets } from '../platform/local-sockets.ts'
import type { Logger } from '../platform/logger.ts'
import type { Clock } from '../platform/platform.ts'
import type { Tappable, TraceHub } from './trace-hub.ts'

export interface TraceListenerOptions {
  readonly broker: Tappable
  readonly clock: Clock
  readonly logger: Logger
  readonly sockets: LocalSockets
  /** The one that taps the broker already. */
  readonly hub?: TraceHub | undefined
}

/** Lets `odradek trace` attach to a broker, under the port of its first listener. What a trace needs is loaded when the first one comes. */
export class TraceListener {
  readonly #options: TraceListenerOptions
  readonly #readers = new Set<LocalSocket>()
  #listener: LocalListener | undefined
  #hub: Promise<TraceHub> | undefined

  private constructor(options: TraceListenerOptions) {
    this.#options = options
    if (options.hub) this.#hub = Promise.resolve(options.hub)
  }

  /** Never rejects: a broker that cannot be traced works all the same. */
  static async open(options: TraceListenerOptions): Promise<TraceListener> {
    const { broker, logger, sockets } = options
    const listener = new TraceListener(options)
    const name = String(broker.listeners[0]?.port)
    try {
      listener.#listener = await sockets.listen(name, (socket) => void listener.#accept(socket))
    } catch (error) {
      logger.debug({ err: error }, 'odradek trace cannot attach')
    }
    return listener
  }

  /** Readers are told the end. */
  async close(): Promise<void> {
    await this.#listener?.close()
    for (const reader of [...this.#readers]) reader.end()
  }

  async #accept(socket: LocalSocket): Promise<void> {
    const { logger } = this.#options
    let detach = () => {}
    let isGone = false
    this.#readers.add(socket)
    socket.onClose(() => {
      isGone = true
      this.#readers.delete(socket)
      detach()
    })
    await new Promise<void>((resolve) => socket.onBytes(() => resolve()))
    try {
      const hub = await this.#loadHub()
      if (!isGone) detach = hub.attach(socket)
    } catch (error) {
      // The package may have been replaced under a broker that runs.
      logger.debug({ err: error }, 'odradek trace cannot attach')
      socket.destroy()
    }
  }

  #loadHub(): Promise<TraceHub> {
    const { broker, clock } = this.#options
    this.#hub ??= import('./trace-hub.ts').then(({ TraceHub }) => new TraceHub(broker, clock))
    return this.#hub
  }
}
