import type { QuotaWindows } from './windowed-rate.ts'

/**
 * Tokens that come back at a steady rate, up to as many as all windows together bring (KIP-599). It may go into debt: whoever has a token
 * left may take any number. Unlike a rate over windows it forgives a burst as soon as that is paid for.
 */
export class TokenBucket {
  readonly #windows: QuotaWindows
  #tokens: number | undefined
  #updatedMs = 0

  constructor(windows: QuotaWindows) {
    this.#windows = windows
  }

  /** `rate` is in tokens a second, and may be another one each time. */
  take(count: number, rate: number, nowMs: number): void {
    const left = this.#refill(rate, nowMs)
    this.#tokens = Math.min(this.#capacity(rate), left - count)
  }

  /** How long it takes until there is no debt any more; 0 when there is none. */
  throttleTimeMs(rate: number, nowMs: number): number {
    const tokens = this.#refill(rate, nowMs)
    return tokens >= 0 ? 0 : Math.round((-tokens / rate) * 1000)
  }

  /** Whether it is as full as a new one. */
  isFull(rate: number, nowMs: number): boolean {
    return this.#refill(rate, nowMs) >= this.#capacity(rate)
  }

  #capacity(rate: number): number {
    return (this.#windows.count * this.#windows.sizeMs * rate) / 1000
  }

  #refill(rate: number, nowMs: number): number {
    const capacity = this.#capacity(rate)
    const grown =
      this.#tokens === undefined ? capacity : this.#tokens + (rate * (nowMs - this.#updatedMs)) / 1000
    this.#tokens = Math.min(capacity, grown)
    this.#updatedMs = nowMs
    return this.#tokens
  }
}
