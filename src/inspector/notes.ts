import { COMPRESSION_NAMES } from '../protocol/compression/compression.ts'
import type { Catalog } from './catalog.ts'
import type { NodeDraft } from './node-builder.ts'

/** Times before 1973 are taken for durations or counts. */
const FIRST_TIME = 100_000_000_000n
const LAST_TIME = 253_402_300_799_999n

/** Says beside numbers what they stand for, here and in all that is inside. */
export function annotate(node: NodeDraft, catalog: Catalog): void {
  if (node.note === '') node.note = noteOf(node, catalog)
  for (const child of node.children) annotate(child, catalog)
}

function noteOf({ name, value }: NodeDraft, catalog: Catalog): string {
  if (typeof value === 'bigint') return isTime(name) ? timeText(value) : ''
  if (typeof value !== 'number') return ''
  if (/^(error|.*Error)Code$/.test(name)) return catalog.error(value)?.name ?? 'no error code of Kafka'
  if (name === 'requestApiKey' || name === 'apiKey') return catalog.api(value)?.name ?? 'no API of Kafka'
  return ''
}

function isTime(name: string): boolean {
  return /timestamp|TimeMs$|horizon|Time$/i.test(name)
}

/** A time in milliseconds as text; empty when it can be none. */
export function timeText(value: bigint): string {
  return value >= FIRST_TIME && value <= LAST_TIME ? new Date(Number(value)).toISOString() : ''
}

/** Names the bits of a batch's attributes, and says what the other fields of its head stand for. */
export function batchAttributes(node: NodeDraft, magic: number): void {
  const { name, value } = node
  if (name === 'attributes') node.note = attributesText(Number(value), magic)
  else if (typeof value === 'bigint' && isTime(name)) node.note = timeText(value)
}

/** Says of the deltas of a record which offset and which time they come to. */
export function noteDeltas(record: NodeDraft, batch: NodeDraft): void {
  const numberOf = (node: NodeDraft, name: string) =>
    node.children.find((child) => child.name === name)?.value as number | bigint
  for (const child of record.children) {
    if (child.name === 'offsetDelta')
      child.note = `offset ${BigInt(numberOf(batch, 'baseOffset')) + BigInt(child.value as number)}`
    else if (child.name === 'timestampDelta')
      child.note = timeText(BigInt(numberOf(batch, 'baseTimestamp')) + BigInt(child.value as bigint))
  }
}

function attributesText(attributes: number, magic: number): string {
  const bits = magic === 2 ? ['transactional', 'control', 'delete horizon'] : []
  const words = [
    COMPRESSION_NAMES[attributes & 7] === 'none'
      ? 'not compressed'
      : (COMPRESSION_NAMES[attributes & 7] ?? 'no codec of Kafka'),
    ...(magic === 0 ? [] : [(attributes & 8) === 0 ? 'CreateTime' : 'LogAppendTime']),
    ...bits.filter((_, bit) => (attributes & (16 << bit)) !== 0),
  ]
  return words.join(', ')
}
