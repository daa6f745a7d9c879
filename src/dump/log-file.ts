import { DecompressionError } from '../protocol/compression/compression.ts'
import { baseOffset, isControlBatch, recordCount } from '../protocol/record-batch.ts'
import { InvalidRecordError } from '../protocol/varint.ts'
import { batchFields } from './batch-fields.ts'
import {
  type BatchPlace,
  isBatchCrcValid,
  lastOffsetOf,
  MAX_BATCH_BYTES,
  walkBatches,
} from './batch-walker.ts'
import type { FileWindow } from './file-window.ts'
import { type DumpItem, type DumpOptions, note, problem } from './item.ts'
import type { RecordDecoder } from './record-decoders.ts'
import { openBatch, recordFields, storedBytes } from './record-fields.ts'

/** What is known of a segment beside its bytes. */
export interface LogFileFacts {
  /** From the file's name; undefined when it does not say. */
  readonly baseOffset: bigint | undefined
  readonly decoder: RecordDecoder | undefined
}

/** Everything in a `.log` file, or in a snapshot of the metadata, which has the same form. Ends with an item of type `end`. */
export function* dumpLog(window: FileWindow, facts: LogFileFacts, options: DumpOptions): Generator<DumpItem> {
  const tally = new Tally()
  const walk = walkBatches(window)
  let step = walk.next()
  for (; step.done !== true; step = walk.next()) {
    const place = step.value
    if (place.position >= options.maxBytes) {
      yield note(`stopped at byte ${place.position}, as was wished`)
      yield { type: 'end', fields: tally.fields(place.position, window.size) }
      return
    }
    const range = options.offsets
    if (range !== undefined && baseOffset(place.header, 0) > range.to) return
    const disorder = tally.add(place, facts.baseOffset)
    if (range !== undefined && lastOffsetOf(place) < range.from) continue
    yield* dumpBatch(window, place, facts.decoder, options, tally)
    if (disorder !== undefined) yield problem(disorder, place.position)
  }
  const { position, problem: reason, trailingBytes } = step.value
  if (reason !== undefined)
    yield problem(`${reason} (${bytesText(trailingBytes)} of the file are no batches)`, position)
  else if (trailingBytes > 0)
    yield note(`${bytesText(trailingBytes)} of zeros follow, which were allocated beforehand`)
  if (options.offsets === undefined) yield { type: 'end', fields: tally.fields(position, window.size) }
}

function* dumpBatch(
  window: FileWindow,
  place: BatchPlace,
  decoder: RecordDecoder | undefined,
  options: DumpOptions,
  tally: Tally,
): Generator<DumpItem> {
  const isValid = isBatchCrcValid(window, place)
  const fields = batchFields(place, isValid)
  const isCompressed = fields.compresscodec !== 'none'
  const isWanted = options.records || (options.decompress && isCompressed)
  if (!isWanted || place.size > MAX_BATCH_BYTES) {
    yield { type: 'batch', fields }
    if (!isValid) yield wrongCrc(place)
    if (isWanted) yield note(`a batch of ${bytesText(place.size)} is too large to look into`)
    return
  }
  const batch = Buffer.from(window.read(place.position, place.size))
  try {
    const opened = openBatch(batch, place.magic)
    const { uncompressedBytes } = opened
    const ratio =
      Math.round((100 * uncompressedBytes) / Math.max(1, storedBytes(place.size, place.magic))) / 100
    yield {
      type: 'batch',
      fields: isCompressed ? { ...fields, uncompressedBytes, compressionRatio: ratio } : fields,
    }
    if (!isValid) yield wrongCrc(place)
    if (options.records) yield* dumpRecords(opened.records(), batch, place, decoder, options, tally)
  } catch (error) {
    if (!(error instanceof InvalidRecordError || error instanceof DecompressionError)) throw error
    if (!options.records) yield { type: 'batch', fields }
    yield problem(`its records cannot be read: ${error.message}`, place.position)
  }
}

function* dumpRecords(
  records: ReturnType<ReturnType<typeof openBatch>['records']>,
  batch: Buffer,
  place: BatchPlace,
  decoder: RecordDecoder | undefined,
  options: DumpOptions,
  tally: Tally,
): Generator<DumpItem> {
  const { offsets: range } = options
  let count = 0
  for (const record of records) {
    count++
    if (range !== undefined && (record.offset < range.from || record.offset > range.to)) continue
    const fields = recordFields(record, batch, place.magic, options, decoder)
    yield { type: 'record', fields }
    if (fields.problem !== undefined)
      yield problem(`offset ${record.offset}: ${fields.problem}`, place.position)
  }
  if (place.magic < 2) tally.records += count
}

function wrongCrc(place: BatchPlace): DumpItem {
  return problem('the checksum of the batch does not fit its bytes', place.position)
}

/** What the batches of a segment amount to. */
class Tally {
  batches = 0
  records = 0
  #controlBatches = 0
  #gaps = 0
  #firstOffset: bigint | undefined
  #lastOffset: bigint | undefined

  /** Counts a batch. Returns what is wrong with its place among the others. */
  add(place: BatchPlace, fileBaseOffset: bigint | undefined): string | undefined {
    const first = baseOffset(place.header, 0)
    const last = lastOffsetOf(place)
    const previous = this.#lastOffset
    this.batches++
    if (place.magic === 2) this.records += recordCount(place.header, 0)
    if (place.magic === 2 && isControlBatch(place.header, 0)) this.#controlBatches++
    this.#firstOffset ??= first
    this.#lastOffset = last
    // A message of format 0 or 1 tells the last of its offsets only.
    if (previous !== undefined && place.magic === 2 && first > previous + 1n) this.#gaps++
    if (previous !== undefined && first <= previous)
      return `offsets go back: ${first} comes behind ${previous}`
    if (last < first) return `the last offset ${last} is below the first, ${first}`
    if (fileBaseOffset !== undefined && first < fileBaseOffset)
      return `offset ${first} is below ${fileBaseOffset}, with which the file begins by its name`
    return undefined
  }

  fields(validBytes: number, bytes: number): DumpItem['fields'] {
    return {
      batches: this.batches,
      controlBatches: this.#controlBatches,
      records: this.records,
      firstOffset: this.#firstOffset ?? null,
      lastOffset: this.#lastOffset ?? null,
      // Where compaction took records away, or a transaction was told of elsewhere.
      gaps: this.#gaps,
      validBytes,
      bytes,
    }
  }
}

function bytesText(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`
}
