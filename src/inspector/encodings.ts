import type { FieldSpec } from '../specs/spec.ts'

/** Encodings of values without a length, in words. */
const plain: Readonly<Record<string, string>> = {
  bool: '1 byte, 0 is false',
  int8: '1 byte, signed',
  int16: '2 bytes, signed, big-endian',
  uint16: '2 bytes, unsigned, big-endian',
  int32: '4 bytes, signed, big-endian',
  uint32: '4 bytes, unsigned, big-endian',
  int64: '8 bytes, signed, big-endian',
  float64: '8 bytes, IEEE 754, big-endian',
  uuid: '16 bytes',
  varint: 'varint, zigzag, 7 bits a byte, lowest first',
  varlong: 'varlong, zigzag, 7 bits a byte, lowest first',
  uvarint: 'unsigned varint, 7 bits a byte, lowest first',
}

/** The type as the spec writes it. */
export function typeText(field: FieldSpec): string {
  return field.isArray ? `[]${field.type}` : field.type
}

/** How a value that is no array is written. */
export function encodingOf(field: FieldSpec, isCompact: boolean, isNullable: boolean): string {
  const known = plain[field.type]
  if (known !== undefined) return known
  const classic = field.type === 'string' ? 'int16' : 'int32'
  return withLength(field, isCompact, isNullable, 'length', classic)
}

export function arrayEncoding(field: FieldSpec, isCompact: boolean, isNullable: boolean): string {
  return withLength({ ...field, type: 'array' }, isCompact, isNullable, 'count', 'int32')
}

function withLength(
  field: Pick<FieldSpec, 'type' | 'varintLength'>,
  isCompact: boolean,
  isNullable: boolean,
  what: 'length' | 'count',
  classic: string,
): string {
  if (field.varintLength) return `${field.type}, ${what} as zigzag varint${isNullable ? ', -1 is null' : ''}`
  if (isCompact)
    return `compact ${field.type}, ${what} + 1 as unsigned varint${isNullable ? ', 0 is null' : ''}`
  return `${field.type}, ${what} as ${classic}${isNullable ? ', -1 is null' : ''}`
}
