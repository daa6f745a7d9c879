import { connect, type Socket } from 'node:net'
import type { Api } from '../../protocol/api.ts'
import { ApiVersions } from '../../protocol/generated/api-versions.ts'
import { RequestHeader, ResponseHeader } from '../../protocol/generated/headers.ts'
import { Reader } from '../../protocol/reader.ts'
import { Writer } from '../../protocol/writer.ts'
import { CommandError, EXIT_TIMEOUT } from '../host.ts'
import { type Address, printedAddress } from './address.ts'
import { ResponseFrames } from './response-frames.ts'

const CLIENT_ID = 'odradek-cli'

/** The versions of an API that a caller fills in and reads right. */
export interface Versions {
  readonly min?: number
  readonly max?: number
}

interface Waiting {
  readonly correlationId: number
  resolve(frame: Buffer): void
  reject(error: Error): void
}

/** One connection to any Kafka broker, with the versions that the broker and this client share. */
export class ClientConnection {
  readonly #socket: Socket
  readonly #name: string
  readonly #timeoutMs: number
  readonly #waiting: Waiting[] = []
  readonly #versions = new Map<number, { min: number; max: number }>()
  readonly #frames = new ResponseFrames()
  readonly #writer = new Writer()
  #correlationId = 0
  #failure: Error | undefined

  private constructor(socket: Socket, name: string, timeoutMs: number) {
    this.#socket = socket
    this.#name = name
    this.#timeoutMs = timeoutMs
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.#fail(new CommandError(`${name}: ${error.message}`)))
    socket.on('close', () => this.#fail(new CommandError(`${name} closed the connection`)))
  }

  /** Connects and learns the broker's versions; throws `CommandError` when nobody answers in time. */
  static async open(address: Address, timeoutMs: number): Promise<ClientConnection> {
    const name = printedAddress(address)
    const connection = new ClientConnection(await dial(address, timeoutMs), name, timeoutMs)
    try {
      await connection.#learnVersions()
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }

  get isOpen(): boolean {
    return this.#failure === undefined
  }

  /**
   * Sends a request in the newest version that both sides and the caller know, and gives the answer. `waitMs` is how long the broker is
   * asked to hold it back. Throws `CommandError` when the broker does not serve it, closes, or does not answer in time.
   */
  request<Request, Response>(
    api: Api<Request, Response>,
    versions: Versions,
    build: (version: number) => Request,
    waitMs = 0,
  ): Promise<Response> {
    const version = this.#versionOf(api, versions)
    return this.#send(api, version, build(version), waitMs)
  }

  /** Whether the broker serves this API, in whatever version. */
  serves(api: Pick<Api<unknown, unknown>, 'key'>): boolean {
    return this.#versions.has(api.key)
  }

  close(): void {
    this.#fail(new CommandError('the connection was closed'))
    this.#socket.destroy()
  }

  async #learnVersions(): Promise<void> {
    // Version 0 is the one that every broker answers (KIP-35).
    const request = { clientSoftwareName: '', clientSoftwareVersion: '' }
    const { apiKeys } = await this.#send(ApiVersions, 0, request, 0)
    for (const { apiKey, minVersion, maxVersion } of apiKeys) {
      this.#versions.set(apiKey, { min: minVersion, max: maxVersion })
    }
  }

  #versionOf<Request, Response>(api: Api<Request, Response>, versions: Versions): number {
    const served = this.#versions.get(api.key)
    if (!served) throw new CommandError(`the broker at ${this.#name} does not serve ${api.name}`)
    const version = Math.min(served.max, versions.max ?? api.maxVersion)
    const least = Math.max(served.min, versions.min ?? api.minVersion)
    if (version >= least) return version
    throw new CommandError(
      `the broker at ${this.#name} serves versions ${served.min} to ${served.max} of ${api.name}, none of which this client knows`,
    )
  }

  async #send<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    request: Request,
    waitMs: number,
  ): Promise<Response> {
    if (this.#failure) throw this.#failure
    const correlationId = ++this.#correlationId
    const writer = this.#writer
    writer.beginFrame()
    RequestHeader.encode(
      writer,
      { requestApiKey: api.key, requestApiVersion: version, correlationId, clientId: CLIENT_ID },
      api.requestHeaderVersion(version),
    )
    api.request.encode(writer, request, version)
    const frame = await this.#exchange(writer.finish(), correlationId, api.name, waitMs)
    const reader = new Reader(frame)
    ResponseHeader.decode(reader, api.responseHeaderVersion(version))
    return api.response.decode(reader, version)
  }

  #exchange(bytes: readonly Buffer[], correlationId: number, name: string, waitMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const waited = `${printedSeconds(this.#timeoutMs + waitMs)} s`
        this.#fail(new CommandError(`${this.#name} did not answer ${name} in ${waited}`, EXIT_TIMEOUT))
        this.#socket.destroy()
      }, this.#timeoutMs + waitMs)
      const settled =
        <Value>(settle: (value: Value) => void) =>
        (value: Value) => {
          clearTimeout(timer)
          settle(value)
        }
      this.#waiting.push({ correlationId, resolve: settled(resolve), reject: settled(reject) })
      this.#socket.cork()
      for (const piece of bytes) this.#socket.write(piece)
      this.#socket.uncork()
    })
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.push(chunk)) {
        const waiting = this.#waiting.shift()
        if (!waiting || frame.readInt32BE(0) !== waiting.correlationId) throw new Error('out of order')
        waiting.resolve(frame)
      }
    } catch {
      this.#fail(new CommandError(`what answers at ${this.#name} does not speak Kafka's protocol`))
      this.#socket.destroy()
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure)
  }
}

function dial(address: Address, timeoutMs: number): Promise<Socket> {
  const name = printedAddress(address)
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, noDelay: true })
    const timer = setTimeout(
      () => socket.destroy(new Error(`no answer in ${printedSeconds(timeoutMs)} s`)),
      timeoutMs,
    )
    const refused = (error: Error) => {
      clearTimeout(timer)
      reject(new CommandError(`cannot reach a broker at ${name}: ${reasonOf(error)}`, EXIT_TIMEOUT))
    }
    socket.once('error', refused)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', refused)
      resolve(socket)
    })
  })
}

/** Node tries every address of a name and then throws all failures in one error without a message. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message
  return error.message
}

function printedSeconds(ms: number): string {
  return String(Math.round(ms / 100) / 10)
}
