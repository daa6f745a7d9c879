import { crc32c, replaceInCrc32c } from './crc32c.ts'

/**
 * Record batches of format 2 (KIP-98), which lie in the log as they go over the wire. All functions take the bytes that hold a batch and where
 * it begins in them.
 *
 * ```
 * 0  base offset int64            21 attributes int16          43 producer id int64
 * 8  length of the rest int32     23 last offset delta int32   51 producer epoch int16
 * 12 leader epoch int32           27 base timestamp int64      53 base sequence int32
 * 16 magic int8                   35 max timestamp int64       57 count of records int32
 * 17 CRC-32C of all behind it                                  61 records
 * ```
 *
 * A broker gives a batch its base offset and leader epoch without touching the CRC, which covers neither.
 */
const LENGTH_AT = 8
const LEADER_EPOCH_AT = 12
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const BASE_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_ID_AT = 43
const PRODUCER_EPOCH_AT = 51
const BASE_SEQUENCE_AT = 53
const RECORD_COUNT_AT = 57

/** Bytes of a batch in front of its records. */
export const RECORD_BATCH_OVERHEAD = 61
/** Bytes in front of what the length counts; so much every format has. */
export const LOG_OVERHEAD = 12

/** Bits 0 to 2 of the attributes: the codec. */
export const COMPRESSION_MASK = 0x07
export const LOG_APPEND_TIME_BIT = 0x08
export const TRANSACTIONAL_BIT = 0x10
export const CONTROL_BIT = 0x20
/** The base timestamp is the time from which on the batch's tombstones may go (KIP-534). */
export const DELETE_HORIZON_BIT = 0x40

export function baseOffset(bytes: Buffer, at: number): bigint {
  return bytes.readBigInt64BE(at)
}

/** Size of the whole batch. */
export function batchSizeInBytes(bytes: Buffer, at: number): number {
  return LOG_OVERHEAD + bytes.readInt32BE(at + LENGTH_AT)
}

export function partitionLeaderEpoch(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + LEADER_EPOCH_AT)
}

/** The format: 2, or 0 and 1 of Kafka before 0.11. */
export function magicOf(bytes: Buffer, at: number): number {
  return bytes.readInt8(at + MAGIC_AT)
}

export function crcOf(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + CRC_AT)
}

export function attributesOf(bytes: Buffer, at: number): number {
  return bytes.readInt16BE(at + ATTRIBUTES_AT)
}

/** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; 5 to 7 have no meaning. */
export function compressionOf(bytes: Buffer, at: number): number {
  return bytes[at + ATTRIBUTES_AT + 1]! & COMPRESSION_MASK
}

export function hasLogAppendTime(bytes: Buffer, at: number): boolean {
  return (attributesOf(bytes, at) & LOG_APPEND_TIME_BIT) !== 0
}

export function isTransactional(bytes: Buffer, at: number): boolean {
  return (attributesOf(bytes, at) & TRANSACTIONAL_BIT) !== 0
}

export function isControlBatch(bytes: Buffer, at: number): boolean {
  return (attributesOf(bytes, at) & CONTROL_BIT) !== 0
}

export function hasDeleteHorizon(bytes: Buffer, at: number): boolean {
  return (attributesOf(bytes, at) & DELETE_HORIZON_BIT) !== 0
}

export function lastOffsetDelta(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT)
}

export function lastOffset(bytes: Buffer, at: number): bigint {
  return baseOffset(bytes, at) + BigInt(lastOffsetDelta(bytes, at))
}

export function baseTimestamp(bytes: Buffer, at: number): bigint {
  return bytes.readBigInt64BE(at + BASE_TIMESTAMP_AT)
}

export function maxTimestamp(bytes: Buffer, at: number): bigint {
  return bytes.readBigInt64BE(at + MAX_TIMESTAMP_AT)
}

/** -1 when the producer is not idempotent. */
export function producerId(bytes: Buffer, at: number): bigint {
  return bytes.readBigInt64BE(at + PRODUCER_ID_AT)
}

export function producerEpoch(bytes: Buffer, at: number): number {
  return bytes.readInt16BE(at + PRODUCER_EPOCH_AT)
}

export function baseSequence(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + BASE_SEQUENCE_AT)
}

export function recordCount(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at + RECORD_COUNT_AT)
}

/** The whole batch must be there. */
export function isCrcValid(bytes: Buffer, at: number): boolean {
  return crc32c(coveredByCrc(bytes, at)) === crcOf(bytes, at)
}

/** Gives a batch its place in a log. */
export function stampBatch(bytes: Buffer, at: number, offset: bigint, leaderEpoch: number): void {
  bytes.writeBigInt64BE(offset, at)
  bytes.writeInt32BE(leaderEpoch, at + LEADER_EPOCH_AT)
}

/** Sets attributes and the largest timestamp, and the CRC to what it becomes by that, without going over the records. */
export function stampTime(bytes: Buffer, at: number, attributes: number, timestamp: bigint): void {
  const changed = bytes.subarray(at + ATTRIBUTES_AT, at + PRODUCER_ID_AT)
  const before = Uint8Array.from(changed)
  bytes.writeInt16BE(attributes, at + ATTRIBUTES_AT)
  bytes.writeBigInt64BE(timestamp, at + MAX_TIMESTAMP_AT)
  const behind = batchSizeInBytes(bytes, at) - PRODUCER_ID_AT
  bytes.writeUInt32BE(replaceInCrc32c(crcOf(bytes, at), before, changed, behind), at + CRC_AT)
}

/** What stands in front of a batch's records. */
export interface BatchHeader {
  readonly baseOffset: bigint
  readonly leaderEpoch: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Puts a header in front of records that lie in their place already, and sets the CRC. `bytes` holds the batch and nothing else. */
export function writeBatchHeader(bytes: Buffer, header: BatchHeader): void {
  stampBatch(bytes, 0, header.baseOffset, header.leaderEpoch)
  bytes.writeInt32BE(bytes.length - LOG_OVERHEAD, LENGTH_AT)
  bytes[MAGIC_AT] = 2
  bytes.writeInt16BE(header.attributes, ATTRIBUTES_AT)
  bytes.writeInt32BE(header.lastOffsetDelta, LAST_OFFSET_DELTA_AT)
  bytes.writeBigInt64BE(header.baseTimestamp, BASE_TIMESTAMP_AT)
  bytes.writeBigInt64BE(header.maxTimestamp, MAX_TIMESTAMP_AT)
  bytes.writeBigInt64BE(header.producerId, PRODUCER_ID_AT)
  bytes.writeInt16BE(header.producerEpoch, PRODUCER_EPOCH_AT)
  bytes.writeInt32BE(header.baseSequence, BASE_SEQUENCE_AT)
  bytes.writeInt32BE(header.recordCount, RECORD_COUNT_AT)
  bytes.writeUInt32BE(crc32c(coveredByCrc(bytes, 0)), CRC_AT)
}

function coveredByCrc(bytes: Buffer, at: number): Buffer {
  return bytes.subarray(at + ATTRIBUTES_AT, at + batchSizeInBytes(bytes, at))
}
