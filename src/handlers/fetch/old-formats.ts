import { DecompressionError } from '../../protocol/compression/decompression-error.ts'
import { downConvert } from '../../protocol/down-convert.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type { PartitionData } from '../../protocol/generated/fetch.ts'
import type { LegacyMagic } from '../../protocol/legacy-message.ts'
import { batchSizeInBytes } from '../../protocol/record-batch.ts'
import { InvalidRecordError } from '../../protocol/varint.ts'
import { errorRow } from './fetch-operation.ts'
import type { FetchTarget } from './fetch-sessions.ts'

/** The first version whose clients know batches of format 2, in which records are stored (KIP-98). */
const FIRST_VERSION_WITH_BATCHES = 4
/** The first version whose clients know message format 1, with timestamps (KIP-32). */
const FIRST_VERSION_WITH_TIMESTAMPS = 2
/** The first version in which one batch may be larger than all limits (KIP-74). */
export const FIRST_VERSION_WITH_WHOLE_BATCH = 3
/** The first version whose clients know zstd (KIP-110). */
export const FIRST_VERSION_WITH_ZSTD = 10

/** The newest format that clients of a version know; undefined when they know the one in which records are stored. */
function magicFor(apiVersion: number): LegacyMagic | undefined {
  if (apiVersion >= FIRST_VERSION_WITH_BATCHES) return undefined
  return apiVersion >= FIRST_VERSION_WITH_TIMESTAMPS ? 1 : 0
}

/** What a client is told that does not know the codec of the records, or of its topic. */
export function unknownCodecRow(target: FetchTarget, errorCode: ErrorCode): PartitionData {
  return { ...errorRow(target, errorCode, []), records: null }
}

/**
 * A row with its records in an older message format. They may take as many bytes as the stored ones did or, where that is more, as the
 * first batch needs; what is longer is cut off, which every client takes for a message that is still to come. A batch that was read
 * although it is larger than the partition's hard limit is cut off at that limit: so a client learns that its limit is too small.
 *
 * A batch that cannot be converted ends the records in front of it. As the first one it is the row's error.
 */
export function convertRow(row: PartitionData, target: FetchTarget, apiVersion: number): PartitionData {
  const magic = magicFor(apiVersion)
  const stored = buffersOf(row)
  const size = sizeOf(stored)
  if (magic === undefined || size === 0) return row
  const isOverHardLimit = apiVersion < FIRST_VERSION_WITH_WHOLE_BATCH && size > target.maxBytes
  const limit = isOverHardLimit ? target.maxBytes : undefined
  try {
    return { ...row, records: convertRecords(stored, magic, target.fetchOffset, limit) }
  } catch (error) {
    return unknownCodecRow(target, codeOf(error))
  }
}

/** Batch by batch, until there are enough bytes: the limit if there is one, else as many as were stored, but one batch at least. */
function convertRecords(
  stored: readonly Buffer[],
  magic: LegacyMagic,
  fetchOffset: bigint,
  limit: number | undefined,
): Buffer[] {
  let bytesLeft = limit ?? sizeOf(stored)
  const converted: Buffer[] = []
  for (const batch of batchesIn(stored)) {
    let set: Buffer
    try {
      set = downConvert(batch, magic, fetchOffset)
    } catch (error) {
      // The client asks again, from here on, and is told then.
      if (converted.length > 0) break
      throw error
    }
    // A batch of which nothing is left: a transaction's marker, or records in front of the offset.
    if (set.length === 0) continue
    if (limit === undefined && converted.length === 0) bytesLeft = Math.max(bytesLeft, set.length)
    converted.push(set.length > bytesLeft ? set.subarray(0, bytesLeft) : set)
    bytesLeft -= set.length
    if (bytesLeft <= 0) break
  }
  return converted
}

function* batchesIn(buffers: readonly Buffer[]): Generator<Buffer> {
  for (const bytes of buffers) {
    for (let at = 0; at < bytes.length; ) {
      const end = at + batchSizeInBytes(bytes, at)
      yield bytes.subarray(at, end)
      at = end
    }
  }
}

function buffersOf({ records }: PartitionData): readonly Buffer[] {
  if (records === null) return []
  return Buffer.isBuffer(records) ? [records] : records
}

function sizeOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((size, bytes) => size + bytes.length, 0)
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof ApiError) return error.code
  if (error instanceof InvalidRecordError || error instanceof DecompressionError) {
    return ErrorCode.CORRUPT_MESSAGE
  }
  throw error
}
