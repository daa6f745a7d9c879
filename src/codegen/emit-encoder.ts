import { type FieldSpec, includes } from '../specs/spec.ts'
import { capital, defaultName, defaultText, differsText, isCompact, type StructModel } from './model.ts'
import { branch, runs, within } from './versions.ts'

/** The functions that write a struct. */
export class EncoderEmitter {
  readonly #usesVersion = new Set<string>()

  /** Text of the function that writes `struct`; those of its inner structs must have been emitted before. */
  struct(struct: StructModel): string {
    const lines: string[] = []
    for (const field of struct.fields) {
      const all = runs(struct.versions, (version) => this.#statement(struct, field, version))
      const text = branch(all)
      if (text !== '') lines.push(text)
    }
    lines.push(...this.#taggedFields(struct))
    const body = lines.join('\n')
    const name = `encode${struct.typeName}`
    const takesVersion = /(?<!['.])\bversion\b(?!['?:])/.test(body)
    if (takesVersion) this.#usesVersion.add(name)
    const unused = (parameter: string) =>
      new RegExp(`\\b${parameter}\\b`).test(body) ? parameter : `_${parameter}`
    const parameters = `${unused('writer')}: Writer, ${unused('message')}: ${struct.typeName}`
    return `function ${name}(${parameters}${takesVersion ? ', version: number' : ''}): void {\n${body}\n}`
  }

  /** Helpers for a struct that can be absent or is a tagged field: its default, and whether a value equals that. */
  static defaults(struct: StructModel): string {
    const properties = struct.fields.map((field) => `${field.name}: ${defaultText(struct, field)}`)
    if (struct.isEverFlexible) properties.push('unknownTaggedFields: undefined')
    const differs = struct.fields.map((field) => differsText(struct, field, `message.${field.name}`))
    if (struct.isEverFlexible) differs.push('message.unknownTaggedFields !== undefined')
    return [
      `const ${defaultName(struct)}: ${struct.typeName} = Object.freeze({\n${properties.join(',\n')},\n})`,
      `function isDefault${struct.typeName}(message: ${struct.typeName}): boolean {`,
      `return message === ${defaultName(struct)} || !(\n${differs.map((text) => (text.includes(' || ') ? `(${text})` : text)).join(' ||\n')}\n)\n}`,
    ].join('\n\n')
  }

  /** What writes a field in one version: nothing when it is tagged or may be dropped there. */
  #statement(struct: StructModel, field: FieldSpec, version: number): string {
    if (!includes(field.versions, version)) {
      if (field.ignorable) return ''
      const error = `throw new UnrepresentableFieldError('${struct.message.name}', '${pathOf(struct, field)}', version)`
      return `if (${differsText(struct, field, `message.${field.name}`)}) {\n${error}\n}`
    }
    return field.tag === undefined ? this.#write(struct, field, version) : ''
  }

  #write(struct: StructModel, field: FieldSpec, version: number): string {
    const isNullable = includes(field.nullable, version)
    const value = `message.${field.name}`
    if (field.isArray) return this.#writeArray(struct, field, version)
    const inner = struct.inner.get(field)
    if (inner !== undefined) {
      if (!isNullable) return this.#call(inner, required(struct, field, version))
      const [absent, present] = field.tag === undefined ? [-1, 1] : [0, 1]
      return `if (${value} === null) {\nwriter.int8(${absent})\n} else {\nwriter.int8(${present})\n${this.#call(inner, value)}\n}`
    }
    return `writer.${method(struct, field, version)}(${required(struct, field, version)})`
  }

  #writeArray(struct: StructModel, field: FieldSpec, version: number): string {
    const compact = isCompact(struct, field, version)
    const length = compact ? 'compactArrayLength' : 'arrayLength'
    const items = localName(field)
    const inner = struct.inner.get(field)
    const item = `${items}[index]!`
    const write =
      inner === undefined ? `writer.${elementMethod(field, compact)}(${item})` : this.#call(inner, item)
    const loop = `for (let index = 0; index < ${items}.length; index++) {\n${write}\n}`
    const lines = [`const ${items} = ${required(struct, field, version)}`]
    if (includes(field.nullable, version)) {
      lines.push(
        `if (${items} === null) {\nwriter.${length}(-1)\n} else {\nwriter.${length}(${items}.length)\n${loop}\n}`,
      )
    } else {
      lines.push(`writer.${length}(${items}.length)`, loop)
    }
    return lines.join('\n')
  }

  #call(struct: StructModel, value: string): string {
    const name = `encode${struct.typeName}`
    return this.#usesVersion.has(name) ? `${name}(writer, ${value}, version)` : `${name}(writer, ${value})`
  }

  #taggedFields(struct: StructModel): string[] {
    const flexible = struct.versions.filter((version) => struct.isFlexible(version))
    if (flexible.length === 0) return []
    const first = flexible[0]!
    const last = flexible.at(-1)!
    const condition = within({ from: first, to: last }, struct.versions[0]!, last)
    const tagged = struct.fields.filter((field) => field.tag !== undefined).sort((a, b) => a.tag! - b.tag!)
    const lines =
      tagged.length === 0
        ? ['writer.unknownTaggedFields(message.unknownTaggedFields)']
        : this.#known(struct, tagged, first, last)
    return condition === 'true' ? lines : [`if (${condition}) {`, ...lines, '}']
  }

  #known(struct: StructModel, tagged: readonly FieldSpec[], first: number, last: number): string[] {
    const lines = [
      'const unknown = message.unknownTaggedFields',
      'let tagCount = unknown === undefined ? 0 : unknown.length',
    ]
    for (const field of tagged) {
      const present = within(field.versions, first, last)
      const differs = differsText(struct, field, `message.${field.name}`)
      const both =
        present === 'true' ? differs : `${present} && ${differs.includes(' || ') ? `(${differs})` : differs}`
      lines.push(`const has${capital(field.name)} = ${both}`, `if (has${capital(field.name)}) tagCount++`)
    }
    lines.push('writer.unsignedVarint(tagCount)')
    const mingle = tagged.some((field) => field.tag !== 0)
    if (mingle) lines.push('let next = 0')
    for (const field of tagged) {
      lines.push(
        `if (has${capital(field.name)}) {`,
        ...(field.tag === 0 ? [] : [`next = writer.unknownTaggedFieldsFrom(unknown, next, ${field.tag})`]),
        `const begin = writer.beginTaggedField(${field.tag})`,
        this.#write(struct, field, last),
        'writer.endTaggedField(begin)',
        '}',
      )
    }
    lines.push(`writer.unknownTaggedFieldsFrom(unknown, ${mingle ? 'next' : '0'}, Number.POSITIVE_INFINITY)`)
    return lines
  }
}

/** The field's value, after a check where its type allows null and the version does not. */
function required(struct: StructModel, field: FieldSpec, version: number): string {
  const value = `message.${field.name}`
  if (field.nullable === undefined || includes(field.nullable, version)) return value
  return `required(${value}, '${struct.message.name}', '${pathOf(struct, field)}', version)`
}

/** Variable that holds the array of a field. */
function localName(field: FieldSpec): string {
  return ['version', 'writer', 'message', 'unknown', 'next', 'begin', 'index'].includes(field.name)
    ? `${field.name}Items`
    : field.name
}

/** How an error names the field. */
function pathOf(struct: StructModel, field: FieldSpec): string {
  return struct.isRoot ? field.name : `${struct.spec.name}.${field.name}`
}

function method(struct: StructModel, field: FieldSpec, version: number): string {
  if (field.type !== 'string' && field.type !== 'bytes' && field.type !== 'records') return field.type
  const nullable = includes(field.nullable, version) ? `nullable${capital(field.type)}` : field.type
  return isCompact(struct, field, version) ? `compact${capital(nullable)}` : nullable
}

function elementMethod(field: FieldSpec, compact: boolean): string {
  const hasLength = field.type === 'string' || field.type === 'bytes' || field.type === 'records'
  return hasLength && compact ? `compact${capital(field.type)}` : field.type
}
