import { type Line, Lines, parseVersions } from './lines.ts'

/** What a broker of one release of Apache Kafka advertises. */
export interface ReleaseSpec {
  /** Without the last number: `2.8`, `0.10.2`. */
  readonly name: string
  /** How ApiVersions tells the levels that the cluster has agreed on: not at all, with this epoch and none, or those of KRaft. */
  readonly finalizedFeatures: 'untold' | 'own' | { readonly epoch: number }
  readonly apis: readonly ReleaseApi[]
  readonly features: readonly ReleaseFeature[]
}

export interface ReleaseApi {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
}

export interface ReleaseFeature {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** What a new cluster of that release agrees on. */
  readonly level: number
}

type Table = readonly { readonly line: Line; readonly cells: readonly string[] }[]

/** Parses the table of releases (`releases.table`). `path` is only for messages. Throws `SpecError`. */
export function parseReleases(path: string, source: string): ReleaseSpec[] {
  const lines = new Lines(path, source)
  const title = lines.take()
  if (title?.text !== 'releases') return lines.fail(title ?? 1, "the file begins with 'releases'")
  lines.paragraphs()
  const brokers = table(lines, 'brokers', ['release', 'broker', 'finalized features'])
  const names = brokers.map(({ cells }) => cells[0]!)
  const apis = table(lines, 'apis', ['key', 'api', ...names])
  const features = table(lines, 'features', ['feature'])
  const rest = lines.peek()
  if (rest) lines.fail(rest, 'the file ends with the features')
  const apiKeys = apis.map(({ cells }) => Number(cells[0]))
  apis.forEach(({ line }, index) => {
    if (!(apiKeys[index]! > (apiKeys[index - 1] ?? -1))) lines.fail(line, 'keys of APIs ascend')
  })
  return brokers.map(({ line, cells }, index) => ({
    name: cells[0]!,
    finalizedFeatures:
      finalizedFeatures(cells[2]!) ?? lines.fail(line, `'${cells[2]}' is none of untold, own, epoch N`),
    apis: apis.flatMap((row) => {
      const versions = versionsOf(lines, row.line, row.cells[2 + index]!)
      if (!versions) return []
      return [
        {
          key: Number(row.cells[0]),
          name: row.cells[1]!,
          minVersion: versions.from,
          maxVersion: versions.to,
        },
      ]
    }),
    features: featuresOf(lines, features, cells[0]!),
  }))
}

/** The rows below a heading; the first of them names the columns. */
function table(lines: Lines, heading: string, columns: readonly string[]): Table {
  const line = lines.take()
  if (line?.text !== heading || line.indent > 0) lines.fail(line ?? 1, `here begins the section '${heading}'`)
  const rows: { line: Line; cells: string[] }[] = []
  for (let row = lines.takeIndented(); row !== undefined; row = lines.takeIndented()) {
    const cells = row.text.split('|').map((cell) => cell.trim())
    const count = rows[0]?.cells.length ?? cells.length
    if (cells.length !== count) lines.fail(row, `a row has ${count} columns, this one has ${cells.length}`)
    rows.push({ line: row, cells })
  }
  const [names, ...rest] = rows
  if (!names || columns.some((name, index) => names.cells[index] !== name)) {
    return lines.fail(names?.line ?? line, `the columns are ${columns.join(' | ')}`)
  }
  // Features begin where KRaft does: their columns are looked up by name.
  return heading === 'features' ? rows : rest
}

function featuresOf(lines: Lines, [names, ...rows]: Table, release: string): ReleaseFeature[] {
  const column = names!.cells.indexOf(release)
  if (column < 0) return []
  return rows.flatMap(({ line, cells }) => {
    if (cells[column] === '-') return []
    const [range = '', level] = cells[column]!.split(' at ')
    const versions = versionsOf(lines, line, range)
    if (!versions || !/^\d+$/.test(level ?? '')) {
      return lines.fail(line, `'${cells[column]}' is no levels of a feature (0-2 at 1, or -)`)
    }
    return [{ name: cells[0]!, minVersion: versions.from, maxVersion: versions.to, level: Number(level) }]
  })
}

function versionsOf(lines: Lines, line: Line, text: string): { from: number; to: number } | undefined {
  if (text === '-') return undefined
  const versions = parseVersions(text)
  if (!versions || !Number.isFinite(versions.to))
    lines.fail(line, `'${text}' is no range of versions (3, 0-2 or -)`)
  return versions
}

function finalizedFeatures(text: string): ReleaseSpec['finalizedFeatures'] | undefined {
  if (text === 'untold' || text === 'own') return text
  const [, epoch] = /^epoch (\d+)$/.exec(text) ?? []
  return epoch === undefined ? undefined : { epoch: Number(epoch) }
}
