import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { loadSpecs } from '../../src/codegen/load-specs.ts'
import type { Api, Codec, RecordCodec } from '../../src/protocol/api.ts'
import { RequestHeader, ResponseHeader } from '../../src/protocol/generated/headers.ts'
import { apis, messages } from '../../src/protocol/generated/index.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'
import type { MessageSpec } from '../../src/specs/spec.ts'
import { type Json, toJson } from './json-value.ts'
import { failed, type Outcome, PASSED, skipped } from './outcome.ts'

/** A vector of one message, made by Kafka's own classes. */
export interface MessageVector {
  readonly message: string
  readonly apiKey?: number
  readonly version: number
  readonly value: Json
  readonly hex: string
  /** Bytes that lie before the message in its log or blob. */
  readonly prefix?: string
  /** Set when `hex` is a whole frame. */
  readonly headerVersion?: number
  readonly header?: Json
}

/** Decodes vectors of messages, compares the values, encodes them again and compares the bytes. */
export class MessageVectors {
  readonly #specs = new Map<string, MessageSpec>()
  readonly #codecs = new Map<string, Codec<unknown>>()
  readonly #apis = new Map<number, Api<unknown, unknown>>()
  readonly #writer = new Writer()

  /** Loads every generated module. */
  static async load(): Promise<MessageVectors> {
    const vectors = new MessageVectors()
    for (const file of loadSpecs(specFolder()).files) {
      for (const message of file.messages) vectors.#specs.set(message.name, message)
    }
    for (const { name, load } of messages) vectors.#codecs.set(name, await load())
    for (const { key, load } of apis) vectors.#apis.set(key, await load())
    return vectors
  }

  check(vector: MessageVector): Outcome {
    const codec = this.#codecs.get(vector.message)
    if (codec === undefined) return skipped(vector.message)
    const { version } = vector
    if (version < codec.minVersion || version > codec.maxVersion)
      return failed(`there is no version ${version}`)
    return vector.headerVersion === undefined
      ? this.#checkMessage(codec, vector)
      : this.#checkFrame(codec, vector)
  }

  /** Names of all messages that have a codec, with their codecs. */
  get codecs(): ReadonlyMap<string, Codec<unknown>> {
    return this.#codecs
  }

  #checkMessage(codec: Codec<unknown>, vector: MessageVector): Outcome {
    if (vector.prefix !== undefined && vector.prefix !== prefixOf(codec, vector))
      return failed('the prefix differs')
    const bytes = Buffer.from(vector.hex, 'hex')
    const reader = new Reader(bytes)
    const value = codec.decode(reader, vector.version)
    if (reader.remaining > 0) return failed(`${reader.remaining} bytes were left`)
    const json = toJson(this.#specs.get(vector.message)!, value, vector.version)
    if (!isDeepStrictEqual(json, vector.value)) return failed(difference(vector.value, json))
    this.#writer.reset()
    codec.encode(this.#writer, value, vector.version)
    return sameBytes(bytes, Buffer.concat(this.#writer.finish()))
  }

  #checkFrame(codec: Codec<unknown>, vector: MessageVector): Outcome {
    const isRequest = vector.message.endsWith('Request')
    const headerCodec = (isRequest ? RequestHeader : ResponseHeader) as Codec<unknown>
    const api = this.#apis.get(vector.apiKey!)!
    const headerVersion = isRequest
      ? api.requestHeaderVersion(vector.version)
      : api.responseHeaderVersion(vector.version)
    if (headerVersion !== vector.headerVersion)
      return failed(`header version ${headerVersion}, not ${vector.headerVersion}`)
    const frame = Buffer.from(vector.hex, 'hex')
    const reader = new Reader(frame)
    if (reader.int32('size') !== reader.remaining) return failed('the size of the frame differs')
    const header = headerCodec.decode(reader, headerVersion)
    const value = codec.decode(reader, vector.version)
    if (reader.remaining > 0) return failed(`${reader.remaining} bytes were left`)
    const headerJson = toJson(this.#specs.get(headerCodec.name)!, header, headerVersion)
    if (!isDeepStrictEqual(headerJson, vector.header))
      return failed(`header: ${difference(vector.header!, headerJson)}`)
    const json = toJson(this.#specs.get(vector.message)!, value, vector.version)
    if (!isDeepStrictEqual(json, vector.value)) return failed(difference(vector.value, json))
    this.#writer.beginFrame()
    headerCodec.encode(this.#writer, header, headerVersion)
    codec.encode(this.#writer, value, vector.version)
    return sameBytes(frame, Buffer.concat(this.#writer.finish()))
  }
}

/** What stands before a record: keys of a coordinator their type, metadata records (frame 1, type, version), all others their version. */
function prefixOf(codec: Codec<unknown>, vector: MessageVector): string {
  const { key } = codec as RecordCodec<unknown>
  if (vector.prefix!.length === 4)
    return int16Hex(key !== undefined && vector.message.endsWith('Key') ? key : vector.version)
  const writer = new Writer(16)
  for (const number of [1, key, vector.version]) writer.unsignedVarint(number)
  return writer.finishCopy().toString('hex')
}

function int16Hex(number: number): string {
  return number.toString(16).padStart(4, '0')
}

function sameBytes(expected: Buffer, actual: Buffer): Outcome {
  if (expected.equals(actual)) return PASSED
  let at = 0
  while (expected[at] === actual[at]) at++
  const around = (bytes: Buffer) => bytes.subarray(Math.max(0, at - 4), at + 12).toString('hex')
  return failed(
    `encoded bytes differ at byte ${at}: expected ..${around(expected)}.., got ..${around(actual)}..`,
  )
}

/** The first place where two values differ. */
function difference(expected: Json, actual: Json | undefined, path = 'value'): string {
  if (isObject(expected) && isObject(actual)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      if (!isDeepStrictEqual(expected[name], actual[name]))
        return difference(expected[name] as Json, actual[name], `${path}.${name}`)
    }
  }
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length) {
    const at = expected.findIndex((item, index) => !isDeepStrictEqual(item, actual[index]))
    return difference(expected[at]!, actual[at], `${path}[${at}]`)
  }
  return `${path}: expected ${short(expected)}, decoded ${short(actual)}`
}

function isObject(json: Json | undefined): json is { [name: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function short(json: Json | undefined): string {
  const text = json === undefined ? 'nothing' : JSON.stringify(json)
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}

/** The specs lie in the root of the repository, wherever this module was compiled to. */
export function specFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const specs = join(folder, 'protocol-specs')
    if (existsSync(specs)) return specs
    if (folder === dirname(folder)) throw new Error('no folder protocol-specs above this module')
  }
}
