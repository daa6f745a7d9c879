import { SpecError, type Versions } from './spec.ts'

/** A line that says something: neither empty nor a comment. Empty ones are kept, as ends of paragraphs. */
export interface Line {
  readonly number: number
  readonly indent: number
  /** Without indentation and trailing blanks. */
  readonly text: string
}

/** Reads the lines of one spec file one after the other, and tells mistakes with file and line. */
export class Lines {
  readonly path: string
  readonly #lines: readonly Line[]
  #next = 0

  constructor(path: string, source: string) {
    this.path = path
    this.#lines = source
      .split('\n')
      .map((raw, index) => this.#line(raw, index + 1))
      .filter((line) => !line.text.startsWith('#'))
  }

  #line(raw: string, number: number): Line {
    const text = raw.trim()
    const indent = raw.length - raw.trimStart().length
    if (raw.slice(0, indent).includes('\t'))
      throw new SpecError(this.path, number, 'indent with blanks, not with tabs')
    return { number, indent, text }
  }

  /** The next line with text, without taking it. */
  peek(): Line | undefined {
    while (this.#lines[this.#next]?.text === '') this.#next++
    return this.#lines[this.#next]
  }

  take(): Line | undefined {
    const line = this.peek()
    this.#next++
    return line
  }

  /** The next line when it is indented, that is, when it belongs to the section that has begun. */
  takeIndented(): Line | undefined {
    const line = this.peek()
    return line !== undefined && line.indent > 0 ? this.take() : undefined
  }

  /** Indented prose: lines joined, paragraphs kept apart. */
  paragraphs(): string {
    const paragraphs: string[] = []
    let previous: Line | undefined
    for (let line = this.takeIndented(); line !== undefined; line = this.takeIndented()) {
      if (previous !== undefined && line.number === previous.number + 1)
        paragraphs[paragraphs.length - 1] += ` ${line.text}`
      else paragraphs.push(line.text)
      previous = line
    }
    return paragraphs.join('\n\n')
  }

  fail(line: Line | number, cause: string): never {
    throw new SpecError(this.path, typeof line === 'number' ? line : line.number, cause)
  }
}

/** `3`, `0-2` or `3+`. */
export function parseVersions(text: string): Versions | undefined {
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  if (match === null) return undefined
  const from = Number(match[1])
  const to = match[2] === '+' ? Number.POSITIVE_INFINITY : match[3] === undefined ? from : Number(match[3])
  return to < from ? undefined : { from, to }
}

/** Words and values of a heading or of a traits column: `key 3, versions 0-13` to `[['key', '3'], ['versions', '0-13']]`. */
export function parsePairs(text: string): [word: string, value: string][] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const blank = part.indexOf(' ')
      return blank < 0 ? [part, ''] : [part.slice(0, blank), part.slice(blank + 1).trim()]
    })
}
