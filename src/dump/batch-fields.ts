import { COMPRESSION_NAMES } from '../protocol/compression/compression.ts'
import { messageAttributes, messageCrc } from '../protocol/legacy-message.ts'
import {
  attributesOf,
  baseOffset,
  baseSequence,
  baseTimestamp,
  COMPRESSION_MASK,
  crcOf,
  hasDeleteHorizon,
  hasLogAppendTime,
  isControlBatch,
  isTransactional,
  LOG_APPEND_TIME_BIT,
  lastOffset,
  lastOffsetDelta,
  partitionLeaderEpoch,
  producerEpoch,
  producerId,
  recordCount,
} from '../protocol/record-batch.ts'
import { type BatchPlace, maxTimestampOf } from './batch-walker.ts'
import type { Fields } from './item.ts'

const SEQUENCES = 2 ** 31

/** All that stands in front of a batch's records, under the names of kafka-dump-log, then what follows from it. */
export function batchFields(place: BatchPlace, isCrcValid: boolean): Fields {
  const { header, position, size, magic } = place
  if (magic < 2) return messageFields(place, isCrcValid)
  const hasHorizon = hasDeleteHorizon(header, 0)
  return {
    baseOffset: baseOffset(header, 0),
    lastOffset: lastOffset(header, 0),
    count: recordCount(header, 0),
    baseSequence: baseSequence(header, 0),
    lastSequence: sequenceAt(baseSequence(header, 0), lastOffsetDelta(header, 0)),
    producerId: producerId(header, 0),
    producerEpoch: producerEpoch(header, 0),
    partitionLeaderEpoch: partitionLeaderEpoch(header, 0),
    isTransactional: isTransactional(header, 0),
    isControl: isControlBatch(header, 0),
    // KIP-534: then the base timestamp is when tombstones may go.
    deleteHorizonMs: hasHorizon ? baseTimestamp(header, 0) : null,
    position,
    timestampType: hasLogAppendTime(header, 0) ? 'LogAppendTime' : 'CreateTime',
    maxTimestamp: maxTimestampOf(place),
    size,
    magic,
    compresscodec: codecName(attributesOf(header, 0)),
    crc: crcOf(header, 0),
    isvalid: isCrcValid,
    baseTimestamp: baseTimestamp(header, 0),
    attributes: attributesOf(header, 0),
  }
}

/** A message of format 0 or 1: a record, or a wrapper around compressed ones. */
function messageFields(place: BatchPlace, isCrcValid: boolean): Fields {
  const { header, position, size, magic } = place
  const attributes = messageAttributes(header, 0)
  const isLogAppendTime = magic > 0 && (attributes & LOG_APPEND_TIME_BIT) !== 0
  return {
    offset: baseOffset(header, 0),
    position,
    timestampType: magic === 0 ? 'NoTimestampType' : isLogAppendTime ? 'LogAppendTime' : 'CreateTime',
    maxTimestamp: maxTimestampOf(place),
    size,
    magic,
    compresscodec: codecName(attributes),
    crc: messageCrc(header, 0),
    isvalid: isCrcValid,
    attributes,
  }
}

/** Sequence numbers begin again at 0 behind the largest int32; -1 when the producer is not idempotent. */
export function sequenceAt(base: number, delta: number): number {
  return base < 0 ? -1 : (base + delta) % SEQUENCES
}

function codecName(attributes: number): string {
  const codec = attributes & COMPRESSION_MASK
  return COMPRESSION_NAMES[codec] ?? `unknown (${codec})`
}
