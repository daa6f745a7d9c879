import { loadSpecs } from '../../src/codegen/load-specs.ts'
import type { Api, Codec } from '../../src/protocol/api.ts'
import { RequestHeader, ResponseHeader } from '../../src/protocol/generated/headers.ts'
import { apis, messages } from '../../src/protocol/generated/index.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'
import type { MessageSpec } from '../../src/specs/spec.ts'
import { toJson } from '../vectors/json-value.ts'
import { specFolder } from '../vectors/message-vectors.ts'
import type { Json, JsonObject } from './json.ts'
import { fromJson } from './message-values.ts'

const UNSUPPORTED_VERSION = 35

const specs = new Map<string, MessageSpec>(
  loadSpecs(specFolder()).files.flatMap((file) => file.messages.map((message) => [message.name, message])),
)
const codecs = new Map<string, Codec<unknown>>(
  await Promise.all(messages.map(async ({ name, load }) => [name, await load()] as const)),
)
const apisByName = new Map<string, Api<unknown, unknown>>(
  await Promise.all(apis.map(async ({ name, load }) => [name, await load()] as const)),
)
const namesByKey = new Map(apis.map(({ key, name }) => [key, name]))

/** A request as a scenario sends it. */
export interface OutgoingRequest {
  readonly correlationId: number
  readonly clientId: string | null
  /** Tagged fields of the header: hex by tag. */
  readonly headerTags: Readonly<Record<string, string>>
  /** The message in JSON form, or bytes to send in its place. */
  readonly body: Json | Buffer
}

export function apiNameOf(key: number): string | undefined {
  return namesByKey.get(key)
}

/** Whether the project can speak that API: the others are for later, and their scenarios are skipped. */
export function hasCodec(api: string): boolean {
  return apisByName.has(api)
}

/** A frame, its length included. Throws for a body that the version cannot carry. */
export function encodeRequest(
  apiName: string,
  version: number,
  { correlationId, clientId, headerTags, body }: OutgoingRequest,
): Buffer {
  const api = apiOf(apiName)
  const unknownTaggedFields = Object.entries(headerTags)
    .map(([tag, hex]) => ({ tag: Number(tag), bytes: Buffer.from(hex, 'hex') }))
    .sort((a, b) => a.tag - b.tag)
  const writer = new Writer()
  writer.beginFrame()
  RequestHeader.encode(
    writer,
    { requestApiKey: api.key, requestApiVersion: version, correlationId, clientId, unknownTaggedFields },
    api.requestHeaderVersion(version),
  )
  if (!Buffer.isBuffer(body)) {
    api.request.encode(writer, fromJson(specOf(api.request), body, version), version)
    return writer.finishCopy()
  }
  const frame = Buffer.concat([...writer.finish(), body])
  frame.writeInt32BE(frame.length - 4)
  return frame
}

/** Reads a frame without its length. Throws when it is not such a response to its last byte. */
export function decodeResponse(
  apiName: string,
  version: number,
  frame: Buffer,
): { correlationId: number; body: JsonObject } {
  const api = apiOf(apiName)
  const reader = new Reader(frame)
  const { correlationId } = ResponseHeader.decode(reader, api.responseHeaderVersion(version))
  const answered = answeredVersion(apiName, version, frame)
  const message = api.response.decode(reader, answered)
  if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes left after the answer`)
  const body = toJson(specOf(api.response), message, answered) as JsonObject
  return { correlationId, body: answered === version ? body : { ...body, _answeredAs: answered } }
}

/** A versioned blob of the classic group protocol: its version as an int16, then the struct. */
export function encodeBlob(name: string, version: number, value: Json): Buffer {
  const codec = codecs.get(name)
  if (!codec) throw new Error(`there is no message ${name}`)
  const writer = new Writer()
  writer.int16(version)
  codec.encode(writer, fromJson(specOf(codec), value, version), version)
  return writer.finishCopy()
}

/** A version of ApiVersions that the broker does not know is answered in version 0 (KIP-511). */
function answeredVersion(apiName: string, version: number, frame: Buffer): number {
  return apiName === 'ApiVersions' && frame.readInt16BE(4) === UNSUPPORTED_VERSION ? 0 : version
}

function apiOf(name: string): Api<unknown, unknown> {
  const api = apisByName.get(name)
  if (!api) throw new Error(`there is no codec for ${name}`)
  return api
}

function specOf(codec: Codec<unknown>): MessageSpec {
  return specs.get(codec.name)!
}
