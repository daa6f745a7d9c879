/** What becomes of a call that changes files or makes sure of them. */
export type Verdict = 'done' | 'fails' | 'torn'

export interface FaultOptions {
  /** How many calls fail one after the other; all from then on when left out. */
  readonly count?: number | undefined
  /** Default `EIO`. */
  readonly code?: string | undefined
  /** A write leaves half of its bytes. */
  readonly isTorn?: boolean | undefined
}

/**
 * Faults of a disk, on command: the n-th changing call (write, truncate, create, mkdir, rename, remove, flush) fails, with as many behind
 * it as one likes.
 */
export class SimulatedFaults {
  /** Keep the names of the calls, for tests that fail each of them in turn. */
  isRecording = true
  /** Changing calls so far, as `open create log` or `rename snapshot`. */
  readonly calls: string[] = []
  #count = 0
  #from = Number.POSITIVE_INFINITY
  #to = Number.POSITIVE_INFINITY
  #code = 'EIO'
  #isTorn = false

  /** From here on the n-th call (1 is the next one) fails. */
  failAt(n: number, { count = Number.POSITIVE_INFINITY, code = 'EIO', isTorn = false }: FaultOptions): void {
    this.#from = this.#count + n
    this.#to = this.#from + count
    this.#code = code
    this.#isTorn = isTorn
  }

  /** The disk is sound again. */
  clear(): void {
    this.#from = Number.POSITIVE_INFINITY
    this.#to = Number.POSITIVE_INFINITY
  }

  /** The n-th call has come, and the fault has not passed. */
  get isFailing(): boolean {
    return this.#count >= this.#from && this.#count < this.#to
  }

  get code(): string {
    return this.#code
  }

  judge(call: string, path: string): Verdict {
    this.#count++
    if (this.isRecording) this.calls.push(`${call} ${path.slice(path.lastIndexOf('/') + 1)}`)
    if (!this.isFailing) return 'done'
    return this.#isTorn ? 'torn' : 'fails'
  }
}
