import {
  type FieldSpec,
  includes,
  type MessageSpec,
  type PrimitiveType,
  type SpecFile,
  type StructSpec,
} from '../specs/spec.ts'

/** A struct as the generator sees it: its TypeScript name, and the versions in which it can occur. */
export interface StructModel {
  readonly spec: StructSpec
  readonly message: MessageSpec
  readonly typeName: string
  readonly isRoot: boolean
  readonly versions: readonly number[]
  readonly fields: readonly FieldSpec[]
  /** The struct of each field that has one. */
  readonly inner: ReadonlyMap<FieldSpec, StructModel>
  isFlexible(version: number): boolean
  /** Whether it has tagged fields in any version. */
  readonly isEverFlexible: boolean
}

/** All structs of a file, each before those that hold it. */
export function structModels(file: SpecFile): StructModel[] {
  const ambiguous = ambiguousNames(file)
  const models: StructModel[] = []
  for (const message of file.messages) {
    const versions = structVersions(message)
    const made = new Map<StructSpec, StructModel>()
    const make = (spec: StructSpec): StructModel => {
      const known = made.get(spec)
      if (known !== undefined) return known
      const inner = new Map<FieldSpec, StructModel>()
      for (const field of spec.fields) if (field.struct !== undefined) inner.set(field, make(field.struct))
      const isRoot = spec === message.root
      const isFlexible = (version: number) =>
        message.flexibleFrom !== undefined && version >= message.flexibleFrom
      const own = [...versions.get(spec)!].sort((a, b) => a - b)
      const model: StructModel = {
        spec,
        message,
        typeName: !isRoot && ambiguous.has(spec.name) ? message.name + spec.name : spec.name,
        isRoot,
        versions: own,
        fields: spec.fields,
        inner,
        isFlexible,
        isEverFlexible: own.some(isFlexible),
      }
      made.set(spec, model)
      models.push(model)
      return model
    }
    make(message.root)
  }
  return models
}

/** Names that stand for structs of two messages of the file, or for a message. */
function ambiguousNames(file: SpecFile): Set<string> {
  const seen = new Set<string>(file.messages.map((message) => message.name))
  if (file.api !== undefined) seen.add(file.api.name)
  const twice = new Set<string>()
  for (const message of file.messages) {
    for (const struct of message.structs) (seen.has(struct.name) ? twice : seen).add(struct.name)
  }
  return twice
}

function structVersions(message: MessageSpec): Map<StructSpec, Set<number>> {
  const all = new Map<StructSpec, Set<number>>()
  const visit = (struct: StructSpec, versions: readonly number[]) => {
    const known = all.get(struct) ?? new Set<number>()
    for (const version of versions) known.add(version)
    all.set(struct, known)
    for (const field of struct.fields) {
      if (field.struct !== undefined)
        visit(
          field.struct,
          versions.filter((version) => includes(field.versions, version)),
        )
    }
  }
  const { from, to } = message.versions
  visit(
    message.root,
    Array.from({ length: to - from + 1 }, (_, index) => from + index),
  )
  return all
}

/** Whether the field has a compact length in this version. */
export function isCompact(struct: StructModel, field: FieldSpec, version: number): boolean {
  return struct.isFlexible(version) && !field.classicLength
}

/** The fewest bytes that an element of the array can take. */
export function leastElementBytes(struct: StructModel, field: FieldSpec, version: number): number {
  const inner = struct.inner.get(field)
  return inner === undefined
    ? leastPrimitiveBytes(field.type as PrimitiveType, isCompact(struct, field, version))
    : leastStructBytes(inner, version)
}

function leastStructBytes(struct: StructModel, version: number): number {
  let bytes = struct.isFlexible(version) ? 1 : 0
  for (const field of struct.fields) {
    if (field.tag !== undefined || !includes(field.versions, version)) continue
    const compact = isCompact(struct, field, version)
    const inner = struct.inner.get(field)
    if (field.isArray) bytes += compact ? 1 : 4
    else if (inner !== undefined)
      bytes += includes(field.nullable, version) ? 1 : leastStructBytes(inner, version)
    else bytes += leastPrimitiveBytes(field.type as PrimitiveType, compact)
  }
  return bytes
}

function leastPrimitiveBytes(type: PrimitiveType, compact: boolean): number {
  switch (type) {
    case 'bool':
    case 'int8':
      return 1
    case 'int16':
    case 'uint16':
      return 2
    case 'int32':
    case 'uint32':
      return 4
    case 'int64':
    case 'float64':
      return 8
    case 'uuid':
      return 16
    case 'string':
      return compact ? 1 : 2
    case 'bytes':
    case 'records':
      return compact ? 1 : 4
  }
}

/** TypeScript type of one element of the field. */
function elementType(struct: StructModel, field: FieldSpec): string {
  const inner = struct.inner.get(field)
  if (inner !== undefined) return inner.typeName
  switch (field.type) {
    case 'bool':
      return 'boolean'
    case 'int64':
      return 'bigint'
    case 'string':
      return 'string'
    case 'uuid':
      return 'Uuid'
    case 'bytes':
      return 'Buffer'
    case 'records':
      return struct.message.role === 'response' ? 'Buffer | readonly Buffer[]' : 'Buffer'
    default:
      return 'number'
  }
}

export function elementTypeOf(struct: StructModel, field: FieldSpec): string {
  return elementType(struct, field)
}

/** TypeScript type of the field. */
export function fieldType(struct: StructModel, field: FieldSpec): string {
  const element = elementType(struct, field)
  return (field.isArray ? `readonly ${element}[]` : element) + (field.nullable === undefined ? '' : ' | null')
}

/** TypeScript text of a field's default. */
export function defaultText(struct: StructModel, field: FieldSpec): string {
  const value = field.defaultValue
  if (value === null) return 'null'
  if (typeof value === 'bigint') return `${value}n`
  if (value !== undefined) return `${value}`
  if (field.isArray) return '[]'
  const inner = struct.inner.get(field)
  if (inner !== undefined) return defaultName(inner)
  switch (field.type) {
    case 'bool':
      return 'false'
    case 'int64':
      return '0n'
    case 'string':
      return "''"
    case 'uuid':
      return 'ZERO_UUID'
    case 'bytes':
    case 'records':
      return 'EMPTY_BYTES'
    default:
      return '0'
  }
}

/** The constant that stands for a struct that is at its defaults. */
export function defaultName(struct: StructModel): string {
  return `DEFAULT_${struct.typeName.replace(/(?<=[a-z0-9])[A-Z]/g, '_$&').toUpperCase()}`
}

/** TypeScript condition: `value` is not the field's default. */
export function differsText(struct: StructModel, field: FieldSpec, value: string): string {
  const text = defaultText(struct, field)
  if (text === 'null') return `${value} !== null`
  const inner = struct.inner.get(field)
  const isNullable = field.nullable !== undefined
  if (field.isArray || text === 'EMPTY_BYTES')
    return isNullable ? `${value} === null || ${value}.length > 0` : `${value}.length > 0`
  if (inner !== undefined) {
    return isNullable
      ? `${value} === null || !isDefault${inner.typeName}(${value})`
      : `!isDefault${inner.typeName}(${value})`
  }
  if (text === 'false') return value
  if (text === 'true') return `!${value}`
  return `${value} !== ${text}`
}

export function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}
