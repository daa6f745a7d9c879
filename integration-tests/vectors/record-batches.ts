import { isDeepStrictEqual } from 'node:util'
import type { TopicConfig } from '../../src/config/topic-config.ts'
import { InvalidRecordsError, validateBatches } from '../../src/log/append-validation.ts'
import { type BatchRecord, encodeRecords } from '../../src/protocol/batch-builder.ts'
import { COMPRESSION_NAMES } from '../../src/protocol/compression/compression.ts'
import { ApiError } from '../../src/protocol/error-code.ts'
import { readRecords } from '../../src/protocol/record.ts'
import * as header from '../../src/protocol/record-batch.ts'
import { failed, type Outcome, PASSED, skipped } from './outcome.ts'
import type { Vector } from './read-vectors.ts'

interface DescribedRecord {
  readonly offset: string
  readonly timestamp: string
  readonly key: string | null
  readonly value: string | null
  readonly sequence: number
  readonly headers: readonly { readonly key: string; readonly value: string | null }[]
}

/** A batch of format 2 in the words of the vectors. */
interface DescribedBatch {
  readonly baseOffset: string
  readonly partitionLeaderEpoch: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: string
  readonly maxTimestamp: string
  readonly producerId: string
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly compression: string
  readonly timestampType: string
  readonly records: readonly DescribedRecord[]
}

/** What an append of the vectors goes by. */
interface Given {
  readonly nextOffset: string
  readonly leaderEpoch: number
  readonly timestampType: string
  readonly compression: string
  readonly compacted: boolean
  readonly timestampBeforeMaxMs: string
  readonly timestampAfterMaxMs: string
  readonly now: string
}

const MAX_SEQUENCE = 0x7fffffff
/** What has no codec as yet. */
const OLD_FORMATS = 'RecordBatch in format 0 or 1: not built yet'

/** Record batches: read and built again to the byte, and what an append makes of them. */
export function checkRecordBatchVector(vector: Vector): Outcome {
  if (vector.kind === 'build') return checkBuild(vector)
  if (vector.kind === 'append') return checkAppend(vector)
  return skipped(`RecordBatch ${vector.kind}: not built yet`)
}

function checkBuild(vector: Vector): Outcome {
  const batches = split(Buffer.from(vector.hex as string, 'hex'))
  if (batches.some((batch) => header.magicOf(batch, 0) < 2)) return skipped(OLD_FORMATS)
  const expected = vector.batches as DescribedBatch[]
  const described = batches.map(describe)
  if (!isDeepStrictEqual(described, expected)) return failed(difference(expected, described))
  for (const [index, batch] of batches.entries()) {
    const description = expected[index]!
    // Compressed bytes are each encoder's own; and under log append time the records' own times are not told.
    if (description.compression !== 'none' || description.timestampType !== 'CreateTime') continue
    const rebuilt = rebuild(description)
    if (!rebuilt.equals(batch)) return failed(`built ${rebuilt.toString('hex')}`)
  }
  return PASSED
}

function checkAppend(vector: Vector): Outcome {
  const input = Buffer.from(vector.input as string, 'hex')
  const batches = split(input)
  if (batches.some((batch) => header.magicOf(batch, 0) < 2)) return skipped(OLD_FORMATS)
  // The vectors leave out the check that a producer's batch begins at 0.
  for (const batch of batches) batch.writeBigInt64BE(0n, 0)
  const given = vector.given as Given
  try {
    const { records } = validateBatches(input, {
      config: topicConfig(given),
      baseOffset: BigInt(given.nextOffset),
      leaderEpoch: given.leaderEpoch,
      nowMs: Number(given.now),
      produceVersion: undefined,
    })
    return checkStored(vector, records)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return checkError(vector, error)
  }
}

function checkStored(vector: Vector, records: Buffer): Outcome {
  if (vector.error !== undefined) return failed(`accepted, not ${JSON.stringify(vector.error)}`)
  const described = split(records).map(describe)
  const expected = vector.batches as DescribedBatch[]
  const { nextOffset, maxTimestampMs } = vector.result as { nextOffset: string; maxTimestampMs: string }
  if (String(header.lastOffset(records, 0) + 1n) !== nextOffset) return failed('the next offset differs')
  if (String(header.maxTimestamp(records, 0)) !== maxTimestampMs) return failed('the largest time differs')
  // What another encoder compressed differs in its length, and so in its CRC.
  const isOwn = (vector.result as { inPlace: boolean }).inPlace || expected[0]!.compression === 'none'
  const [left, right] = isOwn ? [expected, described] : [expected.map(loosely), described.map(loosely)]
  if (!isDeepStrictEqual(right, left)) return failed(difference(left, right))
  return isOwn && records.toString('hex') !== vector.hex ? failed('the stored bytes differ') : PASSED
}

function checkError(vector: Vector, error: ApiError): Outcome {
  const expected = vector.error as { code: number; recordErrors?: number[] } | undefined
  if (expected?.code !== error.code) return failed(`refused with ${error.code}: ${error.message}`)
  const recordErrors =
    error instanceof InvalidRecordsError ? error.recordErrors.map(({ batchIndex }) => batchIndex) : undefined
  if (isDeepStrictEqual(recordErrors, expected.recordErrors)) return PASSED
  return failed(`records at fault: ${recordErrors}, not ${expected.recordErrors}`)
}

function topicConfig(given: Given): TopicConfig {
  const codec = given.compression === 'none' ? 'uncompressed' : given.compression
  const config: Partial<TopicConfig> = {
    'cleanup.policy': [given.compacted ? 'compact' : 'delete'],
    'compression.type': codec as TopicConfig['compression.type'],
    'max.message.bytes': Number.MAX_SAFE_INTEGER,
    'message.timestamp.type': given.timestampType as TopicConfig['message.timestamp.type'],
    'message.timestamp.before.max.ms': Number(given.timestampBeforeMaxMs),
    'message.timestamp.after.max.ms': Number(given.timestampAfterMaxMs),
  }
  return config as TopicConfig
}

function split(bytes: Buffer): Buffer[] {
  const batches: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = header.batchSizeInBytes(bytes, at)
    batches.push(bytes.subarray(at, at + size))
    at += size
  }
  return batches
}

function describe(batch: Buffer): DescribedBatch {
  const firstSequence = header.baseSequence(batch, 0)
  const firstOffset = header.baseOffset(batch, 0)
  const baseTimestamp = String(header.baseTimestamp(batch, 0))
  const described = {
    magic: header.magicOf(batch, 0),
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

/** A description without what depends on the encoder. */
function loosely(batch: DescribedBatch): object {
  return { ...batch, batchLength: undefined, crc: undefined }
}

function rebuild(batch: DescribedBatch): Buffer {
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

/** Both sides from the first place on where they differ. */
function difference(expected: unknown, actual: unknown): string {
  const [left, right] = [JSON.stringify(expected), JSON.stringify(actual)]
  let at = 0
  while (at < left.length && left[at] === right[at]) at++
  const around = (text: string) => text.slice(Math.max(0, at - 40), at + 60)
  return `expected ..${around(left)}.., got ..${around(right)}..`
}
