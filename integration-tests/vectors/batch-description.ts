import { type BatchRecord, encodeRecords } from '../../src/protocol/batch-builder.ts'
import { COMPRESSION_NAMES } from '../../src/protocol/compression/compression.ts'
import { buildMessageSet } from '../../src/protocol/legacy-builder.ts'
import * as message from '../../src/protocol/legacy-message.ts'
import { readLegacyRecords } from '../../src/protocol/legacy-records.ts'
import { readRecords } from '../../src/protocol/record.ts'
import * as header from '../../src/protocol/record-batch.ts'

interface DescribedRecord {
  readonly offset: string
  /** Not in format 0. */
  readonly timestamp?: string
  readonly key: string | null
  readonly value: string | null
}

/** A record of format 2. */
interface DescribedBatchRecord extends DescribedRecord {
  readonly timestamp: string
  readonly sequence: number
  readonly headers: readonly { readonly key: string; readonly value: string | null }[]
}

interface Described {
  readonly crc: number
  readonly attributes: number
  readonly baseOffset: string
  readonly lastOffset: string
  readonly compression: string
  readonly timestampType: string
}

/** A batch of format 2 in the words of the vectors. */
export interface DescribedBatch extends Described {
  readonly magic: 2
  readonly batchLength: number
  readonly partitionLeaderEpoch: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: string
  readonly maxTimestamp: string
  readonly producerId: string
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly records: readonly DescribedBatchRecord[]
}

/** A message of format 0 or 1. */
export interface DescribedMessage extends Described {
  readonly magic: 0 | 1
  readonly offset: string
  readonly size: number
  readonly timestamp?: string
  readonly records: readonly DescribedRecord[]
}

export type Description = DescribedBatch | DescribedMessage

const MAX_SEQUENCE = 0x7fffffff

/** The batches, or messages, that follow each other in some bytes. */
export function split(bytes: Buffer): Buffer[] {
  const batches: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = header.batchSizeInBytes(bytes, at)
    batches.push(bytes.subarray(at, at + size))
    at += size
  }
  return batches
}

/** Throws when a CRC is wrong, that of a message in a wrapper too. */
export function describe(batch: Buffer): Description {
  return header.magicOf(batch, 0) === 2 ? describeBatch(batch) : describeMessage(batch)
}

/** A description without what depends on the encoder. */
export function loosely(batch: Description): object {
  return { ...batch, batchLength: undefined, size: undefined, crc: undefined }
}

/** Whether a description says all about the bytes. */
export function isExact({ magic, compression, timestampType }: Description): boolean {
  // Compressed bytes are each encoder's own; and in format 2 the records' own times are not told under log append time.
  return compression === 'none' && (magic < 2 || timestampType === 'CreateTime')
}

export function rebuild(batch: Description): Buffer {
  return batch.magic === 2 ? rebuildBatch(batch) : rebuildMessage(batch)
}

function describeBatch(batch: Buffer): DescribedBatch {
  const firstSequence = header.baseSequence(batch, 0)
  const firstOffset = header.baseOffset(batch, 0)
  const baseTimestamp = String(header.baseTimestamp(batch, 0))
  const described = {
    magic: 2 as const,
    baseOffset: String(firstOffset),
    batchLength: header.batchSizeInBytes(batch, 0) - header.LOG_OVERHEAD,
    partitionLeaderEpoch: header.partitionLeaderEpoch(batch, 0),
    crc: header.crcOf(batch, 0),
    attributes: header.attributesOf(batch, 0),
    lastOffsetDelta: header.lastOffsetDelta(batch, 0),
    baseTimestamp,
    maxTimestamp: String(header.maxTimestamp(batch, 0)),
    producerId: String(header.producerId(batch, 0)),
    producerEpoch: header.producerEpoch(batch, 0),
    baseSequence: firstSequence,
    count: header.recordCount(batch, 0),
    lastOffset: String(header.lastOffset(batch, 0)),
    lastSequence: sequenceAfter(firstSequence, header.lastOffsetDelta(batch, 0)),
    isTransactional: header.isTransactional(batch, 0),
    isControl: header.isControlBatch(batch, 0),
    deleteHorizonMs: header.hasDeleteHorizon(batch, 0) ? baseTimestamp : null,
    compression: COMPRESSION_NAMES[header.compressionOf(batch, 0)]!,
    timestampType: header.hasLogAppendTime(batch, 0) ? 'LogAppendTime' : 'CreateTime',
    records: Array.from(readRecords(batch), ({ offset, timestamp, key, value, headers }) => ({
      offset: String(offset),
      timestamp: String(timestamp),
      key: hexOf(key),
      value: hexOf(value),
      sequence: sequenceAfter(firstSequence, Number(offset - firstOffset)),
      headers: headers.map((each) => ({ key: each.key, value: hexOf(each.value) })),
    })),
  }
  if (!header.isCrcValid(batch, 0)) throw new Error('the CRC is wrong')
  return described
}

function describeMessage(bytes: Buffer): DescribedMessage {
  const magic = header.magicOf(bytes, 0) as 0 | 1
  const timeOf = (timestamp: bigint) => (magic === 0 ? {} : { timestamp: String(timestamp) })
  const ownType = message.messageHasLogAppendTime(bytes, 0) ? 'LogAppendTime' : 'CreateTime'
  const offset = String(header.baseOffset(bytes, 0))
  const records = Array.from(readLegacyRecords(bytes), (record) => {
    if (!message.isMessageCrcValid(record.bytes, record.at)) throw new Error('a CRC in the wrapper is wrong')
    const { key, value } = record
    return {
      offset: String(record.offset),
      ...timeOf(record.timestamp),
      key: hexOf(key),
      value: hexOf(value),
    }
  })
  if (!message.isMessageCrcValid(bytes, 0)) throw new Error('the CRC is wrong')
  return {
    magic,
    offset,
    size: header.batchSizeInBytes(bytes, 0) - header.LOG_OVERHEAD,
    crc: message.messageCrc(bytes, 0),
    attributes: message.messageAttributes(bytes, 0),
    ...timeOf(message.messageTimestamp(bytes, 0)),
    baseOffset: records[0]!.offset,
    lastOffset: offset,
    compression: COMPRESSION_NAMES[message.messageCompression(bytes, 0)]!,
    timestampType: magic === 0 ? 'NoTimestampType' : ownType,
    records,
  }
}

function rebuildBatch(batch: DescribedBatch): Buffer {
  const baseOffset = BigInt(batch.baseOffset)
  const baseTimestamp = BigInt(batch.baseTimestamp)
  const records = batch.records.map((record): BatchRecord & { offsetDelta: number } => ({
    offsetDelta: Number(BigInt(record.offset) - baseOffset),
    timestamp: BigInt(record.timestamp),
    key: bytesOf(record.key),
    value: bytesOf(record.value),
    headers: record.headers.map(({ key, value }) => ({ key, value: bytesOf(value) })),
  }))
  const { bytes } = encodeRecords(records, baseTimestamp)
  header.writeBatchHeader(bytes, {
    baseOffset,
    leaderEpoch: batch.partitionLeaderEpoch,
    attributes: batch.attributes,
    lastOffsetDelta: batch.lastOffsetDelta,
    baseTimestamp,
    maxTimestamp: BigInt(batch.maxTimestamp),
    producerId: BigInt(batch.producerId),
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    recordCount: records.length,
  })
  return bytes
}

function rebuildMessage({ magic, records, timestampType, timestamp }: DescribedMessage): Buffer {
  return buildMessageSet({
    magic,
    records: records.map((record) => ({
      offset: BigInt(record.offset),
      timestamp: BigInt(record.timestamp ?? -1),
      key: bytesOf(record.key),
      value: bytesOf(record.value),
    })),
    compression: 'none',
    logAppendTimeMs: timestampType === 'LogAppendTime' ? BigInt(timestamp ?? -1) : undefined,
  })
}

function sequenceAfter(sequence: number, count: number): number {
  if (sequence < 0) return -1
  return sequence > MAX_SEQUENCE - count ? count - (MAX_SEQUENCE - sequence) - 1 : sequence + count
}

function hexOf(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('hex')
}

function bytesOf(hex: string | null): Buffer | null {
  return hex === null ? null : Buffer.from(hex, 'hex')
}
