import type { Api } from '../../protocol/api.ts'
import { ErrorCode } from '../../protocol/generated/error-codes.ts'
import { apis } from '../../protocol/generated/index.ts'
import { MalformedMessageError, Reader } from '../../protocol/reader.ts'
import { type RequestHead, readRequestHead } from '../../trace/request-head.ts'
import type { TracedConnection, TracedFrame } from '../../trace/trace-event.ts'
import type { Exchange } from './exchanges.ts'
import { TopicNames } from './facts.ts'

/** What there is to say of an exchange. */
export interface DescribedExchange {
  readonly exchange: Exchange
  /** undefined when the request was not seen, or is none. */
  readonly head: RequestHead | undefined
  /** Name of the API, or `API 999` for one that nobody knows. */
  readonly apiName: string
  /** `kafkajs 2.2.4`, as the client said in ApiVersions 3 or newer. */
  readonly software: string | undefined
  readonly topics: readonly string[]
  /** Names of error codes. */
  readonly errors: readonly string[]
  /** Why something cannot be told. */
  readonly problem: string | undefined
}

const errorNames = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]))
const RESPONSE_HEADER_BYTES = 4

/** Decodes exchanges. Codecs are loaded when they are first needed. */
export class ExchangeDescriber {
  readonly #topicNames = new TopicNames()
  readonly #codecs = new Map<number, Api<unknown, unknown>>()
  /** Software by connection, of clients that told it after the connection was introduced. */
  readonly #software = new WeakMap<TracedConnection, string>()

  async describe(exchange: Exchange): Promise<DescribedExchange> {
    const { request, response, connection } = exchange
    const entry =
      request && apis.find(({ key }) => request.bytes.length >= 2 && key === request.bytes.readInt16BE(0))
    const api = entry && (await this.#codec(entry))
    const head = request && readRequestHead(request.bytes, api)
    const messages: unknown[] = []
    let problem: string | undefined
    const read = (what: string, frame: TracedFrame, decode: () => unknown) => {
      if (frame.secrets === 'withheld') problem ??= `${what} withheld, as it may hold secrets`
      else if (frame.bytes.length < frame.frameBytes) problem ??= `${what} too long to be shown`
      else {
        try {
          messages.push(decode())
        } catch (error) {
          if (!(error instanceof MalformedMessageError)) throw error
          problem ??= `${what} cannot be read: ${error.message}`
        }
      }
    }
    if (api && head?.bodyAt !== undefined) {
      const { bodyAt, apiVersion } = head
      read('request', request, () => api.request.decode(new Reader(request.bytes, bodyAt), apiVersion))
      if (response) read('response', response, () => decodeResponse(api, apiVersion, response.bytes))
    } else if (!request) problem = 'request not seen'
    else if (api && isVersionKnown(api, head?.apiVersion)) problem = 'request header cannot be read'
    this.#learnSoftware(connection, messages[0])
    const { topics, errorCodes } = this.#topicNames.factsOf(...messages)
    return {
      exchange,
      head,
      apiName: entry?.name ?? (head ? `API ${head.apiKey}` : '?'),
      software:
        this.#software.get(connection) ??
        softwareText(connection.clientSoftwareName, connection.clientSoftwareVersion),
      topics,
      errors: errorCodes.map((code) => errorNames.get(code) ?? `ERROR ${code}`),
      problem,
    }
  }

  async #codec({ key, load }: (typeof apis)[number]): Promise<Api<unknown, unknown>> {
    const known = this.#codecs.get(key)
    if (known) return known
    const loaded = await load()
    this.#codecs.set(key, loaded)
    return loaded
  }

  #learnSoftware(connection: TracedConnection, message: unknown): void {
    const { clientSoftwareName, clientSoftwareVersion } = (message ?? {}) as Record<string, unknown>
    if (typeof clientSoftwareName !== 'string' || typeof clientSoftwareVersion !== 'string') return
    const text = softwareText(clientSoftwareName, clientSoftwareVersion)
    if (text) this.#software.set(connection, text)
  }
}

/** An ApiVersions response to a version that the broker lacks has the form of version 0 (KIP-511). */
function decodeResponse(api: Api<unknown, unknown>, version: number, bytes: Buffer): unknown {
  const isRefusal =
    api.name === 'ApiVersions' &&
    bytes.length >= RESPONSE_HEADER_BYTES + 2 &&
    bytes.readInt16BE(RESPONSE_HEADER_BYTES) === ErrorCode.UNSUPPORTED_VERSION
  const reader = new Reader(bytes, RESPONSE_HEADER_BYTES)
  if (isRefusal) return api.response.decode(reader, 0)
  if (api.responseHeaderVersion(version) === 1) reader.unknownTaggedFields()
  return api.response.decode(reader, version)
}

function isVersionKnown({ minVersion, maxVersion }: Api<unknown, unknown>, version = -1): boolean {
  return version >= minVersion && version <= maxVersion
}

function softwareText(name: string | undefined, version: string | undefined): string | undefined {
  return name ? `${name}${version ? ` ${version}` : ''}` : undefined
}
