import { messageCrc } from '../protocol/legacy-message.ts'
import { type LegacyRecord, readLegacyRecords } from '../protocol/legacy-records.ts'
import { type LogRecord, readRecordsOf, recordBytes } from '../protocol/record.ts'
import {
  baseOffset,
  baseSequence,
  hasLogAppendTime,
  isControlBatch,
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
} from '../protocol/record-batch.ts'
import { sequenceAt } from './batch-fields.ts'
import type { DumpOptions, DumpValue, Fields } from './item.ts'
import { decodeControlRecord, type RecordDecoder } from './record-decoders.ts'

/** A batch with its records in reach. */
export interface OpenedBatch {
  /** Size of the records when they are not compressed. */
  readonly uncompressedBytes: number
  records(): Iterable<LogRecord | LegacyRecord>
}

/** Decompresses a batch when it is compressed. Throws `InvalidRecordError` and `DecompressionError`. */
export function openBatch(batch: Buffer, magic: number): OpenedBatch {
  if (magic === 2) {
    const bytes = recordBytes(batch)
    return { uncompressedBytes: bytes.length, records: () => readRecordsOf(batch, bytes) }
  }
  const records = readLegacyRecords(batch)
  return {
    get uncompressedBytes() {
      return uncompressedBytes(records)
    },
    records: () => records,
  }
}

/** Bytes that records have beside the header of their batch. */
export function storedBytes(size: number, magic: number): number {
  return size - (magic === 2 ? RECORD_BATCH_OVERHEAD : 0)
}

function uncompressedBytes(records: Iterable<LegacyRecord>): number {
  let sum = 0
  for (const { bytes, at } of records) sum += LOG_OVERHEAD + bytes.readInt32BE(at + 8)
  return sum
}

/** A record, with what it says when the options want that. */
export function recordFields(
  record: LogRecord,
  batch: Buffer,
  magic: number,
  options: DumpOptions,
  decoder: RecordDecoder | undefined,
): Fields {
  const { offset, timestamp, key, value, headers } = record
  return {
    offset,
    timestampType: magic === 2 && hasLogAppendTime(batch, 0) ? 'LogAppendTime' : 'CreateTime',
    timestamp,
    keySize: key?.length ?? -1,
    valueSize: value?.length ?? -1,
    ...(magic === 2 ? sequenceOf(record, batch) : legacyFields(record as LegacyRecord)),
    ...(magic === 2 ? { headerKeys: headers.map((header) => header.key) } : {}),
    ...contentFields(record, magic === 2 && isControlBatch(batch, 0), options, decoder),
  }
}

function sequenceOf({ offset }: LogRecord, batch: Buffer): Fields {
  return { sequence: sequenceAt(baseSequence(batch, 0), Number(offset - baseOffset(batch, 0))) }
}

function legacyFields({ bytes, at, magic }: LegacyRecord): Fields {
  return { magic, crc: messageCrc(bytes, at) }
}

function contentFields(
  record: LogRecord,
  isControl: boolean,
  options: DumpOptions,
  decoder: RecordDecoder | undefined,
): Fields {
  // What a control record says is no data of anybody: it is shown always, as kafka-dump-log does.
  if (isControl) return decodeControlRecord(record, options.catalog)
  if (!options.data) return {}
  const { key, value, headers } = record
  const headerValues: Record<string, DumpValue>[] = headers.map((header) => ({ [header.key]: header.value }))
  const decoded = decoder?.(record)
  return {
    ...(headers.length > 0 ? { headers: headerValues } : {}),
    key: decoded?.key === undefined ? key : decoded.key,
    payload: decoded?.payload === undefined ? value : decoded.payload,
    ...(decoded?.problem === undefined ? {} : { problem: decoded.problem }),
  }
}
