import type { Clock, Timer } from './platform/platform.ts'

/** An operation that cannot be answered yet (Kafka's word for where it waits: the purgatory). */
export interface DelayedOperation {
  /** Called when something that the operation watches has changed. True when it has answered and is to be taken out. */
  tryComplete(): boolean
  /** Called when its time is up, or the broker stops: answer with what there is. */
  expire(): void
  /** What it waits for, in words of Kafka. */
  describe(): object
}

/** What operations watch, such as a partition. It calls its listeners on each change, and takes one off by what `onAdvance` returned. */
export interface Watched {
  onAdvance(listener: () => void): () => void
}

/** An operation in the purgatory. */
export interface Parked {
  /** Takes the operation out without answering: nobody waits for it any more. */
  cancel(): void
}

/**
 * Delayed operations, each with a deadline and the things whose change may complete it. Nothing here polls: an operation is looked at
 * when one of its keys changes, and once when its time is up. Taking one out costs as much as it has keys, and a key that nobody
 * watches knows nothing of the purgatory.
 */
export class Purgatory {
  readonly #clock: Clock
  readonly #watchers = new Map<
    Watched,
    { readonly entries: Set<Entry>; readonly stopListening: () => void }
  >()
  readonly #entries = new Set<Entry>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#entries.size
  }

  /** Parks an operation for at most `maxWaitMs`. The caller has tried it already. */
  park(operation: DelayedOperation, watched: Iterable<Watched>, maxWaitMs: number): Parked {
    const keys = [...new Set(watched)]
    const entry: Entry = {
      operation,
      keys,
      timer: this.#clock.schedule(maxWaitMs, () => {
        this.#remove(entry)
        operation.expire()
      }),
      cancel: () => this.#remove(entry),
    }
    this.#entries.add(entry)
    for (const key of keys) {
      const watchers = this.#watchers.get(key)
      if (watchers) watchers.entries.add(entry)
      else {
        const stopListening = key.onAdvance(() => this.#changed(key))
        this.#watchers.set(key, { entries: new Set([entry]), stopListening })
      }
    }
    return entry
  }

  /** The broker stops: every operation answers with what there is. */
  expireAll(): void {
    for (const entry of [...this.#entries]) {
      this.#remove(entry)
      entry.operation.expire()
    }
  }

  describe(): object[] {
    return [...this.#entries].map(({ operation, timer }) => ({
      ...operation.describe(),
      dueInMs: timer.dueMs - this.#clock.elapsedMs(),
    }))
  }

  #changed(key: Watched): void {
    const watchers = this.#watchers.get(key)
    if (!watchers) return
    // A snapshot: completing one may park another on the same key, which has seen the change already.
    for (const entry of [...watchers.entries]) {
      if (!this.#entries.has(entry)) continue
      if (entry.operation.tryComplete()) this.#remove(entry)
    }
  }

  #remove(entry: Entry): void {
    if (!this.#entries.delete(entry)) return
    entry.timer.cancel()
    for (const key of entry.keys) {
      const watchers = this.#watchers.get(key)
      if (!watchers?.entries.delete(entry) || watchers.entries.size > 0) continue
      this.#watchers.delete(key)
      watchers.stopListening()
    }
  }
}

interface Entry extends Parked {
  readonly operation: DelayedOperation
  readonly keys: readonly Watched[]
  readonly timer: Timer
}
