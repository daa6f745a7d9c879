import { isUtf8 } from 'node:buffer'
import type { FetchedRecord } from './client/topic-reader.ts'
import { CommandError } from './host.ts'

/** Marks bytes that are no text: `{"$base64": "AP8="}`. */
const BASE64 = '$base64'
const FIELDS: ReadonlySet<string> = new Set([
  'topic',
  'partition',
  'offset',
  'timestamp',
  'key',
  'value',
  'headers',
])

/** A record as a line of JSON has it. */
export interface LineRecord {
  readonly partition: number | undefined
  /** Milliseconds since the epoch. */
  readonly timestamp: bigint | undefined
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}

/**
 * One record as a line of JSON without its line end: `{"topic":"orders","partition":0,"offset":7,"timestamp":1700000000000,"key":"a",
 * "value":{"total":42},"headers":{}}`. `parseRecordLine` makes the same bytes of it again: text is a string, text that is a JSON object or
 * array is shown as such when nothing of it gets lost, other bytes are `{"$base64": "..."}`, and no bytes are null.
 */
export function formatRecordLine(topic: string, record: FetchedRecord): string {
  const { partition, offset, timestamp, key, value, headers } = record
  return (
    `{"topic":${JSON.stringify(topic)},"partition":${partition},"offset":${offset},"timestamp":${timestamp},` +
    `"key":${formatBytes(key)},"value":${formatBytes(value)},"headers":${formatHeaders(headers)}}`
  )
}

/**
 * Reads a line as `formatRecordLine` writes it; every field may be left out, topic and offset have no effect. Strings are taken as text,
 * other JSON values as their JSON. Throws `CommandError` that says what is wrong, not where.
 */
export function parseRecordLine(line: string): LineRecord {
  let fields: unknown
  try {
    fields = JSON.parse(line)
  } catch (error) {
    throw new CommandError(`no JSON: ${(error as Error).message}`)
  }
  if (!isObject(fields)) throw new CommandError('no JSON object, as {"key":"a","value":"b"} is')
  const unknown = Object.keys(fields).find((name) => !FIELDS.has(name))
  if (unknown !== undefined) {
    throw new CommandError(`unknown field ${JSON.stringify(unknown)}; there are ${[...FIELDS].join(', ')}`)
  }
  return {
    partition: parsePartition(fields.partition),
    timestamp: parseTimestamp(fields.timestamp),
    key: parseBytes(fields.key, 'key'),
    value: parseBytes(fields.value, 'value'),
    headers: parseHeaders(fields.headers),
  }
}

function formatBytes(bytes: Buffer | null): string {
  if (bytes === null) return 'null'
  if (!isUtf8(bytes)) return JSON.stringify({ [BASE64]: bytes.toString('base64') })
  const text = bytes.toString('utf8')
  return isPlainJson(text) ? text : JSON.stringify(text)
}

/** Whether text is a JSON object or array that comes out the same when it has been read and written again. */
function isPlainJson(text: string): boolean {
  if (!text.startsWith('{') && !text.startsWith('[')) return false
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify(value) === text && !(isObject(value) && BASE64 in value)
  } catch {
    return false
  }
}

/** An object by name; a list of pairs when a name comes twice, or an object would not keep their order. */
function formatHeaders(headers: FetchedRecord['headers']): string {
  const names = headers.map(({ key }) => key)
  const kept = Object.keys(Object.fromEntries(names.map((name) => [name, null])))
  if (kept.length === names.length && kept.every((name, index) => name === names[index])) {
    return `{${headers.map(({ key, value }) => `${JSON.stringify(key)}:${formatBytes(value)}`).join(',')}}`
  }
  return `[${headers.map(({ key, value }) => `[${JSON.stringify(key)},${formatBytes(value)}]`).join(',')}]`
}

function parseBytes(value: unknown, field: string): Buffer | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return Buffer.from(value)
  if (!isObject(value) || !(BASE64 in value)) return Buffer.from(JSON.stringify(value))
  const { [BASE64]: base64, ...others } = value
  const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : undefined
  if (bytes === undefined || bytes.toString('base64') !== base64 || Object.keys(others).length > 0) {
    throw new CommandError(`${field} has ${BASE64}, but is not of the form {"${BASE64}":"AP8="}`)
  }
  return bytes
}

function parseHeaders(value: unknown): LineRecord['headers'] {
  if (value === undefined || value === null) return []
  const pairs: unknown[] = Array.isArray(value) ? value : isObject(value) ? Object.entries(value) : [value]
  return pairs.map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') {
      throw new CommandError(
        'headers is an object, or a list of pairs: {"name":"value"} or [["name","value"]]',
      )
    }
    return { key: pair[0], value: parseBytes(pair[1], `header ${JSON.stringify(pair[0])}`) }
  })
}

function parsePartition(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value
  throw new CommandError(`partition is a whole number from 0, not ${JSON.stringify(value)}`)
}

function parseTimestamp(value: unknown): bigint | undefined {
  if (value === undefined || value === null) return undefined
  const ms = typeof value === 'string' ? Date.parse(value) : value
  if (typeof ms === 'number' && Number.isSafeInteger(ms) && ms >= -1) return BigInt(ms)
  throw new CommandError(`timestamp is milliseconds since 1970, or an ISO date, not ${JSON.stringify(value)}`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
