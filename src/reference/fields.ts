import { isFlexible } from '../inspector/catalog.ts'
import { typeText } from '../inspector/encodings.ts'
import { type FieldSpec, formatVersions, includes, type MessageSpec, type StructSpec } from '../specs/spec.ts'
import { type Block, table } from './block.ts'

/** The fields of one version of a message, indented as they nest, then those that this version lacks. */
export function fieldBlocks(message: MessageSpec, version: number): Block[] {
  const rows: string[][] = []
  const flexible = isFlexible(message, version)
  collect(message.root, message, version, flexible, 0, rows, new Set())
  const isEmpty = rows.length === 0
  if (flexible)
    rows.push([TAGGED, 'tags', 'Tagged fields at the end of every struct, mostly none: 00 (KIP-482).'])
  return [
    ...(isEmpty ? [{ kind: 'paragraph', text: `Version ${version} has no fields.` } as const] : []),
    ...table(['FIELD', 'TYPE', 'DESCRIPTION'], rows),
    ...others(message, version),
  ]
}

const TAGGED = '(tagged fields)'

function collect(
  struct: StructSpec,
  message: MessageSpec,
  version: number,
  flexible: boolean,
  depth: number,
  rows: string[][],
  told: Set<StructSpec>,
): void {
  for (const field of struct.fields) {
    if (!includes(field.versions, version)) continue
    const indent = '  '.repeat(depth)
    const traits = traitsOf(field, version)
    const text = traits === '' ? field.description : `${field.description} (${traits})`
    rows.push([`${indent}${field.name}`, typeOf(field, flexible), text])
    if (field.struct === undefined) continue
    if (told.has(field.struct)) continue
    told.add(field.struct)
    collect(field.struct, message, version, flexible, depth + 1, rows, told)
  }
}

/** `compact` where the length is an unsigned varint of it + 1. */
function typeOf(field: FieldSpec, flexible: boolean): string {
  const hasLength = field.isArray || ['string', 'bytes', 'records'].includes(field.type)
  return `${flexible && hasLength && !field.classicLength ? 'compact ' : ''}${typeText(field)}`
}

function traitsOf(field: FieldSpec, version: number): string {
  const { defaultValue, tag, isMapKey, varintLength } = field
  return [
    ...(tag === undefined ? [] : [`tag ${tag}`]),
    ...(includes(field.nullable, version) ? ['nullable'] : []),
    ...(defaultValue === undefined ? [] : [`default ${defaultValue}`]),
    ...(isMapKey ? ['key'] : []),
    ...(varintLength ? ['varint length'] : []),
  ].join(', ')
}

/** What other versions have and this one does not. */
function others(message: MessageSpec, version: number): Block[] {
  const missing: string[] = []
  const visit = (struct: StructSpec, path: string, seen: readonly StructSpec[]) => {
    for (const field of struct.fields) {
      const at = `${path}${field.name}`
      if (!includes(field.versions, version)) missing.push(`${at} (${formatVersions(field.versions)})`)
      else if (field.struct !== undefined && !seen.includes(field.struct))
        visit(field.struct, `${at}.`, [...seen, field.struct])
    }
  }
  visit(message.root, '', [message.root])
  if (missing.length === 0) return []
  return [{ kind: 'paragraph', text: `Only in other versions: ${missing.join(', ')}.` }]
}
