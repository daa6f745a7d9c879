import type { Api } from '../../src/protocol/api.ts'
import { RequestHeader, ResponseHeader } from '../../src/protocol/generated/headers.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { FrameConnection } from './frame-connection.ts'

const ANSWER_TIMEOUT_MS = 30_000

/** A connection that asks one API after the other, each in the version that the caller says. Works with any broker. */
export class ApiConnection {
  readonly #connection: FrameConnection

  private constructor(connection: FrameConnection) {
    this.#connection = connection
  }

  /** `host:port`. */
  static async open(bootstrapServers: string): Promise<ApiConnection> {
    const [host, port] = bootstrapServers.split(':')
    return new ApiConnection(await FrameConnection.open(host!, Number(port)))
  }

  /** Rejects when the broker is gone, or silent for half a minute. */
  async ask<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    request: Request,
  ): Promise<Response> {
    const writer = new Writer()
    writer.beginFrame()
    const header = {
      requestApiKey: api.key,
      requestApiVersion: version,
      correlationId: 1,
      clientId: 'odradek-tests',
    }
    RequestHeader.encode(writer, header, api.requestHeaderVersion(version))
    api.request.encode(writer, request, version)
    this.#connection.write(writer.finish())
    const frame = await this.#connection.frame(ANSWER_TIMEOUT_MS)
    if (!Buffer.isBuffer(frame)) throw new Error(`${api.name}: the broker is ${frame}`)
    const reader = new Reader(frame)
    ResponseHeader.decode(reader, api.responseHeaderVersion(version))
    return api.response.decode(reader, version)
  }

  close(): void {
    this.#connection.close()
  }
}
