import {
  baseTimestamp,
  hasDeleteHorizon,
  isControlBatch,
  lastOffset,
  magicOf,
  producerEpoch,
  producerId,
  recordCount,
} from '../../protocol/record-batch.ts'
import type { KeyedRecord } from '../../protocol/record-cursor.ts'
import { type CleanedTransaction, CleanedTransactions } from './cleaned-transactions.ts'
import type { BatchRetention, RetentionFilter } from './filter-batch.ts'

/** The last offset of each key, as far as the cleaner has read. Numbers: there is no room for more than 2 ** 53 records on any disk. */
export interface LatestOffsets {
  /** Last offset that was read: what lies behind is not known, and stays. */
  readonly lastOffset: number
  /** -1 when the key was not met. */
  get(bytes: Buffer, keyAt: number, keyLength: number): number
}

/** What the log must keep of a producer that may still write. */
export interface LastOfProducer {
  readonly producerEpoch: number
  /** Of the last batch with data; undefined when only a marker is left, which then must stay. */
  readonly lastDataOffset: bigint | undefined
}

export interface RetentionFacts {
  readonly nowMs: number
  readonly deleteRetentionMs: number
  readonly latestOffsets: LatestOffsets
  readonly abortedTransactions: readonly CleanedTransaction[]
  /** By producer id. */
  readonly activeProducers: { get(producerId: bigint): LastOfProducer | undefined }
  /** Offset after the last batch of this pass. That batch stays, so that the log knows where it had come to. */
  readonly upTo: bigint
  /** Formats 0 and 1 have no delete horizon: there the age of the segment decides. */
  readonly keepsLegacyTombstones: boolean
}

/** Kafka's rules of compaction, for the batches of one pass from front to back: the last record of each key stays. */
export class RetentionRules implements RetentionFilter {
  readonly nowMs: number
  readonly deleteRetentionMs: number
  readonly transactions: CleanedTransactions
  /** See `RetentionFacts`; may change from segment to segment. */
  keepsLegacyTombstones: boolean
  readonly #facts: RetentionFacts
  /** All records of the batch at hand go. */
  #goesWhole = false

  constructor(facts: RetentionFacts) {
    this.#facts = facts
    this.nowMs = facts.nowMs
    this.deleteRetentionMs = facts.deleteRetentionMs
    this.keepsLegacyTombstones = facts.keepsLegacyTombstones
    this.transactions = new CleanedTransactions(facts.abortedTransactions)
  }

  retentionOf(batch: Buffer): BatchRetention {
    if (magicOf(batch, 0) < 2) {
      this.#goesWhole = false
      return { fate: 'delete-when-empty', isMarkerOfEmptyTransaction: false }
    }
    const isControl = isControlBatch(batch, 0)
    const isWithoutRecords = isControl
      ? this.transactions.meetMarker(batch, recordCount(batch, 0) === 0)
      : this.transactions.meetBatch(batch)
    this.#goesWhole = isWithoutRecords && (!isControl || this.#isPastHorizon(batch))
    return {
      fate: this.#mustStay(batch) ? 'keep-when-empty' : this.#goesWhole ? 'delete' : 'delete-when-empty',
      isMarkerOfEmptyTransaction: isWithoutRecords && isControl,
    }
  }

  keeps(batch: Buffer, offset: number, { bytes, keyAt, keyLength, isTombstone }: KeyedRecord): boolean {
    if (this.#goesWhole) return false
    const isLegacy = magicOf(batch, 0) < 2
    if (!isLegacy && isControlBatch(batch, 0)) return true
    const { latestOffsets } = this.#facts
    if (offset > latestOffsets.lastOffset) return true
    // Nobody can say which record without a key a later one replaces.
    if (keyLength < 0 || offset < latestOffsets.get(bytes, keyAt, keyLength)) return false
    if (!isTombstone) return true
    if (isLegacy) return this.keepsLegacyTombstones
    return !hasDeleteHorizon(batch, 0) || baseTimestamp(batch, 0) > BigInt(this.nowMs)
  }

  #isPastHorizon(batch: Buffer): boolean {
    return hasDeleteHorizon(batch, 0) && baseTimestamp(batch, 0) <= BigInt(this.nowMs)
  }

  /** It has the last sequence number or epoch of a producer that may go on, or is the last one of the pass. */
  #mustStay(batch: Buffer): boolean {
    const last = lastOffset(batch, 0)
    if (last + 1n === this.#facts.upTo) return true
    const producer = this.#facts.activeProducers.get(producerId(batch, 0))
    if (producer === undefined) return false
    const { lastDataOffset } = producer
    if (lastDataOffset !== undefined) return last === lastDataOffset
    return isControlBatch(batch, 0) && producerEpoch(batch, 0) === producer.producerEpoch
  }
}
