import type { FileKind } from './file-kind.ts'
import type { InspectedValue, Inspection, Problem, Region } from './node.ts'
import { draft, leaf, type NodeDraft } from './node-builder.ts'

const MAX_LINES = 100_000

interface Line {
  readonly position: number
  readonly text: string
}

/** Reads a small text file of a data directory line by line; at most `maxEntries` are kept. */
export function inspectTextFile(kind: FileKind, region: Region, maxEntries: number): Inspection {
  switch (kind) {
    case 'leader epochs':
      return new Checkpoint(
        region,
        'Leader epoch checkpoint',
        /^(\d+) (\d+)$/,
        ['epoch', 'startOffset'],
        maxEntries,
      ).inspect()
    case 'offsets':
      return new Checkpoint(
        region,
        'Offset checkpoint',
        /^(\S+) (\d+) (-?\d+)$/,
        ['topic', 'partition', 'offset'],
        maxEntries,
      ).inspect()
    case 'quorum state':
      return inspectQuorumState(region)
    default:
      return inspectProperties(region)
  }
}

/** What the fields of these files mean. */
const descriptions: Readonly<Record<string, string>> = {
  version: 'Version of the form of this file.',
  count: 'How many entries follow.',
  epoch: 'Epoch of a leader.',
  startOffset: 'First offset that was written in this epoch.',
  topic: 'Name of the topic.',
  partition: 'Number of the partition.',
  offset: 'The offset: up to where the log is on disk, is replicated, or begins, by the name of the file.',
  'cluster.id': 'Id of the cluster that the directory belongs to.',
  'node.id': 'Id of the node that the directory belongs to.',
  'broker.id': 'Id of the broker that the directory belongs to.',
  'directory.id': 'Id of this directory (KIP-858).',
  topic_id: 'Id of the topic that the partition belongs to (KIP-516).',
  clusterId: 'Id of the cluster; empty since it stands elsewhere.',
  leaderId: 'The leader of the metadata log that is known, or -1.',
  leaderEpoch: 'Epoch of the last election that is known.',
  votedId: 'For whom this node voted in that epoch, or -1.',
  appliedOffset: 'Not used any more.',
  currentVoters: 'Who may vote.',
  data_version: 'Version of the form of this file.',
}

/** A version, a count, then a line per entry. */
class Checkpoint {
  readonly #region: Region
  readonly #title: string
  readonly #pattern: RegExp
  readonly #names: readonly string[]
  readonly #maxEntries: number
  #problem: Problem | undefined

  constructor(region: Region, title: string, pattern: RegExp, names: readonly string[], maxEntries: number) {
    this.#region = region
    this.#title = title
    this.#pattern = pattern
    this.#names = names
    this.#maxEntries = maxEntries
  }

  inspect(): Inspection {
    const [version, entries, ...lines] = linesOf(this.#region).filter(({ text }) => text !== '')
    const root = draft(this.#region, this.#region.origin, 'struct', 'checkpoint', '', 'checkpoint')
    root.length = this.#region.bytes.length
    this.#number(root, version, 'version', (value) => (value === 0 ? '' : '0'))
    this.#number(root, entries, 'count', (value) =>
      value === lines.length ? '' : `${lines.length}, for so many entries follow`,
    )
    lines.forEach((line, index) => {
      if (index < this.#maxEntries) root.children.push(this.#entry(line, index))
      else root.omitted++
    })
    return { title: this.#title, root, problem: this.#problem }
  }

  #number(root: NodeDraft, line: Line | undefined, name: string, expected: (value: number) => string): void {
    if (line === undefined) {
      const end = { position: this.#region.origin + this.#region.bytes.length, text: '' }
      this.#wrong(end, name, 'the file ends here', `a line with the ${name}`, 'the file is empty or cut off')
      return
    }
    root.children.push(textLeaf(this.#region, line, 0, line.text, name, name, numberOr(line.text)))
    if (!/^\d+$/.test(line.text)) this.#wrong(line, name, line.text, 'a number', 'this is no checkpoint file')
    else if (expected(Number(line.text)) !== '') {
      const cause = 'the file is cut off, or was changed by hand'
      this.#wrong(line, name, `the ${name} ${line.text}`, expected(Number(line.text)), cause)
    }
  }

  #entry(line: Line, index: number): NodeDraft {
    const path = `entries[${index}]`
    const node = draft(this.#region, line.position, 'struct', `[${index}]`, path, 'entry')
    node.length = Buffer.byteLength(line.text)
    const match = this.#pattern.exec(line.text)
    if (match === null) {
      node.children.push(textLeaf(this.#region, line, 0, line.text, 'line', path, line.text))
      this.#wrong(
        line,
        path,
        `"${line.text}"`,
        this.#names.join(' '),
        'the file is cut off, or was changed by hand',
      )
      return node
    }
    let at = 0
    this.#names.forEach((name, part) => {
      const text = match[part + 1]!
      const value = name === 'topic' ? text : BigInt(text)
      node.children.push(textLeaf(this.#region, line, at, text, name, `${path}.${name}`, value))
      at += text.length + 1
    })
    return node
  }

  #wrong(line: Line, path: string, found: string, expected: string, cause: string): void {
    const [region, position] = [this.#region, line.position]
    const length = Buffer.byteLength(line.text)
    this.#problem ??= { kind: 'content', region, position, length, path, found, expected, cause }
  }
}

/** meta.properties and partition.metadata: a name and a value per line. */
function inspectProperties(region: Region): Inspection {
  const root = draft(region, region.origin, 'struct', 'properties', '', 'properties')
  root.length = region.bytes.length
  let problem: Problem | undefined
  for (const line of linesOf(region)) {
    if (line.text === '' || line.text.startsWith('#')) continue
    const match = /^(\s*([^=:\s]+)\s*[=:]\s*)(.*)$/.exec(line.text)
    if (match === null) {
      const { position, text } = line
      const [found, expected] = [`"${text}"`, 'a name, = or :, and a value']
      const cause = 'the file is damaged'
      problem ??= {
        kind: 'content',
        region,
        position,
        length: Buffer.byteLength(text),
        path: '',
        found,
        expected,
        cause,
      }
      continue
    }
    const [, , name, value] = match as unknown as [string, string, string, string]
    root.children.push(textLeaf(region, line, 0, line.text, name, name, numberOr(value)))
  }
  return { title: 'Properties file', root, problem }
}

function inspectQuorumState(region: Region): Inspection {
  const root = draft(region, region.origin, 'struct', 'quorum-state', '', 'JSON')
  root.length = region.bytes.length
  const text = region.bytes.toString('latin1')
  const title = 'Quorum state'
  let state: unknown
  try {
    state = JSON.parse(region.bytes.toString('utf8'))
  } catch (error) {
    const cause = 'the file is cut off or damaged; a node does without it'
    const found = (error as Error).message
    const position = region.origin
    const shown = Math.min(8, text.length)
    const problem = {
      kind: 'content',
      region,
      position,
      length: shown,
      path: '',
      found,
      expected: 'JSON',
      cause,
    } as const
    return { title, root, problem }
  }
  for (const [name, value] of Object.entries(Object(state) as object)) {
    const at = Math.max(0, text.indexOf(`"${name}"`))
    const json = JSON.stringify(value)
    const length = Math.max(0, text.indexOf(json, at) - at) + json.length
    const node = leaf(region, region.origin + at, length, name, typeof value === 'object' ? json : value, {
      type: 'JSON',
      description: descriptions[name] ?? '',
    })
    root.children.push(node)
  }
  return { title, root, problem: undefined }
}

function textLeaf(
  region: Region,
  line: Line,
  at: number,
  text: string,
  name: string,
  path: string,
  value: InspectedValue,
): NodeDraft {
  const more = { type: 'text', path, encoding: 'text', description: descriptions[name] ?? '' }
  return leaf(region, line.position + at, Buffer.byteLength(text), name, value, more)
}

function numberOr(text: string): InspectedValue {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text
}

function linesOf(region: Region): Line[] {
  let position = region.origin
  return region.bytes
    .toString('utf8')
    .split('\n', MAX_LINES)
    .map((text) => {
      const line = { position, text: text.replace(/\r$/, '') }
      position += Buffer.byteLength(text) + 1
      return line
    })
}
