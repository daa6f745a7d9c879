import { crc32 } from './crc32.ts'
import { batchSizeInBytes, COMPRESSION_MASK, LOG_APPEND_TIME_BIT, magicOf } from './record-batch.ts'
import { InvalidRecordError } from './varint.ts'

/**
 * Messages of format 0 and 1, which Kafka had before 0.11. A message is one record, or a wrapper: then its value is a message set,
 * compressed. All functions take the bytes that hold a message and where it begins in them.
 *
 * ```
 * 0  offset int64                   17 attributes int8
 * 8  length of the rest int32       18 timestamp int64, in format 1 only (KIP-32)
 * 12 CRC-32 of all behind it           key: length int32, -1 for null, and bytes
 * 16 magic int8                        value: the same
 * ```
 *
 * The offset is not under the CRC. A wrapper has the offset of its last message. Those inside have their own in format 0; in format 1 theirs
 * count from any number, so that a broker need not compress them again (KIP-31).
 */
const LENGTH_AT = 8
const CRC_AT = 12
const MAGIC_AT = 16
const ATTRIBUTES_AT = 17
const TIMESTAMP_AT = 18
/** Where the length of the key lies, by format. */
const KEY_AT = [18, 26] as const

/** Bytes of a message without key and value, by format. */
const OVERHEAD = [26, 34] as const
/** Less than this no message has. */
export const SMALLEST_MESSAGE_BYTES = OVERHEAD[0]

const NO_TIMESTAMP = -1n

/** Size of a message with neither key nor value. */
export function smallestMessageBytes(magic: number): number {
  return OVERHEAD[magic === 0 ? 0 : 1]
}

/** The message formats that record batches followed upon. */
export type LegacyMagic = 0 | 1

/** What should be a message is none. Kafka tells two kinds apart, by the error that a client gets. */
export class InvalidMessageError extends InvalidRecordError {
  /** Where the message begins: in the bytes that were given, or in those that came out of a wrapper. */
  readonly position: number
  /** A length or a checksum is wrong: CORRUPT_MESSAGE. Otherwise what stands there makes no sense: INVALID_RECORD. */
  readonly isCorrupt: boolean

  constructor(position: number, problem: string, isCorrupt = false) {
    super(`the message at byte ${position} ${problem}`)
    this.position = position
    this.isCorrupt = isCorrupt
  }
}

export function isMessageCrcValid(bytes: Buffer, at: number): boolean {
  return crc32(bytes.subarray(at + MAGIC_AT, at + batchSizeInBytes(bytes, at))) === messageCrc(bytes, at)
}

export function messageCrc(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + CRC_AT)
}

export function messageAttributes(bytes: Buffer, at: number): number {
  return bytes.readInt8(at + ATTRIBUTES_AT)
}

/** 0 none, 1 gzip, 2 snappy, 3 lz4; the others are not allowed in these formats. */
export function messageCompression(bytes: Buffer, at: number): number {
  return bytes[at + ATTRIBUTES_AT]! & COMPRESSION_MASK
}

/** The timestamp is the broker's. Format 0 has none. */
export function messageHasLogAppendTime(bytes: Buffer, at: number): boolean {
  return magicOf(bytes, at) > 0 && (bytes[at + ATTRIBUTES_AT]! & LOG_APPEND_TIME_BIT) !== 0
}

/** Of a wrapper: the largest of its messages' timestamps, or the broker's. -1 in format 0. */
export function messageTimestamp(bytes: Buffer, at: number): bigint {
  if (magicOf(bytes, at) === 0) return NO_TIMESTAMP
  if (batchSizeInBytes(bytes, at) < OVERHEAD[1]) throw malformed(bytes, at, 'is too short for its timestamp')
  return bytes.readBigInt64BE(at + TIMESTAMP_AT)
}

/** Key and value of a message that is there as a whole, as views. Bytes behind them are left alone, as Kafka does. */
export function messageContent(bytes: Buffer, at: number): { key: Buffer | null; value: Buffer | null } {
  const end = at + batchSizeInBytes(bytes, at)
  const keyAt = at + KEY_AT[magicOf(bytes, at) === 0 ? 0 : 1]
  const key = nullableBytes(bytes, keyAt, end, at)
  return { key, value: nullableBytes(bytes, keyAt + 4 + (key?.length ?? 0), end, at) }
}

function nullableBytes(bytes: Buffer, at: number, end: number, messageAt: number): Buffer | null {
  if (at + 4 > end) throw malformed(bytes, messageAt, 'ends in front of its key or value')
  const length = bytes.readInt32BE(at)
  if (length < 0) return null
  if (length > end - at - 4) throw malformed(bytes, messageAt, `has no ${length} bytes of key or value`)
  return bytes.subarray(at + 4, at + 4 + length)
}

/** Its bytes changed on their way, or whoever wrote it erred: the checksum tells. */
function malformed(bytes: Buffer, at: number, problem: string): InvalidMessageError {
  return new InvalidMessageError(at, problem, !isMessageCrcValid(bytes, at))
}

/** A message as it is to be written. */
export interface MessageToWrite {
  readonly magic: LegacyMagic
  readonly offset: bigint
  /** Compression and timestamp type. */
  readonly attributes: number
  /** Not written in format 0. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** Size of the whole message. */
export function sizeOfMessage({ magic, key, value }: MessageToWrite): number {
  return OVERHEAD[magic] + (key?.length ?? 0) + (value?.length ?? 0)
}

/** Returns where it ends. */
export function writeMessage(bytes: Buffer, at: number, message: MessageToWrite): number {
  const { magic, key, value } = message
  const size = sizeOfMessage(message)
  bytes.writeBigInt64BE(message.offset, at)
  bytes.writeInt32BE(size - CRC_AT, at + LENGTH_AT)
  bytes[at + MAGIC_AT] = magic
  bytes[at + ATTRIBUTES_AT] = message.attributes
  if (magic > 0) bytes.writeBigInt64BE(message.timestamp, at + TIMESTAMP_AT)
  writeNullableBytes(bytes, writeNullableBytes(bytes, at + KEY_AT[magic], key), value)
  bytes.writeUInt32BE(crc32(bytes.subarray(at + MAGIC_AT, at + size)), at + CRC_AT)
  return at + size
}

function writeNullableBytes(into: Buffer, at: number, bytes: Buffer | null): number {
  into.writeInt32BE(bytes?.length ?? -1, at)
  if (bytes !== null) into.set(bytes, at + 4)
  return at + 4 + (bytes?.length ?? 0)
}
