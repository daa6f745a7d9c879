import { compressRecordsInSteps } from '../../protocol/batch-builder.ts'
import { compressionName } from '../../protocol/compression/compression.ts'
import { type Allocate, ReusedMemory } from '../../protocol/compression/memory.ts'
import { buildMessageSet } from '../../protocol/legacy-builder.ts'
import {
  type LegacyMagic,
  messageCompression,
  messageHasLogAppendTime,
  messageTimestamp,
} from '../../protocol/legacy-message.ts'
import { type LegacyRecord, readLegacyRecords } from '../../protocol/legacy-records.ts'
import { recordBytesInSteps } from '../../protocol/record.ts'
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
  recordCount,
  TRANSACTIONAL_BIT,
  writeBatchHeader,
} from '../../protocol/record-batch.ts'
import { type KeyedRecord, keyedRecord, MAX_GROWTH, RecordCursor } from '../../protocol/record-cursor.ts'
import { runAll, type Steps } from '../../protocol/steps.ts'
import { RECORDS_PER_STEP } from './cleaner-pace.ts'

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
  keeps(batch: Buffer, offset: number, record: KeyedRecord): boolean
}

/** Where a batch is taken apart and put together again, for one batch after the other. */
export class FilterMemory {
  readonly records = new ReusedMemory()
  readonly kept = new ReusedMemory()
  readonly compressed = new ReusedMemory()
}

/** So many bytes are copied in one step. */
const BYTES_PER_STEP = 64 * 1024

/** What is copied from a batch with a new header. */
const KEPT_ATTRIBUTES = LOG_APPEND_TIME_BIT | TRANSACTIONAL_BIT | CONTROL_BIT

/**
 * What compaction leaves of one whole batch: the batch itself when all of it stays, another one with the records that stay, or undefined.
 * Offsets never change, and a batch of format 2 keeps its first and last one, with the sequence numbers that belong to them. The first
 * time that a batch with tombstones goes through here it gets its delete horizon (KIP-534). Throws as `readRecords` does.
 */
export function filterBatch(batch: Buffer, filter: RetentionFilter): Buffer | undefined {
  return runAll(filterBatchInSteps(batch, filter))
}

/** The same in steps. The result does not lie in the memory to work in. */
export function* filterBatchInSteps(
  batch: Buffer,
  filter: RetentionFilter,
  memory = new FilterMemory(),
): Steps<Buffer | undefined> {
  const { fate, isMarkerOfEmptyTransaction } = filter.retentionOf(batch)
  if (fate === 'delete') return undefined
  if (magicOf(batch, 0) < 2) return yield* filterMessage(batch, filter)
  const bytes = yield* recordBytesInSteps(batch, memory.records.take)
  const decision = yield* decide(batch, bytes, filter)
  const { count, hasTombstone } = decision
  if (count === 0) return fate === 'keep-when-empty' ? emptied(batch) : undefined
  const needsHorizon = (hasTombstone || isMarkerOfEmptyTransaction) && !hasDeleteHorizon(batch, 0)
  if (count === recordCount(batch, 0) && !needsHorizon) return batch
  const known = hasDeleteHorizon(batch, 0) ? baseTimestamp(batch, 0) : undefined
  const horizon = needsHorizon ? BigInt(filter.nowMs + filter.deleteRetentionMs) : known
  return yield* rebuilt(batch, bytes, decision, horizon, memory)
}

/** The same for formats 0 and 1. A wrapper gets the offset of its last message that stays. */
function* filterMessage(message: Buffer, filter: RetentionFilter): Steps<Buffer | undefined> {
  const records = readLegacyRecords(message)
  const magic = magicOf(message, 0)
  const kept: boolean[] = []
  let count = 0
  for (const { offset, key, value } of records) {
    const stays = filter.keeps(message, Number(offset), keyedRecord(key, value))
    kept.push(stays)
    if (stays) count++
    if (kept.length % RECORDS_PER_STEP === 0) yield
  }
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
  /** Where each run of records that stay begins and ends in the bytes of all of them. */
  readonly runs: readonly number[]
  readonly count: number
  /** A record that stays has no value: it says that its key is gone. */
  readonly hasTombstone: boolean
}

function* decide(batch: Buffer, bytes: Buffer, filter: RetentionFilter): Steps<Decision> {
  const first = Number(baseOffset(batch, 0))
  const runs: number[] = []
  let count = 0
  let hasTombstone = false
  const cursor = new RecordCursor(batch, bytes)
  for (let seen = 1; cursor.next(); seen++) {
    if (filter.keeps(batch, first + cursor.offsetDelta, cursor)) {
      count++
      if (cursor.isTombstone) hasTombstone = true
      if (runs.at(-1) === cursor.start) runs[runs.length - 1] = cursor.end
      else runs.push(cursor.start, cursor.end)
    }
    if (seen % RECORDS_PER_STEP === 0) yield
  }
  return { runs, count, hasTombstone }
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

function* rebuilt(
  batch: Buffer,
  records: Buffer,
  decision: Decision,
  horizon: bigint | undefined,
  memory: FilterMemory,
): Steps<Buffer> {
  const compression = compressionOf(batch, 0)
  const allocate = compression === 0 ? Buffer.allocUnsafe : memory.kept.take
  const copied = yield* copyRecords(batch, records, decision, horizon, allocate)
  const codec = compressionName(compression)
  const bytes = yield* compressRecordsInSteps(codec, copied.bytes, undefined, memory.compressed.take)
  writeBatchHeader(bytes, {
    ...keptFields(batch),
    attributes: keptAttributes(batch) | compression | (horizon === undefined ? 0 : DELETE_HORIZON_BIT),
    baseTimestamp: copied.baseTimestamp,
    maxTimestamp: copied.maxTimestamp,
    recordCount: decision.count,
  })
  return bytes
}

/** Their times count from `horizon` then, or from the first one's. Room for a header is left in front of them. */
function* copyRecords(
  batch: Buffer,
  records: Buffer,
  { runs, count }: Decision,
  horizon: bigint | undefined,
  allocate: Allocate,
) {
  const appendTimestamp = hasLogAppendTime(batch, 0) ? maxTimestamp(batch, 0) : undefined
  const oldBase = baseTimestamp(batch, 0)
  let base = horizon
  let largest = appendTimestamp ?? -1n
  let room = RECORD_BATCH_OVERHEAD + count * MAX_GROWTH
  for (let run = 0; run < runs.length; run += 2) room += runs[run + 1]! - runs[run]!
  const bytes = allocate(room)
  let at = RECORD_BATCH_OVERHEAD
  const cursor = new RecordCursor(batch, records)
  let copied = 0
  let stepEnd = BYTES_PER_STEP
  for (let run = 0; run < runs.length; run += 2) {
    cursor.moveTo(runs[run]!)
    while (cursor.end < runs[run + 1]! && cursor.next()) {
      const timestamp = appendTimestamp ?? BigInt.asIntN(64, oldBase + cursor.timestampDelta)
      base ??= timestamp
      if (timestamp > largest) largest = timestamp
      at = cursor.copy(bytes, at, timestamp - base)
      if (++copied % RECORDS_PER_STEP !== 0 && at < stepEnd) continue
      stepEnd = at + BYTES_PER_STEP
      yield
    }
  }
  return { bytes: bytes.subarray(0, at), baseTimestamp: base ?? -1n, maxTimestamp: largest }
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
