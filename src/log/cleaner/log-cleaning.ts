import type { Logger } from '../../platform/logger.ts'
import type { Clock, Random } from '../../platform/platform.ts'
import { isIntact, lastOffset, maxTimestamp } from '../../protocol/any-batch.ts'
import { baseOffset, isControlBatch, magicOf, recordCount } from '../../protocol/record-batch.ts'
import type { Steps } from '../../protocol/steps.ts'
import type { Segment } from '../segment.ts'
import { BatchStream } from './batch-stream.ts'
import type { CleanableLog } from './cleanable-log.ts'
import type { CleanableRange } from './cleanable-range.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import { type CleanerPace, CleaningAborted } from './cleaner-pace.ts'
import { FilterMemory, filterBatchInSteps } from './filter-batch.ts'
import { SECRET_BYTES } from './key-digest.ts'
import { learnBatch } from './learn-batch.ts'
import { OffsetMap } from './offset-map.ts'
import { RetentionRules } from './retention-rules.ts'
import { groupSegments } from './segment-groups.ts'

/** How the cleaner works, by the settings of the broker. */
export interface CleaningSettings {
  /** `log.cleaner.dedupe.buffer.size`: memory for the keys of a pass. */
  readonly dedupeBufferBytes: number
  /** `log.cleaner.io.buffer.load.factor`. */
  readonly loadFactor: number
  /** `log.cleaner.io.buffer.size`. */
  readonly ioBufferBytes: number
}

export interface CleaningTools {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly pace: CleanerPace
  readonly settings: CleaningSettings
}

/** What a cleaning did. */
export interface CleaningReport {
  /** Up to here the log has been cleaned. */
  readonly cleanedUpTo: bigint
  readonly keys: number
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** So many bytes may wait to be written to the device: a queue that is longer holds up those who append. */
const FLUSH_EVERY_BYTES = 8 * 1024 * 1024

/**
 * One cleaning of one log: learns which offset is the last of each key, and then writes the segments anew without the records that a later
 * one replaces. Throws `CleaningAborted` when the log is closed or the broker stops, and `CorruptLogError`; groups of segments that were
 * done by then stay as they are.
 */
export class LogCleaning {
  readonly #log: CleanableLog
  readonly #range: CleanableRange
  readonly #tools: CleaningTools
  readonly #stream: BatchStream
  readonly #memory = new FilterMemory()
  #bytesBefore = 0
  #bytesAfter = 0

  constructor(log: CleanableLog, range: CleanableRange, tools: CleaningTools) {
    this.#log = log
    this.#range = range
    this.#tools = tools
    this.#stream = new BatchStream(Math.floor(tools.settings.ioBufferBytes / 2), (bytes) =>
      this.#moved(bytes),
    )
  }

  async run(): Promise<CleaningReport> {
    const { firstDirtyOffset, firstUncleanableOffset } = this.#range
    const { config } = this.#log
    const { dedupeBufferBytes, loadFactor } = this.#tools.settings
    const map = new OffsetMap({
      bytes: dedupeBufferBytes,
      loadFactor,
      maxKeys: Number(firstUncleanableOffset - firstDirtyOffset),
      secret: this.#tools.random.bytes(SECRET_BYTES),
    })
    await this.#learn(map)
    const cleanedUpTo = BigInt(map.lastOffset + 1)
    const rules = this.#rulesFor(map)
    const segments = this.#log.segments.filter(({ baseOffset }) => baseOffset < cleanedUpTo)
    const legacyHorizonMs = this.#legacyHorizonMs()
    const limits = {
      segmentBytes: config['segment.bytes'],
      indexBytes: config['segment.index.bytes'],
      firstUncleanableOffset,
    }
    for (const group of groupSegments(segments, limits)) await this.#clean(group, rules, legacyHorizonMs)
    return {
      cleanedUpTo,
      keys: map.size,
      bytesBefore: this.#bytesBefore,
      bytesAfter: this.#bytesAfter,
    }
  }

  #rulesFor(map: OffsetMap): RetentionRules {
    const { segments, config } = this.#log
    const { firstUncleanableOffset } = this.#range
    return new RetentionRules({
      nowMs: this.#tools.clock.now(),
      deleteRetentionMs: config['delete.retention.ms'],
      latestOffsets: map,
      abortedTransactions: this.#log.abortedEntries(segments[0]!.baseOffset, firstUncleanableOffset),
      activeProducers: { get: (producerId) => this.#log.lastOfProducer(producerId) },
      upTo: firstUncleanableOffset,
      keepsLegacyTombstones: true,
    })
  }

  /** Tombstones of formats 0 and 1 stay in segments that are younger. */
  #legacyHorizonMs(): number {
    const { segments, config } = this.#log
    const lastClean = segments.findLast(({ baseOffset }) => baseOffset < this.#range.firstDirtyOffset)
    return lastClean ? lastClean.largestTimestampMs - config['delete.retention.ms'] : 0
  }

  /** Goes over the dirty segments until all keys are known, or no more fit. */
  async #learn(map: OffsetMap): Promise<void> {
    const { firstDirtyOffset: start, firstUncleanableOffset: end } = this.#range
    const { segments } = this.#log
    const first = segments.findLastIndex(({ baseOffset }) => baseOffset <= start)
    const dirty = segments.slice(Math.max(0, first)).filter(({ baseOffset }) => baseOffset < end)
    const transactions = new CleanedTransactions(this.#log.abortedEntries(start, end))
    for (const [index, segment] of dirty.entries()) {
      if (!(await this.#learnSegment(segment, map, transactions))) return
      // The last offsets of a segment may have gone in an earlier cleaning.
      map.lastOffset = Number(dirty[index + 1]?.baseOffset ?? end) - 1
    }
  }

  /** False: the map is full. */
  async #learnSegment(segment: Segment, map: OffsetMap, transactions: CleanedTransactions): Promise<boolean> {
    const { firstDirtyOffset: start } = this.#range
    const from = segment.offsetIndex.positionFor(start)
    for await (const chunk of this.#stream.chunks(segment, from)) {
      for (const batch of chunk) {
        const last = lastOffset(batch, 0)
        if (hasDataToKeep(batch, transactions) && last >= start) {
          if (!(await this.#inTurns(learnBatch(batch, map, Number(start), this.#memory.records.take))))
            return false
        }
        if (last >= start) map.lastOffset = Number(last)
        if (this.#tools.pace.isTurnOver) await this.#giveWay()
      }
    }
    return true
  }

  /** Makes one segment of several. */
  async #clean(group: readonly Segment[], rules: RetentionRules, legacyHorizonMs: number): Promise<void> {
    const { logger } = this.#tools
    const cleaned = this.#log.beginCleaned(group)
    try {
      for (const segment of group) {
        rules.keepsLegacyTombstones = segment.largestTimestampMs > legacyHorizonMs
        await this.#copy(segment, cleaned, rules)
      }
      cleaned.transactionIndex.append(...rules.transactions.remaining.splice(0))
      cleaned.seal()
      await cleaned.flush()
      this.#check()
      this.#log.replace(cleaned, group)
    } catch (error) {
      if (!this.#log.segments.includes(cleaned)) this.#drop(cleaned)
      throw error
    } finally {
      cleaned.file.close()
    }
    logger.debug({ directory: this.#log.directory, segment: cleaned.baseOffset }, 'cleaned segments')
  }

  #drop(cleaned: Segment): void {
    try {
      this.#log.dropCleaned(cleaned)
    } catch (error) {
      this.#tools.logger.error({ path: cleaned.file.path, err: error }, 'cannot remove a cleaned segment yet')
    }
  }

  async #copy(segment: Segment, cleaned: Segment, rules: RetentionRules): Promise<void> {
    let unflushed = 0
    let previous = segment.baseOffset - 1n
    const { segments } = this.#log
    const end = segments[segments.indexOf(segment) + 1]!.baseOffset
    for await (const chunk of this.#stream.chunks(segment, 0)) {
      const left: Buffer[] = []
      for (const batch of chunk) {
        this.#bytesBefore += batch.length
        // What is damaged must not get a new checksum.
        if (!isIntact(batch, 0) || baseOffset(batch, 0) <= previous || lastOffset(batch, 0) >= end)
          throw new CorruptLogError(segment, previous)
        previous = lastOffset(batch, 0)
        const filtered = await this.#inTurns(filterBatchInSteps(batch, rules, this.#memory))
        if (filtered) left.push(filtered)
        if (this.#tools.pace.isTurnOver) await this.#giveWay()
      }
      if (left.length === 0) continue
      const bytes = left.length === 1 ? left[0]! : Buffer.concat(left)
      cleaned.append(bytes, maxTimestamp(bytes, 0))
      this.#bytesAfter += bytes.length
      unflushed += bytes.length
      await this.#moved(bytes.length)
      if (unflushed < FLUSH_EVERY_BYTES) continue
      await cleaned.file.flush()
      this.#check()
      unflushed = 0
    }
  }

  async #inTurns<Result>(steps: Steps<Result>): Promise<Result> {
    for (;;) {
      const { done, value } = steps.next()
      if (done) return value
      if (this.#tools.pace.isTurnOver) await this.#giveWay()
    }
  }

  async #giveWay(): Promise<void> {
    await this.#tools.pace.yield()
    this.#check()
  }

  async #moved(bytes: number): Promise<void> {
    await this.#tools.pace.spend(bytes)
    this.#check()
  }

  #check(): void {
    if (this.#tools.pace.isStopped || this.#log.isClosed) throw new CleaningAborted()
  }
}

/** Nothing of it is cleaned before somebody has looked at it. */
export class CorruptLogError extends Error {
  override readonly name = 'CorruptLogError'

  constructor(segment: Segment, offset: bigint) {
    super(`the batch behind offset ${offset} in ${segment.file.path} is damaged`)
  }
}

/** Markers have no keys, and what was aborted replaces nothing. */
function hasDataToKeep(batch: Buffer, transactions: CleanedTransactions): boolean {
  if (magicOf(batch, 0) < 2) return true
  if (!isControlBatch(batch, 0)) return !transactions.meetBatch(batch)
  transactions.meetMarker(batch, recordCount(batch, 0) === 0)
  return false
}
