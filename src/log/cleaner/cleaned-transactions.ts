import { isTransactional, lastOffset, producerId } from '../../protocol/record-batch.ts'
import { endMarkerOf } from '../end-marker.ts'

/** A transaction that was aborted, as the indexes of the segments that are cleaned list it. */
export interface CleanedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  readonly lastStableOffset: bigint
}

/**
 * Which transactions a pass of the cleaner is in, as it goes over the batches of a log from front to back: records of aborted ones can go
 * at once, and a marker when no record of its transaction was met.
 */
export class CleanedTransactions {
  /** What is left of the index: the aborted transactions of which a batch was met, and so perhaps stays. */
  readonly remaining: CleanedTransaction[] = []
  /** The first one last. */
  readonly #ahead: CleanedTransaction[]
  readonly #aborted = new Map<bigint, { readonly transaction: CleanedTransaction; wasMet: boolean }>()
  readonly #committed = new Set<bigint>()

  constructor(aborted: readonly CleanedTransaction[]) {
    this.#ahead = [...aborted].sort((a, b) => (a.firstOffset > b.firstOffset ? -1 : 1))
  }

  /** Takes note of a batch with data; returns whether it was aborted. */
  meetBatch(batch: Buffer): boolean {
    this.#begin(lastOffset(batch, 0))
    if (!isTransactional(batch, 0)) return false
    const open = this.#aborted.get(producerId(batch, 0))
    if (open) open.wasMet = true
    else this.#committed.add(producerId(batch, 0))
    return open !== undefined
  }

  /** Takes note of a control batch; returns whether no record of the transaction that it ends was met. */
  meetMarker(batch: Buffer, isEmpty: boolean): boolean {
    this.#begin(lastOffset(batch, 0))
    // A batch that was kept for its sequence number alone ends nothing any more.
    if (isEmpty) return true
    const marker = endMarkerOf(batch, 0)
    if (marker === undefined) return false
    const id = producerId(batch, 0)
    if (!marker.isAbort) return !this.#committed.delete(id)
    const open = this.#aborted.get(id)
    this.#aborted.delete(id)
    if (!open?.wasMet) return true
    this.remaining.push(open.transaction)
    return false
  }

  /** Aborted transactions that have begun by then are open until their marker comes. */
  #begin(offset: bigint): void {
    for (let next = this.#ahead.at(-1); next && next.firstOffset <= offset; next = this.#ahead.at(-1)) {
      this.#ahead.pop()
      if (!this.#aborted.has(next.producerId))
        this.#aborted.set(next.producerId, { transaction: next, wasMet: false })
    }
  }
}
