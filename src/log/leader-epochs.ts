import type { Files } from '../platform/platform.ts'
import { formatCheckpoint, parseCheckpoint, replaceFileUnflushed } from './checkpoint-file.ts'

/** A leader epoch and the offset of the first record written in it. */
export interface LeaderEpochEntry {
  readonly epoch: number
  readonly startOffset: bigint
}

/**
 * Which leader epoch wrote which offsets (KIP-101), kept in `leader-epoch-checkpoint` of the partition's folder: epochs and start
 * offsets both rise. A damaged or missing file is rebuilt from the batches, which carry their epoch.
 */
export class LeaderEpochs {
  readonly #files: Files
  readonly #path: string
  #entries: LeaderEpochEntry[] = []
  #isDirty = false

  constructor(files: Files, directory: string) {
    this.#files = files
    this.#path = `${directory}/leader-epoch-checkpoint`
  }

  get entries(): readonly LeaderEpochEntry[] {
    return this.#entries
  }

  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? -1
  }

  /** Reads the file; false when there is none that can be used. */
  load(): boolean {
    if (!this.#files.exists(this.#path)) return false
    const lines = parseCheckpoint(this.#files.read(this.#path).toString('utf8'))
    if (!lines) return false
    const entries: LeaderEpochEntry[] = []
    for (const line of lines) {
      const match = /^(\d+) (\d+)$/.exec(line)
      if (!match) return false
      const entry = { epoch: Number(match[1]), startOffset: BigInt(match[2]!) }
      const before = entries.at(-1)
      if (before && (entry.epoch <= before.epoch || entry.startOffset < before.startOffset)) return false
      entries.push(entry)
    }
    this.#entries = entries
    return true
  }

  /** A batch of this epoch begins at this offset. Nothing happens when the epoch is known. */
  assign(epoch: number, startOffset: bigint): void {
    if (epoch < 0 || epoch === this.latestEpoch) return
    // Later entries that contradict it come from a leader whose records did not stay.
    const kept = this.#entries.filter((entry) => entry.epoch < epoch && entry.startOffset < startOffset)
    kept.push({ epoch, startOffset })
    this.#entries = kept
    this.#isDirty = true
  }

  /** End of the largest epoch at or below the one asked for; -1 and -1n when unknown. */
  endOffsetFor(epoch: number, logEndOffset: bigint): { leaderEpoch: number; endOffset: bigint } {
    if (epoch >= 0 && epoch === this.latestEpoch) return { leaderEpoch: epoch, endOffset: logEndOffset }
    const next = this.#entries.find((entry) => entry.epoch > epoch)
    if (epoch === -1 || !next) return { leaderEpoch: -1, endOffset: -1n }
    const floor = this.#entries.findLast((entry) => entry.epoch <= epoch)
    return { leaderEpoch: floor?.epoch ?? epoch, endOffset: next.startOffset }
  }

  epochFor(offset: bigint): number {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? -1
  }

  /** The log now begins at `startOffset`. */
  truncateFromStart(startOffset: bigint): void {
    const first = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset)
    const floor = this.#entries[first]
    if (!floor || (first === 0 && floor.startOffset === startOffset)) return
    this.#entries = [{ epoch: floor.epoch, startOffset }, ...this.#entries.slice(first + 1)]
    this.#isDirty = true
  }

  /** The log now ends at `endOffset`. */
  truncateFromEnd(endOffset: bigint): void {
    const kept = this.#entries.filter((entry) => entry.startOffset < endOffset)
    if (kept.length === this.#entries.length) return
    this.#entries = kept
    this.#isDirty = true
  }

  clear(): void {
    if (this.#entries.length > 0) this.#isDirty = true
    this.#entries = []
  }

  /** Writes the file when something changed. The folder must be there. */
  writeOut(): void {
    if (!this.#isDirty) return
    replaceFileUnflushed(
      this.#files,
      this.#path,
      formatCheckpoint(this.#entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`)),
    )
    this.#isDirty = false
  }
}
