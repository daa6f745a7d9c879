import { type Line, Lines, parseVersions } from './lines.ts'

/** Which versions of an API a client sends. */
export interface ClientVersions {
  /** Name and release: `kafkajs 2.2`. */
  readonly client: string
  /** Undefined: it is only known up to which version. */
  readonly from: number | undefined
  readonly to: number
}

/** Who sends an API. */
export interface ApiClients {
  readonly key: number
  readonly name: string
  /** Only clients that send it. */
  readonly clients: readonly ClientVersions[]
  /** Parts of Apache Kafka's own client, in words; empty when none of them does. */
  readonly javaParts: string
  /** Programs to operate a cluster. */
  readonly tools: readonly string[]
}

const FIRST_COLUMNS = ['key', 'api']
const LAST_COLUMNS = ['in Java', 'tools']

/** Parses the table of clients (`clients.table`). `path` is only for messages. Throws `SpecError`. */
export function parseClients(path: string, source: string): ApiClients[] {
  const lines = new Lines(path, source)
  const title = lines.take()
  if (title?.text !== 'clients') return lines.fail(title ?? 1, "the file begins with 'clients'")
  lines.paragraphs()
  const heading = lines.take()
  if (heading?.text !== 'versions') return lines.fail(heading ?? 1, "here begins the section 'versions'")
  const names = cells(lines.takeIndented() ?? lines.fail(heading, 'a section has rows'))
  const expected = [...FIRST_COLUMNS, ...names.slice(2, -2), ...LAST_COLUMNS]
  if (names.some((name, index) => name !== expected[index]))
    return lines.fail(heading, 'the columns are key, api, one for each client, in Java, tools')
  const rows: ApiClients[] = []
  for (let line = lines.takeIndented(); line !== undefined; line = lines.takeIndented()) {
    const row = rowOf(lines, line, names)
    if (row.key <= (rows.at(-1)?.key ?? -1)) lines.fail(line, 'keys of APIs ascend')
    rows.push(row)
  }
  return rows
}

function rowOf(lines: Lines, line: Line, names: readonly string[]): ApiClients {
  const row = cells(line)
  if (row.length !== names.length)
    lines.fail(line, `a row has ${names.length} columns, this one has ${row.length}`)
  const [key, name] = row as [string, string]
  if (!/^\d+$/.test(key)) lines.fail(line, `'${key}' is no key of an API`)
  const [javaParts, tools] = row.slice(-2) as [string, string]
  return {
    key: Number(key),
    name,
    clients: names.slice(2, -2).flatMap((client, index) => {
      const cell = row[index + 2]!
      return cell === '-' ? [] : [{ client, ...versionsOf(lines, line, cell) }]
    }),
    javaParts: javaParts === '-' ? '' : javaParts,
    tools: tools === '-' ? [] : tools.split(/\s*,\s*/),
  }
}

function versionsOf(lines: Lines, line: Line, cell: string): { from: number | undefined; to: number } {
  const [, newest] = /^to (\d+)$/.exec(cell) ?? []
  if (newest !== undefined) return { from: undefined, to: Number(newest) }
  const versions = parseVersions(cell)
  if (versions === undefined || !Number.isFinite(versions.to))
    return lines.fail(line, `'${cell}' is none of 3, 0-2, to 7 and -`)
  return versions
}

const cells = ({ text }: Line) => text.split('|').map((cell) => cell.trim())
