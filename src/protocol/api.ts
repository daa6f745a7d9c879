import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

/** A 16 byte UUID in Kafka's text form: 22 characters of base64url. */
export type Uuid = string

export const ZERO_UUID: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA'

/** A tagged field (KIP-482) that the spec does not know, kept as it came so that a message round-trips. */
export interface UnknownTaggedField {
  readonly tag: number
  readonly bytes: Buffer
}

/** Reads and writes one message in all of its versions. Generated; see `protocol-specs/`. */
export interface Codec<Message> {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** First version with compact lengths and tagged fields (KIP-482); undefined when there is none. */
  readonly firstFlexibleVersion: number | undefined
  /** Throws `MalformedMessageError` when the bytes are not such a message. */
  decode(reader: Reader, version: number): Message
  /** Throws `UnrepresentableFieldError` for a value that this version cannot carry and must not drop. */
  encode(writer: Writer, message: Message, version: number): void
}

/** Codec of a record that a log tells apart by a type: KRaft's metadata records, keys and values of internal topics. */
export interface RecordCodec<Message> extends Codec<Message> {
  /** The record's type, as it stands before the record. */
  readonly key: number
}

/** One API: its key, and how its requests and responses look in every version. */
export interface Api<Request, Response> {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  readonly firstFlexibleVersion: number | undefined
  /** Version of the request header that goes before a request of this version. */
  requestHeaderVersion(version: number): 0 | 1 | 2
  /** Version of the response header; always 0 for ApiVersions (KIP-511: a client may not know the version yet). */
  responseHeaderVersion(version: number): 0 | 1
  readonly request: Codec<Request>
  readonly response: Codec<Response>
}
