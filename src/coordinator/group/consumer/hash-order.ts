import type { Uuid } from '../../../protocol/api.ts'
import { javaHash } from '../../../protocol/hash.ts'

/**
 * Apache Kafka's assignors go through hash tables, so that who gets which partition depends on the order in which Java keeps keys there.
 * Here that order is worked out, so that a group gets the same assignment from both brokers, and moves nothing when one takes over from
 * the other.
 */

/** Bins of a Java `HashMap` that nobody gave a size. */
const DEFAULT_CAPACITY = 16

/** Keys as a Java `HashMap` goes through them: bin after bin, and in each bin as they came. */
export class HashMapOrder<Key> {
  readonly #hashOf: (key: Key) => number
  #bins: Key[][]
  #size = 0

  constructor(hashOf: (key: Key) => number, capacity = DEFAULT_CAPACITY) {
    this.#hashOf = hashOf
    this.#bins = emptyBins(capacity)
  }

  /** `put`: a new key goes to the end of its bin. */
  put(key: Key): void {
    const bin = this.#binOf(key)
    if (bin.includes(key)) return
    bin.push(key)
    if (++this.#size > this.#threshold) this.#grow()
  }

  /** `compute` and `computeIfAbsent`: a new key goes to the front of its bin, and the table grows later than with `put`. */
  compute(key: Key): void {
    if (this.#size > this.#threshold) this.#grow()
    const bin = this.#binOf(key)
    if (bin.includes(key)) return
    bin.unshift(key)
    this.#size++
  }

  remove(key: Key): void {
    const bin = this.#binOf(key)
    const at = bin.indexOf(key)
    if (at < 0) return
    bin.splice(at, 1)
    this.#size--
  }

  *[Symbol.iterator](): IterableIterator<Key> {
    for (const bin of this.#bins) yield* bin
  }

  get #threshold(): number {
    return Math.floor(this.#bins.length * 0.75)
  }

  #binOf(key: Key): Key[] {
    const hash = this.#hashOf(key)
    // What `HashMap` makes of a hash before it takes the lower bits.
    return this.#bins[(hash ^ (hash >>> 16)) & (this.#bins.length - 1)]!
  }

  #grow(): void {
    const keys = [...this]
    this.#bins = emptyBins(this.#bins.length * 2)
    for (const key of keys) this.#binOf(key).push(key)
  }
}

/** Keys as a `HashMap` goes through them into which they were put in the order in which they come here. */
export function hashMapOrder<Key>(
  keys: Iterable<Key>,
  hashOf: (key: Key) => number,
  capacity = DEFAULT_CAPACITY,
): HashMapOrder<Key> {
  const order = new HashMapOrder(hashOf, capacity)
  for (const key of keys) order.put(key)
  return order
}

/** The same for a `HashSet` that was made from a collection of this size. */
export function hashSetOrder<Key>(
  keys: Iterable<Key>,
  hashOf: (key: Key) => number,
  collectionSize: number,
): HashMapOrder<Key> {
  return hashMapOrder(keys, hashOf, Math.max(capacityForCopy(collectionSize), DEFAULT_CAPACITY))
}

/** Bins of a `HashMap` that is a copy of a map of this size. */
export function capacityForCopy(size: number): number {
  return size === 0 ? DEFAULT_CAPACITY : capacityFor(size)
}

/** Bins of a `HashMap` that is made large enough for so many keys. */
export function capacityFor(size: number): number {
  return powerOfTwo(Math.floor(size / 0.75) + 1)
}

export function numberHash(value: number): number {
  return value
}

/** Java hash of Kafka's `Uuid`. */
export function uuidHash(topicId: Uuid): number {
  const bytes = uuidBytes(topicId)
  return bytes.readInt32BE(0) ^ bytes.readInt32BE(4) ^ bytes.readInt32BE(8) ^ bytes.readInt32BE(12)
}

/** Order of Kafka's `Uuid`: two signed halves. */
export function compareUuids(a: Uuid, b: Uuid): number {
  const left = uuidBytes(a)
  const right = uuidBytes(b)
  for (const at of [0, 8]) {
    const difference = left.readBigInt64BE(at) - right.readBigInt64BE(at)
    if (difference !== 0n) return difference < 0n ? -1 : 1
  }
  return 0
}

/**
 * Keys as Kafka's own table (`TimelineHashMap`) goes through them, in which a coordinator keeps its members. It grows late and never
 * shrinks, picks the slot by the upper bits of a product, and goes through each slot backwards.
 */
export class TimelineOrder {
  readonly #keys = new Set<string>()
  #capacity = 2

  /** A key was put in, whether it was there or not. */
  put(key: string): void {
    if ((this.#keys.size + 1) * 0.75 > this.#capacity) this.#capacity *= 2
    this.#keys.add(key)
  }

  remove(key: string): void {
    this.#keys.delete(key)
  }

  [Symbol.iterator](): IterableIterator<string> {
    const shift = BigInt(64 - Math.log2(this.#capacity))
    return Array.from(this.#keys, (key, position) => ({ key, position, slot: slotOf(key, shift) }))
      .sort((a, b) => a.slot - b.slot || b.position - a.position)
      .map(({ key }) => key)
      .values()
  }
}

function slotOf(key: string, shift: bigint): number {
  return Number(BigInt.asUintN(64, BigInt(javaHash(key)) * -7046029254386353131n) >> shift)
}

function emptyBins<Key>(capacity: number): Key[][] {
  return Array.from({ length: capacity }, () => [])
}

/** The least power of two that is not below this. */
export function powerOfTwo(size: number): number {
  let power = 1
  while (power < size) power *= 2
  return power
}

function uuidBytes(topicId: Uuid): Buffer {
  return Buffer.from(topicId, 'base64url')
}
