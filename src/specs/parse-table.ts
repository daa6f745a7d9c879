import type { Line, Lines } from './lines.ts'
import { parsePairs, parseVersions } from './lines.ts'
import {
  type DefaultValue,
  type FieldSpec,
  formatVersions,
  isPrimitive,
  isVarint,
  type StructSpec,
  type Versions,
} from './spec.ts'

/** What a table of fields may refer to. */
export interface TableContext {
  readonly messageName: string
  readonly versions: Versions
  readonly flexibleFrom: number | undefined
  /** Layouts may have varints; see `MessageSpec.role`. */
  readonly isLayout: boolean
}

interface Row {
  readonly line: Line
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly traits: string
  description: string
}

const heading = ['field', 'type', 'versions', 'traits', 'description']
const entityTypes = ['topicName', 'groupId', 'brokerId', 'transactionalId', 'producerId']
const fieldName = /^[a-z][A-Za-z0-9]*$/
const structName = /^[A-Z][A-Za-z0-9]*$/

/** Reads the table of fields of one message; indentation of the first column nests a struct's fields below their field. */
export function parseTable(lines: Lines, context: TableContext): { root: StructSpec; structs: StructSpec[] } {
  return new TableParser(lines, context).parse()
}

class TableParser {
  readonly #lines: Lines
  readonly #context: TableContext
  readonly #structs = new Map<string, StructSpec>()

  constructor(lines: Lines, context: TableContext) {
    this.#lines = lines
    this.#context = context
  }

  parse(): { root: StructSpec; structs: StructSpec[] } {
    const first = this.#lines.takeIndented()
    const root: StructSpec = { name: this.#context.messageName, fields: [] }
    if (first === undefined || first.text === 'nothing') return { root, structs: [] }
    if (cells(first).join() !== heading.join()) {
      this.#lines.fail(first, `a table begins with its heading: ${heading.join(' | ')}`)
    }
    const rows = this.#rows()
    const rest = this.#fields(rows, 0, first.indent, root)
    if (rest < rows.length) this.#lines.fail(rows[rest]!.line, 'the row is indented less than the first one')
    return { root, structs: [...this.#structs.values()] }
  }

  #rows(): Row[] {
    const rows: Row[] = []
    for (let line = this.#lines.takeIndented(); line !== undefined; line = this.#lines.takeIndented()) {
      const [name, type, versions, traits, description, ...more] = cells(line)
      if (description === undefined || more.length > 0) {
        this.#lines.fail(
          line,
          `a row has ${heading.length} columns (${heading.join(' | ')}), this one has ${cells(line).length}`,
        )
      }
      const above = rows.at(-1)
      if (name === '' && above !== undefined) {
        if (type !== '' || versions !== '' || traits !== '')
          this.#lines.fail(line, 'only a description goes on without a field name')
        above.description += ` ${description}`
        continue
      }
      rows.push({ line, name: name!, type: type!, versions: versions!, traits: traits!, description })
    }
    return rows
  }

  /** Takes the rows at `indent` from `at` on into `struct`; returns the first row that is not part of it. */
  #fields(rows: readonly Row[], at: number, indent: number, struct: StructSpec): number {
    let next = at
    while (next < rows.length) {
      const row = rows[next]!
      if (row.line.indent < indent) break
      if (row.line.indent > indent)
        this.#lines.fail(row.line, `${row.name} is indented deeper than its neighbours`)
      const nested = rows[next + 1]
      const children = nested !== undefined && nested.line.indent > indent ? nested.line.indent : undefined
      const versions = this.#versions(row, row.versions, this.#context.versions)
      const [type, isArray] = this.#type(row)
      let inner: StructSpec | undefined
      next++
      if (!isPrimitive(type) && !isVarint(type)) {
        inner = this.#structs.get(type)
        if (inner !== undefined && children !== undefined)
          this.#lines.fail(row.line, `the struct ${type} has its rows above already`)
        if (inner === undefined) {
          if (children === undefined) this.#lines.fail(row.line, `the struct ${type} has no rows`)
          inner = { name: type, fields: [] }
          this.#structs.set(type, inner)
          next = this.#fields(rows, next, children, inner)
        }
      } else if (children !== undefined) {
        this.#lines.fail(rows[next]!.line, `${row.name} is of type ${type} and has no fields of its own`)
      }
      if (struct.fields.some((field) => field.name === row.name))
        this.#lines.fail(row.line, `${row.name} appears twice`)
      struct.fields.push(this.#field(row, type, isArray, versions, inner))
    }
    this.#checkTags(struct, rows[at]?.line.number ?? 0)
    return next
  }

  #type(row: Row): [type: string, isArray: boolean] {
    const isArray = row.type.startsWith('[]')
    const type = isArray ? row.type.slice(2) : row.type
    if (!isPrimitive(type) && !isVarint(type) && !structName.test(type))
      this.#lines.fail(row.line, `unknown type '${row.type}' of ${row.name}`)
    if (isVarint(type) && !this.#context.isLayout)
      this.#lines.fail(row.line, `${row.name} is a ${type}, which only layouts have`)
    return [type, isArray]
  }

  #versions(row: Row, text: string, within: Versions): Versions {
    const versions = parseVersions(text)
    if (versions === undefined) this.#lines.fail(row.line, `'${text}' is no range of versions (3, 0-2 or 3+)`)
    const cut = { from: versions.from, to: Math.min(versions.to, within.to) }
    const fits =
      versions.to === Number.POSITIVE_INFINITY ? versions.from <= within.to : versions.to <= within.to
    if (!fits || versions.from < within.from) {
      this.#lines.fail(
        row.line,
        `${row.name} has versions ${text}, which are not among ${formatVersions(within)}`,
      )
    }
    return cut
  }

  #field(
    row: Row,
    type: string,
    isArray: boolean,
    versions: Versions,
    struct: StructSpec | undefined,
  ): FieldSpec {
    if (!fieldName.test(row.name))
      this.#lines.fail(row.line, `'${row.name}' is no field name: small first letter, no blanks`)
    if (row.description === '') this.#lines.fail(row.line, `${row.name} has no description`)
    let nullable: Versions | undefined
    let tag: number | undefined
    let defaultText: string | undefined
    let entityType: string | undefined
    const flags = new Set<string>()
    const seen = new Set<string>()
    for (const [word, value] of parsePairs(row.traits)) {
      if (seen.has(word)) this.#lines.fail(row.line, `'${word}' appears twice`)
      seen.add(word)
      if (word === 'nullable') nullable = value === '' ? versions : this.#versions(row, value, versions)
      else if (word === 'tag' && /^\d+$/.test(value)) tag = Number(value)
      else if (word === 'default' && value !== '') defaultText = value
      else if (word === 'entity' && entityTypes.includes(value)) entityType = value
      else if (value === '' && this.#isFlag(word)) flags.add(word)
      else this.#lines.fail(row.line, `unknown trait '${`${word} ${value}`.trim()}' of ${row.name}`)
    }
    if (
      nullable !== undefined &&
      !isArray &&
      struct === undefined &&
      !['string', 'bytes', 'records'].includes(type)
    ) {
      this.#lines.fail(row.line, `${row.name} of type ${type} cannot be null`)
    }
    const defaultValue = this.#default(row, type, isArray, defaultText)
    if (defaultValue === null && nullable === undefined)
      this.#lines.fail(row.line, `${row.name} has the default null and is never null`)
    return {
      name: row.name,
      type,
      isArray,
      struct,
      versions,
      nullable,
      tag: tag === undefined ? undefined : this.#tag(row, tag, versions),
      defaultValue,
      ignorable: flags.has('ignorable'),
      isMapKey: flags.has('key'),
      classicLength: flags.has('classic-length'),
      varintLength: flags.has('varint-length'),
      entityType,
      description: row.description,
      line: row.line.number,
    }
  }

  #isFlag(word: string): boolean {
    if (word === 'varint-length') return this.#context.isLayout
    return ['ignorable', 'key', 'classic-length'].includes(word)
  }

  #tag(row: Row, tag: number, versions: Versions): number {
    const { flexibleFrom } = this.#context
    if (flexibleFrom === undefined || versions.from < flexibleFrom) {
      this.#lines.fail(row.line, `${row.name} has a tag in versions that are not flexible`)
    }
    return tag
  }

  #checkTags(struct: StructSpec, line: number): void {
    const tags = struct.fields
      .flatMap((field) => (field.tag === undefined ? [] : [field.tag]))
      .sort((a, b) => a - b)
    if (tags.some((tag, index) => tag !== index)) {
      this.#lines.fail(
        line,
        `the tags of ${struct.name} are ${tags.join(', ')}: they count from 0, each once`,
      )
    }
  }

  #default(row: Row, type: string, isArray: boolean, text: string | undefined): DefaultValue {
    if (text === undefined) return undefined
    if (text === 'null') return null
    if (!isArray && type === 'int64' && /^-?\d+$/.test(text)) return BigInt(text)
    if (!isArray && /^u?int(8|16|32)$/.test(type) && /^-?\d+$/.test(text)) return Number(text)
    if (!isArray && type === 'bool' && text === 'true') return true
    return this.#lines.fail(row.line, `'${text}' is no default for ${row.name} of type ${row.type}`)
  }
}

function cells(line: Line): string[] {
  return line.text.split('|').map((cell) => cell.trim())
}
