import type { InspectedNode } from './node.ts'

/** A value as JSON: int64 as decimal text, bytes as hex, unknown tagged fields under `_tagged` by their tag. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue }

/** The value of a node with all that is inside, as Kafka's own tools write it. */
export function toJsonValue(node: InspectedNode): JsonValue {
  const { kind, value } = node
  if (value === null) return null
  if (kind === 'array') return node.children.map(toJsonValue)
  if (kind === 'struct') return structToJson(node)
  if (typeof value === 'bigint') return `${value}`
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (typeof value === 'number' && !Number.isFinite(value)) return `${value}`
  return value ?? null
}

function structToJson(node: InspectedNode): JsonValue {
  const json: { [name: string]: JsonValue } = {}
  for (const child of node.children) {
    if (child.kind !== 'tags') {
      json[child.name] = toJsonValue(child)
      continue
    }
    const unknown: { [tag: string]: JsonValue } = {}
    for (const tag of child.children) {
      const field = tag.children[0]
      if (field === undefined) continue
      if (field.field === undefined) unknown[tag.name.replace('tag ', '')] = toJsonValue(field)
      else json[field.name] = toJsonValue(field)
    }
    if (Object.keys(unknown).length > 0) json._tagged = unknown
  }
  return json
}
