import type { DumpValue } from './item.ts'

/** A decoded message as plain values: without fields that its version lacks, and without tagged fields when there are no unknown ones. */
export function plain(value: unknown): DumpValue {
  if (Buffer.isBuffer(value) || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object') return value as DumpValue
  const fields: Record<string, DumpValue> = {}
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue
    if (name === 'unknownTaggedFields' && (field as unknown[]).length === 0) continue
    fields[name] = plain(field)
  }
  return fields
}
