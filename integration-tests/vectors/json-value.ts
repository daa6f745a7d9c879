import { isDeepStrictEqual } from 'node:util'
import type { UnknownTaggedField } from '../../src/protocol/api.ts'
import { type FieldSpec, includes, type MessageSpec, type StructSpec } from '../../src/specs/spec.ts'

/** A value as vectors write it: int64 as decimal text, bytes as hex, unknown tagged fields under `_tagged`. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

type Decoded = Record<string, unknown>

/** Turns what a codec decoded into the form of the vectors, guided by the spec alone. */
export function toJson(message: MessageSpec, value: unknown, version: number): Json {
  const isFlexible = message.flexibleFrom !== undefined && version >= message.flexibleFrom
  return structToJson(message.root, value as Decoded, version, isFlexible)
}

function structToJson(struct: StructSpec, value: Decoded, version: number, isFlexible: boolean): Json {
  const json: { [name: string]: Json } = {}
  for (const field of struct.fields) {
    if (!includes(field.versions, version)) continue
    const converted = fieldToJson(field, value[field.name], version, isFlexible)
    if (field.tag !== undefined && isDeepStrictEqual(converted, defaultJson(field, version))) continue
    json[field.name] = converted
  }
  const unknown = value.unknownTaggedFields as readonly UnknownTaggedField[] | undefined
  if (unknown !== undefined)
    json._tagged = Object.fromEntries(unknown.map(({ tag, bytes }) => [`${tag}`, bytes.toString('hex')]))
  return json
}

function fieldToJson(field: FieldSpec, value: unknown, version: number, isFlexible: boolean): Json {
  if (value === null) return null
  if (field.isArray) return (value as unknown[]).map((item) => itemToJson(field, item, version, isFlexible))
  return itemToJson(field, value, version, isFlexible)
}

function itemToJson(field: FieldSpec, value: unknown, version: number, isFlexible: boolean): Json {
  if (field.struct !== undefined) return structToJson(field.struct, value as Decoded, version, isFlexible)
  if (typeof value === 'bigint') return `${value}`
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (typeof value === 'number' && !Number.isFinite(value)) return `${value}`
  return value as Json
}

/** A field's default in the form of the vectors. */
function defaultJson(field: FieldSpec, version: number): Json {
  const value = field.defaultValue
  if (typeof value === 'bigint') return `${value}`
  if (value !== undefined) return value
  if (field.isArray) return []
  if (field.struct !== undefined) {
    const present = field.struct.fields.filter(
      (inner) => includes(inner.versions, version) && inner.tag === undefined,
    )
    return Object.fromEntries(present.map((inner) => [inner.name, defaultJson(inner, version)]))
  }
  switch (field.type) {
    case 'bool':
      return false
    case 'int64':
      return '0'
    case 'string':
    case 'bytes':
    case 'records':
      return ''
    case 'uuid':
      return 'AAAAAAAAAAAAAAAAAAAAAA'
    default:
      return 0
  }
}
