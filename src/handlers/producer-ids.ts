/** Hands out ids of producers from blocks that the controller gives, so that not every producer costs a record of the metadata log. */
export class ProducerIds {
  readonly #allocate: () => { readonly firstProducerId: bigint; readonly count: number }
  #next = 0n
  #end = 0n

  /** `allocate` takes the next block from the controller. */
  constructor(allocate: () => { readonly firstProducerId: bigint; readonly count: number }) {
    this.#allocate = allocate
  }

  next(): bigint {
    if (this.#next === this.#end) {
      const { firstProducerId, count } = this.#allocate()
      this.#next = firstProducerId
      this.#end = firstProducerId + BigInt(count)
    }
    return this.#next++
  }
}
