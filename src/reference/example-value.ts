import { ZERO_UUID } from '../protocol/api.ts'
import { buildBatch } from '../protocol/batch-builder.ts'
import { type FieldSpec, includes, type StructSpec } from '../specs/spec.ts'
import { isUsuallyEmpty, plausible } from './plausible-values.ts'

export type ExampleStruct = Record<string, unknown>

const START_TIME = 1_700_000_000_000n

/**
 * A message as its codec wants it, with values that could come along: one element in each array, null only where that is usual. What a
 * version lacks, and tagged fields, are at their defaults.
 */
export function exampleStruct(spec: StructSpec, version: number, owner: string): ExampleStruct {
  return Object.fromEntries(
    spec.fields.map((field) => {
      const isThere = field.tag === undefined && includes(field.versions, version)
      return [field.name, isThere ? exampleOf(field, version, owner) : defaultOf(field)]
    }),
  )
}

function exampleOf(field: FieldSpec, version: number, owner: string): unknown {
  const isNullable = includes(field.nullable, version)
  if (field.isArray && isUsuallyEmpty(field, owner)) return []
  if (field.type === 'records') return exampleBatch()
  const known = plausible(field, owner, isNullable)
  if (known === null) return null
  if (known !== undefined && !field.isArray) return known
  if (isNullable && field.defaultValue === null && field.struct === undefined) return null
  if (!field.isArray) return elementOf(field, version)
  return known === undefined ? [elementOf(field, version)] : [known]
}

/** What is not an array, or stands in one. */
function elementOf(field: FieldSpec, version: number): unknown {
  if (field.struct !== undefined) return exampleStruct(field.struct, version, field.struct.name)
  if (field.type === 'bytes') return Buffer.from('bytes')
  if (field.type === 'string') return 'text'
  return defaultOf({ ...field, isArray: false }, false)
}

/** What a field has where nothing says otherwise. */
function defaultOf(field: FieldSpec, mayBeNull = true): unknown {
  if (mayBeNull && field.defaultValue === null) return null
  if (field.isArray) return []
  if (field.struct !== undefined)
    return Object.fromEntries(field.struct.fields.map((each) => [each.name, defaultOf(each)]))
  if (field.defaultValue !== undefined && field.defaultValue !== null) return field.defaultValue
  switch (field.type) {
    case 'bool':
      return false
    case 'string':
      return ''
    case 'bytes':
      return Buffer.alloc(0)
    case 'records':
      return null
    case 'uuid':
      return ZERO_UUID
    case 'int64':
      return 0n
    default:
      return 0
  }
}

/** One record in a batch of its own. */
export function exampleBatch(): Buffer {
  const record = {
    key: Buffer.from('a'),
    value: Buffer.from('{"total":42}'),
    headers: [{ key: 'source', value: Buffer.from('shop') }],
    timestamp: START_TIME,
  }
  return buildBatch({ baseOffset: 0n, leaderEpoch: 0, records: [record] })
}
