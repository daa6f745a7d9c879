import { Sensors } from './sensors.ts'
import { type QuotaWindows, WindowedRate } from './windowed-rate.ts'

/** A limit on how many connections an address may open a second (KIP-612). */
export class ConnectionQuota {
  readonly #maxThrottleTimeMs: number
  readonly #rates: Sensors<WindowedRate>
  #limits = new Map<string, number>()
  #default = Number.POSITIVE_INFINITY

  constructor(windows: QuotaWindows) {
    this.#maxThrottleTimeMs = windows.sizeMs
    this.#rates = new Sensors(
      () => new WindowedRate(windows),
      (rate, _, nowMs) => rate.isOver(nowMs),
    )
  }

  /** From now on these limits hold, by address as a quota may write it; null is the default. */
  setLimits(limits: Iterable<readonly [string | null, number]>): void {
    this.#limits = new Map()
    this.#default = Number.POSITIVE_INFINITY
    for (const [address, limit] of limits) {
      if (address === null) this.#default = limit
      else for (const each of canonicalAddresses(address)) this.#limits.set(each, limit)
    }
  }

  /** Counts a new connection. 0: it is welcome; else it is not served, and kept open for so many milliseconds. */
  record(address: string, nowMs: number): number {
    const limit = this.#limits.get(address) ?? this.#default
    if (!Number.isFinite(limit)) return 0
    const rate = this.#rates.of({ user: '', clientId: address }, nowMs)
    rate.record(1, nowMs)
    const throttleTimeMs = Math.min(rate.throttleTimeMs(limit, nowMs), this.#maxThrottleTimeMs)
    // A connection that is not served does not count.
    if (throttleTimeMs > 0) rate.record(-1, nowMs)
    return throttleTimeMs
  }
}

/** As the operating system writes them: IPv6 in its short form, IPv4 with all its four numbers. */
function canonicalAddresses(address: string): string[] {
  if (address === 'localhost') return ['127.0.0.1', '::1']
  try {
    if (address.includes(':')) return [new URL(`http://[${address}]`).hostname.slice(1, -1)]
    return [new URL(`http://${decimal(address)}`).hostname]
  } catch {
    // A name, which another broker has let pass: names are not looked up here.
    return []
  }
}

/** A number that begins with 0 is decimal here, and octal in a URL. */
function decimal(address: string): string {
  return address.split('.').map(Number).join('.')
}
