import { type Line, Lines, parsePairs, parseVersions } from './lines.ts'
import { parseTable } from './parse-table.ts'
import type {
  ApiSpec,
  ChangeSpec,
  ErrorCodeSpec,
  ErrorSpec,
  MessageSpec,
  SpecFile,
  Versions,
} from './spec.ts'

interface Heading {
  readonly line: Line
  readonly name: string
  readonly key: number | undefined
  readonly versions: Versions
  readonly stableTo: number
  readonly flexibleFrom: number | undefined
  readonly responseHeader: number | undefined
  readonly oldHeaderTo: number | undefined
}

/** Parses one spec file. `path` is only for messages and for the name of the module. Throws `SpecError`. */
export function parseSpec(path: string, source: string, errorNames: ReadonlySet<string>): SpecFile {
  return new SpecParser(new Lines(path, source), errorNames).parse()
}

/** The name that a spec file gives to its module: `02-list-offsets.spec` to `list-offsets`. */
export function moduleNameOf(path: string): string {
  return path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/^\d+-/, '')
    .replace(/\.spec$/, '')
}

class SpecParser {
  readonly #lines: Lines
  readonly #errorNames: ReadonlySet<string>

  constructor(lines: Lines, errorNames: ReadonlySet<string>) {
    this.#lines = lines
    this.#errorNames = errorNames
  }

  parse(): SpecFile {
    const first = this.#lines.take()
    if (first === undefined) return this.#lines.fail(1, 'the file is empty')
    const [kind, rest] = splitWord(first.text)
    if (first.indent === 0 && kind === 'api') return this.#api(first, rest)
    if (first.indent === 0 && kind === 'family') return this.#family(rest)
    return this.#lines.fail(
      first,
      "a spec begins with 'api Name, key N, versions N-N, flexible N+' or 'family title'",
    )
  }

  #api(first: Line, rest: string): SpecFile {
    const heading = this.#heading(first, rest, [
      'key',
      'versions',
      'flexible',
      'unstable',
      'response-header',
      'old-header',
    ])
    if (heading.key === undefined) this.#lines.fail(first, `${heading.name} has no key`)
    const description = this.#lines.paragraphs()
    let changes: ChangeSpec[] = []
    let errors: ErrorSpec[] = []
    let request: MessageSpec | undefined
    let response: MessageSpec | undefined
    for (let line = this.#lines.take(); line !== undefined; line = this.#lines.take()) {
      if (line.indent > 0) this.#lines.fail(line, 'an indented line that belongs to no section')
      if (line.text === 'changes') changes = this.#changes(heading)
      else if (line.text === 'errors') errors = this.#errors()
      else if (line.text === 'request') request = this.#message(line, heading, 'request', changes)
      else if (line.text === 'response') response = this.#message(line, heading, 'response', changes)
      else this.#lines.fail(line, `unknown section '${line.text}' (changes, errors, request, response)`)
    }
    this.#checkTexts(heading, description, changes)
    if (request === undefined || response === undefined) {
      return this.#lines.fail(
        first,
        `${heading.name} has no ${request === undefined ? 'request' : 'response'}`,
      )
    }
    const api: ApiSpec = {
      name: heading.name,
      key: heading.key,
      fixedResponseHeader: heading.responseHeader,
      oldRequestHeaderTo: heading.oldHeaderTo,
      errors,
      request,
      response,
    }
    return this.#file(heading.name, description, api, [request, response])
  }

  #message(line: Line, heading: Heading, role: 'request' | 'response', changes: ChangeSpec[]): MessageSpec {
    const name = heading.name + (role === 'request' ? 'Request' : 'Response')
    const { root, structs } = parseTable(this.#lines, { ...heading, messageName: name, isLayout: false })
    return { ...base(heading), name, role, description: '', changes, root, structs, line: line.number }
  }

  #family(title: string): SpecFile {
    const description = this.#lines.paragraphs()
    const messages: MessageSpec[] = []
    for (let line = this.#lines.take(); line !== undefined; line = this.#lines.take()) {
      const [kind, rest] = splitWord(line.text)
      if (line.indent > 0 || (kind !== 'message' && kind !== 'layout')) {
        this.#lines.fail(line, "a family holds messages: 'message Name, key N, versions N-N, flexible N+'")
      }
      const heading = this.#heading(line, rest, ['key', 'versions', 'flexible', 'unstable'])
      messages.push(this.#familyMessage(heading, kind))
    }
    return this.#file(title, description, undefined, messages)
  }

  #familyMessage(heading: Heading, role: 'message' | 'layout'): MessageSpec {
    const description = this.#lines.paragraphs()
    let changes: ChangeSpec[] = []
    if (this.#lines.peek()?.text === 'changes') {
      this.#lines.take()
      changes = this.#changes(heading)
    }
    this.#checkTexts(heading, description, changes)
    const line = this.#lines.take()
    if (line?.text !== 'fields')
      this.#lines.fail(line ?? heading.line, `${heading.name} has no section 'fields'`)
    const { name } = heading
    const context = { ...heading, messageName: name, isLayout: role === 'layout' }
    const { root, structs } = parseTable(this.#lines, context)
    return {
      ...base(heading),
      name,
      role,
      description,
      changes,
      root,
      structs,
      line: heading.line.number,
    }
  }

  #file(title: string, description: string, api: ApiSpec | undefined, messages: MessageSpec[]): SpecFile {
    const { path } = this.#lines
    return { path, moduleName: moduleNameOf(path), title, description, api, messages }
  }

  #heading(line: Line, text: string, words: readonly string[]): Heading {
    const [[name] = [''], ...pairs] = parsePairs(text)
    if (!/^[A-Z][A-Za-z0-9]*$/.test(name))
      this.#lines.fail(line, `'${name}' is no name of a message: capital first letter, no blanks`)
    const values = new Map<string, string>()
    for (const [word, value] of pairs) {
      if (!words.includes(word)) this.#lines.fail(line, `unknown word '${word}' (${words.join(', ')})`)
      values.set(word, value)
    }
    const versions = parseVersions(values.get('versions') ?? '')
    if (versions === undefined || versions.to === Number.POSITIVE_INFINITY) {
      return this.#lines.fail(line, `${name} needs 'versions' with an end, such as 'versions 0-13'`)
    }
    const flexible = values.get('flexible')
    const flexibleFrom =
      flexible === 'never' ? undefined : this.#number(line, 'flexible', flexible?.replace(/\+$/, ''))
    if (flexible === undefined) this.#lines.fail(line, `${name} needs 'flexible N+' or 'flexible never'`)
    const unstable = this.#number(line, 'unstable', values.get('unstable'))
    return {
      line,
      name,
      key: this.#number(line, 'key', values.get('key')),
      versions,
      stableTo: unstable === undefined ? versions.to : unstable - 1,
      flexibleFrom,
      responseHeader: this.#number(line, 'response-header', values.get('response-header')),
      oldHeaderTo: this.#number(line, 'old-header', values.get('old-header')),
    }
  }

  #number(line: Line, word: string, text: string | undefined): number | undefined {
    if (text === undefined) return undefined
    if (!/^-?\d+$/.test(text)) this.#lines.fail(line, `'${word}' needs a number, not '${text}'`)
    return Number(text)
  }

  /** A spec is a text to learn from: it says what a message is for, and what every version changed. */
  #checkTexts(heading: Heading, description: string, changes: readonly ChangeSpec[]): void {
    const { line, name, versions } = heading
    if (description === '') this.#lines.fail(line, `${name} has no description`)
    for (let version = versions.from + 1; version <= versions.to; version++) {
      if (!changes.some((change) => change.version === version)) {
        this.#lines.fail(line, `${name} does not say what version ${version} changed`)
      }
    }
  }

  #changes(heading: Heading): ChangeSpec[] {
    const changes: ChangeSpec[] = []
    for (const [line, text] of this.#entries()) {
      const match = /^(\d+)\s+((?:KIP-\d+(?:,\s*KIP-\d+)*)|-)\s+(.+)$/.exec(text)
      if (match === null)
        return this.#lines.fail(
          line,
          "a change reads '3 KIP-98 What it brought.', with '-' when there was no KIP",
        )
      const version = Number(match[1])
      if (version < heading.versions.from || version > heading.versions.to) {
        this.#lines.fail(line, `${heading.name} has no version ${version}`)
      }
      if (changes.some((change) => change.version >= version))
        this.#lines.fail(line, 'changes go upwards, one for each version')
      const kips = [...match[2]!.matchAll(/KIP-(\d+)/g)].map(([, kip]) => Number(kip))
      changes.push({ version, kips, text: match[3]! })
    }
    return changes
  }

  #errors(): ErrorSpec[] {
    const errors: ErrorSpec[] = []
    for (const [line, text] of this.#entries()) {
      const [name, why] = splitWord(text)
      if (!this.#errorNames.has(name)) this.#lines.fail(line, `unknown error '${name}'`)
      if (errors.some((error) => error.name === name)) this.#lines.fail(line, `${name} appears twice`)
      if (why === '') this.#lines.fail(line, `${name} does not say when it is answered`)
      errors.push({ name, text: why })
    }
    return errors
  }

  /** Entries of a section; lines that are indented deeper than the first go on with the entry above. */
  #entries(): [line: Line, text: string][] {
    const entries: [Line, string][] = []
    const indent = this.#lines.peek()?.indent
    for (let line = this.#lines.takeIndented(); line !== undefined; line = this.#lines.takeIndented()) {
      if (line.indent === indent) entries.push([line, line.text])
      else if (line.indent > indent!) entries.at(-1)![1] += ` ${line.text}`
      else this.#lines.fail(line, 'the line is indented less than the first of its section')
    }
    return entries
  }
}

/** Parses the list of error codes: one row each, `code | name | retriable | meaning | remedy`. */
export function parseErrorCodes(path: string, source: string): ErrorCodeSpec[] {
  const lines = new Lines(path, source)
  const first = lines.take()
  if (first?.text !== 'error codes') lines.fail(first ?? 1, "the list begins with 'error codes'")
  const codes: ErrorCodeSpec[] = []
  for (let line = lines.takeIndented(); line !== undefined; line = lines.takeIndented()) {
    const cells = line.text.split('|').map((cell) => cell.trim())
    if (cells[0] === 'code' && codes.length === 0) continue
    const [code = '', name = '', retriable = '', meaning = '', remedy = ''] = cells
    if (cells.length !== 5) lines.fail(line, `a row has 5 columns, this one has ${cells.length}`)
    if (!/^-?\d+$/.test(code)) lines.fail(line, `'${code}' is no error code`)
    if (!/^[A-Z][A-Z0-9_]*$/.test(name)) lines.fail(line, `'${name}' is no name of an error`)
    if (meaning === '' || remedy === '')
      lines.fail(line, `${name} does not say when it is answered and what to do about it`)
    if (retriable !== 'yes' && retriable !== 'no')
      lines.fail(line, `retriable is yes or no, not '${retriable}'`)
    if (codes.some((other) => other.name === name || other.code >= Number(code))) {
      lines.fail(line, `${code} ${name}: codes go upwards, each once`)
    }
    codes.push({ code: Number(code), name, retriable: retriable === 'yes', meaning, remedy })
  }
  const rest = lines.take()
  if (rest !== undefined) lines.fail(rest, 'the list has nothing but its rows')
  return codes
}

function base(heading: Heading): Pick<MessageSpec, 'key' | 'versions' | 'stableTo' | 'flexibleFrom'> {
  const { key, versions, stableTo, flexibleFrom } = heading
  return { key, versions, stableTo, flexibleFrom }
}

function splitWord(text: string): [word: string, rest: string] {
  const match = /^(\S+)\s*(.*)$/.exec(text)
  return match === null ? ['', ''] : [match[1]!, match[2]!]
}
