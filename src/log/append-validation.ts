import { buildBatch } from '../protocol/batch-builder.ts'
import { type CompressionName, compressionName, ZSTD } from '../protocol/compression/compression.ts'
import { ReusedMemory } from '../protocol/compression/memory.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { SMALLEST_MESSAGE_BYTES } from '../protocol/legacy-message.ts'
import { readRecordsOf, recordBytes } from '../protocol/record.ts'
import {
  attributesOf,
  baseOffset,
  baseSequence,
  baseTimestamp,
  batchSizeInBytes,
  COMPRESSION_MASK,
  CONTROL_BIT,
  compressionOf,
  DELETE_HORIZON_BIT,
  hasLogAppendTime,
  isControlBatch,
  isCrcValid,
  isTransactional,
  LOG_APPEND_TIME_BIT,
  lastOffsetDelta,
  magicOf,
  maxTimestamp,
  producerEpoch,
  producerId,
  RECORD_BATCH_OVERHEAD,
  recordCount,
  stampBatch,
  stampTime,
  TRANSACTIONAL_BIT,
} from '../protocol/record-batch.ts'
import { surveyRecords } from '../protocol/record-survey.ts'
import {
  asApiError,
  checkMaxSize,
  compressionLevelOf,
  corruptMessage,
  datedRecords,
  invalidRecord,
  isCompacted,
  NO_TIMESTAMP,
  RecordCheck,
  usesLogAppendTime,
  type ValidatedBatches,
  type ValidationOptions,
  wantedCodec,
} from './append-rules.ts'
import { upConvert } from './append-validation-legacy.ts'

/** What was in the batch at hand. */
const decompressed = new ReusedMemory()
/** zstd came with version 7 (KIP-110): older clients could not read it again. Kafka looks at it from version 3 on. */
const FIRST_VERSION_WITH_BATCHES = 3
const FIRST_VERSION_WITH_ZSTD = 7
/** Up to here a number and its distances to others are exact. */
const MAX_EXACT_TIMESTAMP = 2 ** 52
const KNOWN_ATTRIBUTES = COMPRESSION_MASK | TRANSACTIONAL_BIT | CONTROL_BIT | DELETE_HORIZON_BIT

/**
 * Checks the one batch that a client appends as Kafka's broker does, and gives it offset, leader epoch and time. All but the checksum costs
 * next to nothing: records are walked over, but no object is made of them unless one is at fault, or the topic has another codec. Messages
 * of the older formats become a batch. Throws `ApiError` or `InvalidRecordsError`; the bytes may have changed only when it returns.
 */
export function validateBatches(records: Buffer, options: ValidationOptions): ValidatedBatches {
  if (records.length >= SMALLEST_MESSAGE_BYTES && magicOf(records, 0) < 2) return upConvert(records, options)
  checkBatch(records, options)
  const { config } = options
  const usesAppendTime = usesLogAppendTime(config)
  const logAppendTimeMs = usesAppendTime ? BigInt(options.nowMs) : NO_TIMESTAMP
  try {
    const bytes = recordBytes(records, decompressed.take)
    const largest = checkRecords(records, bytes, options, usesAppendTime)
    const codec = compressionName(compressionOf(records, 0))
    const wanted = wantedCodec(config, codec)
    if (wanted !== codec) {
      const appendTime = usesAppendTime ? logAppendTimeMs : undefined
      return { records: recompress(records, bytes, wanted, options, appendTime), logAppendTimeMs }
    }
    stampBatch(records, 0, options.baseOffset, options.leaderEpoch)
    stampTimeIfNeeded(records, usesAppendTime, usesAppendTime ? logAppendTimeMs : largest)
    return { records, logAppendTimeMs }
  } catch (error) {
    throw asApiError(error)
  }
}

/** What the header alone shows, in the order of Kafka's checks. */
function checkBatch(records: Buffer, { config, produceVersion }: ValidationOptions): void {
  if (records.length < RECORD_BATCH_OVERHEAD)
    throw corruptMessage(`a batch of ${records.length} bytes is too short`)
  const size = batchSizeInBytes(records, 0)
  if (size < RECORD_BATCH_OVERHEAD || size > records.length)
    throw corruptMessage(`a batch of ${size} bytes cannot be`)
  if (baseOffset(records, 0) !== 0n)
    throw invalidRecord(`a producer's batch has base offset ${baseOffset(records, 0)}`)
  checkMaxSize(size, config)
  if (!isCrcValid(records, 0)) throw corruptMessage('the CRC of the batch is wrong')
  if (size < records.length) throw invalidRecord('there is more than one batch')
  const compression = compressionOf(records, 0)
  if (compression === ZSTD && !mayUseZstd(produceVersion)) {
    throw new ApiError(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `zstd needs Produce ${FIRST_VERSION_WITH_ZSTD}, not ${produceVersion}`,
    )
  }
  const count = recordCount(records, 0)
  const delta = lastOffsetDelta(records, 0)
  if (count <= 0 || delta !== count - 1)
    throw invalidRecord(`a batch of ${count} records has last offset delta ${delta}`)
  if (isControlBatch(records, 0)) throw invalidRecord('clients may not write control batches')
  if (producerId(records, 0) >= 0n && baseSequence(records, 0) < 0)
    throw invalidRecord(`producer ${producerId(records, 0)} has sequence ${baseSequence(records, 0)}`)
}

function mayUseZstd(version: number | undefined): boolean {
  return version === undefined || version < FIRST_VERSION_WITH_BATCHES || version >= FIRST_VERSION_WITH_ZSTD
}

/** Goes over the records; returns the largest of their timestamps, at least -1. */
function checkRecords(
  batch: Buffer,
  bytes: Buffer,
  options: ValidationOptions,
  usesAppendTime: boolean,
): bigint {
  const { config, nowMs } = options
  const survey = surveyRecords(bytes, recordCount(batch, 0))
  const base = Number(baseTimestamp(batch, 0))
  const first = base + survey.minTimestampDelta
  const last = base + survey.maxTimestampDelta
  const isSound =
    first >= 0 &&
    last <= MAX_EXACT_TIMESTAMP &&
    !hasLogAppendTime(batch, 0) &&
    !(survey.hasNullKey && isCompacted(config)) &&
    (usesAppendTime ||
      (first >= nowMs - config['message.timestamp.before.max.ms'] &&
        last <= nowMs + config['message.timestamp.after.max.ms']))
  const { isConsecutive } = survey
  const largest = isSound ? BigInt(last) : checkEachRecord(batch, bytes, options)
  // Kafka would number them anew, but fails to (UNKNOWN_SERVER_ERROR). Without compression it does not look at the numbers.
  const codec = compressionName(compressionOf(batch, 0))
  if (!isConsecutive && codec !== 'none' && wantedCodec(config, codec) === codec)
    throw invalidRecord('the records of a compressed batch are not numbered one after the other')
  return largest
}

/** The same record by record and exact to the last bit, to tell which ones are at fault. */
function checkEachRecord(batch: Buffer, bytes: Buffer, options: ValidationOptions): bigint {
  const check = new RecordCheck(options)
  const hasAppendTime = hasLogAppendTime(batch, 0)
  let batchIndex = 0
  for (const record of readRecordsOf(batch, bytes)) check.add(batchIndex++, record, hasAppendTime)
  check.end()
  return check.largestTimestamp
}

function recompress(
  batch: Buffer,
  bytes: Buffer,
  compression: CompressionName,
  { config, baseOffset: offset, leaderEpoch }: ValidationOptions,
  logAppendTimeMs: bigint | undefined,
): Buffer {
  if (producerId(batch, 0) >= 0n && producerEpoch(batch, 0) < 0) {
    throw new ApiError(
      ErrorCode.INVALID_PRODUCER_EPOCH,
      `producer ${producerId(batch, 0)} has epoch ${producerEpoch(batch, 0)}`,
    )
  }
  // Not all at once in memory: a batch can hold millions.
  const records = { [Symbol.iterator]: () => readRecordsOf(batch, bytes) }
  const rebuilt = buildBatch({
    baseOffset: offset,
    leaderEpoch,
    records: datedRecords(records),
    producerId: producerId(batch, 0),
    producerEpoch: producerEpoch(batch, 0),
    baseSequence: baseSequence(batch, 0),
    isTransactional: isTransactional(batch, 0),
    compression,
    compressionLevel: compressionLevelOf(config, compression),
    logAppendTimeMs,
  })
  checkMaxSize(rebuilt.length, config)
  return rebuilt
}

/** The header says what the records say, or the broker's time. What it says already costs no new CRC. */
function stampTimeIfNeeded(batch: Buffer, usesAppendTime: boolean, timestamp: bigint): void {
  if (hasLogAppendTime(batch, 0) === usesAppendTime && maxTimestamp(batch, 0) === timestamp) return
  const kept = attributesOf(batch, 0) & KNOWN_ATTRIBUTES
  stampTime(batch, 0, usesAppendTime ? kept | LOG_APPEND_TIME_BIT : kept, timestamp)
}
