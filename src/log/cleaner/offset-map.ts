import { hash } from 'node:crypto'
import type { LatestOffsets } from './retention-rules.ts'

/** Half of a SHA-256 and an offset. */
const ENTRY_BYTES = 24
const ENTRY_WORDS = ENTRY_BYTES / 4
const WORD = 2 ** 32
/** Nobody finds two keys with the same digest, not even on purpose: it stands for the key. */
const DIGEST = 'sha256'

/** How much room the map of a pass gets. */
export interface OffsetMapOptions {
  /** `log.cleaner.dedupe.buffer.size`. */
  readonly bytes: number
  /** `log.cleaner.io.buffer.load.factor`: so full it may become. */
  readonly loadFactor: number
  /** There are no more keys than this, so there need be no more room. */
  readonly maxKeys: number
}

/**
 * The last offset of each key in the part of a log that a pass reads: a hash table in one piece of memory, which does not grow with the
 * length of the keys. Full, it takes no further keys; the pass ends there then, and the next one goes on.
 */
export class OffsetMap implements LatestOffsets {
  /** So many keys fit. */
  readonly capacity: number
  /** Last offset that was read. */
  lastOffset = -1n
  readonly #slots: number
  /** Four words of digest and two of the offset, which is one more than it is: only a free slot has 0. */
  readonly #words: Int32Array
  #size = 0

  constructor({ bytes, loadFactor, maxKeys }: OffsetMapOptions) {
    const allowed = Math.floor(Math.min(bytes, 2 ** 31 - 1) / ENTRY_BYTES)
    const needed = Math.ceil(maxKeys / loadFactor) + 2
    this.#slots = primeBelow(Math.min(allowed, needed))
    this.capacity = Math.min(Math.floor(Math.min(allowed, needed) * loadFactor), this.#slots - 1)
    this.#words = new Int32Array(this.#slots * ENTRY_WORDS)
  }

  get size(): number {
    return this.#size
  }

  get isFull(): boolean {
    return this.#size >= this.capacity
  }

  /** Not to be called when it is full. */
  put(key: Buffer, offset: bigint): void {
    const words = this.#words
    const at = this.#find(key)
    if (isFree(words, at)) {
      this.#size++
      for (let word = 0; word < 4; word++) words[at + word] = digest[word]!
    }
    const stored = Number(offset) + 1
    words[at + 4] = Math.floor(stored / WORD)
    words[at + 5] = stored | 0
    this.lastOffset = offset
  }

  get(key: Buffer): bigint {
    const words = this.#words
    const at = this.#find(key)
    return BigInt(words[at + 4]! * WORD + (words[at + 5]! >>> 0) - 1)
  }

  /** Where the key is, or the free slot that it would get. A prime number of slots: any step comes past all of them. */
  #find(key: Buffer): number {
    digestOf(key)
    const words = this.#words
    const slots = this.#slots
    const step = 1 + ((digest[1]! >>> 0) % (slots - 1))
    for (let slot = (digest[0]! >>> 0) % slots; ; slot = (slot + step) % slots) {
      const at = slot * ENTRY_WORDS
      if (isFree(words, at) || isSame(words, at)) return at
    }
  }
}

/** Of the key that was looked for last. */
const digest = new Int32Array(4)

function digestOf(key: Buffer): void {
  // As characters: a buffer for each would take three times as long.
  const text = hash(DIGEST, key, 'binary')
  for (let word = 0, at = 0; word < 4; word++, at += 4) {
    digest[word] =
      (text.charCodeAt(at) << 24) |
      (text.charCodeAt(at + 1) << 16) |
      (text.charCodeAt(at + 2) << 8) |
      text.charCodeAt(at + 3)
  }
}

function isFree(words: Int32Array, at: number): boolean {
  return words[at + 5] === 0 && words[at + 4] === 0
}

function isSame(words: Int32Array, at: number): boolean {
  return (
    words[at] === digest[0] &&
    words[at + 1] === digest[1] &&
    words[at + 2] === digest[2] &&
    words[at + 3] === digest[3]
  )
}

function primeBelow(limit: number): number {
  for (let candidate = limit; ; candidate--) if (isPrime(candidate)) return candidate
}

function isPrime(number: number): boolean {
  if (number < 2) return false
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false
  return true
}
