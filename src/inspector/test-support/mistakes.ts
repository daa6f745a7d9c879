import { type InspectedNode, walk } from '../node.ts'
import { ownBytes } from '../render-text.ts'

/** A frame as a sender writes it who makes one mistake, and where the first wrong byte is. */
export interface Mistake {
  readonly bytes: Buffer
  readonly position: number
}

/** What stands in place of a node's own bytes; undefined leaves them. */
type Change = (node: InspectedNode, own: Buffer) => Buffer | undefined

/** Writes the frame of a tree again with changed bytes; undefined when nothing changed. */
function rewrite(root: InspectedNode, change: Change): Mistake | undefined {
  const parts: Buffer[] = []
  let length = 0
  let position: number | undefined
  const visit = (node: InspectedNode) => {
    const own = ownBytes(node)
    const changed = change(node, own)
    if (changed !== undefined && !changed.equals(own)) position ??= length
    const bytes = changed ?? own
    if (node.kind !== 'struct' || node.headLength > 0) {
      parts.push(bytes)
      length += bytes.length
    }
    for (const child of node.children) visit(child)
  }
  visit(root)
  if (position === undefined) return undefined
  const bytes = Buffer.concat(parts)
  bytes.writeInt32BE(bytes.length - 4)
  return { bytes, position }
}

/** Compact lengths without the + 1. */
export function plainCompactLengths(
  root: InspectedNode,
  isWrong: (node: InspectedNode) => boolean = () => true,
) {
  return rewrite(root, (node, own) => {
    if (!node.encoding.startsWith('compact') || node.value === null || !isWrong(node)) return undefined
    const { value, bytes } = readVarint(own)
    return Buffer.concat([varint(value - 1), own.subarray(bytes)])
  })
}

/** Tagged fields left out; a message that has some to write is none that this can happen to. */
export function missingTags(root: InspectedNode, where: 'everywhere' | 'nested' | 'root') {
  if ([...walk(root)].some(({ kind }) => kind === 'tag')) return undefined
  return rewrite(root, (node, own) => {
    if (node.kind !== 'tags' || own[0] !== 0 || node.path.startsWith('header')) return undefined
    const isRoot = node.path === 'tagged fields'
    return where === 'everywhere' || (where === 'root') === isRoot ? Buffer.alloc(0) : undefined
  })
}

/** Header version 1 instead of 2. */
export function headerWithoutTags(root: InspectedNode) {
  return rewrite(root, (node) => (node.path === 'header.tagged fields' ? Buffer.alloc(0) : undefined))
}

/** Header version 2 instead of 1, or response header version 1 instead of 0. */
export function headerWithTags(root: InspectedNode): Mistake | undefined {
  const header = root.children[1]!
  if (header.children.some(({ kind }) => kind === 'tags')) return undefined
  const position = header.position + header.length
  const all = root.region.bytes
  const bytes = Buffer.concat([all.subarray(0, position), Buffer.of(0), all.subarray(position)])
  bytes.writeInt32BE(bytes.length - 4)
  return { bytes, position }
}

export function compactClientId(root: InspectedNode) {
  return rewrite(root, (node, own) => {
    if (node.path !== 'header.clientId' || node.value === null) return undefined
    return Buffer.concat([varint(own.length - 1), own.subarray(2)])
  })
}

/** Numbers with the lowest byte first, but for the size. */
export function littleEndian(root: InspectedNode) {
  return rewrite(root, (node, own) => {
    if (/^u?int(16|32|64)$/.test(node.type) && node.name !== 'size') return Buffer.from(own).reverse()
    const bytes = / as int16/.test(node.encoding) ? 2 : / as int32/.test(node.encoding) ? 4 : 0
    return bytes === 0
      ? undefined
      : Buffer.concat([Buffer.from(own.subarray(0, bytes)).reverse(), own.subarray(bytes)])
  })
}

/** Null for the first thing that is empty and may not be null. */
export function nullForEmpty(root: InspectedNode) {
  let isDone = false
  return rewrite(root, (node, own) => {
    const mayBe =
      /(string|bytes|array|records), (length|count)/.test(node.encoding) && !/null/.test(node.encoding)
    const isCompact = node.encoding.startsWith('compact')
    const isEmpty = isCompact ? own[0] === 1 : own.every((byte) => byte === 0)
    if (isDone || !mayBe || !isEmpty) return undefined
    isDone = true
    return isCompact ? Buffer.of(0) : Buffer.alloc(own.length, 0xff)
  })
}

function readVarint(bytes: Buffer): { value: number; bytes: number } {
  let value = 0
  for (let at = 0; ; at++) {
    value += (bytes[at]! & 0x7f) * 2 ** (7 * at)
    if (bytes[at]! < 0x80) return { value, bytes: at + 1 }
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}

/** The size of the whole frame in place of that of what follows it. */
export function sizeOfAll(root: InspectedNode): Mistake {
  const bytes = Buffer.from(root.region.bytes)
  bytes.writeInt32BE(bytes.length)
  return { bytes, position: 0 }
}
