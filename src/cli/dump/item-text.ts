import { isUtf8 } from 'node:buffer'
import type { DumpItem, DumpValue, Fields } from '../../dump/item.ts'
import { table } from '../table.ts'

/** Longest text of a key or value on a line; `--json` has all of it. */
const MOST_TEXT = 10_000

/** Prints items as lines: those of batches and records like kafka-dump-log's, with more behind them; partitions as a table. */
export class ItemText {
  /** Rows of the table that has not been printed yet. */
  #rows: unknown[][] = []
  /** Lines that come behind it. */
  readonly #waiting: string[] = []
  #isFirst = true
  readonly #skipRecordMetadata: boolean

  constructor(options: { skipRecordMetadata: boolean }) {
    this.#skipRecordMetadata = options.skipRecordMetadata
  }

  /** Text of an item, with its line ends; empty while a table grows. */
  format(item: DumpItem): string {
    const { type, fields } = item
    if (type === 'partition') {
      this.#rows.push(row(fields))
      return ''
    }
    // Problems of a partition come behind the table, not between its rows.
    if (type === 'problem' && this.#rows.length > 0) {
      this.#waiting.push(problemLine(fields))
      return ''
    }
    const before = this.end()
    return before + this.#line(type, fields)
  }

  /** What was held back. */
  end(): string {
    if (this.#rows.length === 0) return ''
    const text = `${this.#isFirst ? '' : '\n'}${table(COLUMNS, this.#rows)}${this.#waiting.join('')}`
    this.#rows = []
    this.#waiting.length = 0
    return text
  }

  #line(type: DumpItem['type'], fields: Fields): string {
    switch (type) {
      case 'file':
        return this.#heading(fields)
      case 'problem':
        return problemLine(fields)
      case 'note':
        return `note: ${textOf(fields.message!)}\n`
      case 'record':
        return this.#record(fields)
      case 'end':
        return `total: ${pairs(fields)}\n`
      default:
        return `${pairs(fields)}\n`
    }
  }

  #heading({ path, kind, bytes, ...rest }: Fields): string {
    const gap = this.#isFirst ? '' : '\n'
    this.#isFirst = false
    const more = Object.keys(rest).length > 0 ? `, ${pairs(rest)}` : ''
    return `${gap}${textOf(path!)}${kind === undefined ? '' : ` (${String(kind)}, ${String(bytes)} bytes${more})`}\n`
  }

  #record(fields: Fields): string {
    if (!this.#skipRecordMetadata) return `| ${pairs(fields)}\n`
    const { key, payload } = fields
    if (payload === undefined && key === undefined) return ''
    return `| ${pairs({ ...(key === null ? {} : { key: key! }), payload: payload ?? null })}\n`
  }
}

const COLUMNS = [
  'TOPIC',
  'PARTITION',
  'SEGMENTS',
  'START',
  'END',
  'BATCHES',
  'RECORDS',
  'BYTES',
  'PROBLEMS',
  'STATE',
]

function row(fields: Fields): unknown[] {
  const { topic, partition, segments, startOffset, endOffset, batches, records, bytes, problems, state } =
    fields
  const numbers = [
    partition,
    segments,
    startOffset ?? undefined,
    endOffset ?? undefined,
    batches,
    records,
    bytes,
    problems,
  ]
  return [textOf(topic!), ...numbers, state ?? '']
}

function problemLine({ path, message, position }: Fields): string {
  const where = [
    ...(path === undefined ? [] : [textOf(path)]),
    ...(position === undefined ? [] : [`byte ${String(position)}`]),
  ]
  return `PROBLEM ${where.length > 0 ? `${where.join(', ')}: ` : ''}${textOf(message!)}\n`
}

function pairs(fields: Fields): string {
  const { timestampType } = fields
  let text = ''
  for (const name in fields) {
    if (name === 'timestampType') continue
    text += `${text === '' ? '' : ' '}${timeName(name, timestampType) ?? visible(name)}: ${textOf(fields[name]!)}`
  }
  return text
}

/** kafka-dump-log says what kind of time it is in place of the field's name. */
function timeName(name: string, type: DumpValue | undefined): string | undefined {
  return typeof type === 'string' && (name === 'maxTimestamp' || name === 'timestamp') ? type : undefined
}

function textOf(value: DumpValue): string {
  if (value === null) return 'null'
  if (Buffer.isBuffer(value)) return bytesText(value)
  if (Array.isArray(value) && value.every((each) => typeof each === 'string'))
    return `[${visible(value.join(','))}]`
  return typeof value === 'object' ? visible(JSON.stringify(toJson(value))) : visible(String(value))
}

/** Text as it is but for control characters; other bytes in hex. */
function bytesText(bytes: Buffer): string {
  const shown = bytes.length > MOST_TEXT ? bytes.subarray(0, MOST_TEXT) : bytes
  const more = bytes.length > MOST_TEXT ? ` ... (${bytes.length} bytes)` : ''
  const text = shown.toString('utf8')
  if (!isUtf8(bytes)) return `0x${shown.toString('hex')}${more}`
  return visible(text) + more
}

/** What a file holds must not move the cursor of a terminal: control characters as JSON writes them. */
function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, escapeOf)
}

function escapeOf(character: string): string {
  const escaped = JSON.stringify(character).slice(1, -1)
  if (escaped !== character) return escaped
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** A value as JSON: bytes as text, or as {"$base64": ...} when they are none; int64 as numbers as far as they fit. */
export function toJson(value: DumpValue): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value === null || typeof value !== 'object') return value
  if (Buffer.isBuffer(value))
    return isUtf8(value) ? value.toString('utf8') : { $base64: value.toString('base64') }
  if (Array.isArray(value)) return (value as readonly DumpValue[]).map(toJson)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toJson(each as DumpValue)]))
}
