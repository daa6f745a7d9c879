import type { TopicConfig } from '../config/topic-config.ts'
import { type CompressionName, DecompressionError } from '../protocol/compression/compression.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { InvalidMessageError } from '../protocol/legacy-message.ts'
import type { LogRecord } from '../protocol/record.ts'
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
  /** What to write: the bytes that came, or others when the topic has a codec of its own, or they were of an older format. */
  readonly records: Buffer
  /** The time that the broker gave the records; -1 when their own counts. */
  readonly logAppendTimeMs: bigint
}

export const NO_TIMESTAMP = -1n
/** A batch can hold millions of records, and all of them can be at fault: more than so many are not named. */
const MAX_RECORD_ERRORS = 10_000

/** Looks at the records of a batch one by one, and remembers which ones are at fault: the first thousands of them at least. */
export class RecordCheck {
  /** The largest timestamp so far, at least -1. */
  largestTimestamp = NO_TIMESTAMP
  readonly #needsKey: boolean
  readonly #usesAppendTime: boolean
  readonly #earliest: bigint
  readonly #latest: bigint
  readonly #errors: RecordError[] = []
  #code: ErrorCode = ErrorCode.INVALID_RECORD

  constructor({ config, nowMs }: ValidationOptions) {
    this.#needsKey = isCompacted(config)
    this.#usesAppendTime = usesLogAppendTime(config)
    this.#earliest = BigInt(nowMs) - BigInt(config['message.timestamp.before.max.ms'])
    this.#latest = BigInt(nowMs) + BigInt(config['message.timestamp.after.max.ms'])
  }

  /** `hasAppendTime`: the producer says that the timestamps are the broker's. */
  add(batchIndex: number, { key, timestamp }: LogRecord, hasAppendTime: boolean): void {
    if (timestamp > this.largestTimestamp) this.largestTimestamp = timestamp
    if (this.#needsKey && key === null) this.refuse(batchIndex, 'a record of a compacted topic needs a key')
    else if (this.#usesAppendTime || timestamp === NO_TIMESTAMP) {
      if (hasAppendTime) this.#refuseTime(batchIndex, 'a producer may not set log append time')
    } else if (timestamp < this.#earliest || timestamp > this.#latest) {
      const range = `${this.#earliest} to ${this.#latest}`
      this.#refuseTime(batchIndex, `timestamp ${timestamp} is not within ${range}`)
    }
  }

  refuse(batchIndex: number, batchIndexErrorMessage: string): void {
    if (this.#errors.length < MAX_RECORD_ERRORS) this.#errors.push({ batchIndex, batchIndexErrorMessage })
  }

  #refuseTime(batchIndex: number, problem: string): void {
    this.refuse(batchIndex, problem)
    this.#code = ErrorCode.INVALID_TIMESTAMP
  }

  /** Throws `InvalidRecordsError` if any record is at fault. */
  end(): void {
    const [first] = this.#errors
    if (first === undefined) return
    const { batchIndex, batchIndexErrorMessage: why } = first
    const message = `${this.#errors.length} records are refused; record ${batchIndex}: ${why}`
    throw new InvalidRecordsError(this.#code, this.#errors, message)
  }
}

export function isCompacted(config: TopicConfig): boolean {
  return config['cleanup.policy'].includes('compact')
}

export function usesLogAppendTime(config: TopicConfig): boolean {
  return config['message.timestamp.type'] === 'LogAppendTime'
}

/** The topic's codec; `producer` keeps what the client chose. */
export function wantedCodec(config: TopicConfig, codec: CompressionName): CompressionName {
  const type = config['compression.type']
  if (type === 'producer') return codec
  return type === 'uncompressed' ? 'none' : (type as CompressionName)
}

export function compressionLevelOf(config: TopicConfig, compression: CompressionName): number | undefined {
  if (compression === 'gzip') return config['compression.gzip.level']
  return compression === 'zstd' ? config['compression.zstd.level'] : undefined
}

export function checkMaxSize(size: number, config: TopicConfig): void {
  const max = config['max.message.bytes']
  if (size > max)
    throw new ApiError(ErrorCode.MESSAGE_TOO_LARGE, `${size} bytes are more than max.message.bytes ${max}`)
}

/**
 * For a batch that is built anew: it has no times before 1970, as little as in Kafka (which answers UNKNOWN_SERVER_ERROR). May be gone
 * over more than once, if `records` may.
 */
export function datedRecords(records: Iterable<LogRecord>): Iterable<LogRecord> {
  return {
    *[Symbol.iterator]() {
      for (const record of records) {
        if (record.timestamp < NO_TIMESTAMP)
          throw new ApiError(ErrorCode.INVALID_TIMESTAMP, `a record has the time ${record.timestamp}`)
        yield record
      }
    },
  }
}

export function invalidRecord(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_RECORD, message)
}

export function corruptMessage(message: string): ApiError {
  return new ApiError(ErrorCode.CORRUPT_MESSAGE, message)
}

/** The error that the client is told when records cannot be read. */
export function asApiError(error: unknown): unknown {
  if (error instanceof InvalidMessageError && error.isCorrupt) return corruptMessage(error.message)
  if (error instanceof InvalidRecordError) return invalidRecord(error.message)
  if (!(error instanceof DecompressionError)) return error
  // Kafka has no code of its own for what cannot be decompressed, and no limit.
  const code = error.isTooLarge ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.UNKNOWN_SERVER_ERROR
  return new ApiError(code, error.message)
}
