import { lastOffset, maxTimestamp, partitionLeaderEpoch } from '../protocol/any-batch.ts'
import { DecompressionError } from '../protocol/compression/decompression-error.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { type LogRecord, readRecords } from '../protocol/record.ts'
import { InvalidRecordError } from '../protocol/varint.ts'
import { BatchScanner } from './batch-scanner.ts'
import type { TimestampedOffset } from './partition-log.ts'
import type { Segment } from './segment.ts'

/** The records of a batch that is stored. Throws `ApiError` when it is damaged. */
function* storedRecords(batch: Buffer): Generator<LogRecord> {
  try {
    yield* readRecords(batch)
  } catch (error) {
    if (!(error instanceof InvalidRecordError || error instanceof DecompressionError)) throw error
    const problem = `the batch with offset ${lastOffset(batch, 0)} is damaged: ${error.message}`
    throw new ApiError(ErrorCode.CORRUPT_MESSAGE, problem)
  }
}

/** The first batch of a segment with a record at or after `timestamp`, from the one that holds `offset` on; whole, with all its records. */
function findBatch(segment: Segment, offset: bigint, timestamp: bigint): Buffer | undefined {
  const scanner = new BatchScanner(segment.file, segment.sizeInBytes)
  for (let found = scanner.moveTo(segment.positionOf(offset)); found; found = scanner.next()) {
    const { bytes, at, position, size } = scanner
    if (maxTimestamp(bytes, at) >= timestamp) return segment.readSync(position, size)
  }
  return undefined
}

/**
 * The first record at or after `timestamp`, from `startOffset` on, in the first segment that promises one. Decodes the batch that has it.
 * Apache Kafka looks no further either: when that record was deleted or compacted away, there is none, whatever comes in later segments.
 */
export function findTimestamp(
  segments: readonly Segment[],
  timestamp: bigint,
  startOffset: bigint,
): TimestampedOffset | undefined {
  const segment = segments.find((one) => one.maxTimestamp.timestamp >= timestamp)
  if (!segment) return undefined
  let from = segment.timeIndex.lookup(timestamp)?.offset ?? segment.baseOffset
  if (from < startOffset) from = startOffset
  // A batch can promise a timestamp that only records below the start have, or that compaction took: then the search goes on.
  for (;;) {
    const batch = findBatch(segment, from, timestamp)
    if (!batch) return undefined
    for (const record of storedRecords(batch)) {
      if (record.timestamp < timestamp || record.offset < startOffset) continue
      return {
        timestamp: record.timestamp,
        offset: record.offset,
        leaderEpoch: partitionLeaderEpoch(batch, 0),
      }
    }
    from = lastOffset(batch, 0) + 1n
  }
}

/** The record with the largest timestamp, the first of equals. */
export function findMaxTimestamp(segments: readonly Segment[]): TimestampedOffset | undefined {
  let latest: Segment | undefined
  for (const segment of segments) {
    if (!latest || segment.maxTimestamp.timestamp > latest.maxTimestamp.timestamp) latest = segment
  }
  if (!latest) return undefined
  const { timestamp, offset } = latest.maxTimestamp
  const batch = findBatch(latest, offset, timestamp)
  if (!batch) return undefined
  for (const record of storedRecords(batch)) {
    if (record.timestamp === timestamp) {
      return { timestamp, offset: record.offset, leaderEpoch: partitionLeaderEpoch(batch, 0) }
    }
  }
  return undefined
}
