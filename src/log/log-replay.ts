import { lastOffset } from '../protocol/any-batch.ts'
import { baseOffset, magicOf, producerId } from '../protocol/record-batch.ts'
import { BatchScanner } from './batch-scanner.ts'
import { endMarkerOf } from './end-marker.ts'
import type { LogEnvironment } from './log-environment.ts'
import type { ProducerSnapshots } from './producer-snapshots.ts'
import type { ProducerStates } from './producer-states.ts'
import type { Segment } from './segment.ts'

/** Goes over the headers of the batches from `from` up to `to`; small batches, markers among them, come whole. */
export function forEachBatch(
  segments: readonly Segment[],
  from: bigint,
  to: bigint,
  visit: (bytes: Buffer, at: number) => void,
): void {
  const first = Math.max(
    0,
    segments.findLastIndex((segment) => segment.baseOffset <= from),
  )
  for (const segment of segments.slice(first)) {
    // Its index may not be there yet: a recovery builds it later.
    if (segment.baseOffset >= to) return
    const scanner = new BatchScanner(segment.file, segment.sizeInBytes)
    for (let found = scanner.moveTo(segment.positionOf(from)); found; found = scanner.next()) {
      if (baseOffset(scanner.bytes, scanner.at) >= to) return
      if (lastOffset(scanner.bytes, scanner.at) >= from) visit(scanner.bytes, scanner.at)
    }
  }
}

/** A batch has been written or is read again. `segment`: where an aborted transaction that it ends is noted. */
export function learnProducer(
  producers: ProducerStates,
  bytes: Buffer,
  at: number,
  segment: Segment | undefined,
): void {
  if (magicOf(bytes, at) < 2 || producerId(bytes, at) < 0n) return
  const completed = producers.update(bytes, at, endMarkerOf)
  if (!completed?.isAborted || !segment) return
  const { producerId: id, firstOffset, lastOffset: last } = completed
  const lastStableOffset = producers.firstUnstableOffset(last + 1n) ?? last + 1n
  segment.transactionIndex.append({ producerId: id, firstOffset, lastOffset: last, lastStableOffset })
}

/** The producers as of `offset`: from the newest snapshot, and from the batches between it and there. */
export function restoreProducers(
  environment: LogEnvironment,
  segments: readonly Segment[],
  producers: ProducerStates,
  snapshots: ProducerSnapshots,
  offset: bigint,
): void {
  const { clock } = environment
  const restored = snapshots.restore(offset, producers, clock.now(), environment.producerIdExpirationMs())
  const from = restored ?? segments[0]?.baseOffset ?? 0n
  if (from >= offset) return
  forEachBatch(segments, from, offset, (bytes, at) => learnProducer(producers, bytes, at, undefined))
}
