import { KeyDigest } from './key-digest.ts'
import type { LatestOffsets } from './retention-rules.ts'

/** A digest and an offset. */
const ENTRY_BYTES = 24
const ENTRY_WORDS = ENTRY_BYTES / 4
const WORD = 2 ** 32

/** How much room the map of a pass gets. */
export interface OffsetMapOptions {
  /** `log.cleaner.dedupe.buffer.size`. */
  readonly bytes: number
  /** `log.cleaner.io.buffer.load.factor`: so full it may become. */
  readonly loadFactor: number
  /** There are no more keys than this, so there need be no more room. */
  readonly maxKeys: number
  /** See `KeyDigest`. */
  readonly secret: Buffer
}

/**
 * The last offset of each key in the part of a log that a pass reads: a hash table in one piece of memory, which does not grow with the
 * length of the keys. Full, it takes no further keys; the pass ends there then, and the next one goes on.
 */
export class OffsetMap implements LatestOffsets {
  /** So many keys fit. */
  readonly capacity: number
  /** Last offset that was read. */
  lastOffset = -1
  readonly #slots: number
  /** Four words of digest and two of the offset, which is one more than it is: only a free slot has 0. */
  readonly #words: Int32Array
  readonly #digest: KeyDigest
  #size = 0

  constructor({ bytes, loadFactor, maxKeys, secret }: OffsetMapOptions) {
    const allowed = Math.floor(Math.min(bytes, 2 ** 31 - 1) / ENTRY_BYTES)
    const needed = Math.ceil(maxKeys / loadFactor) + 2
    this.#slots = primeBelow(Math.min(allowed, needed))
    this.capacity = Math.min(Math.floor(Math.min(allowed, needed) * loadFactor), this.#slots - 1)
    this.#words = new Int32Array(this.#slots * ENTRY_WORDS)
    this.#digest = new KeyDigest(secret)
  }

  get size(): number {
    return this.#size
  }

  get isFull(): boolean {
    return this.#size >= this.capacity
  }

  /** The key lies in the middle of other bytes. Not to be called when it is full. */
  put(bytes: Buffer, keyAt: number, keyLength: number, offset: number): void {
    const words = this.#words
    const at = this.#find(bytes, keyAt, keyLength)
    if (isFree(words, at)) {
      this.#size++
      for (let word = 0; word < 4; word++) words[at + word] = this.#digest.words[word]!
    }
    const stored = offset + 1
    words[at + 4] = Math.floor(stored / WORD)
    words[at + 5] = stored | 0
    this.lastOffset = offset
  }

  get(bytes: Buffer, keyAt: number, keyLength: number): number {
    const words = this.#words
    const at = this.#find(bytes, keyAt, keyLength)
    return words[at + 4]! * WORD + (words[at + 5]! >>> 0) - 1
  }

  /** Where the key is, or the free slot that it would get. A prime number of slots: any step comes past all of them. */
  #find(bytes: Buffer, keyAt: number, keyLength: number): number {
    this.#digest.look(bytes, keyAt, keyLength)
    const digest = this.#digest.words
    const words = this.#words
    const slots = this.#slots
    const step = 1 + ((digest[1]! >>> 0) % (slots - 1))
    for (let slot = (digest[0]! >>> 0) % slots; ; slot = (slot + step) % slots) {
      const at = slot * ENTRY_WORDS
      if (isFree(words, at) || isSame(words, at, digest)) return at
    }
  }
}

function isFree(words: Int32Array, at: number): boolean {
  return words[at + 5] === 0 && words[at + 4] === 0
}

function isSame(words: Int32Array, at: number, digest: Int32Array): boolean {
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
