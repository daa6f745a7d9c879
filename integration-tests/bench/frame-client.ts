import { connect, type Socket } from 'node:net'
import type { Api } from '../../src/protocol/api.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'

const CLIENT_ID = 'odradek-bench'
const FIRST_BUFFER_BYTES = 2 * 1024 * 1024
const CORRELATION_ID_AT = 8

/** Called with a response (behind its header); its bytes are valid during the call only. */
type OnAnswer = (body: Reader) => void

/** A request that is encoded once and sent many times, each time with another correlation id. */
export interface PreparedRequest {
  readonly pieces: readonly Buffer[]
  readonly responseHeaderVersion: 0 | 1
}

/**
 * A connection for load: requests are sent without waiting, answers are read into one buffer that is used again and again, so that the
 * client costs next to nothing.
 */
export class FrameClient {
  readonly #socket: Socket
  readonly #waiting: { correlationId: number; headerVersion: 0 | 1; onAnswer: OnAnswer }[] = []
  #buffer: Buffer
  #start = 0
  #end = 0
  #correlationId = 0
  #failure: Error | undefined
  #onFailure: (error: Error) => void = () => {}

  private constructor(host: string, port: number, bufferBytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bufferBytes)
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: () => this.#buffer.subarray(this.#end),
        callback: (count) => {
          this.#received(count)
          return true
        },
      },
    })
    this.#socket.on('error', (error) => this.fail(error))
    this.#socket.on('close', () => this.fail(new Error('the broker closed the connection')))
  }

  /** Rejects when nobody listens. */
  static open(host: string, port: number, bufferBytes = FIRST_BUFFER_BYTES): Promise<FrameClient> {
    return new Promise((resolve, reject) => {
      const client = new FrameClient(host, port, bufferBytes)
      client.#onFailure = reject
      client.#socket.once('connect', () => resolve(client))
    })
  }

  /** Told once, when the connection or a check fails. */
  set onFailure(listener: (error: Error) => void) {
    if (this.#failure) listener(this.#failure)
    else this.#onFailure = listener
  }

  fail(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    this.#socket.destroy()
    this.#onFailure(error)
  }

  close(): void {
    this.#failure ??= new Error('closed')
    this.#socket.destroy()
  }

  send({ pieces, responseHeaderVersion: headerVersion }: PreparedRequest, onAnswer: OnAnswer): void {
    const correlationId = ++this.#correlationId
    pieces[0]!.writeInt32BE(correlationId, CORRELATION_ID_AT)
    this.#waiting.push({ correlationId, headerVersion, onAnswer })
    this.#socket.cork()
    for (const piece of pieces) this.#socket.write(piece)
    this.#socket.uncork()
  }

  /** One request and its decoded answer. */
  request<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    request: Request,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.onFailure = reject
      this.send(prepareRequest(api, version, request), (body) => resolve(api.response.decode(body, version)))
    })
  }

  #received(count: number): void {
    this.#end += count
    while (this.#end - this.#start >= 4 && this.#failure === undefined) {
      const frameEnd = this.#start + 4 + this.#buffer.readInt32BE(this.#start)
      if (frameEnd > this.#end) {
        this.#makeRoom(frameEnd - this.#start)
        return
      }
      const frame = this.#buffer.subarray(this.#start + 4, frameEnd)
      this.#start = frameEnd
      this.#answered(frame)
    }
    if (this.#start === this.#end) this.#start = this.#end = 0
    else this.#makeRoom(4)
  }

  #answered(frame: Buffer): void {
    const reader = new Reader(frame)
    const waiting = this.#waiting.shift()
    try {
      if (reader.int32('correlationId') !== waiting?.correlationId) throw new Error('answers out of order')
      if (waiting.headerVersion === 1) reader.unknownTaggedFields()
      waiting.onAnswer(reader)
    } catch (error) {
      this.fail(error as Error)
    }
  }

  /** Sees to it that a frame of so many bytes fits behind `#start`. */
  #makeRoom(frameBytes: number): void {
    if (this.#start + Math.max(frameBytes, 64 * 1024) <= this.#buffer.length) return
    const size = Math.max(this.#buffer.length, frameBytes + FIRST_BUFFER_BYTES)
    const next = size > this.#buffer.length ? Buffer.allocUnsafeSlow(size) : this.#buffer
    this.#buffer.copy(next, 0, this.#start, this.#end)
    this.#buffer = next
    this.#end -= this.#start
    this.#start = 0
  }
}

/** The bytes of a request; what is large in it is kept by reference. */
export function prepareRequest<Request, Response>(
  api: Api<Request, Response>,
  version: number,
  request: Request,
): PreparedRequest {
  const writer = new Writer(1024)
  writer.beginFrame()
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(0)
  writer.nullableString(CLIENT_ID)
  if (api.requestHeaderVersion(version) >= 2) writer.unknownTaggedFields(undefined)
  api.request.encode(writer, request, version)
  return { pieces: writer.finish(), responseHeaderVersion: api.responseHeaderVersion(version) }
}
