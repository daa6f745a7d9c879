import { buildBatch } from '../protocol/batch-builder.ts'
import { type CompressionName, compressionName } from '../protocol/compression/compression.ts'
import { isMessageCrcValid, messageCompression, messageHasLogAppendTime } from '../protocol/legacy-message.ts'
import { type LegacyRecord, messagesOf, readLegacyRecords, recordAt } from '../protocol/legacy-records.ts'
import {
  baseOffset,
  batchSizeInBytes,
  compressionOf,
  isCrcValid,
  magicOf,
  RECORD_BATCH_OVERHEAD,
} from '../protocol/record-batch.ts'
import {
  asApiError,
  checkMaxSize,
  compressionLevelOf,
  corruptMessage,
  datedRecords,
  invalidRecord,
  NO_TIMESTAMP,
  RecordCheck,
  usesLogAppendTime,
  type ValidatedBatches,
  type ValidationOptions,
  wantedCodec,
} from './append-rules.ts'

const NEWEST_MAGIC = 2

/** What `survey` finds out about a set: messages without compression, or one wrapper. */
interface MessageSet {
  readonly magic: number
  readonly isOneMagic: boolean
  /** Of the last message that has one. */
  readonly codec: CompressionName
}

/**
 * Checks messages of format 0 or 1 that a client appends as Kafka's broker does, and makes one batch of format 2 of them: whatever came,
 * the log has it in that format (KIP-724). Times are kept, but format 0 has none. Throws `ApiError` or `InvalidRecordsError`.
 */
export function upConvert(records: Buffer, options: ValidationOptions): ValidatedBatches {
  const { config } = options
  const logAppendTimeMs = usesLogAppendTime(config) ? BigInt(options.nowMs) : undefined
  try {
    const set = survey(records, options)
    const source = set.codec === 'none' ? plainRecords(records) : readLegacyRecords(records)
    if (set.codec === 'none') checkPlain(records, set, options)
    else checkWrapped(records, source, set, options)
    const compression = wantedCodec(config, set.codec)
    const batch = buildBatch({
      baseOffset: options.baseOffset,
      leaderEpoch: options.leaderEpoch,
      records: datedRecords(source),
      compression,
      compressionLevel: compressionLevelOf(config, compression),
      logAppendTimeMs,
    })
    checkMaxSize(batch.length, config)
    return { records: batch, logAppendTimeMs: logAppendTimeMs ?? NO_TIMESTAMP }
  } catch (error) {
    throw asApiError(error)
  }
}

/** What the messages show from outside. In Kafka too all of them pass this before the first one is opened. */
function survey(records: Buffer, { config }: ValidationOptions): MessageSet {
  const magic = magicOf(records, 0)
  let count = 0
  let isOneMagic = true
  let codec: CompressionName = 'none'
  for (const at of messagesOf(records)) {
    const size = batchSizeInBytes(records, at)
    const own = magicOf(records, at)
    if (own < 0 || own > NEWEST_MAGIC) throw corruptMessage(`there is no message format ${own}`)
    if (own === NEWEST_MAGIC && baseOffset(records, at) !== 0n)
      throw invalidRecord(`a producer's batch has base offset ${baseOffset(records, at)}`)
    checkMaxSize(size, config)
    if (!isSound(records, at, own, size))
      throw corruptMessage(`the CRC of the message at byte ${at} is wrong`)
    const compression = own < NEWEST_MAGIC ? messageCompression(records, at) : compressionOf(records, at)
    if (compression !== 0) codec = compressionName(compression)
    if (own !== magic) isOneMagic = false
    count++
  }
  if (count === 0) throw invalidRecord('there is no whole message')
  if (count > 1 && codec !== 'none') throw invalidRecord('a message that is compressed must be the only one')
  return { magic, isOneMagic, codec }
}

function isSound(records: Buffer, at: number, magic: number, size: number): boolean {
  if (magic < NEWEST_MAGIC) return isMessageCrcValid(records, at)
  return size >= RECORD_BATCH_OVERHEAD && isCrcValid(records, at)
}

/** Messages without compression each count as a batch of one record: the first one at fault is the only one that is named. */
function checkPlain(records: Buffer, { magic, isOneMagic }: MessageSet, options: ValidationOptions): void {
  const check = new RecordCheck(options)
  for (const record of plainRecords(records)) {
    if (!isOneMagic && record.magic !== magic)
      throw invalidRecord(`a message of format ${record.magic} follows one of format ${magic}`)
    check.add(0, record, messageHasLogAppendTime(records, record.at))
    check.end()
  }
}

function checkWrapped(
  wrapper: Buffer,
  source: Iterable<LegacyRecord>,
  { magic }: MessageSet,
  options: ValidationOptions,
): void {
  const check = new RecordCheck(options)
  const hasAppendTime = messageHasLogAppendTime(wrapper, 0)
  let index = 0
  for (const record of source) {
    if (record.magic !== magic)
      check.refuse(index, `a message of format ${record.magic} is in one of format ${magic}`)
    else if (!isMessageCrcValid(record.bytes, record.at))
      throw corruptMessage(`the CRC of message ${index} in the wrapper is wrong`)
    else check.add(index, record, hasAppendTime)
    index++
  }
  check.end()
}

function plainRecords(records: Buffer): Iterable<LegacyRecord> {
  return {
    *[Symbol.iterator]() {
      for (const at of messagesOf(records)) yield recordAt(records, at)
    },
  }
}
