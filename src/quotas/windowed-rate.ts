/** How a rate is taken: over so many windows of such a length (`quota.window.num`, `quota.window.size.seconds`). */
export interface QuotaWindows {
  readonly count: number
  readonly sizeMs: number
}

interface Sample {
  startMs: number
  lastEventMs: number
  sum: number
}

/**
 * Something per second, over the last windows. As in Kafka the windows before the first one count as empty, so that a burst at the
 * beginning is not taken for a habit. Times are whole milliseconds that never go back.
 */
export class WindowedRate {
  readonly #windows: QuotaWindows
  /** A ring, one longer than there are windows: the oldest may still reach into the time that is looked at. */
  readonly #samples: Sample[] = []
  #current = 0

  constructor(windows: QuotaWindows) {
    this.#windows = windows
  }

  record(value: number, nowMs: number): void {
    const sample = this.#sampleAt(nowMs)
    sample.sum += value
    sample.lastEventMs = nowMs
  }

  /** Per second. */
  measure(nowMs: number): number {
    return this.#sum(nowMs) / (this.#spanMs(nowMs) / 1000)
  }

  /**
   * How long to record nothing until the rate is down to `limit` again; 0 when it is not above. It is an estimate, and Kafka's: a burst counts
   * in full until its window is forgotten, so that whoever has waited may have to wait again.
   */
  throttleTimeMs(limit: number, nowMs: number): number {
    const rate = this.measure(nowMs)
    if (rate <= limit) return 0
    return Math.round(((rate - limit) / limit) * this.#spanMs(nowMs))
  }

  /** Whether all that was recorded lies too far back: then a new one tells the same. */
  isOver(nowMs: number): boolean {
    return this.#samples.every(({ sum, lastEventMs }) => sum === 0 || this.#isObsolete(lastEventMs, nowMs))
  }

  #sampleAt(nowMs: number): Sample {
    const current = this.#samples[this.#current]
    if (!current) return this.#begin(nowMs)
    if (nowMs - current.startMs < this.#windows.sizeMs) return current
    this.#current = (this.#current + 1) % (this.#windows.count + 1)
    return this.#begin(nowMs)
  }

  #begin(nowMs: number): Sample {
    const sample = { startMs: nowMs, lastEventMs: nowMs, sum: 0 }
    this.#samples[this.#current] = sample
    return sample
  }

  #sum(nowMs: number): number {
    let sum = 0
    for (const sample of this.#samples) {
      if (this.#isObsolete(sample.lastEventMs, nowMs)) {
        sample.startMs = nowMs
        sample.lastEventMs = nowMs
        sample.sum = 0
      }
      sum += sample.sum
    }
    return sum
  }

  #isObsolete(lastEventMs: number, nowMs: number): boolean {
    return nowMs - lastEventMs >= this.#windows.count * this.#windows.sizeMs
  }

  /** The time that the sum is spread over: since the oldest window that counts, and at least all windows but the one that goes on. */
  #spanMs(nowMs: number): number {
    const { count, sizeMs } = this.#windows
    let oldestMs = nowMs
    for (const { startMs } of this.#samples) oldestMs = Math.min(oldestMs, startMs)
    const elapsedMs = nowMs - oldestMs
    const missing = count - 1 - Math.floor(elapsedMs / sizeMs)
    return missing > 0 ? elapsedMs + missing * sizeMs : elapsedMs
  }
}
