import type { Catalog } from './catalog.ts'
import { type InspectedNode, type Problem, type Region, walk } from './node.ts'
import { draft } from './node-builder.ts'
import { inspectRecords, type RecordsOptions } from './record-batches.ts'

/** Problems that a varint without zigzag can cause. */
const causedByVarints = new Set(['length', 'end', 'varint', 'record count', 'left over', 'null'])
const ZIGZAG =
  'the varint is written without zigzag; those of records are signed, and 0, -1, 1, -2 are written as 0, 1, 2, 3'

/** Reads record batches once more as a sender without zigzag writes them; a problem that vanishes by that is explained by it. */
export function diagnoseRecords(
  region: Region,
  position: number,
  end: number,
  problem: Problem | undefined,
  catalog: Catalog,
  options: RecordsOptions & { readonly path?: string } = {},
): Problem | undefined {
  if (problem === undefined || !causedByVarints.has(problem.kind)) return problem
  const scratch = draft(region, position, 'array', '', options.path ?? '', '')
  const context = {
    catalog,
    dialect: { plainVarints: true as const },
    budget: { maxElements: 0, nodesLeft: 0 },
  }
  const reading = inspectRecords(region, position, end, scratch, context, options)
  if (reading.problem !== undefined || reading.deviation === undefined) return problem
  return { kind: 'zigzag', ...reading.deviation, cause: ZIGZAG }
}

/** The same for the records fields of a message. */
export function diagnoseRecordFields(
  root: InspectedNode,
  problem: Problem | undefined,
  catalog: Catalog,
): Problem | undefined {
  if (problem === undefined) return undefined
  const node = [...walk(root)].find(
    (each) => each.type === 'records' && problem.path.startsWith(`${each.path}[`),
  )
  if (node === undefined || !Buffer.isBuffer(node.value)) return problem
  const end = node.position + node.length
  const start = end - node.value.length
  return diagnoseRecords(node.region, start, end, problem, catalog, {
    mayBeCut: true,
    path: node.path,
  })
}
