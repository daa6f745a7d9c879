import { COMPRESSION_NAMES, type CompressionName, compressInSteps } from './compression/compression.ts'
import type { Allocate } from './compression/memory.ts'
import type { RecordHeader } from './record.ts'
import {
  CONTROL_BIT,
  LOG_APPEND_TIME_BIT,
  RECORD_BATCH_OVERHEAD,
  TRANSACTIONAL_BIT,
  writeBatchHeader,
} from './record-batch.ts'
import { runAll, type Steps } from './steps.ts'
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'

/** A record that has no offset yet. */
export interface BatchRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** Milliseconds since the epoch; -1 for none. */
  readonly timestamp: bigint
}

export interface BatchToBuild {
  /** Offset of the first record; the others follow one by one. */
  readonly baseOffset: bigint
  readonly leaderEpoch: number
  /** Gone over twice. */
  readonly records: Iterable<BatchRecord>
  /** Of an idempotent producer; -1 and no more when left out. */
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  readonly compression?: CompressionName
  readonly compressionLevel?: number | undefined
  /** Set when the broker's time counts instead of the records' own. */
  readonly logAppendTimeMs?: bigint | undefined
}

/** One record batch of format 2. */
export function buildBatch(batch: BatchToBuild): Buffer {
  const { compression = 'none', logAppendTimeMs } = batch
  const encoded = encodeRecords(batch.records)
  const bytes = compressRecords(compression, encoded.bytes, batch.compressionLevel)
  writeBatchHeader(bytes, {
    baseOffset: batch.baseOffset,
    leaderEpoch: batch.leaderEpoch,
    attributes:
      COMPRESSION_NAMES.indexOf(compression) |
      (logAppendTimeMs === undefined ? 0 : LOG_APPEND_TIME_BIT) |
      (batch.isTransactional ? TRANSACTIONAL_BIT : 0) |
      (batch.isControl ? CONTROL_BIT : 0),
    lastOffsetDelta: encoded.count - 1,
    baseTimestamp: encoded.baseTimestamp,
    maxTimestamp: logAppendTimeMs ?? encoded.maxTimestamp,
    producerId: batch.producerId ?? -1n,
    producerEpoch: batch.producerEpoch ?? -1,
    baseSequence: batch.baseSequence ?? -1,
    recordCount: encoded.count,
  })
  return bytes
}

/** Records as they lie in a batch, and what its header says of them. */
export interface EncodedRecords {
  /** The first `RECORD_BATCH_OVERHEAD` bytes are left free for the header. */
  readonly bytes: Buffer
  readonly count: number
  readonly baseTimestamp: bigint
  /** The largest timestamp, at least -1. */
  readonly maxTimestamp: bigint
}

/**
 * Encodes the records of a batch, going over them twice. They are numbered from 0 on, unless `offsetDelta` says otherwise, and their times
 * count from `baseTimestamp`: the first one's, when it is left out.
 */
export function encodeRecords(
  records: Iterable<BatchRecord & { readonly offsetDelta?: number }>,
  baseTimestamp?: bigint,
): EncodedRecords {
  const sizes: number[] = []
  let total = RECORD_BATCH_OVERHEAD
  let base = baseTimestamp
  let maxTimestamp = -1n
  for (const record of records) {
    const { timestamp } = record
    base ??= timestamp
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    const size = sizeOfBody(record, timestamp - base, record.offsetDelta ?? sizes.length)
    total += sizeOfVarint(size) + size
    sizes.push(size)
  }
  base ??= -1n
  const bytes = Buffer.allocUnsafe(total)
  let at = RECORD_BATCH_OVERHEAD
  let index = 0
  for (const record of records) {
    at = writeVarint(bytes, at, sizes[index]!)
    // The attributes of a record are not used.
    bytes[at++] = 0
    at = writeVarlong(bytes, at, record.timestamp - base)
    at = writeVarint(bytes, at, record.offsetDelta ?? index)
    at = writeNullableBytes(bytes, at, record.key)
    at = writeNullableBytes(bytes, at, record.value)
    at = writeVarint(bytes, at, record.headers.length)
    for (const { key, value } of record.headers) {
      at = writeVarint(bytes, at, Buffer.byteLength(key))
      at += bytes.write(key, at)
      at = writeNullableBytes(bytes, at, value)
    }
    index++
  }
  return { bytes, count: sizes.length, baseTimestamp: base, maxTimestamp }
}

/** Encoded records, compressed, with as much room in front of them as they had: `RECORD_BATCH_OVERHEAD` bytes. */
export function compressRecords(compression: CompressionName, bytes: Buffer, level?: number): Buffer {
  return runAll(compressRecordsInSteps(compression, bytes, level))
}

/** The same in steps. `allocate` gives memory to work in; the result does not lie there. */
export function* compressRecordsInSteps(
  compression: CompressionName,
  bytes: Buffer,
  level?: number,
  allocate?: Allocate,
): Steps<Buffer> {
  if (compression === 'none') return bytes
  const records = bytes.subarray(RECORD_BATCH_OVERHEAD)
  const compressed = yield* compressInSteps(compression, records, level, allocate)
  const whole = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD + compressed.length)
  compressed.copy(whole, RECORD_BATCH_OVERHEAD)
  return whole
}

function sizeOfBody(record: BatchRecord, timestampDelta: bigint, offsetDelta: number): number {
  const { key, value, headers } = record
  let size = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta)
  size += sizeOfNullableBytes(key) + sizeOfNullableBytes(value) + sizeOfVarint(headers.length)
  for (const header of headers) {
    const length = Buffer.byteLength(header.key)
    size += sizeOfVarint(length) + length + sizeOfNullableBytes(header.value)
  }
  return size
}

function sizeOfNullableBytes(bytes: Buffer | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length
}

function writeNullableBytes(into: Buffer, at: number, bytes: Buffer | null): number {
  if (bytes === null) return writeVarint(into, at, -1)
  const start = writeVarint(into, at, bytes.length)
  into.set(bytes, start)
  return start + bytes.length
}
