import type { TopicConfig } from '../config/topic-config.ts'
import { buildBatch } from '../protocol/batch-builder.ts'
import {
  type CompressionName,
  compressionName,
  DecompressionError,
  ZSTD,
} from '../protocol/compression/compression.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
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
import { InvalidRecordError } from '../protocol/varint.ts'

/** A record at fault, by its place in its batch. */
export interface RecordError {
  readonly batchIndex: number
  readonly batchIndexErrorMessage: string
}

/** A batch is refused for some of its records (KIP-467). */
export class InvalidRecordsError extends ApiError {
  readonly recordErrors: readonly RecordError[]

  constructor(code: ErrorCode, recordErrors: readonly RecordError[], message: string) {
    super(code, message)
    this.recordErrors = recordErrors
  }
}

export interface ValidationOptions {
  readonly config: TopicConfig
  /** Offset that the first record gets. */
  readonly baseOffset: bigint
  readonly leaderEpoch: number
  readonly nowMs: number
  /** Version of the Produce request that brought the batch. */
  readonly produceVersion: number | undefined
}

export interface ValidatedBatches {
  /** What to write: the bytes that came, or others when the topic has a codec of its own. */
  readonly records: Buffer
  /** The time that the broker gave the records; -1 when their own counts. */
  readonly logAppendTimeMs: bigint
}

/** zstd came with version 7 (KIP-110): older clients could not read it again. */
const FIRST_VERSION_WITH_ZSTD = 7
const NO_TIMESTAMP = -1n
/** Up to here a number and its distances to others are exact. */
const MAX_EXACT_TIMESTAMP = 2 ** 52
/** A batch can hold millions of records, and all of them can be at fault: more than so many are not named. */
const MAX_RECORD_ERRORS = 10_000
const KNOWN_ATTRIBUTES = COMPRESSION_MASK | TRANSACTIONAL_BIT | CONTROL_BIT | DELETE_HORIZON_BIT

/**
 * Checks the one batch that a client appends as Kafka's broker does, and gives it offset, leader epoch and time. All but the checksum costs
 * next to nothing: records are walked over, but no object is made of them unless one is at fault, or the topic has another codec. Throws
 * `ApiError` or `InvalidRecordsError`; the bytes may have changed only when it returns.
 */
export function validateBatches(records: Buffer, options: ValidationOptions): ValidatedBatches {
  checkBatch(records, options)
  const { config } = options
  const usesAppendTime = config['message.timestamp.type'] === 'LogAppendTime'
  const logAppendTimeMs = usesAppendTime ? BigInt(options.nowMs) : NO_TIMESTAMP
  try {
    const bytes = recordBytes(records)
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
  if (records.length < RECORD_BATCH_OVERHEAD) {
    // The older formats may be shorter, and are to be named as what they are.
    if (records.length > 16 && magicOf(records, 0) < 2) throw oldFormat()
    throw new ApiError(ErrorCode.CORRUPT_MESSAGE, `a batch of ${records.length} bytes is too short`)
  }
  if (magicOf(records, 0) < 2) throw oldFormat()
  const size = batchSizeInBytes(records, 0)
  if (size < RECORD_BATCH_OVERHEAD || size > records.length)
    throw new ApiError(ErrorCode.CORRUPT_MESSAGE, `a batch of ${size} bytes cannot be`)
  if (baseOffset(records, 0) !== 0n)
    throw invalid(`a producer's batch has base offset ${baseOffset(records, 0)}`)
  checkMaxSize(size, config)
  if (!isCrcValid(records, 0)) throw new ApiError(ErrorCode.CORRUPT_MESSAGE, 'the CRC of the batch is wrong')
  if (size < records.length) throw invalid('there is more than one batch')
  const compression = compressionOf(records, 0)
  if (compression === ZSTD && produceVersion !== undefined && produceVersion < FIRST_VERSION_WITH_ZSTD) {
    throw new ApiError(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `zstd needs Produce ${FIRST_VERSION_WITH_ZSTD}, not ${produceVersion}`,
    )
  }
  const count = recordCount(records, 0)
  const delta = lastOffsetDelta(records, 0)
  if (count <= 0 || delta !== count - 1)
    throw invalid(`a batch of ${count} records has last offset delta ${delta}`)
  if (isControlBatch(records, 0)) throw invalid('clients may not write control batches')
  if (producerId(records, 0) >= 0n && baseSequence(records, 0) < 0)
    throw invalid(`producer ${producerId(records, 0)} has sequence ${baseSequence(records, 0)}`)
}

function checkMaxSize(size: number, config: TopicConfig): void {
  const max = config['max.message.bytes']
  if (size > max)
    throw new ApiError(ErrorCode.MESSAGE_TOO_LARGE, `${size} bytes are more than max.message.bytes ${max}`)
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
  const largest = isSound ? BigInt(last) : checkEachRecord(batch, bytes, options, usesAppendTime)
  // Kafka would number them anew, but fails to (UNKNOWN_SERVER_ERROR). Without compression it does not look at the numbers.
  const codec = compressionName(compressionOf(batch, 0))
  if (!isConsecutive && codec !== 'none' && wantedCodec(config, codec) === codec)
    throw invalid('the records of a compressed batch are not numbered one after the other')
  return largest
}

/** The same record by record and exact to the last bit, to tell which ones are at fault, the first thousands of them at least. */
function checkEachRecord(
  batch: Buffer,
  bytes: Buffer,
  options: ValidationOptions,
  usesAppendTime: boolean,
): bigint {
  const errors: RecordError[] = []
  const needsKey = isCompacted(options.config)
  const hasAppendTime = hasLogAppendTime(batch, 0)
  const from = earliest(options)
  const to = latest(options)
  let code: ErrorCode = ErrorCode.INVALID_RECORD
  let largest = NO_TIMESTAMP
  let batchIndex = 0
  for (const { key, timestamp } of readRecordsOf(batch, bytes)) {
    if (timestamp > largest) largest = timestamp
    const problem =
      needsKey && key === null
        ? 'a record of a compacted topic needs a key'
        : usesAppendTime || timestamp === NO_TIMESTAMP
          ? hasAppendTime && 'a producer may not set log append time'
          : (timestamp < from || timestamp > to) && `timestamp ${timestamp} is not within ${from} to ${to}`
    if (problem && errors.length < MAX_RECORD_ERRORS) {
      errors.push({ batchIndex, batchIndexErrorMessage: problem })
      if (!needsKey || key !== null) code = ErrorCode.INVALID_TIMESTAMP
    }
    batchIndex++
  }
  if (errors.length === 0) return largest
  const [{ batchIndex: at, batchIndexErrorMessage: why }] = errors as [RecordError]
  throw new InvalidRecordsError(code, errors, `${errors.length} records are refused; record ${at}: ${why}`)
}

function isCompacted(config: TopicConfig): boolean {
  return config['cleanup.policy'].includes('compact')
}

function earliest({ config, nowMs }: ValidationOptions): bigint {
  return BigInt(nowMs) - BigInt(config['message.timestamp.before.max.ms'])
}

function latest({ config, nowMs }: ValidationOptions): bigint {
  return BigInt(nowMs) + BigInt(config['message.timestamp.after.max.ms'])
}

/** The topic's codec; `producer` keeps what the client chose. */
function wantedCodec(config: TopicConfig, codec: CompressionName): CompressionName {
  const type = config['compression.type']
  if (type === 'producer') return codec
  return type === 'uncompressed' ? 'none' : (type as CompressionName)
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
  const records = { [Symbol.iterator]: () => datedRecordsOf(batch, bytes) }
  const rebuilt = buildBatch({
    baseOffset: offset,
    leaderEpoch,
    records,
    producerId: producerId(batch, 0),
    producerEpoch: producerEpoch(batch, 0),
    baseSequence: baseSequence(batch, 0),
    isTransactional: isTransactional(batch, 0),
    compression,
    compressionLevel: levelOf(config, compression),
    logAppendTimeMs,
  })
  checkMaxSize(rebuilt.length, config)
  return rebuilt
}

/** A batch that is built anew has no times before 1970, as little as in Kafka (which answers UNKNOWN_SERVER_ERROR). */
function* datedRecordsOf(batch: Buffer, bytes: Buffer) {
  for (const record of readRecordsOf(batch, bytes)) {
    if (record.timestamp < NO_TIMESTAMP)
      throw new ApiError(ErrorCode.INVALID_TIMESTAMP, `a record has the time ${record.timestamp}`)
    yield record
  }
}

function levelOf(config: TopicConfig, compression: CompressionName): number | undefined {
  if (compression === 'gzip') return config['compression.gzip.level']
  return compression === 'zstd' ? config['compression.zstd.level'] : undefined
}

/** The header says what the records say, or the broker's time. What it says already costs no new CRC. */
function stampTimeIfNeeded(batch: Buffer, usesAppendTime: boolean, timestamp: bigint): void {
  if (hasLogAppendTime(batch, 0) === usesAppendTime && maxTimestamp(batch, 0) === timestamp) return
  const kept = attributesOf(batch, 0) & KNOWN_ATTRIBUTES
  stampTime(batch, 0, usesAppendTime ? kept | LOG_APPEND_TIME_BIT : kept, timestamp)
}

function oldFormat(): ApiError {
  return new ApiError(
    ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
    'message formats 0 and 1 are not supported yet',
  )
}

function invalid(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_RECORD, message)
}

function asApiError(error: unknown): unknown {
  if (error instanceof InvalidRecordError) return invalid(error.message)
  if (!(error instanceof DecompressionError)) return error
  // Kafka has no code of its own for what cannot be decompressed, and no limit.
  const code = error.isTooLarge ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.UNKNOWN_SERVER_ERROR
  return new ApiError(code, error.message)
}
