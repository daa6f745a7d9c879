import { type FieldSpec, includes, type StructSpec } from '../specs/spec.ts'
import type { DumpValue } from './item.ts'

/** Which fields a message has in the version that it was read in; a codec gives the others at their defaults. */
export interface Shape {
  readonly struct: StructSpec
  readonly version: number
}

/** A decoded message as plain values. With a shape it has the fields of its version only, in their order. */
export function plain(value: unknown, shape?: Shape): DumpValue {
  if (Buffer.isBuffer(value) || value === null) return value
  if (Array.isArray(value)) return value.map((each) => plain(each, shape))
  if (typeof value !== 'object') return value as DumpValue
  const fields: Record<string, DumpValue> = {}
  for (const [name, field, inner] of fieldsOf(value as Record<string, unknown>, shape))
    if (field !== undefined) fields[name] = plain(field, inner)
  return fields
}

function* fieldsOf(
  value: Record<string, unknown>,
  shape: Shape | undefined,
): Generator<[name: string, value: unknown, shape: Shape | undefined]> {
  const { unknownTaggedFields, ...known } = value
  if (shape === undefined) for (const [name, field] of Object.entries(known)) yield [name, field, undefined]
  else
    for (const field of shape.struct.fields)
      if (includes(field.versions, shape.version))
        yield [field.name, known[field.name], shapeOf(field, shape)]
  // Only what the spec does not know is worth telling.
  if (Array.isArray(unknownTaggedFields) && unknownTaggedFields.length > 0)
    yield ['unknownTaggedFields', unknownTaggedFields, undefined]
}

function shapeOf({ struct }: FieldSpec, { version }: Shape): Shape | undefined {
  return struct && { struct, version }
}
