import { type LimitedEntity, type QuotaClient, QuotaLimits, type QuotaShare } from './quota-limits.ts'
import { Sensors } from './sensors.ts'
import { type QuotaWindows, WindowedRate } from './windowed-rate.ts'

/** Longest time that fits the field of an answer. */
const MAX_INT = 0x7fffffff

/** A limit on how much of something clients may have a second: bytes, or time of the broker. */
export class RateQuota {
  readonly #windows: QuotaWindows
  readonly #maxThrottleTimeMs: number
  readonly #sensors: Sensors<WindowedRate>
  #limits = new QuotaLimits()

  constructor(windows: QuotaWindows, maxThrottleTimeMs = MAX_INT) {
    this.#windows = windows
    this.#maxThrottleTimeMs = maxThrottleTimeMs
    this.#sensors = new Sensors(
      () => new WindowedRate(windows),
      (rate, _, nowMs) => rate.isOver(nowMs),
    )
  }

  /** Whether anybody has a limit. While nobody has one, nothing is recorded. */
  get isSet(): boolean {
    return !this.#limits.isEmpty
  }

  /** Of how many shares something is remembered. */
  get size(): number {
    return this.#sensors.size
  }

  /** From now on these limits hold; what was recorded stays. */
  setLimits(limits: Iterable<readonly [LimitedEntity, number]>): void {
    this.#limits = new QuotaLimits(limits)
  }

  /** Counts `value` for the client. For how many milliseconds it has to be held back now. */
  record(client: QuotaClient, value: number, nowMs: number): number {
    if (this.#limits.isEmpty) return 0
    const share = this.#limits.shareOf(client)
    const rate = this.#rateOf(share, nowMs)
    rate.record(value, nowMs)
    return Math.min(rate.throttleTimeMs(this.#limits.of(share), nowMs), this.#maxThrottleTimeMs)
  }

  /** Counts `value` towards what the client does next; a negative one takes back what was recorded. */
  recordSilently(client: QuotaClient, value: number, nowMs: number): void {
    if (!this.#limits.isEmpty) this.#rateOf(this.#limits.shareOf(client), nowMs).record(value, nowMs)
  }

  /** More than that at once is above the limit even for a client that had nothing before. */
  maxInWindows(client: QuotaClient): number {
    if (this.#limits.isEmpty) return Number.POSITIVE_INFINITY
    const { count, sizeMs } = this.#windows
    return (this.#limits.of(this.#limits.shareOf(client)) * (count - 1) * sizeMs) / 1000
  }

  #rateOf(share: QuotaShare, nowMs: number): WindowedRate {
    return this.#sensors.of(share, nowMs)
  }
}
