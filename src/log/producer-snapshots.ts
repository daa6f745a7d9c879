import type { Logger } from '../platform/logger.ts'
import type { Files } from '../platform/platform.ts'
import { replaceFileUnflushed } from './checkpoint-file.ts'
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
  type ProducerSnapshotEntry,
} from './producer-snapshot.ts'
import type { ProducerState, ProducerStates } from './producer-states.ts'
import { segmentPath } from './segment-names.ts'

/**
 * The `.snapshot` files of a partition: the producers as they were at an offset. Written when a segment is rolled (at its base offset)
 * and at a clean shutdown (at the log end), so that a restart has to read few batches again.
 */
export class ProducerSnapshots {
  readonly #files: Files
  readonly #logger: Logger
  readonly #directory: string
  /** Rising. */
  #offsets: bigint[] = []

  constructor(files: Files, logger: Logger, directory: string) {
    this.#files = files
    this.#logger = logger
    this.#directory = directory
  }

  get latestOffset(): bigint {
    return this.#offsets.at(-1) ?? -1n
  }

  /** Takes up what a folder holds. Of those that belong to no segment only the newest is kept, as a clean shutdown leaves it. */
  adopt(offsets: readonly bigint[], segmentBases: ReadonlySet<bigint>): void {
    const sorted = offsets.toSorted((a, b) => (a < b ? -1 : 1))
    const newest = sorted.at(-1)
    this.#offsets = sorted
    this.#removeWhere((offset) => offset !== newest && !segmentBases.has(offset))
  }

  write(offset: bigint, states: ProducerStates): void {
    if (offset <= this.latestOffset) return
    const bytes = encodeProducerSnapshot(Array.from(states.all(), toEntry))
    replaceFileUnflushed(this.#files, this.#path(offset), bytes)
    this.#offsets.push(offset)
  }

  /** Restores the producers from the newest readable snapshot at or below `offset`; the offset it was taken at, or undefined. */
  restore(offset: bigint, states: ProducerStates, nowMs: number, expirationMs: number): bigint | undefined {
    states.clear()
    for (const at of this.#offsets.toReversed()) {
      if (at > offset) continue
      try {
        states.restore(decodeProducerSnapshot(this.#files.read(this.#path(at))).map(fromEntry))
        states.removeExpired(nowMs, expirationMs)
        return at
      } catch (error) {
        this.#logger.warn(
          { path: this.#path(at), problem: (error as Error).message },
          'producer snapshot cannot be read, going without it',
        )
        this.#removeWhere((other) => other === at)
      }
    }
    return undefined
  }

  /** The log starts or ends elsewhere now. */
  removeOutside(from: bigint, to: bigint): void {
    this.#removeWhere((offset) => offset < from || offset > to)
  }

  /** The segments that begin there are gone. */
  removeAt(offsets: ReadonlySet<bigint>): void {
    this.#removeWhere((offset) => offsets.has(offset))
  }

  #removeWhere(isUnwanted: (offset: bigint) => boolean): void {
    this.#offsets = this.#offsets.filter((offset) => {
      if (!isUnwanted(offset)) return true
      this.#files.remove(this.#path(offset))
      return false
    })
  }

  #path(offset: bigint): string {
    return segmentPath(this.#directory, offset, '.snapshot')
  }
}

/** A snapshot keeps one batch of each producer: the last. */
function toEntry(state: ProducerState): ProducerSnapshotEntry {
  const last = state.batches.at(-1)
  return {
    producerId: state.producerId,
    producerEpoch: state.producerEpoch,
    lastSequence: last?.lastSequence ?? -1,
    lastOffset: last?.lastOffset ?? -1n,
    offsetDelta: last?.offsetDelta ?? 0,
    timestamp: state.lastTimestamp,
    coordinatorEpoch: state.coordinatorEpoch,
    currentTxnFirstOffset: state.currentTransactionFirstOffset,
  }
}

function fromEntry(entry: ProducerSnapshotEntry): ProducerState {
  const { lastSequence, lastOffset, offsetDelta, timestamp } = entry
  return {
    producerId: entry.producerId,
    producerEpoch: entry.producerEpoch,
    coordinatorEpoch: entry.coordinatorEpoch,
    lastTimestamp: timestamp,
    currentTransactionFirstOffset: entry.currentTxnFirstOffset,
    batches: lastSequence < 0 ? [] : [{ lastSequence, lastOffset, offsetDelta, timestamp }],
  }
}
