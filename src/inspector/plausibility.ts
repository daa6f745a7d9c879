import type { Catalog } from './catalog.ts'
import { type InspectedNode, walk } from './node.ts'

const ODD_POINTS = 3
const FIELDS_PER_POINT = 8
const LIKELY_PARTITIONS = 100_000
const LARGEST_PORT = 65_535
/** Control characters and what is no UTF-8. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that names do not have
const odd = /[\u0000-\u001f\u007f\ufffd]/

/** How much speaks against a reading, although its lengths fit: 0 when every value is one that a sender could mean. */
export function oddity(root: InspectedNode, catalog: Catalog): number {
  return weigh(root, catalog).points
}

/** Whether a reading may be what was meant: the more fields fit, the more of them may be odd. */
export function isPlausible(root: InspectedNode, catalog: Catalog): boolean {
  const { points, fields } = weigh(root, catalog)
  return points <= ODD_POINTS + fields / FIELDS_PER_POINT
}

function weigh(root: InspectedNode, catalog: Catalog): { points: number; fields: number } {
  let points = 0
  let fields = 0
  for (const node of walk(root)) {
    points += oddityOf(node, catalog)
    fields++
  }
  return { points, fields }
}

function oddityOf(node: InspectedNode, catalog: Catalog): number {
  const { name, type, value, field } = node
  if (node.kind === 'tag' && node.children[0]?.field === undefined) return 2
  if (type === 'string' && typeof value === 'string') return odd.test(value) ? 3 : 0
  if (type === 'bool') return node.region.bytes[node.position - node.region.origin]! > 1 ? 3 : 0
  if (typeof value === 'bigint') return value < -2n || value > 2n ** 56n ? 1 : 0
  if (typeof value !== 'number') return 0
  if (/^(error|.*Error)Code$/.test(name)) return catalog.error(value) === undefined ? 3 : 0
  if (name === 'apiKey') return catalog.api(value) === undefined ? 2 : 0
  if (field?.entityType === 'brokerId' || /^(leader|node|broker)Id$/.test(name)) return value < -1 ? 2 : 0
  if (/^(index|partition|partitionIndex)$/.test(name)) return value < 0 || value > LIKELY_PARTITIONS ? 2 : 0
  if (name === 'port') return value < 0 || value > LARGEST_PORT ? 2 : 0
  if (/Ms$/.test(name)) return value < -1 ? 1 : 0
  return 0
}
