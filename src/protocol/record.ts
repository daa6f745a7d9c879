import { compressionName, decompressInSteps } from './compression/compression.ts'
import type { Allocate } from './compression/memory.ts'
import { readLegacyRecords } from './legacy-records.ts'
import {
  baseOffset,
  baseTimestamp,
  batchSizeInBytes,
  compressionOf,
  hasLogAppendTime,
  magicOf,
  maxTimestamp,
  RECORD_BATCH_OVERHEAD,
  recordCount,
} from './record-batch.ts'
import { runAll, type Steps } from './steps.ts'
import { InvalidRecordError, VarintReader } from './varint.ts'

/** What a producer may attach to a record besides key and value (KIP-82). */
export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** One record of a batch. Its bytes are views into the batch, or into what was decompressed. */
export interface LogRecord {
  readonly offset: bigint
  /** Milliseconds since the epoch; -1 for none. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

const NO_HEADERS: readonly RecordHeader[] = []

/**
 * The records of one whole batch, or message of format 0 or 1, decompressed if need be. Throws `InvalidRecordError` where the bytes are no
 * record or do not end with the last one, and `DecompressionError`.
 */
export function readRecords(batch: Buffer): Iterable<LogRecord> {
  if (magicOf(batch, 0) < 2) return readLegacyRecords(batch)
  return readRecordsOf(batch, recordBytes(batch))
}

/** Where the records of a batch of format 2 lie, decompressed into memory of `allocate` if need be. Throws `DecompressionError`. */
export function recordBytes(batch: Buffer, allocate?: Allocate): Buffer {
  return runAll(recordBytesInSteps(batch, allocate))
}

/** The same in steps. */
export function* recordBytesInSteps(batch: Buffer, allocate?: Allocate): Steps<Buffer> {
  const bytes = batch.subarray(RECORD_BATCH_OVERHEAD, batchSizeInBytes(batch, 0))
  const compression = compressionOf(batch, 0)
  // Compaction may leave a batch with nothing but its header.
  if (compression === 0 || bytes.length === 0) return bytes
  return yield* decompressInSteps(compressionName(compression), bytes, undefined, allocate)
}

/** The records of a batch of format 2 whose bytes have been decompressed already. */
export function* readRecordsOf(batch: Buffer, bytes: Buffer): Generator<LogRecord, void> {
  const reader = new VarintReader(bytes)
  const firstOffset = baseOffset(batch, 0)
  const firstTimestamp = baseTimestamp(batch, 0)
  const appendTimestamp = hasLogAppendTime(batch, 0) ? maxTimestamp(batch, 0) : undefined
  for (let left = recordCount(batch, 0); left > 0; left--) {
    const size = reader.varint()
    const start = reader.at
    // The attributes of a record are not used.
    reader.skip(1)
    const timestamp = appendTimestamp ?? BigInt.asIntN(64, firstTimestamp + reader.varlong())
    if (appendTimestamp !== undefined) reader.unsignedVarlong()
    const offset = firstOffset + BigInt(reader.varint())
    const key = nullableBytes(reader, bytes)
    const value = nullableBytes(reader, bytes)
    const headers = readHeaders(reader, bytes)
    if (reader.at - start !== size) throw new InvalidRecordError(`a record of ${size} bytes ends elsewhere`)
    yield { offset, timestamp, key, value, headers }
  }
  if (reader.at < bytes.length)
    throw new InvalidRecordError(`${bytes.length - reader.at} bytes are left behind the last record`)
}

function readHeaders(reader: VarintReader, bytes: Buffer): readonly RecordHeader[] {
  const count = reader.varint()
  if (count === 0) return NO_HEADERS
  // A header takes two bytes at the least: no claimed count may allocate what the bytes cannot back.
  if (count < 0 || count * 2 > bytes.length - reader.at)
    throw new InvalidRecordError(`a record has ${count} headers`)
  return Array.from({ length: count }, () => {
    const key = nullableBytes(reader, bytes)
    if (key === null) throw new InvalidRecordError('a header has no key')
    return { key: key.toString(), value: nullableBytes(reader, bytes) }
  })
}

function nullableBytes(reader: VarintReader, bytes: Buffer): Buffer | null {
  const length = reader.varint()
  if (length < 0) return null
  const start = reader.skip(length)
  return bytes.subarray(start, start + length)
}
