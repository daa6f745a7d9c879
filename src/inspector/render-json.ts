import { bytesOf, type InspectedNode, type Problem, sentence } from './node.ts'

/** What `--json` prints of a node. int64 is text, bytes are hex; `block` tells of positions in what was decompressed. */
export interface JsonNode {
  readonly name: string
  readonly path: string
  readonly kind: string
  readonly type: string
  readonly position: number
  readonly length: number
  readonly block?: { readonly codec: string; readonly position: number; readonly length: number }
  /** Of fields without children. */
  readonly bytes?: string
  readonly encoding?: string
  readonly value?: string | number | boolean | null
  readonly note?: string
  readonly description?: string
  readonly omitted?: number
  readonly children?: readonly JsonNode[]
}

export function nodeToJson(node: InspectedNode): JsonNode {
  const { name, path, kind, type, position, length, region, value, children } = node
  const { block } = region
  return {
    name,
    path,
    kind,
    type,
    position,
    length,
    ...(block && { block: { codec: block.codec, position: block.position, length: block.length } }),
    ...(children.length === 0 && { bytes: bytesOf(node).toString('hex') }),
    ...(node.encoding !== '' && { encoding: node.encoding }),
    ...(value !== undefined && { value: plain(value) }),
    ...(node.note !== '' && { note: node.note }),
    ...(node.description !== '' && { description: node.description }),
    ...(node.omitted > 0 && { omitted: node.omitted }),
    ...(children.length > 0 && { children: children.map(nodeToJson) }),
  }
}

export function problemToJson(problem: Problem): object {
  const { kind, region, position, length, path, found, expected, cause } = problem
  const { block } = region
  return {
    kind,
    position,
    length,
    ...(block && { block: { codec: block.codec, position: block.position, length: block.length } }),
    path,
    found,
    expected,
    cause,
    sentence: sentence(problem),
  }
}

function plain(value: NonNullable<InspectedNode['value']> | null): string | number | boolean | null {
  if (typeof value === 'bigint') return `${value}`
  if (Buffer.isBuffer(value)) return value.toString('hex')
  return typeof value === 'number' && !Number.isFinite(value) ? `${value}` : value
}
