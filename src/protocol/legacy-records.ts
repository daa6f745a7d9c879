import { compressionName, decompress, decompressionLimit, ZSTD } from './compression/compression.ts'
import { lz4Decompress } from './compression/lz4.ts'
import {
  InvalidMessageError,
  messageCompression,
  messageContent,
  messageHasLogAppendTime,
  messageTimestamp,
  SMALLEST_MESSAGE_BYTES,
} from './legacy-message.ts'
import type { LogRecord } from './record.ts'
import { baseOffset, batchSizeInBytes, LOG_OVERHEAD, magicOf } from './record-batch.ts'

/** A record with the message that it stands in. */
export interface LegacyRecord extends LogRecord {
  readonly magic: number
  /** The bytes that hold its message, and where: what was given, or what came out of the wrapper. */
  readonly bytes: Buffer
  readonly at: number
}

const NO_HEADERS: LogRecord['headers'] = []

/**
 * Where the messages, or batches, of a set begin. What is cut off at the end is left out, as Kafka does. Throws `InvalidMessageError` at a
 * length that none can have.
 */
export function* messagesOf(set: Buffer): Generator<number, void> {
  for (let at = 0; at + LOG_OVERHEAD <= set.length; ) {
    const size = batchSizeInBytes(set, at)
    if (size < SMALLEST_MESSAGE_BYTES)
      throw new InvalidMessageError(at, `claims to have ${size - LOG_OVERHEAD} bytes behind its length`, true)
    if (size > set.length - at) return
    yield at
    at += size
  }
}

/**
 * The records of one whole message of format 0 or 1: itself, or the messages that it wraps, which are decompressed now and read as one
 * goes over them, as often as one likes. Throws `InvalidMessageError` and `DecompressionError`, then and now. Checksums are not looked at.
 */
export function readLegacyRecords(message: Buffer): Iterable<LegacyRecord> {
  if (messageCompression(message, 0) === 0) return [recordAt(message, 0)]
  const set = unwrap(message)
  const base = baseOfInnerOffsets(message, set)
  const appendTimestamp = messageHasLogAppendTime(message, 0) ? messageTimestamp(message, 0) : undefined
  return { [Symbol.iterator]: () => wrappedRecords(set, base, appendTimestamp) }
}

/** The record of a message that wraps none. */
export function recordAt(bytes: Buffer, at: number, base = 0n, appendTimestamp?: bigint): LegacyRecord {
  const magic = magicOf(bytes, at)
  const timestamp = magic > 0 && appendTimestamp !== undefined ? appendTimestamp : messageTimestamp(bytes, at)
  const { key, value } = messageContent(bytes, at)
  const offset = BigInt.asIntN(64, base + baseOffset(bytes, at))
  return { offset, timestamp, key, value, headers: NO_HEADERS, magic, bytes, at }
}

function* wrappedRecords(
  set: Buffer,
  base: bigint,
  appendTimestamp: bigint | undefined,
): Generator<LegacyRecord, void> {
  for (const at of messagesOf(set)) {
    if (messageCompression(set, at) !== 0)
      throw new InvalidMessageError(at, 'is compressed, and inside of one that is')
    yield recordAt(set, at, base, appendTimestamp)
  }
}

function unwrap(message: Buffer): Buffer {
  const compression = messageCompression(message, 0)
  if (compression === ZSTD) throw new InvalidMessageError(0, 'is compressed with zstd, which came later')
  const { value } = messageContent(message, 0)
  if (value === null) throw new InvalidMessageError(0, 'is said to be compressed, but has no value')
  const codec = compressionName(compression)
  // Clients of format 0 compute the checksum of the frame's header wrongly, and later ones rightly: it is not checked (KAFKA-3160).
  if (codec === 'lz4' && magicOf(message, 0) === 0)
    return lz4Decompress(value, decompressionLimit(value.length), false)
  return decompress(codec, value)
}

/** What is to be added to the offsets inside a wrapper. */
function baseOfInnerOffsets(message: Buffer, set: Buffer): bigint {
  let last: number | undefined
  for (const at of messagesOf(set)) last = at
  if (last === undefined) throw new InvalidMessageError(0, 'wraps no message')
  if (magicOf(message, 0) === 0) return 0n
  const lastOffset = baseOffset(message, 0)
  // Some versions of librdkafka leave the wrapper's offset at 0.
  if (lastOffset === 0n) return 0n
  const lastInner = baseOffset(set, last)
  if (lastOffset < lastInner)
    throw new InvalidMessageError(0, `has offset ${lastOffset}, less than ${lastInner} inside`)
  return lastOffset - lastInner
}
