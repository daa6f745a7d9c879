const ESCAPED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

/**
 * Reads Java's properties format, in which `server.properties` is written: a property per line as `name=value`, `name: value` or
 * `name value`; lines that begin with # or ! are comments; a backslash at the end takes in the next line; of a name that is there twice the
 * last one counts.
 */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const end = endOfName(line)
    const name = withoutEscapes(line.slice(0, end))
    const value = withoutEscapes(line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, ''))
    properties.set(name, value)
  }
  return properties
}

/** Lines without comments and empty ones, continued lines as one. */
function* logicalLines(text: string): Generator<string> {
  let begun: string | undefined
  for (const natural of text.split(/\r\n|\n|\r/)) {
    const line = natural.replace(/^[ \t\f]+/, '')
    if (begun === undefined && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const joined = (begun ?? '') + line
    const backslashes = /\\*$/.exec(line)![0].length
    if (backslashes % 2 === 1) begun = joined.slice(0, -1)
    else {
      yield joined
      begun = undefined
    }
  }
  if (begun) yield begun
}

/** The name ends at the first separator that no backslash stands before. */
function endOfName(line: string): number {
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\') at++
    else if (/[=: \t\f]/.test(line[at]!)) return at
  }
  return line.length
}

function withoutEscapes(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.)|$)/gs, (_, hex?: string, character = '') =>
    hex === undefined ? (ESCAPED[character] ?? character) : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
