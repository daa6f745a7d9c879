import { COMPRESSION_NAMES, type CompressionName, compress } from './compression/compression.ts'
import type { RecordHeader } from './record.ts'
import {
  CONTROL_BIT,
  LOG_APPEND_TIME_BIT,
  RECORD_BATCH_OVERHEAD,
  TRANSACTIONAL_BIT,
  writeBatchHeader,
} from './record-batch.ts'
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
  readonly records: readonly BatchRecord[]
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
  const { records, compression = 'none', logAppendTimeMs } = batch
  const baseTimestamp = records[0]?.timestamp ?? -1n
  const bytes = withRoomForHeader(compression, encodeRecords(records, baseTimestamp), batch.compressionLevel)
  writeBatchHeader(bytes, {
    baseOffset: batch.baseOffset,
    leaderEpoch: batch.leaderEpoch,
    attributes:
      COMPRESSION_NAMES.indexOf(compression) |
      (logAppendTimeMs === undefined ? 0 : LOG_APPEND_TIME_BIT) |
      (batch.isTransactional ? TRANSACTIONAL_BIT : 0) |
      (batch.isControl ? CONTROL_BIT : 0),
    lastOffsetDelta: records.length - 1,
    baseTimestamp,
    maxTimestamp: logAppendTimeMs ?? largestTimestamp(records),
    producerId: batch.producerId ?? -1n,
    producerEpoch: batch.producerEpoch ?? -1,
    baseSequence: batch.baseSequence ?? -1,
    recordCount: records.length,
  })
  return bytes
}

/**
 * Records as they lie behind the header of a batch, which takes the first `RECORD_BATCH_OVERHEAD` bytes of the result. They are numbered
 * from 0 on, unless `offsetDelta` says otherwise.
 */
export function encodeRecords(
  records: readonly (BatchRecord & { readonly offsetDelta?: number })[],
  baseTimestamp: bigint,
): Buffer {
  let total = RECORD_BATCH_OVERHEAD
  const sizes = records.map((record, index) => {
    const size = sizeOfBody(record, record.timestamp - baseTimestamp, record.offsetDelta ?? index)
    total += sizeOfVarint(size) + size
    return size
  })
  const bytes = Buffer.allocUnsafe(total)
  let at = RECORD_BATCH_OVERHEAD
  records.forEach((record, index) => {
    at = writeVarint(bytes, at, sizes[index]!)
    // The attributes of a record are not used.
    bytes[at++] = 0
    at = writeVarlong(bytes, at, record.timestamp - baseTimestamp)
    at = writeVarint(bytes, at, record.offsetDelta ?? index)
    at = writeNullableBytes(bytes, at, record.key)
    at = writeNullableBytes(bytes, at, record.value)
    at = writeVarint(bytes, at, record.headers.length)
    for (const { key, value } of record.headers) {
      at = writeVarint(bytes, at, Buffer.byteLength(key))
      at += bytes.write(key, at)
      at = writeNullableBytes(bytes, at, value)
    }
  })
  return bytes
}

function withRoomForHeader(compression: CompressionName, bytes: Buffer, level: number | undefined): Buffer {
  if (compression === 'none') return bytes
  const compressed = compress(compression, bytes.subarray(RECORD_BATCH_OVERHEAD), level)
  const whole = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD + compressed.length)
  compressed.copy(whole, RECORD_BATCH_OVERHEAD)
  return whole
}

function largestTimestamp(records: readonly BatchRecord[]): bigint {
  let largest = -1n
  for (const { timestamp } of records) if (timestamp > largest) largest = timestamp
  return largest
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
