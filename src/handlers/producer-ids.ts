interface ProducerIdBlock {
  readonly firstProducerId: bigint
  readonly count: number
}

/** Hands out ids of producers from blocks that the controller gives, so that not every producer costs a record of the metadata log. */
export class ProducerIds {
  readonly #allocate: () => Promise<ProducerIdBlock>
  #next = 0n
  #end = 0n
  /** The next block is on its way. */
  #allocating: Promise<void> | undefined

  /** `allocate` takes the next block from the controller. */
  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate
  }

  /** An id that nobody has got yet. Rejects with `ApiError` when there is no block to be had. */
  async next(): Promise<bigint> {
    // Others may have used the block up before it is one's turn.
    while (this.#next === this.#end) await this.#nextBlock()
    return this.#next++
  }

  #nextBlock(): Promise<void> {
    this.#allocating ??= this.#allocate()
      .then(({ firstProducerId, count }) => {
        this.#next = firstProducerId
        this.#end = firstProducerId + BigInt(count)
      })
      .finally(() => {
        this.#allocating = undefined
      })
    return this.#allocating
  }
}
