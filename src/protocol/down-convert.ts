import { compressionName, ZSTD } from './compression/compression.ts'
import { ApiError, ErrorCode } from './error-code.ts'
import { buildMessageSet } from './legacy-builder.ts'
import {
  type LegacyMagic,
  messageCompression,
  messageHasLogAppendTime,
  messageTimestamp,
} from './legacy-message.ts'
import { messagesOf, readLegacyRecords } from './legacy-records.ts'
import { type LogRecord, readRecordsOf, recordBytes } from './record.ts'
import {
  batchSizeInBytes,
  compressionOf,
  hasLogAppendTime,
  isControlBatch,
  magicOf,
  maxTimestamp,
} from './record-batch.ts'

/**
 * What a client that knows message formats up to `toMagic` is given of batches from a log: Fetch 0 and 1 know format 0, Fetch 2 and 3
 * format 1. Batches in; a message set out, for all of it together at most what can be decompressed of them. Formats that are old enough
 * pass as they are; control batches, headers, and for format 0 timestamps are left out. Records in front of `firstOffset` are left out
 * only where there is no compression: some versions of librdkafka rely on that. What is cut off at the end is left out.
 *
 * The result can be empty although there were records: transaction markers alone, for one. Throws `ApiError` UNSUPPORTED_COMPRESSION_TYPE
 * for zstd, which such clients do not know (KIP-110), and `InvalidRecordError` and `DecompressionError` for what cannot be read.
 */
export function downConvert(records: Buffer, toMagic: LegacyMagic, firstOffset: bigint): Buffer {
  const converted: Buffer[] = []
  for (const at of messagesOf(records)) {
    const batch = records.subarray(at, at + batchSizeInBytes(records, at))
    const magic = magicOf(batch, 0)
    if (magic >= 2 && isControlBatch(batch, 0)) continue
    const compression = magic >= 2 ? compressionOf(batch, 0) : messageCompression(batch, 0)
    if (compression === ZSTD) {
      throw new ApiError(
        ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
        `message format ${toMagic} has no zstd, and batches that have it are not compressed anew`,
      )
    }
    if (magic <= toMagic) converted.push(batch)
    else converted.push(convertBatch(batch, compression, toMagic, firstOffset))
  }
  return converted.length === 1 ? converted[0]! : Buffer.concat(converted)
}

function convertBatch(batch: Buffer, compression: number, toMagic: LegacyMagic, firstOffset: bigint): Buffer {
  const records = recordsOf(batch)
  return buildMessageSet({
    magic: toMagic,
    records: compression === 0 ? recordsFrom(records, firstOffset) : records,
    compression: compressionName(compression),
    logAppendTimeMs: appendTimeOf(batch),
  })
}

/** May be gone over more than once. They are not all in memory as objects: a batch can hold millions. */
function recordsOf(batch: Buffer): Iterable<LogRecord> {
  if (magicOf(batch, 0) < 2) return readLegacyRecords(batch)
  const bytes = recordBytes(batch)
  return { [Symbol.iterator]: () => readRecordsOf(batch, bytes) }
}

function recordsFrom(records: Iterable<LogRecord>, firstOffset: bigint): Iterable<LogRecord> {
  return {
    *[Symbol.iterator]() {
      for (const record of records) if (record.offset >= firstOffset) yield record
    },
  }
}

function appendTimeOf(batch: Buffer): bigint | undefined {
  if (magicOf(batch, 0) >= 2) return hasLogAppendTime(batch, 0) ? maxTimestamp(batch, 0) : undefined
  return messageHasLogAppendTime(batch, 0) ? messageTimestamp(batch, 0) : undefined
}
