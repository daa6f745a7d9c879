import type { Clock, Timer } from '../../src/platform/platform.ts'
import type { SimulatedConnection, SimulatedNetwork } from '../../src/platform/simulated-network.ts'
import type { Api } from '../../src/protocol/api.ts'
import { RequestHeader } from '../../src/protocol/generated/headers.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'
import type { Cut } from './plan.ts'
import { Violation } from './violation.ts'

export const PORT = 9092
/** Clients give up on a broker that says nothing for so long. */
const SILENCE_MS = 120_000

/** The connection is gone, or there was none: nobody knows whether the request was served. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

interface Waiting {
  readonly correlationId: number
  readonly answer: (frame: Buffer) => void
  readonly fail: (error: Error) => void
}

/** A client that speaks the wire protocol over the simulated network, with as many requests under way as it likes. */
export class SimulatedClient {
  readonly #network: SimulatedNetwork
  readonly #clock: Clock
  readonly #name: string
  readonly #writer = new Writer()
  readonly #fail: (violation: Violation) => void
  #connection: SimulatedConnection | undefined
  #received = Buffer.alloc(0)
  #waiting: Waiting[] = []
  #silence: Timer | undefined
  #correlationId = 0

  constructor(network: SimulatedNetwork, clock: Clock, name: string, fail: (violation: Violation) => void) {
    this.#network = network
    this.#clock = clock
    this.#name = name
    this.#fail = fail
  }

  /** Rejects with `ConnectionLost`. `cut`: the connection breaks on the way. */
  ask<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    request: Request,
    cut?: Cut,
  ): Promise<Response> {
    const correlationId = ++this.#correlationId
    const bytes = this.#encode(api, version, request, correlationId)
    return new Promise((resolve, reject) => {
      const answer = (frame: Buffer) => {
        const headerEnd = api.responseHeaderVersion(version) === 1 ? 5 : 4
        resolve(api.response.decode(new Reader(frame, headerEnd), version))
      }
      this.#send(bytes, { correlationId, answer, fail: reject }, cut)
    })
  }

  /** Sends a request that gets no answer. */
  tell<Request, Response>(api: Api<Request, Response>, version: number, request: Request): void {
    this.#connect()?.send(this.#encode(api, version, request, ++this.#correlationId))
  }

  close(): void {
    this.#connection?.cut()
  }

  #encode<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    request: Request,
    correlationId: number,
  ): Buffer {
    this.#writer.beginFrame()
    const header = { requestApiKey: api.key, requestApiVersion: version, correlationId, clientId: this.#name }
    RequestHeader.encode(this.#writer, header, api.requestHeaderVersion(version))
    api.request.encode(this.#writer, request, version)
    return Buffer.concat(this.#writer.finish())
  }

  #send(bytes: Buffer, waiting: Waiting, cut: Cut | undefined): void {
    const connection = this.#connect()
    if (!connection) {
      waiting.fail(new ConnectionLost('nobody listens'))
      return
    }
    if (cut) connection.cutAfter(cut.direction, cut.bytes)
    this.#waiting.push(waiting)
    if (this.#waiting.length === 1) this.#watchSilence()
    connection.send(bytes)
  }

  #connect(): SimulatedConnection | undefined {
    if (this.#connection) return this.#connection
    const connection = this.#network.connect(PORT)
    if (!connection) return undefined
    this.#connection = connection
    connection.onBytes = (bytes) => this.#arrived(bytes)
    connection.onClose = () => this.#lost()
    return connection
  }

  #arrived(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes])
    while (this.#received.length >= 4 && this.#received.length >= 4 + this.#received.readInt32BE(0)) {
      const end = 4 + this.#received.readInt32BE(0)
      const frame = this.#received.subarray(4, end)
      this.#received = this.#received.subarray(end)
      this.#answered(frame)
    }
  }

  #answered(frame: Buffer): void {
    const next = this.#waiting.shift()
    const correlationId = frame.readInt32BE(0)
    if (next?.correlationId !== correlationId) {
      const due = next?.correlationId ?? 'nothing'
      this.#fail(new Violation('answers come in order', `${this.#name} got ${correlationId}, due was ${due}`))
      return
    }
    this.#silence?.cancel()
    if (this.#waiting.length > 0) this.#watchSilence()
    next.answer(frame)
  }

  #watchSilence(): void {
    this.#silence = this.#clock.schedule(SILENCE_MS, () => this.close())
  }

  #lost(): void {
    this.#silence?.cancel()
    this.#connection = undefined
    this.#received = Buffer.alloc(0)
    for (const { fail } of this.#waiting.splice(0)) fail(new ConnectionLost('the connection is gone'))
  }
}
