import { COMPRESSION_NAMES, type CompressionName, compress } from './compression/compression.ts'
import { lz4Compress } from './compression/lz4.ts'
import { type LegacyMagic, type MessageToWrite, sizeOfMessage, writeMessage } from './legacy-message.ts'
import { LOG_APPEND_TIME_BIT } from './record-batch.ts'

/** A record with its place in the log. */
export interface PlacedRecord {
  readonly offset: bigint
  /** Milliseconds since the epoch; -1 for none. Format 0 has none. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
}

export interface MessageSetToBuild {
  readonly magic: LegacyMagic
  /** Gone over twice. */
  readonly records: Iterable<PlacedRecord>
  /** Not zstd, which these formats do not have. */
  readonly compression: CompressionName
  /** Set when the broker's time counts instead of the records' own. */
  readonly logAppendTimeMs?: bigint | undefined
}

/** One message for each record, or with compression one wrapper around them all. No bytes when there are no records. */
export function buildMessageSet(set: MessageSetToBuild): Buffer {
  const { magic, compression, logAppendTimeMs } = set
  const isWrapped = compression !== 'none'
  const attributes = magic > 0 && logAppendTimeMs !== undefined ? LOG_APPEND_TIME_BIT : 0
  let total = 0
  let first: bigint | undefined
  let last = 0n
  let latest = -1n
  const message = ({ offset, timestamp, key, value }: PlacedRecord): MessageToWrite => ({
    magic,
    // Inside a wrapper of format 1 offsets count from the first one (KIP-31).
    offset: isWrapped && magic > 0 ? offset - first! : offset,
    attributes,
    timestamp: logAppendTimeMs ?? timestamp,
    key,
    value,
  })
  for (const record of set.records) {
    first ??= record.offset
    last = record.offset
    if (record.timestamp > latest) latest = record.timestamp
    total += sizeOfMessage(message(record))
  }
  const bytes = Buffer.allocUnsafe(total)
  let at = 0
  for (const record of set.records) at = writeMessage(bytes, at, message(record))
  if (!isWrapped || first === undefined) return bytes
  return messageOf({
    magic,
    offset: last,
    attributes: attributes | COMPRESSION_NAMES.indexOf(compression),
    timestamp: logAppendTimeMs ?? latest,
    key: null,
    // KAFKA-3160: what reads format 0 expects the checksum of the frame's header to be wrong.
    value: compression === 'lz4' && magic === 0 ? lz4Compress(bytes, true) : compress(compression, bytes),
  })
}

function messageOf(message: MessageToWrite): Buffer {
  const bytes = Buffer.allocUnsafe(sizeOfMessage(message))
  writeMessage(bytes, 0, message)
  return bytes
}
