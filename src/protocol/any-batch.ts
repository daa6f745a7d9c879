import { isMessageCrcValid, messageTimestamp, smallestMessageBytes } from './legacy-message.ts'
import * as batch from './record-batch.ts'

/**
 * What a log needs to know of whatever lies in its segments: record batches of format 2, and messages of format 0 or 1 where an old Kafka
 * wrote them. Both have their offset, length and format in the same places. All functions take the bytes that hold one and where it begins.
 */
const MAGIC_AT = 16

/** A record batch or message of a known format takes at least as much as this, of which 26 bytes must be there to tell. */
export function smallestSizeInBytes(bytes: Buffer, at: number): number {
  const magic = bytes[at + MAGIC_AT]!
  return magic < 2 ? smallestMessageBytes(magic) : batch.RECORD_BATCH_OVERHEAD
}

/** Of a message the only offset that can be seen from outside. */
export function lastOffset(bytes: Buffer, at: number): bigint {
  return isMessage(bytes, at) ? batch.baseOffset(bytes, at) : batch.lastOffset(bytes, at)
}

/** -1 in format 0, which has none. */
export function maxTimestamp(bytes: Buffer, at: number): bigint {
  return isMessage(bytes, at) ? messageTimestamp(bytes, at) : batch.maxTimestamp(bytes, at)
}

/** -1 for a message. */
export function partitionLeaderEpoch(bytes: Buffer, at: number): number {
  return isMessage(bytes, at) ? -1 : batch.partitionLeaderEpoch(bytes, at)
}

/** The whole of it must be there. False for a format that nobody knows. */
export function isIntact(bytes: Buffer, at: number): boolean {
  if (isMessage(bytes, at)) return isMessageCrcValid(bytes, at)
  return batch.magicOf(bytes, at) === 2 && batch.isCrcValid(bytes, at)
}

function isMessage(bytes: Buffer, at: number): boolean {
  return bytes[at + MAGIC_AT]! < 2
}
