import type { BatchRecord } from '../../src/protocol/batch-builder.ts'
import type { LogRecord } from '../../src/protocol/record.ts'

/** A record as its producer knows it. */
export interface SentRecord {
  /** Unlike that of any other record; see `textOf`. */
  readonly text: string
  /** Null in topics that are not compacted. */
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
  /** When it was made, by the clock that does not go back. */
  readonly sentMs: number
}

/** What chance decided of the records of a request. */
export interface RecordsToMake {
  readonly id: number
  readonly valueBytes: number
  /** So many keys there are; 0: records have none. */
  readonly keys: number
  /** Records are so much older than now, each by a little more or less. */
  readonly ageMs: number
}

const ID_HEADER = 'id'
/** Every so manieth record of a compacted topic deletes its key. */
const TOMBSTONE_EVERY = 5

/** The records of one batch of a request. The filling comes behind the tilde. */
export function makeRecords(
  { id, valueBytes, keys, ageMs }: RecordsToMake,
  batch: number,
  count: number,
  now: { readonly wallMs: number; readonly elapsedMs: number },
): SentRecord[] {
  return Array.from({ length: count }, (_, record) => {
    const name = `${id}/${batch}/${record}`
    const age = ageMs === 0 ? 0 : (ageMs * ((record * 7 + batch * 3 + id) % 11)) / 10
    const timestamp = now.wallMs - Math.floor(age)
    const text = `${name}~${'x'.repeat(valueBytes)}`
    if (keys === 0) return { text, key: null, value: text, timestamp, sentMs: now.elapsedMs }
    const key = `k${(id * 7 + batch * 3 + record) % keys}`
    const value = (id + record) % TOMBSTONE_EVERY === 0 ? null : text
    return { text: keyedText(key, value, name), key, value, timestamp, sentMs: now.elapsedMs }
  })
}

export function toBatchRecord({ text, key, value, timestamp }: SentRecord): BatchRecord {
  return {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    // A tombstone has nothing else to be told from others by.
    headers:
      value === null ? [{ key: ID_HEADER, value: Buffer.from(text.slice(text.lastIndexOf(' ') + 1)) }] : [],
    timestamp: BigInt(timestamp),
  }
}

/** What tells a record that was read from all others: its value, and in compacted topics its key. */
export function textOf({ key, value, headers }: LogRecord): string {
  const text = value?.toString() ?? null
  if (key === null) return text ?? 'null'
  return keyedText(
    key.toString(),
    text,
    headers.find((header) => header.key === ID_HEADER)?.value?.toString() ?? '',
  )
}

function keyedText(key: string, value: string | null, name: string): string {
  return value === null ? `${key} deleted by ${name}` : `${key}=${value}`
}

/** Values are long; their beginning tells them apart. */
export function short(text: string): string {
  return JSON.stringify(text.replace(/~.*$/, ''))
}
