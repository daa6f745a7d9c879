import { ApiVersions } from '../protocol/generated/api-versions.ts'
import { MalformedMessageError, Reader } from '../protocol/reader.ts'
import { Writer } from '../protocol/writer.ts'
import { RequestMeter } from '../quotas/request-meter.ts'
import { apiVersions, unsupportedApiVersions } from './api-versions.ts'
import {
  type AnyHandler,
  type ApiEntry,
  type BrokerServices,
  CloseConnectionError,
  type ConnectionInfo,
  NO_RESPONSE,
  type RequestContext,
} from './handler.ts'
import { FIXED_HEADER_BYTES, readRequestHeader } from './request-header.ts'

/** A request's way from its bytes to the bytes of its answer: header, handler, decode, handle, encode. */
export class Dispatcher {
  readonly #broker: BrokerServices
  readonly #writer = new Writer()
  readonly #entries = new Map<number, ApiEntry>()
  /** Handlers whose modules are loaded: at first the one that every client begins with. */
  readonly #handlers = new Map<number, AnyHandler>([[ApiVersions.key, apiVersions]])

  constructor(broker: BrokerServices) {
    this.#broker = broker
    for (const entry of broker.apis) this.#entries.set(entry.key, entry)
  }

  /** Serves one frame (without its size). null: no answer. Throws `CloseConnectionError` where Kafka closes the connection. */
  handle(frame: Buffer, connection: ConnectionInfo): Buffer[] | null | Promise<Buffer[] | null> {
    if (frame.length < FIXED_HEADER_BYTES)
      throw new CloseConnectionError('a frame too short for a request header')
    const apiKey = frame.readInt16BE(0)
    const apiVersion = frame.readInt16BE(2)
    const entry = this.#entries.get(apiKey)
    if (entry === undefined) throw new CloseConnectionError(`API key ${apiKey} is not served`)
    if (apiVersion < entry.minVersion || apiVersion > entry.maxVersion) {
      if (apiKey !== ApiVersions.key)
        throw new CloseConnectionError(`${entry.name} has no version ${apiVersion} here`)
      // Only the body of a version that we do not have is left unread.
      if (readRequestHeader(frame, ApiVersions.requestHeaderVersion(apiVersion)) === undefined)
        throw new CloseConnectionError(`the header of ${entry.name} cannot be read`)
      this.#begin(frame.readInt32BE(4), 0)
      ApiVersions.response.encode(this.#writer, unsupportedApiVersions(entry), 0)
      return this.#writer.finish()
    }
    const handler = this.#handlers.get(apiKey)
    if (handler !== undefined) return this.#run(handler, frame, apiVersion, connection)
    return entry.load().then((loaded) => {
      this.#handlers.set(apiKey, loaded)
      return this.#run(loaded, frame, apiVersion, connection)
    })
  }

  #run(
    handler: AnyHandler,
    frame: Buffer,
    apiVersion: number,
    connection: ConnectionInfo,
  ): Buffer[] | null | Promise<Buffer[] | null> {
    const { api } = handler
    const header = readRequestHeader(frame, api.requestHeaderVersion(apiVersion))
    if (header === undefined) throw new CloseConnectionError(`the header of ${api.name} cannot be read`)
    const { quotas } = this.#broker
    const meter = quotas.isSet ? new RequestMeter(quotas, header.clientId, frame.length) : undefined
    const context: RequestContext = {
      broker: this.#broker,
      connection,
      apiKey: api.key,
      apiVersion,
      correlationId: frame.readInt32BE(4),
      clientId: header.clientId,
      meter,
    }
    const request = decode(handler, frame, header.bodyAt, apiVersion)
    const response = handler.handle(request, context)
    meter?.handled()
    if (response instanceof Promise) return response.then((late) => this.#answer(handler, late, context))
    return this.#answer(handler, response, context)
  }

  #answer(handler: AnyHandler, response: unknown, context: RequestContext): Buffer[] | null {
    if (context.meter) return this.#answerMetered(handler, response, context, context.meter)
    return response === NO_RESPONSE ? null : this.#encode(handler, response, context)
  }

  /** Whoever is above a quota gets the answer at once, is told for how long, and is not listened to in the meantime (KIP-219). */
  #answerMetered(
    handler: AnyHandler,
    response: unknown,
    context: RequestContext,
    meter: RequestMeter,
  ): Buffer[] | null {
    const throttleTimeMs = meter.throttleTimeMs()
    if (throttleTimeMs > 0) context.connection.mute(throttleTimeMs)
    if (response === NO_RESPONSE) return null
    const beganMs = this.#broker.quotas.preciseMs()
    const told = throttleTimeMs > 0 ? withThrottleTime(response, throttleTimeMs) : response
    const answer = this.#encode(handler, told, context)
    meter.chargeLate(beganMs)
    return answer
  }

  #encode({ api }: AnyHandler, response: unknown, context: RequestContext): Buffer[] {
    this.#begin(context.correlationId, api.responseHeaderVersion(context.apiVersion))
    api.response.encode(this.#writer, response, context.apiVersion)
    return this.#writer.finish()
  }

  #begin(correlationId: number, headerVersion: 0 | 1): void {
    this.#writer.beginFrame()
    this.#writer.int32(correlationId)
    if (headerVersion === 1) this.#writer.unknownTaggedFields(undefined)
  }
}

/** Most answers have a place for it, in newer versions. */
function withThrottleTime(response: unknown, throttleTimeMs: number): unknown {
  const hasPlace = typeof response === 'object' && response !== null && 'throttleTimeMs' in response
  return hasPlace ? { ...response, throttleTimeMs } : response
}

function decode({ api }: AnyHandler, frame: Buffer, bodyAt: number, apiVersion: number): unknown {
  try {
    // Bytes behind a complete body are ignored, as in Kafka.
    return api.request.decode(new Reader(frame, bodyAt), apiVersion)
  } catch (error) {
    if (!(error instanceof MalformedMessageError)) throw error
    throw new CloseConnectionError(`${api.name} version ${apiVersion} cannot be read: ${error.message}`)
  }
}
