import { checkSnapshot } from './checksums.ts'
import type { Context } from './context.ts'
import { Stop } from './cursor.ts'
import { Interpreter } from './interpreter.ts'
import { firstProblem, type Inspection, type Problem, type Region, slice } from './node.ts'
import { draft, type NodeDraft, zeros } from './node-builder.ts'
import { annotate } from './notes.ts'
import { count } from './words.ts'

const SNAPSHOT_CRC_AT = 2

/** The three index files: layout, size and name of an entry. */
const indexes = {
  'offset index': { layout: 'OffsetIndexEntry', bytes: 8, order: 'relativeOffset' },
  'time index': { layout: 'TimeIndexEntry', bytes: 12, order: 'timestamp' },
  'transaction index': { layout: 'AbortedTransaction', bytes: 34, order: 'lastOffset' },
} as const

export type IndexKind = keyof typeof indexes

/** Reads an index file, or a window into one: entries of equal size, which ascend. */
export function inspectIndex(
  kind: IndexKind,
  region: Region,
  baseOffset: bigint | undefined,
  context: Context,
): Inspection {
  const { layout, bytes, order } = indexes[kind]
  const spec = context.catalog.message(layout)
  const end = region.origin + region.bytes.length
  const root = draft(region, region.origin, 'array', 'entries', 'entries', `[]${layout}`)
  root.length = region.bytes.length
  root.description = spec.description
  const interpreter = new Interpreter(region, region.origin, end, context)
  let problem: Problem | undefined
  let previous: bigint | undefined
  for (let index = 0; interpreter.cursor.remaining >= bytes; index++) {
    const start = interpreter.cursor.position
    // Kafka reserves room in the index of the active segment; entries are never zero but the first.
    if (index > 0 && isZero(region, start, end)) {
      root.children.push(zeros(region, start, end - start))
      return { title: titleOf(kind), root, problem }
    }
    const isKept = interpreter.builder.keeps(index)
    if (!isKept) root.omitted++
    const into = isKept ? root : interpreter.builder.discard()
    const entry = interpreter.message(spec, 0, `[${index}]`, into, `entries[${index}]`)
    annotateEntry(entry, baseOffset, context)
    const node = entry.children.find(({ name }) => name === order)!
    const value = BigInt(node.value as number | bigint)
    if (previous !== undefined && value < previous) problem ??= disorder(node, previous)
    previous = value
  }
  return { title: titleOf(kind), root, problem: firstProblem(problem, cut(interpreter, bytes)) }
}

function titleOf(kind: IndexKind): string {
  return `${kind[0]!.toUpperCase()}${kind.slice(1)} file`
}

function annotateEntry(entry: NodeDraft, baseOffset: bigint | undefined, { catalog }: Context): void {
  annotate(entry, catalog)
  if (baseOffset === undefined) return
  const offset = entry.children.find(({ name }) => name === 'relativeOffset')
  if (offset !== undefined) offset.note = `offset ${baseOffset + BigInt(offset.value as number)}`
}

function isZero(region: Region, start: number, end: number): boolean {
  return slice(region, start, end - start).every((byte) => byte === 0)
}

function disorder({ region, position, length, path, value }: NodeDraft, previous: bigint): Problem {
  const cause = 'the index belongs to another segment, or was damaged; it can be built again from the segment'
  const [found, expected] = [`${value} behind ${previous}`, 'entries that ascend']
  return { kind: 'content', region, position, length, path, found, expected, cause }
}

function cut({ cursor }: Interpreter, bytes: number): Problem | undefined {
  const { position, region, remaining } = cursor
  if (remaining === 0) return undefined
  return {
    kind: 'end',
    region,
    position,
    length: remaining,
    path: 'entries',
    found: `${count(remaining, 'byte')} at the end`,
    expected: `whole entries of ${bytes} bytes`,
    cause: 'the file is cut off, or is no index',
  }
}

/** Reads a .snapshot file: what a partition remembers of its producers. */
export function inspectProducerSnapshot(region: Region, context: Context): Inspection {
  const start = region.origin
  const interpreter = new Interpreter(region, start, start + region.bytes.length, context)
  const spec = context.catalog.message('ProducerSnapshot')
  const root = draft(region, start, 'struct', 'snapshot', '', spec.name)
  let problem: Problem | undefined
  try {
    const prefix = interpreter.message(context.catalog.message('VersionPrefix'), 0, 'prefix', root)
    const version = prefix.children[0]!.value as number
    if (version !== spec.versions.to) {
      const expected = `version ${spec.versions.to}, the only one that there is`
      interpreter.cursor.fail('unknown version', start, 'version', `version ${version}`, expected)
    }
    interpreter.message(spec, version, 'content', root)
    const { position, remaining, end } = interpreter.cursor
    if (remaining > 0) {
      interpreter.cursor.position = end
      interpreter.cursor.fail(
        'left over',
        position,
        '',
        `${count(remaining, 'byte')} behind the last entry`,
        'the end',
      )
    }
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    problem = error.problem
  }
  root.length = interpreter.cursor.position - start
  annotate(root, context.catalog)
  return { title: 'Producer snapshot', root, problem: firstProblem(snapshotCrc(region, problem), problem) }
}

/** Of a snapshot that can be read the checksum is checked too. */
function snapshotCrc(region: Region, problem: Problem | undefined): Problem | undefined {
  if (problem !== undefined) return undefined
  const finding = checkSnapshot(region.bytes)
  const position = region.origin + SNAPSHOT_CRC_AT
  return finding && { kind: 'crc', region, position, length: 4, path: 'crc', ...finding }
}
