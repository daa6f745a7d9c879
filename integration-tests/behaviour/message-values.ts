import { ZERO_UUID } from '../../src/protocol/api.ts'
import { type FieldSpec, includes, type MessageSpec, type StructSpec } from '../../src/specs/spec.ts'
import { isObject, type Json, type JsonObject } from './json.ts'

type Message = Record<string, unknown>

/**
 * The value that a codec encodes, from its JSON form: int64 as decimal text, bytes as hex, unknown tagged fields under `_tagged`.
 * What is left out has its default; a field that the version does not have is an error, as it is one of the scenario.
 */
export function fromJson(spec: MessageSpec, json: Json, version: number): Message {
  return structFromJson(spec.root, json, version, spec.name)
}

function structFromJson(struct: StructSpec, json: Json, version: number, path: string): Message {
  if (!isObject(json)) throw new Error(`${path}: an object is wanted, not ${JSON.stringify(json)}`)
  const present = struct.fields.filter((field) => includes(field.versions, version))
  const unknown = Object.keys(json).filter(
    (name) => name !== '_tagged' && !present.some((field) => field.name === name),
  )
  if (unknown.length > 0) throw new Error(`${path} version ${version} has no ${unknown.join(', ')}`)
  const message: Message = {}
  for (const field of struct.fields) {
    const value = json[field.name]
    message[field.name] =
      value === undefined
        ? defaultOf(field, version)
        : fieldFromJson(field, value, version, `${path}.${field.name}`)
  }
  if (json._tagged !== undefined) message.unknownTaggedFields = taggedFields(json._tagged as JsonObject)
  return message
}

function taggedFields(json: JsonObject): { tag: number; bytes: Buffer }[] {
  return Object.entries(json)
    .map(([tag, hex]) => ({ tag: Number(tag), bytes: Buffer.from(String(hex), 'hex') }))
    .sort((a, b) => a.tag - b.tag)
}

function fieldFromJson(field: FieldSpec, json: Json, version: number, path: string): unknown {
  if (json === null) return null
  if (!field.isArray) return elementFromJson(field, json, version, path)
  return (json as Json[]).map((element, i) => elementFromJson(field, element, version, `${path}[${i}]`))
}

function elementFromJson(field: FieldSpec, json: Json, version: number, path: string): unknown {
  if (field.struct) return structFromJson(field.struct, json, version, path)
  switch (field.type) {
    case 'bool':
      return Boolean(json)
    case 'int64':
      return BigInt(json as string | number)
    case 'string':
    case 'uuid':
      return String(json)
    case 'bytes':
    case 'records':
      return Buffer.from(String(json), 'hex')
    default:
      return Number(json)
  }
}

function defaultOf(field: FieldSpec, version: number): unknown {
  const { defaultValue } = field
  const isNull = defaultValue === null
  // Kafka's own classes keep a default of null even for the versions that cannot carry it; there it is the zero of the type.
  if (defaultValue !== undefined && !(isNull && cannotBeNull(field, version))) return defaultValue
  if (field.isArray) return []
  if (field.struct) return structFromJson(field.struct, {}, version, field.name)
  switch (field.type) {
    case 'bool':
      return false
    case 'int64':
      return 0n
    case 'string':
      return ''
    case 'uuid':
      return ZERO_UUID
    case 'bytes':
      return Buffer.alloc(0)
    case 'records':
      return null
    default:
      return 0
  }
}

/** A field that the version does not have keeps its default, null or not: it is not written. */
function cannotBeNull(field: FieldSpec, version: number): boolean {
  return includes(field.versions, version) && !includes(field.nullable, version)
}
