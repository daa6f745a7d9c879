import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  baseOffset,
  baseSequence,
  isControlBatch,
  isTransactional,
  lastOffset,
  lastOffsetDelta,
  maxTimestamp,
  producerEpoch,
  producerId,
} from '../protocol/record-batch.ts'

/** So many batches of a producer are known by their sequence numbers: as many as a client has in flight (KIP-98, KAFKA-5494). */
const REMEMBERED_BATCHES = 5
const MAX_SEQUENCE = 0x7fffffff
const NO_EPOCH = -1

/** A batch of an idempotent producer as far as duplicates of it must be recognised. */
export interface ProducedBatch {
  readonly lastSequence: number
  readonly lastOffset: bigint
  /** Last offset less the first. */
  readonly offsetDelta: number
  readonly timestamp: bigint
}

/** What the log knows of a producer. */
export interface ProducerState {
  readonly producerId: bigint
  producerEpoch: number
  coordinatorEpoch: number
  lastTimestamp: bigint
  /** First offset of the open transaction; -1 when there is none. */
  currentTransactionFirstOffset: bigint
  /** The oldest first. */
  batches: ProducedBatch[]
}

/** A transaction that a marker has just ended. */
export interface CompletedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
  /** Offset of the marker. */
  readonly lastOffset: bigint
  readonly isAborted: boolean
}

/** The two facts of a marker that the producer's state needs. */
export interface EndMarker {
  readonly isAbort: boolean
  readonly coordinatorEpoch: number
}

/**
 * The idempotent producers of a partition (KIP-98): recognises batches that were appended already, refuses gaps, and knows which
 * transactions are open. All of it can be found again from the log; snapshots make that short.
 */
export class ProducerStates {
  readonly #states = new Map<bigint, ProducerState>()
  /** Ended transactions whose marker is not below the high watermark yet: consumers must not see past their beginning. */
  #unreplicated: CompletedTransaction[] = []
  /** First offset of the oldest open transaction; undefined when it must be looked for. */
  #firstOpenOffset: bigint | undefined = -1n

  get size(): number {
    return this.#states.size
  }

  all(): Iterable<ProducerState> {
    return this.#states.values()
  }

  get(id: bigint): ProducerState | undefined {
    return this.#states.get(id)
  }

  /**
   * May a client append this batch? Returns the batch that it repeats, if it does; throws `ApiError` when its epoch is fenced or
   * its sequence does not follow.
   */
  check(bytes: Buffer, at: number): ProducedBatch | undefined {
    const id = producerId(bytes, at)
    if (id < 0n) return undefined
    const state = this.#states.get(id)
    const epoch = producerEpoch(bytes, at)
    if (!state) {
      if (epoch < NO_EPOCH) throw oldEpoch(id, epoch, NO_EPOCH)
      return undefined
    }
    const firstSequence = baseSequence(bytes, at)
    if (epoch === state.producerEpoch) {
      const lastSequence = sequenceAfter(firstSequence, lastOffsetDelta(bytes, at))
      for (const batch of state.batches) {
        if (batch.lastSequence === lastSequence && firstSequenceOf(batch) === firstSequence) return batch
      }
    }
    this.#checkSequence(state, epoch, firstSequence)
    if (state.currentTransactionFirstOffset >= 0n && !isTransactional(bytes, at)) {
      throw new ApiError(
        ErrorCode.INVALID_TXN_STATE,
        `producer ${id} has a transaction open and may not write outside of it`,
      )
    }
    return undefined
  }

  #checkSequence(state: ProducerState, epoch: number, firstSequence: number): void {
    const { producerId: id, producerEpoch: known } = state
    if (epoch < known) throw oldEpoch(id, epoch, known)
    const lastSequence = epoch === known ? (state.batches.at(-1)?.lastSequence ?? -1) : -1
    const expected = lastSequence === MAX_SEQUENCE ? 0 : lastSequence + 1
    if (firstSequence !== expected) {
      throw new ApiError(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `sequence ${firstSequence} of producer ${id} in epoch ${epoch}, expected ${expected}`,
      )
    }
  }

  /** A batch has been appended, or is read again after a restart. Returns the transaction that it ends. */
  update(
    bytes: Buffer,
    at: number,
    markerOf: (bytes: Buffer, at: number) => EndMarker | undefined,
  ): CompletedTransaction | undefined {
    const id = producerId(bytes, at)
    if (id < 0n) return undefined
    const epoch = producerEpoch(bytes, at)
    const state = this.#states.get(id) ?? this.#begin(id)
    if (epoch !== state.producerEpoch) {
      state.producerEpoch = epoch
      state.batches = []
    }
    const timestamp = maxTimestamp(bytes, at)
    state.lastTimestamp = timestamp
    if (isControlBatch(bytes, at)) return this.#end(state, bytes, at, markerOf(bytes, at))
    const delta = lastOffsetDelta(bytes, at)
    if (state.batches.length === REMEMBERED_BATCHES) state.batches.shift()
    state.batches.push({
      lastSequence: sequenceAfter(baseSequence(bytes, at), delta),
      lastOffset: lastOffset(bytes, at),
      offsetDelta: delta,
      timestamp,
    })
    if (isTransactional(bytes, at) && state.currentTransactionFirstOffset < 0n) {
      const first = baseOffset(bytes, at)
      state.currentTransactionFirstOffset = first
      if (this.#firstOpenOffset === -1n) this.#firstOpenOffset = first
    }
    return undefined
  }

  #begin(id: bigint): ProducerState {
    const state = {
      producerId: id,
      producerEpoch: NO_EPOCH,
      coordinatorEpoch: -1,
      lastTimestamp: -1n,
      currentTransactionFirstOffset: -1n,
      batches: [],
    }
    this.#states.set(id, state)
    return state
  }

  #end(
    state: ProducerState,
    bytes: Buffer,
    at: number,
    marker: EndMarker | undefined,
  ): CompletedTransaction | undefined {
    if (!marker) return undefined
    state.coordinatorEpoch = marker.coordinatorEpoch
    const firstOffset = state.currentTransactionFirstOffset
    // A transaction that wrote nothing here leaves only its marker.
    if (firstOffset < 0n) return undefined
    state.currentTransactionFirstOffset = -1n
    this.#firstOpenOffset = undefined
    const completed = {
      producerId: state.producerId,
      firstOffset,
      lastOffset: lastOffset(bytes, at),
      isAborted: marker.isAbort,
    }
    this.#unreplicated.push(completed)
    return completed
  }

  /** First offset that read_committed must not see; undefined when there is none. */
  firstUnstableOffset(highWatermark: bigint): bigint | undefined {
    if (this.#unreplicated.length > 0) {
      this.#unreplicated = this.#unreplicated.filter((completed) => completed.lastOffset >= highWatermark)
    }
    let first = this.#firstOpen()
    for (const { firstOffset } of this.#unreplicated)
      if (first < 0n || firstOffset < first) first = firstOffset
    return first < 0n ? undefined : first
  }

  /** First offset of the oldest transaction that is open; -1 when none is. */
  #firstOpen(): bigint {
    if (this.#firstOpenOffset === undefined) {
      let first = -1n
      for (const { currentTransactionFirstOffset: offset } of this.#states.values()) {
        if (offset >= 0n && (first < 0n || offset < first)) first = offset
      }
      this.#firstOpenOffset = first
    }
    return this.#firstOpenOffset
  }

  /** Forgets producers that wrote nothing for so long and have no transaction open; the count of them. */
  removeExpired(nowMs: number, expirationMs: number): number {
    let count = 0
    for (const [id, state] of this.#states) {
      if (state.currentTransactionFirstOffset >= 0n) continue
      if (nowMs - Number(state.lastTimestamp) < expirationMs) continue
      this.#states.delete(id)
      count++
    }
    return count
  }

  /** Takes over what a snapshot says. */
  restore(states: Iterable<ProducerState>): void {
    for (const state of states) this.#states.set(state.producerId, state)
    this.#firstOpenOffset = undefined
  }

  clear(): void {
    this.#states.clear()
    this.#unreplicated = []
    this.#firstOpenOffset = -1n
  }
}

function oldEpoch(id: bigint, epoch: number, known: number): ApiError {
  return new ApiError(
    ErrorCode.INVALID_PRODUCER_EPOCH,
    `epoch ${epoch} of producer ${id} is older than ${known}`,
  )
}

/** The sequence so many records on; after 2147483647 comes 0. */
function sequenceAfter(sequence: number, count: number): number {
  return sequence > MAX_SEQUENCE - count ? count - (MAX_SEQUENCE - sequence) - 1 : sequence + count
}

function firstSequenceOf({ lastSequence, offsetDelta }: ProducedBatch): number {
  return lastSequence < offsetDelta
    ? MAX_SEQUENCE - (offsetDelta - lastSequence) + 1
    : lastSequence - offsetDelta
}
