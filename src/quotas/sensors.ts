import type { QuotaShare } from './quota-limits.ts'

/** How often those are looked for that nobody needs any more. */
const SWEEP_INTERVAL_MS = 10_000

/**
 * What was measured, by who shares a quota. Kafka forgets who has been idle for an hour; here it is done as soon as a new one would tell
 * the same, so that clients which come with ever new ids cost nothing for longer than the windows last.
 */
export class Sensors<Sensor> {
  readonly #create: () => Sensor
  readonly #isSpent: (sensor: Sensor, share: QuotaShare, nowMs: number) => boolean
  readonly #sensors = new Map<string, { readonly share: QuotaShare; readonly sensor: Sensor }>()
  #nextSweepMs = 0

  constructor(create: () => Sensor, isSpent: (sensor: Sensor, share: QuotaShare, nowMs: number) => boolean) {
    this.#create = create
    this.#isSpent = isSpent
  }

  get size(): number {
    return this.#sensors.size
  }

  of(share: QuotaShare, nowMs: number): Sensor {
    // The length keeps `a` of `b:c` and `a:b` of `c` apart.
    const key = `${share.user.length}:${share.user}${share.clientId}`
    const known = this.#sensors.get(key)
    if (known) return known.sensor
    if (nowMs >= this.#nextSweepMs) this.#sweep(nowMs)
    const sensor = this.#create()
    this.#sensors.set(key, { share, sensor })
    return sensor
  }

  #sweep(nowMs: number): void {
    this.#nextSweepMs = nowMs + SWEEP_INTERVAL_MS
    for (const [key, { share, sensor }] of this.#sensors) {
      if (this.#isSpent(sensor, share, nowMs)) this.#sensors.delete(key)
    }
  }
}
