import { type FieldSpec, includes, type StructSpec } from '../specs/spec.ts'

const fixedBytes: Readonly<Record<string, number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
  varint: 1,
  varlong: 1,
  uvarint: 1,
}

/** The fewest bytes that an element of an array can take: a count that claims more than there is room for is wrong. */
export function leastElementBytes(field: FieldSpec, version: number, isFlexible: boolean): number {
  const bytes =
    field.struct === undefined
      ? leastValueBytes(field, isFlexible)
      : leastStructBytes(field.struct, version, isFlexible)
  return Math.max(1, bytes)
}

function leastStructBytes(struct: StructSpec, version: number, isFlexible: boolean): number {
  let bytes = isFlexible ? 1 : 0
  for (const field of struct.fields) {
    if (field.tag !== undefined || !includes(field.versions, version)) continue
    if (field.isArray) bytes += lengthBytes(field, isFlexible, 4)
    else if (field.struct === undefined) bytes += leastValueBytes(field, isFlexible)
    else if (includes(field.nullable, version)) bytes += 1
    else bytes += leastStructBytes(field.struct, version, isFlexible)
  }
  return bytes
}

function leastValueBytes(field: FieldSpec, isFlexible: boolean): number {
  return fixedBytes[field.type] ?? lengthBytes(field, isFlexible, field.type === 'string' ? 2 : 4)
}

function lengthBytes(field: FieldSpec, isFlexible: boolean, classic: number): number {
  return field.varintLength || (isFlexible && !field.classicLength) ? 1 : classic
}
