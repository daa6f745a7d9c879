import { Violation } from './violation.ts'

/** What a log is found to hold. */
export interface FoundLog {
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly records: readonly { readonly offset: number; readonly value: string }[]
}

/** What a topic's settings promise of its records. */
export interface TopicPromises {
  /** Old records may go by themselves. */
  mayExpire: boolean
  /** What is acknowledged is on the device: `flush.messages=1`. */
  flushesAtOnce: boolean
  isDeleted: boolean
}

/** What clients know of a partition: what they sent, what was acknowledged, what they read. */
export class PartitionLedger {
  readonly #name: string
  readonly #topic: TopicPromises
  /** Values that somebody sent. */
  readonly #sent = new Set<string>()
  /** Values by the offset at which they were acknowledged or seen. */
  readonly #known = new Map<number, string>()
  readonly #offsets = new Map<string, number>()
  /** Behind the last record that was acknowledged or seen. */
  end = 0
  /** Below this everything was on the device. */
  #durableEnd = 0
  #startAcknowledged = 0
  #startAttempted = 0
  /** Rises when records were lost with the power, which is no fault of the broker's. */
  losses = 0

  constructor(name: string, topic: TopicPromises) {
    this.#name = name
    this.#topic = topic
  }

  get isDeleted(): boolean {
    return this.#topic.isDeleted
  }

  get flushesAtOnce(): boolean {
    return this.#topic.flushesAtOnce
  }

  send(values: readonly string[]): void {
    for (const value of values) this.#sent.add(value)
  }

  acknowledge(baseOffset: number, values: readonly string[]): void {
    for (const [at, value] of values.entries()) this.observe(baseOffset + at, value)
    if (this.#topic.flushesAtOnce) this.flushedTo(baseOffset + values.length)
  }

  /** A record was acknowledged at an offset, or read from it. */
  observe(offset: number, value: string): void {
    const known = this.#known.get(offset)
    if (known === value) return
    const where = `${this.#name} offset ${offset}`
    if (known !== undefined)
      throw new Violation('offsets are not used again', `${where} was ${short(known)}, is ${short(value)}`)
    if (!this.#sent.has(value))
      throw new Violation('only what was sent is there', `${where} is ${short(value)}`)
    const other = this.#offsets.get(value)
    if (other !== undefined)
      throw new Violation('nothing is there twice', `${where} is ${short(value)}, as is offset ${other}`)
    this.#known.set(offset, value)
    this.#offsets.set(value, offset)
    if (offset >= this.end) this.end = offset + 1
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

  /** Compares with what is there. After a loss of power the end may be missing, down to what was flushed. */
  verify(log: FoundLog, isPowerLost: boolean): void {
    this.#verifyEnds(log, isPowerLost)
    let expected = log.logStartOffset
    for (const { offset, value } of log.records) {
      if (offset < log.logStartOffset) continue
      if (offset !== expected)
        throw new Violation(
          'offsets are contiguous',
          `${this.#name} has offset ${offset} where ${expected} was due`,
        )
      this.observe(offset, value)
      expected++
    }
    if (expected !== log.logEndOffset)
      throw new Violation(
        'offsets are contiguous',
        `${this.#name} ends at ${expected}, not at ${log.logEndOffset}`,
      )
    this.end = Math.max(this.end, log.logEndOffset)
  }

  #verifyEnds({ logStartOffset, logEndOffset }: FoundLog, isPowerLost: boolean): void {
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
      this.#startAcknowledged = Math.min(this.#startAcknowledged, logStartOffset)
      this.#forgetFrom(logEndOffset)
    }
    if (logStartOffset < this.#startAcknowledged)
      throw new Violation(
        'deleted records stay so',
        `${this.#name} starts at ${logStartOffset}, expected ${this.#startAcknowledged}`,
      )
  }

  /** Up to where the log has to be there when power was lost. */
  #keptWithoutPower(): number {
    const { mayExpire, flushesAtOnce } = this.#topic
    // What was removed before it was flushed may come back without its bytes.
    const mayBeRemoved = mayExpire || this.#durableEnd <= this.#startAttempted
    return mayBeRemoved && !flushesAtOnce ? 0 : this.#durableEnd
  }

  #forgetFrom(offset: number): void {
    if (offset >= this.end) return
    for (const [at, value] of this.#known) {
      if (at < offset) continue
      this.#known.delete(at)
      this.#offsets.delete(value)
    }
    this.end = offset
    this.losses++
  }
}

/** Values are long; their beginning tells them apart. */
export function short(value: string): string {
  return JSON.stringify(value.replace(/~.*$/, ''))
}
