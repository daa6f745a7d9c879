import { crc32c } from '../protocol/crc32c.ts'
import { isMessageCrcValid, messageTimestamp, SMALLEST_MESSAGE_BYTES } from '../protocol/legacy-message.ts'
import {
  baseOffset,
  batchSizeInBytes,
  crcOf,
  LOG_OVERHEAD,
  lastOffset,
  magicOf,
  maxTimestamp,
  RECORD_BATCH_OVERHEAD,
} from '../protocol/record-batch.ts'
import type { FileWindow } from './file-window.ts'

/** Enough to know the format and the size. */
const PREFIX_BYTES = LOG_OVERHEAD + 5
const CRC_COVERS_FROM = 21
/** A batch above this is not taken into memory: no broker accepts one without being told to. */
export const MAX_BATCH_BYTES = 256 * 1024 * 1024

/** A batch, or a message of format 0 or 1, in a file. */
export interface BatchPlace {
  readonly position: number
  readonly size: number
  readonly magic: number
  /** What stands before its records, or before the key of a message. */
  readonly header: Buffer
}

/** Why there is nothing behind the last batch. */
export interface LogEnd {
  readonly position: number
  /** Undefined when the file ends there, or only space that was allocated beforehand follows. */
  readonly problem: string | undefined
  /** Bytes behind the last batch. */
  readonly trailingBytes: number
}

/** Walks over the batches of a file by their headers, up to what cannot be one. */
export function* walkBatches(window: FileWindow, from = 0): Generator<BatchPlace, LogEnd> {
  let position = from
  for (;;) {
    const place = batchAt(window, position)
    if (typeof place === 'string' || place === undefined) {
      const trailingBytes = window.size - position
      // Fewer zeros than that may be the beginning of a batch with a low offset.
      const isFree = trailingBytes >= PREFIX_BYTES && window.isZeroFrom(position)
      return { position, problem: isFree ? undefined : place, trailingBytes }
    }
    yield place
    position += place.size
  }
}

/** The batch at a position; a text when there is none, and undefined at the end of the file. */
export function batchAt(window: FileWindow, position: number): BatchPlace | string | undefined {
  const left = window.size - position
  if (left === 0) return undefined
  if (left < PREFIX_BYTES) return `${left} bytes are left, too few for a batch: it is cut off`
  const prefix = window.read(position, PREFIX_BYTES)
  const magic = magicOf(prefix, 0)
  const size = batchSizeInBytes(prefix, 0)
  if (magic < 0 || magic > 2) return `here should be a batch, but its magic is ${magic}, none of 0, 1 and 2`
  const least = magic === 2 ? RECORD_BATCH_OVERHEAD : SMALLEST_MESSAGE_BYTES + (magic === 1 ? 8 : 0)
  if (size < least)
    return `a batch of magic ${magic} has at least ${least} bytes, this one says that it has ${size}`
  if (size > left) return `a batch of ${size} bytes begins here, but only ${left} are there: it is cut off`
  // A copy: the window moves on while the header is looked at.
  return { position, size, magic, header: Buffer.from(window.read(position, least)) }
}

/** The last offset of a batch; of a message its own. */
export function lastOffsetOf({ magic, header }: BatchPlace): bigint {
  return magic === 2 ? lastOffset(header, 0) : baseOffset(header, 0)
}

/** The largest timestamp of a batch; -1 when it has none. */
export function maxTimestampOf({ magic, header, size }: BatchPlace): bigint {
  if (magic === 2) return maxTimestamp(header, 0)
  return magic === 0 || size < header.length ? -1n : messageTimestamp(header, 0)
}

/** Goes over all bytes of a batch, without having them in memory at once when it is one of format 2. */
export function isBatchCrcValid(window: FileWindow, { position, size, magic, header }: BatchPlace): boolean {
  if (magic < 2) return size <= MAX_BATCH_BYTES && isMessageCrcValid(window.read(position, size), 0)
  let crc = 0
  for (const bytes of window.chunks(position + CRC_COVERS_FROM, position + size)) crc = crc32c(bytes, crc)
  return crc === crcOf(header, 0)
}
