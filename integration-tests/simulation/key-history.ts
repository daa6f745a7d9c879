import type { SentRecord } from './sent-record.ts'

/** What a topic's settings promise about compaction: the least that held at any time. */
export interface CompactionPromises {
  /** Younger records stay: `min.compaction.lag.ms`. */
  shortestLagMs: number
  /** A tombstone stays so long after it was found: `delete.retention.ms`. */
  shortestDeleteRetentionMs: number
}

/** Up to where and until when a cleaner can have been at work. */
export interface CleanerReach {
  /** Wall clock. */
  readonly nowMs: number
  readonly elapsedMs: number
  /** Nothing from here on was cleaned: the segment that is written to. Undefined when that is not known. */
  readonly activeBase: number | undefined
  /** All that is in the log is known. */
  readonly isAllRead: boolean
}

/** No request is under way for longer. */
const SETTLED_MS = 180_000

/** Which records of a compacted partition have to be there: the last one of each key. */
export class KeyHistory {
  readonly #promises: CompactionPromises
  /** Rising offsets, by key. */
  readonly #offsets = new Map<string, number[]>()
  /** Records of which nobody knows yet whether and where they are, by key. */
  readonly #pending = new Map<string, Set<SentRecord>>()

  constructor(promises: CompactionPromises) {
    this.#promises = promises
  }

  send(record: SentRecord, key: string): void {
    const pending = this.#pending.get(key)
    if (pending) pending.add(record)
    else this.#pending.set(key, new Set([record]))
  }

  learn(offset: number, record: SentRecord, key: string): void {
    this.#pending.get(key)?.delete(record)
    const offsets = this.#offsets.get(key)
    if (!offsets) {
      this.#offsets.set(key, [offset])
      return
    }
    const at = offsets.findIndex((other) => other > offset)
    offsets.splice(at < 0 ? offsets.length : at, 0, offset)
  }

  /** The record never was there for long: power was lost. */
  unlearn(offset: number, key: string): void {
    const offsets = this.#offsets.get(key)?.filter((other) => other !== offset) ?? []
    this.#offsets.set(key, offsets)
  }

  /** All of a log has been read: what was sent long ago and is not there as a last record is of no importance any more. */
  settle(elapsedMs: number): void {
    for (const pending of this.#pending.values()) {
      for (const record of pending) if (elapsedMs - record.sentMs > SETTLED_MS) pending.delete(record)
    }
  }

  /** A cleaner may have removed the record at an offset: a later one replaces it, or it is a tombstone that was there long enough. */
  mayBeGone(
    offset: number,
    record: SentRecord,
    reach: CleanerReach,
    recordAt: (offset: number) => SentRecord | undefined,
  ): boolean {
    if (record.key === null || !this.#isInReach(offset, record, reach)) return false
    const { shortestDeleteRetentionMs } = this.#promises
    if (record.value === null && reach.elapsedMs - record.sentMs >= shortestDeleteRetentionMs) return true
    for (const pending of this.#pending.get(record.key) ?? []) {
      // Who has read everything knows all replacements but tombstones that are gone themselves.
      if ((!reach.isAllRead || pending.value === null) && this.#isInReach(offset, pending, reach)) return true
    }
    return (this.#offsets.get(record.key) ?? []).some((later) => {
      const replacement = later > offset ? recordAt(later) : undefined
      return replacement !== undefined && this.#isInReach(later, replacement, reach)
    })
  }

  #isInReach(offset: number, { timestamp }: SentRecord, { activeBase, nowMs }: CleanerReach): boolean {
    if (activeBase !== undefined && offset >= activeBase) return false
    return timestamp <= nowMs - this.#promises.shortestLagMs
  }

  /** Keys of which two records lie below an offset, and the earlier of them. */
  *repeatedBelow(end: number, isThere: (offset: number) => boolean): Generator<[string, number]> {
    for (const [key, offsets] of this.#offsets) {
      const there = offsets.filter((offset) => offset < end && isThere(offset))
      if (there.length > 1) yield [key, there[0]!]
    }
  }
}
