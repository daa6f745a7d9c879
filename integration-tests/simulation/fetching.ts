import { isIntact, lastOffset } from '../../src/protocol/any-batch.ts'
import type { FetchPartition, FetchRequest, PartitionData } from '../../src/protocol/generated/fetch.ts'
import { readRecords } from '../../src/protocol/record.ts'
import { batchSizeInBytes, RECORD_BATCH_OVERHEAD } from '../../src/protocol/record-batch.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import { textOf } from './sent-record.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

export const READ_UNCOMMITTED = 0
export const READ_COMMITTED = 1
/** The last fetch of a step waits for records that may come. */
const MAX_WAIT_MS = 1000

/** Next offset to read, and how often the log had lost records when it was found. */
export interface Position {
  next: number
  losses: number
}

/** A place that follows what the ledger knows; a real consumer would find out about losses by the leader epochs. */
export function upToDate(position: Position, ledger: PartitionLedger): Position {
  if (position.losses !== ledger.losses) {
    position.next = Math.min(position.next, ledger.end)
    position.losses = ledger.losses
  }
  return position
}

export function fetchRequest(
  changes: Pick<FetchRequest, 'maxBytes' | 'isolationLevel' | 'topics'> & Partial<FetchRequest>,
): FetchRequest {
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1n },
    maxWaitMs: MAX_WAIT_MS,
    minBytes: 1,
    sessionId: 0,
    sessionEpoch: -1,
    forgottenTopicsData: [],
    rackId: '',
    ...changes,
  }
}

export function partitionToFetch(
  partition: number,
  offset: number,
  partitionMaxBytes: number,
): FetchPartition {
  return {
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(offset),
    lastFetchedEpoch: -1,
    logStartOffset: -1n,
    partitionMaxBytes,
    replicaDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA',
    highWatermark: -1n,
  }
}

/** Who reads, and how. */
export interface Reading {
  readonly name: string
  readonly world: World
  readonly isolationLevel: number
}

/** Compares what was fetched with the ledger and goes on behind it; how many batches there were. */
export function take(
  { name, world, isolationLevel }: Reading,
  found: PartitionData,
  position: Position,
  ledger: PartitionLedger,
): number {
  const { highWatermark, lastStableOffset, abortedTransactions } = found
  if (lastStableOffset !== highWatermark)
    throw new Violation(
      'nothing is held back',
      `${name} sees ${lastStableOffset} as stable of ${highWatermark}`,
    )
  if (isolationLevel === READ_COMMITTED && abortedTransactions && abortedTransactions.length > 0)
    throw new Violation('nothing is held back', `${name} is told of aborted transactions`)
  let count = 0
  for (const batch of checkedBatches(found, name)) {
    for (const record of readRecords(batch)) {
      const offset = Number(record.offset)
      if (offset < position.next) continue
      if (offset >= highWatermark || (offset !== position.next && !ledger.isKeyed))
        throw new Violation(
          'offsets are contiguous',
          `${name} got ${offset} where ${position.next} was due, below ${highWatermark}`,
        )
      ledger.skipped(position.next, offset, name, reachOf(world))
      ledger.observe(offset, textOf(record))
      position.next = offset + 1
    }
    // Compaction may have taken the last records of a batch.
    const next = Number(lastOffset(batch, 0)) + 1
    if (next > position.next) {
      ledger.skipped(position.next, next, name, reachOf(world))
      position.next = next
    }
    count++
  }
  return count
}

/** How far a cleaner can have come, as a client sees it. */
export function reachOf({ clock }: World) {
  return { nowMs: clock.now(), elapsedMs: clock.elapsedMs(), activeBase: undefined, isAllRead: false }
}

/** Whole batches whose checksums are right: memory may have been used for something else on the way. */
function* checkedBatches({ records }: PartitionData, name: string): Generator<Buffer> {
  if (records === null) return
  const bytes = Buffer.isBuffer(records) ? records : Buffer.concat(records)
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.length - at < RECORD_BATCH_OVERHEAD ? 0 : batchSizeInBytes(bytes, at)
    if (size < RECORD_BATCH_OVERHEAD || at + size > bytes.length || !isIntact(bytes, at))
      throw new Violation('bytes arrive as they were stored', `${name} got a damaged batch at byte ${at}`)
    yield bytes.subarray(at, at + size)
    at += size
  }
}
