import { type BatchRecord, compressRecords, encodeRecords } from '../../protocol/batch-builder.ts'
import { compressionName } from '../../protocol/compression/compression.ts'
import { buildMessageSet } from '../../protocol/legacy-builder.ts'
import {
  type LegacyMagic,
  messageCompression,
  messageHasLogAppendTime,
  messageTimestamp,
} from '../../protocol/legacy-message.ts'
import { type LegacyRecord, readLegacyRecords } from '../../protocol/legacy-records.ts'
import { type LogRecord, readRecordsOf, recordBytes } from '../../protocol/record.ts'
import {
  attributesOf,
  baseOffset,
  baseSequence,
  baseTimestamp,
  CONTROL_BIT,
  compressionOf,
  DELETE_HORIZON_BIT,
  hasDeleteHorizon,
  hasLogAppendTime,
  LOG_APPEND_TIME_BIT,
  lastOffsetDelta,
  magicOf,
  maxTimestamp,
  partitionLeaderEpoch,
  producerEpoch,
  producerId,
  RECORD_BATCH_OVERHEAD,
  TRANSACTIONAL_BIT,
  writeBatchHeader,
} from '../../protocol/record-batch.ts'

/** What is to become of a batch, as far as that can be said without its records. */
export interface BatchRetention {
  /** `delete`: it goes, whatever is in it. Otherwise its records decide, and this only tells whether it may go when none is left. */
  readonly fate: 'delete' | 'delete-when-empty' | 'keep-when-empty'
  /** The marker of a transaction of which no record is left: it gets a delete horizon, as tombstones do. */
  readonly isMarkerOfEmptyTransaction: boolean
}

/** Decides what compaction keeps. */
export interface RetentionFilter {
  readonly nowMs: number
  /** So long tombstones stay after they were cleaned first. */
  readonly deleteRetentionMs: number
  retentionOf(batch: Buffer): BatchRetention
  /** Asked once for each record of the batch that `retentionOf` was asked about last, in their order. */
  keeps(batch: Buffer, record: LogRecord): boolean
}

/** What is copied from a batch with a new header. */
const KEPT_ATTRIBUTES = LOG_APPEND_TIME_BIT | TRANSACTIONAL_BIT | CONTROL_BIT

/**
 * What compaction leaves of one whole batch: the batch itself when all of it stays, another one with the records that stay, or undefined.
 * Offsets never change, and a batch of format 2 keeps its first and last one, with the sequence numbers that belong to them. The first
 * time that a batch with tombstones goes through here it gets its delete horizon (KIP-534). Throws as `readRecords` does.
 */
export function filterBatch(batch: Buffer, filter: RetentionFilter): Buffer | undefined {
  const { fate, isMarkerOfEmptyTransaction } = filter.retentionOf(batch)
  if (fate === 'delete') return undefined
  if (magicOf(batch, 0) < 2) return filterMessage(batch, filter)
  const bytes = recordBytes(batch)
  const records = { [Symbol.iterator]: () => readRecordsOf(batch, bytes) }
  const { kept, count, hasTombstone } = decide(batch, records, filter)
  if (count === 0) return fate === 'keep-when-empty' ? emptied(batch) : undefined
  const needsHorizon = (hasTombstone || isMarkerOfEmptyTransaction) && !hasDeleteHorizon(batch, 0)
  if (count === kept.length && !needsHorizon) return batch
  const known = hasDeleteHorizon(batch, 0) ? baseTimestamp(batch, 0) : undefined
  const horizon = needsHorizon ? BigInt(filter.nowMs + filter.deleteRetentionMs) : known
  return rebuilt(batch, pick(records, kept), horizon)
}

/** The same for formats 0 and 1. A wrapper gets the offset of its last message that stays. */
function filterMessage(message: Buffer, filter: RetentionFilter): Buffer | undefined {
  const records = readLegacyRecords(message)
  const magic = magicOf(message, 0)
  const { kept, count } = decide(message, records, filter)
  if (count === 0) return undefined
  // Some versions of Kafka wrapped messages of another format (KAFKA-4298): those are written anew.
  if (count === kept.length && isOneFormat(records, magic)) return message
  return buildMessageSet({
    magic: magic as LegacyMagic,
    records: pick(records, kept),
    compression: compressionName(messageCompression(message, 0)),
    logAppendTimeMs: messageHasLogAppendTime(message, 0) ? messageTimestamp(message, 0) : undefined,
  })
}

function isOneFormat(records: Iterable<LegacyRecord>, magic: number): boolean {
  for (const record of records) if (record.magic !== magic) return false
  return true
}

interface Decision {
  /** By the place of the record in its batch. */
  readonly kept: readonly boolean[]
  readonly count: number
  /** A record that stays has no value: it says that its key is gone. */
  readonly hasTombstone: boolean
}

function decide(batch: Buffer, records: Iterable<LogRecord>, filter: RetentionFilter): Decision {
  const kept: boolean[] = []
  let count = 0
  let hasTombstone = false
  for (const record of records) {
    const stays = filter.keeps(batch, record)
    kept.push(stays)
    if (!stays) continue
    count++
    if (record.value === null) hasTombstone = true
  }
  return { kept, count, hasTombstone }
}

/** May be gone over more than once. They are not all in memory as objects: a batch can hold millions. */
function pick<T>(records: Iterable<T>, kept: readonly boolean[]): Iterable<T> {
  return {
    *[Symbol.iterator]() {
      let index = 0
      for (const record of records) if (kept[index++]) yield record
    },
  }
}

function rebuilt(batch: Buffer, records: Iterable<LogRecord>, horizon: bigint | undefined): Buffer {
  const compression = compressionOf(batch, 0)
  const encoded = encodeRecords(placed(records, baseOffset(batch, 0)), horizon)
  const bytes = compressRecords(compressionName(compression), encoded.bytes)
  writeBatchHeader(bytes, {
    ...keptFields(batch),
    attributes: keptAttributes(batch) | compression | (horizon === undefined ? 0 : DELETE_HORIZON_BIT),
    baseTimestamp: encoded.baseTimestamp,
    maxTimestamp: hasLogAppendTime(batch, 0) ? maxTimestamp(batch, 0) : encoded.maxTimestamp,
    recordCount: encoded.count,
  })
  return bytes
}

function placed(
  records: Iterable<LogRecord>,
  base: bigint,
): Iterable<BatchRecord & { readonly offsetDelta: number }> {
  return {
    *[Symbol.iterator]() {
      for (const record of records) yield { ...record, offsetDelta: Number(record.offset - base) }
    },
  }
}

/** Nothing but a header, which says up to which sequence number the producer had come. */
function emptied(batch: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD)
  writeBatchHeader(bytes, {
    ...keptFields(batch),
    attributes: keptAttributes(batch),
    baseTimestamp: -1n,
    maxTimestamp: maxTimestamp(batch, 0),
    recordCount: 0,
  })
  return bytes
}

function keptAttributes(batch: Buffer): number {
  return attributesOf(batch, 0) & KEPT_ATTRIBUTES
}

function keptFields(batch: Buffer) {
  return {
    baseOffset: baseOffset(batch, 0),
    leaderEpoch: partitionLeaderEpoch(batch, 0),
    lastOffsetDelta: lastOffsetDelta(batch, 0),
    producerId: producerId(batch, 0),
    producerEpoch: producerEpoch(batch, 0),
    baseSequence: baseSequence(batch, 0),
  }
}
