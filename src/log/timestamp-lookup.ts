import { lastOffset, maxTimestamp, partitionLeaderEpoch } from '../protocol/any-batch.ts'
import { DecompressionError } from '../protocol/compression/decompression-error.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { type LogRecord, readRecords } from '../protocol/record.ts'
import { InvalidRecordError } from '../protocol/varint.ts'
import type { LogReader } from './log-reader.ts'
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

/** The first record at or after `timestamp`, from `startOffset` on. Decodes the one batch that has it. */
export function findTimestamp(
  segments: readonly Segment[],
  reader: LogReader,
  timestamp: bigint,
  startOffset: bigint,
): TimestampedOffset | undefined {
  for (const segment of segments) {
    if (segment.maxTimestamp.timestamp < timestamp) continue
    const known = segment.timeIndex.lookup(timestamp)
    let from = known?.offset ?? segment.baseOffset
    if (from < startOffset) from = startOffset
    // A batch can promise a timestamp that only records below the start have: then the search goes on.
    for (;;) {
      const batch = reader.findBatch(from, (bytes, at) => maxTimestamp(bytes, at) >= timestamp)
      if (!batch) return undefined
      for (const record of storedRecords(batch)) {
        if (record.timestamp < timestamp || record.offset < startOffset) continue
        return {
          timestamp: record.timestamp,
          offset: record.offset,
          leaderEpoch: partitionLeaderEpoch(batch, 0),
        }
      }
      // Compaction may have taken its last records.
      from = lastOffset(batch, 0) + 1n
    }
  }
  return undefined
}

/** The record with the largest timestamp, the first of equals. */
export function findMaxTimestamp(
  segments: readonly Segment[],
  reader: LogReader,
): TimestampedOffset | undefined {
  let latest: Segment | undefined
  for (const segment of segments) {
    if (!latest || segment.maxTimestamp.timestamp > latest.maxTimestamp.timestamp) latest = segment
  }
  if (!latest) return undefined
  const { timestamp, offset } = latest.maxTimestamp
  const batch = reader.findBatch(offset, (bytes, at) => maxTimestamp(bytes, at) >= timestamp)
  if (!batch) return undefined
  for (const record of storedRecords(batch)) {
    if (record.timestamp === timestamp) {
      return { timestamp, offset: record.offset, leaderEpoch: partitionLeaderEpoch(batch, 0) }
    }
  }
  return undefined
}
