import { describe, expect, test } from 'vitest'
import { type BatchRecord, buildBatch } from './batch-builder.ts'
import { readRecords, recordBytes } from './record.ts'
import { RECORD_BATCH_OVERHEAD, writeBatchHeader } from './record-batch.ts'
import { MAX_GROWTH, RecordCursor } from './record-cursor.ts'
import { InvalidRecordError } from './varint.ts'

const record = (key: string | null, value: string | null, timestamp = 5n): BatchRecord => ({
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: [{ key: 'h', value: Buffer.from('x') }],
  timestamp,
})
const records = [
  record('a', 'b', 1000n),
  record(null, 'c', 7n),
  record('', null, -1n),
  record('k'.repeat(300), 'v'.repeat(9000), 2n ** 62n),
]
const batch = buildBatch({ baseOffset: 40n, leaderEpoch: 0, records })

/** The same header in front of other records. */
function withRecords(count: number, records: Iterable<number> = []): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(RECORD_BATCH_OVERHEAD), Uint8Array.from(records)])
  writeBatchHeader(bytes, {
    baseOffset: 0n,
    leaderEpoch: 0,
    attributes: 0,
    lastOffsetDelta: 0,
    baseTimestamp: 0n,
    maxTimestamp: 0n,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    recordCount: count,
  })
  return bytes
}

function goOver(bytes: Buffer): number {
  const cursor = new RecordCursor(bytes, recordBytes(bytes))
  let count = 0
  while (cursor.next()) count++
  return count
}

describe('a record cursor', () => {
  test('sees what reading gives as objects', () => {
    const cursor = new RecordCursor(batch, recordBytes(batch))
    for (const { offset, key, value, timestamp } of readRecords(batch)) {
      expect(cursor.next()).toBe(true)
      expect(40n + BigInt(cursor.offsetDelta)).toBe(offset)
      expect(1000n + cursor.timestampDelta).toBe(timestamp)
      expect(cursor.isTombstone).toBe(value === null)
      const { bytes, keyAt, keyLength } = cursor
      expect(keyLength < 0 ? null : bytes.subarray(keyAt, keyAt + keyLength)).toEqual(key)
    }
    expect(cursor.next()).toBe(false)
    expect(cursor.next()).toBe(false)
  })

  test.each([0n, 999n, -1n, -(2n ** 63n)])('copies records, their times %i later', (shift) => {
    const bytes = recordBytes(batch)
    const cursor = new RecordCursor(batch, bytes)
    const copy = Buffer.alloc(bytes.length + records.length * MAX_GROWTH)
    let at = 0
    const times: bigint[] = []
    while (cursor.next()) {
      times.push(BigInt.asIntN(64, cursor.timestampDelta + shift))
      at = cursor.copy(copy, at, times.at(-1)!)
    }
    if (shift === 0n) expect(copy.subarray(0, at).equals(bytes)).toBe(true)
    const copied = withRecords(records.length, copy.subarray(0, at))
    const plain = (each: ReturnType<typeof readRecords>) =>
      Array.from(each, ({ key, value, headers }) => ({ key, value, headers }))
    expect(plain(readRecords(copied))).toEqual(plain(readRecords(batch)))
    expect(Array.from(readRecords(copied), ({ timestamp }) => timestamp)).toEqual(times)
  })

  test.each([
    ['that ends early', withRecords(2, [12, 0, 0, 0, 1, 1, 0])],
    ['that is cut off', withRecords(1, [14, 0, 0, 0, 1, 1, 0])],
    ['of no size', withRecords(1, [1, 0, 0, 0, 1, 1, 0])],
    ['whose value reaches into the next one', withRecords(1, [12, 0, 0, 0, 1, 2, 0])],
    ['with bytes behind it', withRecords(1, [12, 0, 0, 0, 1, 1, 0, 0])],
    ['whose time does not end', withRecords(1, [28, 0, ...Array(11).fill(0x80), 0, 1, 1, 0])],
  ])('refuses a record %s', (_, bytes) => {
    expect(() => goOver(bytes)).toThrow(InvalidRecordError)
    expect(() => [...readRecords(bytes)]).toThrow(InvalidRecordError)
  })

  test('takes a batch of which nothing is left', () => {
    expect(goOver(withRecords(0))).toBe(0)
    expect(goOver(withRecords(1, [12, 0, 0, 0, 1, 1, 0]))).toBe(1)
  })
})
