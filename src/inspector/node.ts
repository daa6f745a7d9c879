import type { FieldSpec } from '../specs/spec.ts'

/**
 * A run of bytes that positions count in: what was given, or what came out of a compressed block of another region.
 */
export interface Region {
  readonly bytes: Buffer
  /** Position of the first of `bytes`: above 0 when they are a window into a large file. */
  readonly origin: number
  /** Where the bytes come from when they were compressed. */
  readonly block: CompressedBlock | undefined
}

export interface CompressedBlock {
  readonly codec: string
  readonly region: Region
  readonly position: number
  readonly length: number
}

export type InspectedValue = string | number | bigint | boolean | null | Buffer

/**
 * - `value`: a number, a text, bytes; it may have children all the same when the bytes could be opened (records).
 * - `struct`: the children are its fields.
 * - `array`: the children are its elements.
 * - `tags`: the tagged fields at the end of a struct; each child is a `tag`, whose only child is the field.
 */
export type NodeKind = 'value' | 'struct' | 'array' | 'tags' | 'tag'

/** One field, or one element of an array, with the bytes that it is made of. */
export interface InspectedNode {
  readonly kind: NodeKind
  /** `topics`, `[0]`, `name`. */
  readonly name: string
  /** `topics[0].name`. */
  readonly path: string
  /** As the spec writes it: `string`, `[]Topic`, `Topic`. */
  readonly type: string
  readonly region: Region
  /** Where it begins in its region. */
  readonly position: number
  /** With all that is inside. */
  readonly length: number
  /** Bytes at its beginning that are its own and not those of a child: a count, a marker for null, a tag. */
  readonly headLength: number
  /** In words: `compact string, length + 1 as unsigned varint`. */
  readonly encoding: string
  /** Undefined for structs, arrays and tagged fields, unless they are null. */
  readonly value: InspectedValue | undefined
  /** What the value stands for: the name of an error code, a time as text; empty when there is nothing to add. */
  readonly note: string
  /** Undefined for what has no field in a spec. */
  readonly field: FieldSpec | undefined
  readonly description: string
  readonly children: readonly InspectedNode[]
  /** Elements that were read and not kept, because there were too many. */
  readonly omitted: number
}

/** What kind of mistake it is: for programs and tests; people read the sentence. */
export type ProblemKind =
  | 'end'
  | 'left over'
  | 'null'
  | 'length'
  | 'varint'
  | 'tag order'
  | 'tag size'
  | 'unknown api'
  | 'unknown version'
  | 'header version'
  | 'compact length'
  | 'tag section'
  | 'client id'
  | 'size'
  | 'crc'
  | 'byte order'
  | 'zigzag'
  | 'record count'
  | 'other version'
  | 'content'

/** The first byte that is wrong, and what is known of it. */
export interface Problem {
  readonly kind: ProblemKind
  readonly region: Region
  readonly position: number
  /** Of the wrong bytes; 0 when bytes are missing. */
  readonly length: number
  /** Path of the field; empty when it is none. */
  readonly path: string
  /** What is there, as a part of a sentence. */
  readonly found: string
  /** What should be there instead. */
  readonly expected: string
  /** How such bytes usually come about; empty when there is no usual cause. */
  readonly cause: string
}

/** What some bytes are. When they are wrong, the tree goes as far as it could be read. */
export interface Inspection {
  /** `Request ApiVersions 3`. */
  readonly title: string
  readonly root: InspectedNode
  readonly problem: Problem | undefined
}

/** The bytes of a node. */
export function bytesOf(node: InspectedNode): Buffer {
  return slice(node.region, node.position, node.length)
}

/** Bytes of a region, as far as they are there. */
export function slice(region: Region, position: number, length: number): Buffer {
  const at = position - region.origin
  return region.bytes.subarray(at, at + length)
}

/** A region of bytes that begin at 0. */
export function regionOf(bytes: Buffer, origin = 0): Region {
  return { bytes, origin, block: undefined }
}

/** Every node below and including this one, in the order of the bytes. */
export function* walk(node: InspectedNode): Generator<InspectedNode> {
  yield node
  for (const child of node.children) yield* walk(child)
}

/** One sentence about a problem: what is there, what was expected, the usual cause. */
export function sentence(problem: Problem): string {
  const { region, position, path, found, expected, cause } = problem
  const inside = region.block === undefined ? '' : ' of the decompressed records'
  const where = `Byte ${position}${inside}${path === '' ? '' : ` (${path})`}`
  return `${where}: ${found}; expected ${expected}${cause === '' ? '' : `. Usual cause: ${cause}`}.`
}

/** The problem that comes first in the bytes. */
export function firstProblem(...problems: readonly (Problem | undefined)[]): Problem | undefined {
  let first: Problem | undefined
  for (const problem of problems) {
    if (problem !== undefined && (first === undefined || placeOf(problem) < placeOf(first))) first = problem
  }
  return first
}

/** Position in the outermost region. */
function placeOf({ region, position }: Problem): number {
  let outer = region
  let place = position
  for (; outer.block !== undefined; outer = outer.block.region) place = outer.block.position
  return place
}
