/** What a spec file of `protocol-specs/` says, as data. The notation is explained in `protocol-specs/README.md`. */

/** An inclusive range of versions; an open end is `Infinity` until it is cut to what its message has. */
export interface Versions {
  readonly from: number
  readonly to: number
}

export const primitiveTypes = [
  'bool',
  'int8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'float64',
  'string',
  'uuid',
  'bytes',
  'records',
] as const

export type PrimitiveType = (typeof primitiveTypes)[number]

/** Numbers in 7-bit groups, which only layouts have: zigzag of 32 and of 64 bits, and unsigned. */
export const varintTypes = ['varint', 'varlong', 'uvarint'] as const

export type VarintType = (typeof varintTypes)[number]

/** Literal of a default; int64 defaults are bigint. `undefined` stands for the zero of the type. */
export type DefaultValue = number | bigint | boolean | null | undefined

export interface FieldSpec {
  readonly name: string
  /** A primitive type, a varint type, or the name of a struct of the same message. */
  readonly type: string
  readonly isArray: boolean
  readonly struct: StructSpec | undefined
  readonly versions: Versions
  /** Versions in which null may stand for it. */
  readonly nullable: Versions | undefined
  /** A tagged field (KIP-482) is written after the others, and only when it is not its default. */
  readonly tag: number | undefined
  readonly defaultValue: DefaultValue
  /** May be dropped silently in a version that lacks it; otherwise a value that is not the default is an error there. */
  readonly ignorable: boolean
  /** Kafka's own classes keep the array as a map by this field. */
  readonly isMapKey: boolean
  /** Keeps its old-style length in flexible versions too. */
  readonly classicLength: boolean
  /** Its length or count is a zigzag varint, -1 for null; only in layouts. */
  readonly varintLength: boolean
  /** What an identifier stands for: `topicName`, `brokerId`, ... */
  readonly entityType: string | undefined
  readonly description: string
  readonly line: number
}

export interface StructSpec {
  readonly name: string
  readonly fields: FieldSpec[]
}

export interface ChangeSpec {
  readonly version: number
  readonly kips: readonly number[]
  readonly text: string
}

export interface ErrorSpec {
  readonly name: string
  readonly text: string
}

/** One message: a request, a response, a header, a record, a blob. */
export interface MessageSpec {
  readonly name: string
  /** A layout is only described: what reads and writes it is written by hand, for speed. */
  readonly role: 'request' | 'response' | 'message' | 'layout'
  /** API key, or the type of a record. */
  readonly key: number | undefined
  readonly versions: Versions
  /** Highest version that a release serves without an explicit wish. */
  readonly stableTo: number
  /** First version with compact lengths and tagged fields; `undefined` when there is none. */
  readonly flexibleFrom: number | undefined
  readonly description: string
  readonly changes: readonly ChangeSpec[]
  /** The message itself, and with it all structs inside. */
  readonly root: StructSpec
  /** Structs in order of appearance, without the root. */
  readonly structs: readonly StructSpec[]
  readonly line: number
}

export interface ApiSpec {
  readonly name: string
  readonly key: number
  /** Version that the response header keeps whatever the request's version (ApiVersions). */
  readonly fixedResponseHeader: number | undefined
  /** Up to this version requests have header version 0, which has no client id (ControlledShutdown). */
  readonly oldRequestHeaderTo: number | undefined
  readonly errors: readonly ErrorSpec[]
  readonly request: MessageSpec
  readonly response: MessageSpec
}

/** One spec file: an API, or a family of messages. */
export interface SpecFile {
  /** Path as shown in errors. */
  readonly path: string
  /** Name of the generated module: the file's own without number and ending. */
  readonly moduleName: string
  readonly title: string
  readonly description: string
  readonly api: ApiSpec | undefined
  readonly messages: readonly MessageSpec[]
}

export interface ErrorCodeSpec {
  readonly code: number
  readonly name: string
  readonly retriable: boolean
  /** When a broker answers it. */
  readonly meaning: string
  /** What a client does about it. */
  readonly remedy: string
}

/** A mistake in a spec, told with its place. */
export class SpecError extends Error {
  override readonly name = 'SpecError'
  readonly path: string
  readonly line: number

  constructor(path: string, line: number, cause: string) {
    super(`${path}:${line}: ${cause}`)
    this.path = path
    this.line = line
  }
}

export function isPrimitive(type: string): type is PrimitiveType {
  return (primitiveTypes as readonly string[]).includes(type)
}

export function isVarint(type: string): type is VarintType {
  return (varintTypes as readonly string[]).includes(type)
}

export function includes(versions: Versions | undefined, version: number): boolean {
  return versions !== undefined && version >= versions.from && version <= versions.to
}

export function formatVersions(versions: Versions): string {
  return versions.from === versions.to ? `${versions.from}` : `${versions.from}-${versions.to}`
}
