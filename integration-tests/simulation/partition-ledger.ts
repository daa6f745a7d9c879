import { type CleanerReach, type CompactionPromises, KeyHistory } from './key-history.ts'
import { type SentRecord, short } from './sent-record.ts'
import { Violation } from './violation.ts'

/** What a log is found to hold. */
export interface FoundLog {
  readonly logStartOffset: number
  readonly logEndOffset: number
  /** Where the segment begins that is written to. */
  readonly activeBase: number
  readonly records: readonly FoundRecord[]
  /** Compaction has left batches without records, with the times of those that they had. */
  readonly hasEmptyBatches: boolean
}

export interface FoundRecord {
  readonly offset: number
  readonly text: string
  readonly timestamp: number
}

/** What a topic's settings promise of its records. */
export interface TopicPromises extends CompactionPromises {
  /** Records have keys, and the last one of each stays. */
  readonly isKeyed: boolean
  /** Old records may go by themselves. */
  mayExpire: boolean
  /** What is acknowledged is on the device: `flush.messages=1`. */
  flushesAtOnce: boolean
  /** Rises when that changes. */
  flushEra: number
  /** It was so since the topic was created. */
  flushedAlways: boolean
  isDeleted: boolean
}

/** By both clocks. */
type Now = Pick<CleanerReach, 'nowMs' | 'elapsedMs'>

/** What clients know of a partition: what they sent, what was acknowledged, what they read. */
export class PartitionLedger {
  readonly #name: string
  readonly #topic: TopicPromises
  /** What somebody sent, by its text. */
  readonly #sent = new Map<string, SentRecord>()
  /** Records by the offset at which they were acknowledged or seen. */
  readonly #known = new Map<number, SentRecord>()
  readonly #offsets = new Map<string, number>()
  readonly #keys: KeyHistory
  /** Records that compaction has removed. */
  readonly #gone = new Set<number>()
  /** Behind the last record that was acknowledged or seen. */
  end = 0
  /** Below this everything was on the device. */
  #durableEnd = 0
  #startAcknowledged = 0
  /** A start below which nothing comes back, whatever happens. */
  #durableStart = 0
  #startAttempted = 0
  /** Rises when records were lost with the power, which is no fault of the broker's. */
  losses = 0

  constructor(name: string, topic: TopicPromises) {
    this.#name = name
    this.#topic = topic
    this.#keys = new KeyHistory(topic)
  }

  get isDeleted(): boolean {
    return this.#topic.isDeleted
  }

  get isKeyed(): boolean {
    return this.#topic.isKeyed
  }

  /** Undefined: an answer does not promise that records are on the device. It does for a batch that was made in the same era. */
  get flushEra(): number | undefined {
    return this.#topic.flushesAtOnce ? this.#topic.flushEra : undefined
  }

  send(records: readonly SentRecord[]): void {
    for (const record of records) {
      this.#sent.set(record.text, record)
      if (record.key !== null) this.#keys.send(record, record.key)
    }
  }

  /** `isFlushed`: the answer promises that they are on the device. */
  acknowledge(baseOffset: number, records: readonly SentRecord[], isFlushed: boolean): void {
    for (const [at, { text }] of records.entries()) this.observe(baseOffset + at, text)
    if (isFlushed) this.flushedTo(baseOffset + records.length)
  }

  /** A record was acknowledged at an offset, or read from it. */
  observe(offset: number, text: string): void {
    const known = this.#known.get(offset)
    if (known?.text === text) return
    const where = `${this.#name} offset ${offset}`
    if (known !== undefined)
      throw new Violation(
        'offsets are not used again',
        `${where} was ${short(known.text)}, is ${short(text)}`,
      )
    const record = this.#sent.get(text)
    if (!record) throw new Violation('only what was sent is there', `${where} is ${short(text)}`)
    const other = this.#offsets.get(text)
    if (other !== undefined)
      throw new Violation('nothing is there twice', `${where} is ${short(text)}, as is offset ${other}`)
    this.#known.set(offset, record)
    this.#offsets.set(text, offset)
    if (record.key !== null) this.#keys.learn(offset, record, record.key)
    if (offset >= this.end) this.end = offset + 1
  }

  /** The first record from one offset to another that must be there; undefined when there is none. */
  firstKept(from: number, to: number, reach: CleanerReach): number | undefined {
    for (let offset = from; offset < to; offset++) if (this.#isKept(offset, reach)) return offset
    return undefined
  }

  /** A reader went from an offset to another without getting anything in between. */
  skipped(from: number, to: number, who: string, reach: CleanerReach): void {
    const kept = this.firstKept(from, to, reach)
    if (kept === undefined) return
    throw new Violation(
      'readers miss nothing',
      `${who} did not get ${this.#name} offset ${kept}, ${short(this.#known.get(kept)!.text)}`,
    )
  }

  /** When a record that is known was written, by itself. */
  timestampAt(offset: number): number | undefined {
    return this.#known.get(offset)?.timestamp
  }

  attemptStart(offset: number): void {
    this.#startAttempted = Math.max(this.#startAttempted, offset)
  }

  acknowledgeStart(offset: number): void {
    this.#startAcknowledged = Math.max(this.#startAcknowledged, offset)
  }

  /** All below is on the device now. */
  flushedTo(offset: number): void {
    this.#durableEnd = Math.max(this.#durableEnd, Math.min(offset, this.end))
  }

  /** A clean stop has brought to the device all that there is to know. */
  stoppedClean(): void {
    this.flushedTo(this.end)
    this.#durableStart = this.#startAcknowledged
  }

  /** Compares with what is there. After a loss of power the end may be missing, down to what was flushed. */
  verify(log: FoundLog, isPowerLost: boolean, now: Now): void {
    this.#verifyEnds(log, isPowerLost)
    if (this.#topic.isKeyed) this.#verifyCompacted(log, isPowerLost, now)
    else this.#verifyContiguous(log.records, log.logStartOffset, log)
    this.end = Math.max(this.end, log.logEndOffset)
  }

  #verifyContiguous(records: readonly FoundRecord[], from: number, { logEndOffset }: FoundLog): void {
    let expected = from
    for (const { offset, text } of records) {
      if (offset < from) continue
      if (offset !== expected)
        throw new Violation(
          'offsets are contiguous',
          `${this.#name} has offset ${offset} where ${expected} was due`,
        )
      this.observe(offset, text)
      expected++
    }
    if (expected !== logEndOffset)
      throw new Violation(
        'offsets are contiguous',
        `${this.#name} ends at ${expected}, not at ${logEndOffset}`,
      )
  }

  /** Offsets rise; what is not there any more was replaced; and what no cleaner has looked at yet is there as it was. */
  #verifyCompacted(log: FoundLog, isPowerLost: boolean, now: Now): void {
    const { logStartOffset, logEndOffset, activeBase } = log
    const found = new Set<number>()
    let last = -1
    for (const { offset, text } of log.records) {
      if (offset <= last)
        throw new Violation('offsets rise', `${this.#name} has offset ${offset} behind ${last}`)
      last = offset
      if (offset < logStartOffset) continue
      this.observe(offset, text)
      found.add(offset)
    }
    if (isPowerLost) this.#forgetUnflushed(found, logEndOffset)
    // A recovery may have removed the segments behind what was cleaned.
    else this.#verifyContiguous(log.records, Math.max(activeBase, logStartOffset), log)
    const reach = { ...now, activeBase: isPowerLost ? undefined : activeBase, isAllRead: true }
    for (const offset of this.#known.keys()) {
      if (offset < logStartOffset || found.has(offset) || this.#gone.has(offset)) continue
      if (this.#isKept(offset, reach))
        throw new Violation(
          'compaction keeps the last of each key',
          `${this.#name} lacks offset ${offset}, ${short(this.#known.get(offset)!.text)}`,
        )
      this.#gone.add(offset)
    }
    this.#keys.settle(now.elapsedMs)
  }

  #isKept(offset: number, reach: CleanerReach): boolean {
    const record = this.#known.get(offset)
    if (record === undefined || this.#gone.has(offset)) return false
    if (!this.#topic.isKeyed) return true
    return !this.#keys.mayBeGone(offset, record, reach, (other) => this.#known.get(other))
  }

  /** Nothing that a later record replaces is left below an offset: a cleaner has been at work. */
  verifyCleaned({ records, activeBase, logStartOffset }: FoundLog): void {
    const there = new Set(records.map(({ offset }) => offset))
    const isThere = (offset: number) => offset >= logStartOffset && there.has(offset)
    for (const [key, offset] of this.#keys.repeatedBelow(activeBase, isThere)) {
      throw new Violation(
        'what can be compacted is compacted',
        `${this.#name} has ${key} at offset ${offset} and later, below ${activeBase}`,
      )
    }
  }

  #verifyEnds({ logStartOffset, logEndOffset, records }: FoundLog, isPowerLost: boolean): void {
    const kept = isPowerLost ? this.#keptWithoutPower() : this.end
    if (logEndOffset < kept)
      throw new Violation(
        'what was acknowledged is kept',
        `${this.#name} ends at ${logEndOffset}, expected ${kept}`,
      )
    if (!this.#topic.mayExpire && logStartOffset > this.#startAttempted)
      throw new Violation(
        'what was acknowledged is kept',
        `${this.#name} starts at ${logStartOffset}, expected ${this.#startAttempted} at most`,
      )
    if (isPowerLost) {
      this.#startAcknowledged = Math.max(
        this.#durableStart,
        Math.min(this.#startAcknowledged, logStartOffset),
      )
      // Whoever came before anybody looked may have written others in their place.
      const replaced = records.find(({ offset, text }) => offset >= kept && this.#isOther(offset, text))
      this.#forgetFrom(replaced?.offset ?? logEndOffset)
    }
    if (logStartOffset < this.#startAcknowledged)
      throw new Violation(
        'deleted records stay so',
        `${this.#name} starts at ${logStartOffset}, expected ${this.#startAcknowledged}`,
      )
  }

  #isOther(offset: number, text: string): boolean {
    const known = this.#known.get(offset)
    return known !== undefined && known.text !== text
  }

  /** Up to where the log has to be there when power was lost. */
  #keptWithoutPower(): number {
    const { mayExpire, flushedAlways } = this.#topic
    // What was removed before it was flushed may come back without its bytes.
    const mayBeRemoved = mayExpire || this.#durableEnd <= this.#startAttempted
    return mayBeRemoved && !flushedAlways ? 0 : this.#durableEnd
  }

  #forgetFrom(offset: number): void {
    if (offset >= this.end) return
    for (const at of this.#known.keys()) if (at >= offset) this.#forget(at)
    this.end = offset
    this.losses++
  }

  /** A log with gaps cannot tell that something between two records was lost. */
  #forgetUnflushed(found: ReadonlySet<number>, end: number): void {
    for (const offset of this.#known.keys()) {
      if (offset < this.#durableEnd || offset >= end || found.has(offset)) continue
      this.#forget(offset)
      this.losses++
    }
  }

  #forget(offset: number): void {
    const record = this.#known.get(offset)!
    this.#known.delete(offset)
    this.#offsets.delete(record.text)
    this.#gone.delete(offset)
    if (record.key !== null) this.#keys.unlearn(offset, record.key)
  }
}
