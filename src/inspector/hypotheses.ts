import type { Catalog } from './catalog.ts'
import { type Dialect, EVERYWHERE, type Span } from './dialect.ts'
import type { FrameInspection, FrameOptions } from './frames.ts'
import { type InspectedNode, type ProblemKind, slice, walk } from './node.ts'

/** One way in which a frame could have been written wrong. */
export interface Hypothesis {
  readonly kind: ProblemKind
  /** How to read the frame if it was. */
  readonly options: Partial<FrameOptions>
  readonly dialect: Dialect
  /** The version whose form the body has, when it is another one. */
  readonly otherVersion?: number
  readonly cause: string
}

/** At most so many single fields are tried, those nearest to where reading stopped. */
const MAX_FIELDS = 100

/** All that a frame that cannot be read is tried for, the likeliest first. */
export function hypotheses(failed: FrameInspection, catalog: Catalog): Hypothesis[] {
  const { api, version, headerVersion } = failed
  if (api === undefined || version === undefined || headerVersion === undefined)
    return [...sizes(failed), ...byteOrder(failed)]
  return [
    ...sizes(failed),
    ...headers(failed, catalog, {}),
    ...compactClientId(headerVersion),
    ...nulls(),
    ...lengths(),
    ...tags(failed),
    ...byteOrder(failed),
    ...otherVersions(failed, catalog),
    ...headers(failed, catalog, { missingTags: 'everywhere' }),
    ...singleFields(failed),
  ]
}

/** Another header than the one that is due, alone or by a sender that knows of no tagged fields at all. */
function* headers(
  { role, headerVersion }: FrameInspection,
  catalog: Catalog,
  dialect: Dialect,
): Generator<Hypothesis> {
  const { from, to } = catalog.message(role === 'request' ? 'RequestHeader' : 'ResponseHeader').versions
  const rule =
    role === 'request'
      ? 'flexible versions of an API (KIP-482) have header version 2, all others 1'
      : 'flexible versions of an API (KIP-482) have response header version 1, all others and every ApiVersions 0'
  for (let other = to; other >= from; other--) {
    if (other === headerVersion) continue
    const written = `the sender writes header version ${other} where ${headerVersion} is due`
    const cause = dialect.missingTags === undefined ? written : `${written} and leaves out all tagged fields`
    yield { kind: 'header version', options: { headerVersion: other }, dialect, cause: `${cause}; ${rule}` }
  }
}

function* compactClientId(headerVersion: number): Generator<Hypothesis> {
  const cause = 'the client id keeps its int16 length also in header version 2'
  for (const version of new Set([headerVersion, 2, 1])) {
    yield {
      kind: 'client id',
      options: { headerVersion: version },
      dialect: { compactClientId: true },
      cause,
    }
  }
}

function* lengths(): Generator<Hypothesis> {
  yield compactLength(EVERYWHERE)
}

function compactLength(plainCompactLengths: Span): Hypothesis {
  const cause =
    'compact strings, bytes and arrays begin with their length + 1, since 0 stands for null (KIP-482)'
  return { kind: 'compact length', options: {}, dialect: { plainCompactLengths }, cause }
}

function* tags({ api, role }: FrameInspection): Generator<Hypothesis> {
  const missing = (missingTags: NonNullable<Dialect['missingTags']>): Hypothesis => ({
    kind: 'tag section',
    options: {},
    dialect: { missingTags },
    cause: 'every struct of a flexible version ends with its tagged fields, 00 when there are none (KIP-482)',
  })
  yield missing('everywhere')
  yield missing('nested')
  yield missing('root')
  for (const { name } of api![role].structs) yield missing({ struct: name })
}

function* nulls(): Generator<Hypothesis> {
  const cause = 'the sender writes null for what is empty, or the length 0 without the + 1 of compact lengths'
  yield { kind: 'null', options: {}, dialect: { nullEverywhere: true }, cause }
}

/** In all of the frame, behind its size, or only in its body. */
function* byteOrder({ root }: FrameInspection): Generator<Hypothesis> {
  const { to } = EVERYWHERE
  const body = root.children.find((child) => child.name === 'body')
  const starts = [root.position, ...root.children.slice(1, 2).map((header) => header.position)]
  for (const from of [...starts, ...(body === undefined ? [] : [body.position])]) yield reversed({ from, to })
}

function reversed(littleEndian: Span): Hypothesis {
  const cause = 'numbers are written little-endian; Kafka writes the highest byte first'
  return { kind: 'byte order', options: {}, dialect: { littleEndian }, cause }
}

/** The body has the form of another version, with the header that goes with it or with the right one. */
function* otherVersions(failed: FrameInspection, catalog: Catalog): Generator<Hypothesis> {
  const { role, api, version, headerVersion } = failed
  const { from, to } = api![role].versions
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  // The nearest first.
  numbers.sort((a, b) => Math.abs(a - version!) - Math.abs(b - version!))
  for (const other of numbers) {
    if (other === version) continue
    const own =
      role === 'request'
        ? catalog.requestHeaderVersion(api!, other)
        : catalog.responseHeaderVersion(api!, other)
    const cause =
      role === 'request'
        ? `the header says version ${version} and the body is written in version ${other}`
        : `the response is one of version ${other}, not of the version ${version} that was asked for`
    for (const header of new Set([headerVersion!, own])) {
      const options = { version: other, headerVersion: header }
      yield { kind: 'other version', options, dialect: {}, otherVersion: other, cause }
    }
  }
}

/** Only one length, or only one number, is wrong. */
function* singleFields({ root }: FrameInspection): Generator<Hypothesis> {
  const nodes = [...walk(root)].filter((node) => node.region === root.region)
  const before = nodes.reverse().slice(0, MAX_FIELDS)
  for (const node of before) if (node.encoding.startsWith('compact')) yield compactLength(only(node))
  for (const node of before) if (hasFixedNumber(node)) yield reversed(only(node))
}

function only({ position }: InspectedNode): Span {
  return { from: position, to: position + 1 }
}

/** Whether the node begins with a number, or a length, that has a byte order. */
function hasFixedNumber({ type, encoding }: InspectedNode): boolean {
  return / as int(16|32)/.test(encoding) || /^u?int(16|32|64)$/.test(type)
}

/** The size is wrong and the rest is right. */
function* sizes({ root }: FrameInspection): Generator<Hypothesis> {
  const size = root.children[0]
  if (size?.name !== 'size') return
  const { region, position } = root
  const there = region.origin + region.bytes.length
  const behind = position + size.length
  const written = Number(size.value)
  const end = (to: number, cause: string): Hypothesis => ({
    kind: 'size',
    options: { end: to },
    dialect: {},
    cause,
  })
  if (position + written <= there) {
    yield end(position + written, 'the size counts its own four bytes; it is the length of what follows them')
  }
  const backwards = slice(region, position, size.length).readInt32LE()
  const little = 'the size is written little-endian; Kafka writes the highest byte first'
  if (behind + backwards <= there && backwards > 0)
    yield { ...end(behind + backwards, little), kind: 'byte order' }
  yield end(there, 'the size was taken before the frame was complete, or counts something else')
}
