import { ErrorCode } from '../../protocol/error-code.ts'

// Where the fields lie that all formats share, and the attributes of format 2.
const BATCH_LENGTH_AT = 8
const LOG_OVERHEAD = 12
const MAGIC_AT = 16
const ATTRIBUTES_AT = 21
const SMALLEST_BATCH_LENGTH = 14
const NEWEST_MAGIC = 2
/** Batches came with version 3 (KIP-98). */
const FIRST_VERSION_WITH_BATCHES = 3

const COMPRESSION_MASK = 0x07
const ZSTD = 4
const TRANSACTIONAL_BIT = 0x10

/**
 * What a produce request carries for a partition, or the error that refuses it. From version 3 on it must be exactly one batch of format 2;
 * before, any number of messages of the older formats, even none. What is cut off behind the last whole one is dropped, as Kafka does.
 */
export function leadingBatch(records: Buffer | null, apiVersion: number): Buffer | ErrorCode {
  if (records === null) return ErrorCode.INVALID_RECORD
  if (apiVersion < FIRST_VERSION_WITH_BATCHES) return wholeMessages(records)
  const size = batchSize(records, 0)
  if (size === 'corrupt') return ErrorCode.CORRUPT_MESSAGE
  if (size === 'none') return ErrorCode.INVALID_RECORD
  if (records[MAGIC_AT] !== NEWEST_MAGIC) return ErrorCode.INVALID_RECORD
  if (apiVersion < 7 && (records.readInt16BE(ATTRIBUTES_AT) & COMPRESSION_MASK) === ZSTD) {
    return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
  }
  if (size === records.length) return records
  const next = batchSize(records, size)
  if (next === 'corrupt') return ErrorCode.CORRUPT_MESSAGE
  return next === 'none' ? records.subarray(0, size) : ErrorCode.INVALID_RECORD
}

/** The messages in front of one that is cut off. Kafka takes format 2 here as well. */
function wholeMessages(records: Buffer): Buffer | ErrorCode {
  for (let at = 0; ; ) {
    const size = batchSize(records, at)
    if (size === 'corrupt') return ErrorCode.CORRUPT_MESSAGE
    if (size === 'none') return at === records.length ? records : records.subarray(0, at)
    at += size
  }
}

/** Whether already the header of the first batch makes no sense: of what follows nothing can be known then. */
export function isUnreadable(records: Buffer | null): boolean {
  return records !== null && batchSize(records, 0) === 'corrupt'
}

/** Whether the first batch belongs to a transaction. */
export function isTransactionalBatch(records: Buffer | null): boolean {
  if (records === null || records.length <= ATTRIBUTES_AT + 1 || records[MAGIC_AT] !== 2) return false
  return (records.readInt16BE(ATTRIBUTES_AT) & TRANSACTIONAL_BIT) !== 0
}

/** Size of the whole batch at a position; `none` when there is not all of it. */
function batchSize(records: Buffer, at: number): number | 'none' | 'corrupt' {
  const left = records.length - at
  if (left < LOG_OVERHEAD) return 'none'
  const length = records.readInt32BE(at + BATCH_LENGTH_AT)
  if (length < SMALLEST_BATCH_LENGTH) return 'corrupt'
  if (left <= MAGIC_AT) return 'none'
  if (records[at + MAGIC_AT]! > NEWEST_MAGIC) return 'corrupt'
  const size = LOG_OVERHEAD + length
  return size > left ? 'none' : size
}
