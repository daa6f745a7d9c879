import { type FieldSpec, includes } from '../specs/spec.ts'
import {
  capital,
  defaultText,
  elementTypeOf,
  fieldType,
  isCompact,
  leastElementBytes,
  type StructModel,
} from './model.ts'
import { branch, choose, runs, within } from './versions.ts'

/** Names that a decoder uses for itself. */
const reserved = new Set([
  'reader',
  'version',
  'tag',
  'tagCount',
  'tagIndex',
  'tagEnd',
  'unknownTaggedFields',
  'default',
])

/** The functions that read a struct and its arrays. `usesVersion` remembers which functions take the version. */
export class DecoderEmitter {
  readonly #usesVersion = new Set<string>()

  /** Text of all functions that read `struct`; those of its inner structs must have been emitted before. */
  struct(struct: StructModel): string {
    const helpers = struct.fields.flatMap((field) => this.#helper(struct, field))
    const lines: string[] = []
    for (const field of struct.fields) {
      if (field.tag !== undefined)
        lines.push(`let ${local(field)}: ${fieldType(struct, field)} = ${defaultText(struct, field)}`)
      else lines.push(`const ${local(field)} = ${this.#expression(struct, field)}`)
    }
    lines.push(...this.#taggedFields(struct))
    const properties = struct.fields.map((field) =>
      local(field) === field.name ? field.name : `${field.name}: ${local(field)}`,
    )
    if (struct.isEverFlexible) properties.push('unknownTaggedFields')
    lines.push(`return {\n${properties.join(',\n')}${properties.length > 0 ? ',' : ''}\n}`)
    return [...helpers, this.#function(`decode${struct.typeName}`, struct.typeName, lines)].join('\n\n')
  }

  #function(name: string, type: string, lines: readonly string[]): string {
    const body = lines.join('\n')
    const takesVersion = /(?<!['.])\bversion\b(?!['?:])/.test(body)
    if (takesVersion) this.#usesVersion.add(name)
    const takesReader = /\breader\b/.test(body)
    const parameters = takesVersion
      ? 'reader: Reader, version: number'
      : `${takesReader ? '' : '_'}reader: Reader`
    return `function ${name}(${parameters}): ${type} {\n${body}\n}`
  }

  #call(name: string): string {
    return this.#usesVersion.has(name) ? `${name}(reader, version)` : `${name}(reader)`
  }

  /** The value of a field that is not tagged, in all versions. */
  #expression(struct: StructModel, field: FieldSpec): string {
    return choose(
      runs(struct.versions, (version) =>
        includes(field.versions, version) ? this.#read(struct, field, version) : defaultText(struct, field),
      ),
    )
  }

  #read(struct: StructModel, field: FieldSpec, version: number): string {
    if (field.isArray || field.struct !== undefined) return this.#call(helperName(struct, field))
    return `reader.${method(struct, field, version)}('${field.name}')`
  }

  #helper(struct: StructModel, field: FieldSpec): string[] {
    if (field.isArray) return [this.#arrayHelper(struct, field)]
    return field.struct === undefined ? [] : [this.#structHelper(struct, field)]
  }

  #arrayHelper(struct: StructModel, field: FieldSpec): string {
    const versions = struct.versions.filter((version) => includes(field.versions, version))
    const name = local(field)
    const lengths = runs(versions, (version) => lengthMethod(struct, field, version)).map((run) => {
      const least = versions
        .filter((version) => version >= run.from && version <= run.to)
        .map((version) => leastElementBytes(struct, field, version))
      const bytes = Math.min(...least)
      if (bytes === 0)
        throw new Error(
          `an element of ${struct.typeName}.${field.name} can be empty: its count cannot be checked`,
        )
      return { ...run, text: `reader.${run.text}('${field.name}', ${bytes})` }
    })
    const lines = [`const count = ${choose(lengths)}`]
    if (field.nullable !== undefined) lines.push('if (count < 0) return null')
    lines.push(`const ${name} = new Array<${elementTypeOf(struct, field)}>(count)`)
    const inner = struct.inner.get(field)
    if (inner === undefined) {
      const item = choose(
        runs(versions, (version) => `reader.${elementMethod(struct, field, version)}('${field.name}')`),
      )
      lines.push(`for (let index = 0; index < count; index++) ${name}[index] = ${item}`)
    } else {
      lines.push(
        'let index = 0',
        `try {\nfor (; index < count; index++) ${name}[index] = ${this.#call(`decode${inner.typeName}`)}\n} catch (error) {`,
        `throw reader.inside(error, '${field.name}', index)\n}`,
      )
    }
    lines.push(`return ${name}`)
    const type = fieldType(struct, field).replace(/^readonly /, '')
    return this.#function(helperName(struct, field), type, lines)
  }

  #structHelper(struct: StructModel, field: FieldSpec): string {
    const inner = struct.inner.get(field)!
    const versions = struct.versions.filter((version) => includes(field.versions, version))
    const lines: string[] = []
    if (field.nullable !== undefined) {
      // KIP-893: a byte tells null (-1) from a value (1); as a tagged field null is 0.
      const isNull = `if (reader.int8('${field.name}') ${field.tag === undefined ? '<' : '<='} 0) return null`
      const nullable = runs(versions, (version) => (includes(field.nullable, version) ? isNull : ''))
      lines.push(branch(nullable))
    }
    lines.push(
      `try {\nreturn ${this.#call(`decode${inner.typeName}`)}\n} catch (error) {`,
      `throw reader.inside(error, '${field.name}')\n}`,
    )
    return this.#function(helperName(struct, field), fieldType(struct, field), lines)
  }

  #taggedFields(struct: StructModel): string[] {
    const flexible = struct.versions.filter((version) => struct.isFlexible(version))
    if (flexible.length === 0) return []
    const first = struct.versions[0]!
    const last = struct.versions.at(-1)!
    const condition = within({ from: flexible[0]!, to: flexible.at(-1)! }, first, last)
    const tagged = struct.fields.filter((field) => field.tag !== undefined).sort((a, b) => a.tag! - b.tag!)
    if (tagged.length === 0) {
      if (condition === 'true') return ['const unknownTaggedFields = reader.unknownTaggedFields()']
      return [`const unknownTaggedFields = ${condition} ? reader.unknownTaggedFields() : undefined`]
    }
    const cases = tagged.map((field) => {
      const present = within(field.versions, flexible[0]!, last)
      const read = `${local(field)} = ${this.#read(struct, field, last)}\nreader.endTaggedField(tagEnd, '${field.name}')`
      const test = present === 'true' ? `tag === ${field.tag}` : `tag === ${field.tag} && ${present}`
      return `if (${test}) {\n${read}\n}`
    })
    const keep = 'unknownTaggedFields = reader.unknownTaggedField(tag, tagEnd, unknownTaggedFields)'
    const loop = [
      'const tagCount = reader.tagCount()',
      'for (let tagIndex = 0; tagIndex < tagCount; tagIndex++) {',
      "const tag = reader.unsignedVarint('tagged fields')",
      'const tagEnd = reader.taggedFieldEnd()',
      `${cases.join(' else ')} else {\n${keep}\n}`,
      '}',
    ]
    return [
      'let unknownTaggedFields: UnknownTaggedField[] | undefined',
      ...(condition === 'true' ? loop : [`if (${condition}) {`, ...loop, '}']),
    ]
  }
}

/** Name of a field's variable in a decoder. */
function local(field: FieldSpec): string {
  return reserved.has(field.name) ? `${field.name}Field` : field.name
}

function helperName(struct: StructModel, field: FieldSpec): string {
  return `decode${capital(field.name)}Of${struct.typeName}`
}

function method(struct: StructModel, field: FieldSpec, version: number): string {
  if (field.type !== 'string' && field.type !== 'bytes' && field.type !== 'records') return field.type
  const nullable = includes(field.nullable, version) ? `nullable${capital(field.type)}` : field.type
  return isCompact(struct, field, version) ? `compact${capital(nullable)}` : nullable
}

function elementMethod(struct: StructModel, field: FieldSpec, version: number): string {
  const hasLength = field.type === 'string' || field.type === 'bytes' || field.type === 'records'
  return hasLength && isCompact(struct, field, version) ? `compact${capital(field.type)}` : field.type
}

function lengthMethod(struct: StructModel, field: FieldSpec, version: number): string {
  const nullable = includes(field.nullable, version) ? 'nullableArrayLength' : 'arrayLength'
  return isCompact(struct, field, version) ? `compact${capital(nullable)}` : nullable
}
