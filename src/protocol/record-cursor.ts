import { recordCount } from './record-batch.ts'
import { InvalidRecordError, VarintReader, writeVarint, writeVarlong } from './varint.ts'

/** What decides about a record when a log is compacted. */
export interface KeyedRecord {
  /** Hold the key. */
  readonly bytes: Buffer
  readonly keyAt: number
  /** -1 when there is no key. */
  readonly keyLength: number
  /** It has no value: its key is gone. */
  readonly isTombstone: boolean
}

/** The same of a record that is an object already. */
export function keyedRecord(key: Buffer | null, value: Buffer | null): KeyedRecord {
  return { bytes: key ?? NOTHING, keyAt: 0, keyLength: key?.length ?? -1, isTombstone: value === null }
}

const NOTHING = Buffer.alloc(0)

/** A copy of a record may be so much longer: its size takes five bytes instead of one then, and its time ten. */
export const MAX_GROWTH = 13

/**
 * Goes over the records of a batch of format 2 without making an object of any: for work on millions of them. Throws `InvalidRecordError`
 * where the bytes are no record or do not end with the last one. Headers are not looked at.
 */
export class RecordCursor implements KeyedRecord {
  /** Where the record begins, and where it ends. */
  start = 0
  end = 0
  /** Counted from the base offset of the batch. */
  offsetDelta = 0
  readonly bytes: Buffer
  keyAt = 0
  keyLength = -1
  isTombstone = false
  readonly #reader: VarintReader
  #left: number
  #bodyAt = 0
  #timestampEnd = 0

  /** `bytes`: the records of the batch, decompressed. */
  constructor(batch: Buffer, bytes: Buffer) {
    this.bytes = bytes
    this.#reader = new VarintReader(bytes)
    this.#left = recordCount(batch, 0)
  }

  /** Moves to the next record; false behind the last one. */
  next(): boolean {
    const reader = this.#reader
    if (this.#left <= 0) {
      const rest = this.bytes.length - reader.at
      if (rest > 0) throw new InvalidRecordError(`${rest} bytes are left behind the last record`)
      return false
    }
    this.#left--
    this.start = reader.at
    const size = reader.varint()
    this.#bodyAt = reader.at
    if (size < 0) throw new InvalidRecordError(`a record of ${size} bytes`)
    const end = reader.skip(size) + size
    reader.at = this.#bodyAt
    // The attributes of a record are not used.
    reader.skip(1)
    reader.skipVarlong()
    this.#timestampEnd = reader.at
    this.offsetDelta = reader.varint()
    this.keyLength = reader.varint()
    this.keyAt = reader.skip(Math.max(0, this.keyLength))
    const valueLength = reader.varint()
    reader.skip(Math.max(0, valueLength))
    this.isTombstone = valueLength < 0
    if (reader.at >= end) throw new InvalidRecordError(`a record of ${size} bytes ends elsewhere`)
    reader.at = end
    this.end = end
    return true
  }

  /** To where a record begins, as was seen before. */
  moveTo(start: number): void {
    this.#reader.at = start
    this.end = start
  }

  /** Counted from the base timestamp of the batch. */
  get timestampDelta(): bigint {
    return new VarintReader(this.bytes, this.#bodyAt + 1, this.#timestampEnd).varlong()
  }

  /** Writes the record as it is, but for its time; returns where it ends. */
  copy(into: Buffer, at: number, timestampDelta: bigint): number {
    const restLength = this.end - this.#timestampEnd
    const timestampEnd = writeVarlong(scratch, 0, timestampDelta)
    let to = writeVarint(into, at, 1 + timestampEnd + restLength)
    into[to++] = this.bytes[this.#bodyAt]!
    to += scratch.copy(into, to, 0, timestampEnd)
    return to + this.bytes.copy(into, to, this.#timestampEnd, this.end)
  }
}

const scratch = Buffer.alloc(10)
