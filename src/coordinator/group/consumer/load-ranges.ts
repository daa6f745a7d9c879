/**
 * The subscribers of a topic, sorted by how many partitions they have, with a range at either end: those that have least, who get
 * partitions one after the other, and those that have most, who give them. Each time that a range has been gone through, its level moves
 * by one partition, and takes in the neighbours that are at that level.
 *
 *     partitions          most
 *       ^    least        [ <- ]
 *       |    [ -> ]    ##[####]
 *       |    [    ]####[####]
 *       |    [####]####[####]
 *       +---------------------> subscribers
 */
export class LoadRanges {
  /** Partitions that each member has, by its number; changed by the caller as it moves partitions. */
  readonly #loads: readonly number[]
  readonly #sorted: number[]
  /** Difference between the one that has most and the one that has least, at the beginning. */
  readonly imbalance: number
  #leastEnd = 0
  #leastLevel: number
  #nextLeast = 0
  #mostStart: number
  /** After the range; members that have nothing to give are moved behind it. */
  #mostEnd: number
  #mostLevel: number
  #nextMost: number

  constructor(subscribers: readonly number[], loads: readonly number[]) {
    this.#loads = loads
    this.#sorted = [...subscribers].sort((a, b) => loads[a]! - loads[b]! || a - b)
    const { length } = this.#sorted
    const least = this.#loadAt(0)
    const most = this.#loadAt(length - 1)
    this.imbalance = most - least
    this.#leastLevel = least - 1
    this.#mostStart = length
    this.#mostEnd = length
    this.#mostLevel = most + 1
    this.#nextMost = length - 1
  }

  get isBalanced(): boolean {
    return this.#mostLevel - this.#leastLevel <= 1
  }

  nextLeastLoaded(): number {
    if (this.#nextLeast >= this.#leastEnd) {
      this.#leastLevel++
      while (this.#leastEnd < this.#sorted.length && this.#loadAt(this.#leastEnd) === this.#leastLevel)
        this.#leastEnd++
      this.#nextLeast = 0
    }
    return this.#sorted[this.#nextLeast++]!
  }

  /** Undefined: nobody is left who could give. */
  nextMostLoaded(): number | undefined {
    if (this.#nextMost < this.#mostStart) {
      // When all of the range has been excluded, the next level may be further down than one.
      if (this.#mostEnd <= this.#mostStart && this.#mostStart > 0)
        this.#mostLevel = this.#loadAt(this.#mostStart - 1)
      else this.#mostLevel--
      while (this.#mostStart > 0 && this.#loadAt(this.#mostStart - 1) === this.#mostLevel) this.#mostStart--
      this.#nextMost = this.#mostEnd - 1
    }
    return this.#nextMost < 0 ? undefined : this.#sorted[this.#nextMost--]
  }

  /** The member that `nextMostLoaded` gave last has nothing to give. */
  excludeMostLoaded(): void {
    const at = this.#nextMost + 1
    const last = --this.#mostEnd
    const member = this.#sorted[at]!
    this.#sorted[at] = this.#sorted[last]!
    this.#sorted[last] = member
  }

  #loadAt(index: number): number {
    return this.#loads[this.#sorted[index]!]!
  }
}
