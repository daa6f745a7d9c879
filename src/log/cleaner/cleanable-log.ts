import type { TopicConfig } from '../../config/topic-config.ts'
import type { Segment } from '../segment.ts'
import type { AbortedEntry } from '../transaction-index.ts'
import type { LastOfProducer } from './retention-rules.ts'

/** What the cleaner needs of a log. */
export interface CleanableLog {
  readonly directory: string
  readonly config: TopicConfig
  /** Rising by their base offsets; the last one is written to. The list changes as segments come and go. */
  readonly segments: readonly Segment[]
  readonly logStartOffset: bigint
  readonly logEndOffset: bigint
  readonly lastStableOffset: bigint
  /** Nothing may be done with its files any more. */
  readonly isClosed: boolean
  /** What must be kept of a producer; undefined when it is forgotten. */
  lastOfProducer(producerId: bigint): LastOfProducer | undefined
  /** Aborted transactions with records or markers from `fromOffset` (inclusive) to `upTo` (exclusive). */
  abortedEntries(fromOffset: bigint, upTo: bigint): AbortedEntry[]
  /** A segment in files of its own (`.cleaned`), which is to stand for those that are given; what a failure left of one is removed. */
  beginCleaned(replaced: readonly Segment[]): Segment
  /** Removes such a segment again. */
  dropCleaned(cleaned: Segment): void
  /** Puts a segment that is complete and on the device in the place of others, so that a crash leaves either the one or the others. */
  replace(cleaned: Segment, replaced: readonly Segment[]): void
}
