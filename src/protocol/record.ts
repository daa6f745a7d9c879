import { gunzipSync } from 'node:zlib'
import { Reader } from './reader.ts'
import { attributesOf, baseOffset, baseTimestamp, RECORD_BATCH_OVERHEAD, recordCount, maxTimestamp } from './record-batch.ts'

export interface RecordHeader { readonly key: string; readonly value: Buffer | null }
export interface LogRecord {
  readonly offset: bigint
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}
function varint(b: Buffer, p: { at: number }): bigint {
  let r = 0n, s = 0n
  for (;;) { const x = b[p.at++]!; r |= BigInt(x & 127) << s; if (x < 128) break; s += 7n }
  return (r >> 1n) ^ -(r & 1n)
}
export function* readRecords(batch: Buffer): Iterable<LogRecord> {
  let body = batch.subarray(RECORD_BATCH_OVERHEAD)
  if ((attributesOf(batch, 0) & 7) === 1) body = gunzipSync(body)
  void Reader
  const p = { at: 0 }
  const bytesOf = () => { const n = Number(varint(body, p)); if (n < 0) return null; const v = body.subarray(p.at, p.at + n); p.at += n; return v }
  const isLogAppend = (attributesOf(batch, 0) & 8) !== 0
  for (let i = 0; i < recordCount(batch, 0); i++) {
    varint(body, p); p.at++
    const ts = baseTimestamp(batch, 0) + varint(body, p)
    const offset = baseOffset(batch, 0) + varint(body, p)
    const key = bytesOf(), value = bytesOf()
    const headers: RecordHeader[] = []
    for (let n = Number(varint(body, p)); n > 0; n--) headers.push({ key: bytesOf()!.toString(), value: bytesOf() })
    yield { offset, timestamp: isLogAppend ? maxTimestamp(batch, 0) : ts, key, value, headers }
  }
}
