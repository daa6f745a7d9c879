import { crc32c } from './crc32c.ts'

/** Bytes of a batch in front of its records. */
export const RECORD_BATCH_OVERHEAD = 61
export const LOG_OVERHEAD = 12
const CRC_AT = 17
export const ATTRIBUTES_AT = 21

export const baseOffset = (bytes: Buffer, at: number): bigint => bytes.readBigInt64BE(at)
export const batchSizeInBytes = (bytes: Buffer, at: number): number => LOG_OVERHEAD + bytes.readInt32BE(at + 8)
export const partitionLeaderEpoch = (bytes: Buffer, at: number): number => bytes.readInt32BE(at + 12)
export const magicOf = (bytes: Buffer, at: number): number => bytes.readInt8(at + 16)
export const crcOf = (bytes: Buffer, at: number): number => bytes.readUInt32BE(at + CRC_AT)
export const attributesOf = (bytes: Buffer, at: number): number => bytes.readInt16BE(at + ATTRIBUTES_AT)
export const lastOffsetDelta = (bytes: Buffer, at: number): number => bytes.readInt32BE(at + 23)
export const lastOffset = (bytes: Buffer, at: number): bigint => baseOffset(bytes, at) + BigInt(lastOffsetDelta(bytes, at))
export const baseTimestamp = (bytes: Buffer, at: number): bigint => bytes.readBigInt64BE(at + 27)
export const maxTimestamp = (bytes: Buffer, at: number): bigint => bytes.readBigInt64BE(at + 35)
export const producerId = (bytes: Buffer, at: number): bigint => bytes.readBigInt64BE(at + 43)
export const producerEpoch = (bytes: Buffer, at: number): number => bytes.readInt16BE(at + 51)
export const baseSequence = (bytes: Buffer, at: number): number => bytes.readInt32BE(at + 53)
export const recordCount = (bytes: Buffer, at: number): number => bytes.readInt32BE(at + 57)
export const isTransactional = (bytes: Buffer, at: number): boolean => (attributesOf(bytes, at) & 0x10) !== 0
export const isControlBatch = (bytes: Buffer, at: number): boolean => (attributesOf(bytes, at) & 0x20) !== 0
export function isCrcValid(bytes: Buffer, at: number): boolean {
  return crc32c(bytes.subarray(at + ATTRIBUTES_AT, at + batchSizeInBytes(bytes, at))) === crcOf(bytes, at)
}
export function stampBatch(bytes: Buffer, at: number, offset: bigint, leaderEpoch: number): void {
  bytes.writeBigInt64BE(offset, at)
  bytes.writeInt32BE(leaderEpoch, at + 12)
}
