import type { FieldSpec } from '../specs/spec.ts'
import type { Budget } from './context.ts'
import { type InspectedNode, type InspectedValue, type NodeKind, type Region, slice } from './node.ts'

/** A node while it is being read. */
export type NodeDraft = {
  -readonly [Name in keyof InspectedNode]: Name extends 'children' ? NodeDraft[] : InspectedNode[Name]
}

/** Makes nodes, and keeps no more of them than the limits allow. */
export class NodeBuilder {
  readonly #region: Region
  readonly #budget: Budget
  readonly #discarded: NodeDraft

  constructor(region: Region, budget: Budget) {
    this.#region = region
    this.#budget = budget
    this.#discarded = draft(region, 0, 'array', '', '', '')
  }

  /** Whether another element of an array is kept. */
  keeps(index: number): boolean {
    return index < this.#budget.maxElements && this.#budget.nodesLeft > 0
  }

  /** A parent for what is read and not kept. */
  discard(): NodeDraft {
    this.#discarded.children.length = 0
    return this.#discarded
  }

  open(
    position: number,
    kind: NodeKind,
    name: string,
    path: string,
    type: string,
    parent: NodeDraft | undefined,
  ): NodeDraft {
    const node = draft(this.#region, position, kind, name, path, type)
    if (parent !== undefined) parent.children.push(node)
    if (parent !== this.#discarded) this.#budget.nodesLeft--
    return node
  }
}

/** A node that was not read from a field. */
export function leaf(
  region: Region,
  position: number,
  length: number,
  name: string,
  value: InspectedValue,
  more: Partial<Pick<NodeDraft, 'type' | 'path' | 'encoding' | 'note' | 'description' | 'field'>> = {},
): NodeDraft {
  const { type = 'bytes', path = name, ...rest } = more
  const node = draft(region, position, 'value', name, path, type)
  return Object.assign(node, { length, headLength: length, value }, rest)
}

/** Room that a file has and that nothing was written to. */
export function zeros(region: Region, position: number, length: number): NodeDraft {
  const value = slice(region, position, length)
  return leaf(region, position, length, 'reserved', value, { note: 'zeros: room that is not used yet' })
}

export function draft(
  region: Region,
  position: number,
  kind: NodeKind,
  name: string,
  path: string,
  type: string,
): NodeDraft {
  return {
    kind,
    name,
    path,
    type,
    region,
    position,
    length: 0,
    headLength: 0,
    encoding: '',
    value: undefined as InspectedValue | undefined,
    note: '',
    field: undefined as FieldSpec | undefined,
    description: '',
    children: [],
    omitted: 0,
  }
}
