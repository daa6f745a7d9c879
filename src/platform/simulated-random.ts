import type { Random } from './platform.ts'

/** Chance from a seed: the same seed gives the same numbers, bytes and ids for ever. */
export class SimulatedRandom implements Random {
  readonly #seed: number
  #state: number

  constructor(seed: number) {
    this.#seed = seed >>> 0
    this.#state = this.#seed
  }

  /** Chance of its own for one purpose, so that what others draw does not change it. */
  fork(purpose: string): SimulatedRandom {
    let seed = this.#seed ^ 0x5bd1e995
    for (let at = 0; at < purpose.length; at++) seed = mix(seed ^ purpose.charCodeAt(at))
    return new SimulatedRandom(seed)
  }

  integer(below: number): number {
    if (below <= 2 ** 32) return Math.floor((this.#next() / 2 ** 32) * below)
    const high = this.#next() & 0x1fffff
    return Math.floor(((high * 2 ** 32 + this.#next()) / 2 ** 53) * below)
  }

  /** True in so many of a hundred cases. */
  chance(percent: number): boolean {
    return this.integer(100) < percent
  }

  /** One of several; there has to be one. */
  pick<Item>(items: readonly Item[]): Item {
    return items[this.integer(items.length)]!
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let at = 0; at < length; at++) bytes[at] = this.#next() >>> 24
    return bytes
  }

  uuid(): string {
    for (;;) {
      const text = this.#uuidBytes().toString('base64url')
      if (!text.startsWith('-')) return text
    }
  }

  dashedUuid(): string {
    const hex = this.#uuidBytes().toString('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }

  #uuidBytes(): Buffer {
    const bytes = this.bytes(16)
    // Version 4, variant 1.
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    return bytes
  }

  /** Next of a sequence of 32 bit numbers: a counter with an odd step, well mixed. */
  #next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0
    return mix(this.#state)
  }
}

function mix(value: number): number {
  let mixed = value
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
