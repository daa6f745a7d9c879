import type { Files } from '../platform/platform.ts'
import { FlushedPath } from './flushed-path.ts'
import type { AbortedTransaction } from './partition-log.ts'

const ENTRY_BYTES = 34

/** A transaction that was aborted in a segment. */
export interface AbortedEntry extends AbortedTransaction {
  /** Offset of the abort marker. */
  readonly lastOffset: bigint
  /** What read_committed could see when it ended: nothing below can be touched by transactions that end later. */
  readonly lastStableOffset: bigint
}

/**
 * `.txnindex`: the aborted transactions whose markers lie in the segment. The file is made with the first of them.
 *
 * | at | field | type |
 * |---|---|---|
 * | 0 | version, 0 | int16 |
 * | 2 | producer id | int64 |
 * | 10 | first offset | int64 |
 * | 18 | last offset: the marker | int64 |
 * | 26 | last stable offset | int64 |
 */
export class TransactionIndex {
  path: string
  readonly #files: Files
  #entries: AbortedEntry[] | undefined
  readonly #device: FlushedPath

  constructor(files: Files, path: string, isNew: boolean) {
    this.#files = files
    this.path = path
    this.#device = new FlushedPath(files, () => this.path)
    if (isNew) this.#entries = []
  }

  get entries(): readonly AbortedEntry[] {
    this.#entries ??= this.#load()
    return this.#entries
  }

  append(...added: AbortedEntry[]): void {
    if (added.length === 0) return
    const { entries } = this
    const file = this.#files.open(this.path, 'create')
    try {
      file.write(added.map(encodeEntry), entries.length * ENTRY_BYTES)
    } finally {
      file.close()
    }
    this.#device.isFlushed = false
    this.#entries = [...entries, ...added]
  }

  /** Why the file cannot be right, or undefined: its size, and the order of offsets in each entry. */
  problem(): string | undefined {
    if (!this.#files.exists(this.path)) return undefined
    const size = this.#files.read(this.path).length
    if (size % ENTRY_BYTES !== 0)
      return `${size} bytes of aborted transactions are no multiple of ${ENTRY_BYTES}`
    const isWrong = this.entries.some(
      ({ firstOffset, lastOffset }) => firstOffset < 0n || lastOffset < firstOffset,
    )
    return isWrong ? 'an aborted transaction ends before it begins' : undefined
  }

  /** Hands all entries to the device. */
  flush(): Promise<void> {
    return this.#device.flush()
  }

  /** The same on the main thread. */
  flushSync(): void {
    this.#device.flushSync()
  }

  /** Forgets transactions that end at or behind an offset. */
  truncateTo(offset: bigint): void {
    const { entries } = this
    const kept = entries.filter((entry) => entry.lastOffset < offset)
    if (kept.length === entries.length) return
    const file = this.#files.open(this.path, 'write')
    file.truncate(kept.length * ENTRY_BYTES)
    file.close()
    this.#entries = kept
  }

  /** Forgets all, to be built anew. */
  clear(): void {
    this.#files.remove(this.path)
    this.#device.isFlushed = true
    this.#entries = []
  }

  #load(): AbortedEntry[] {
    if (!this.#files.exists(this.path)) return []
    const bytes = this.#files.read(this.path)
    const entries: AbortedEntry[] = []
    for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
      entries.push({
        producerId: bytes.readBigInt64BE(at + 2),
        firstOffset: bytes.readBigInt64BE(at + 10),
        lastOffset: bytes.readBigInt64BE(at + 18),
        lastStableOffset: bytes.readBigInt64BE(at + 26),
      })
    }
    return entries
  }
}

function encodeEntry(entry: AbortedEntry): Buffer {
  const bytes = Buffer.alloc(ENTRY_BYTES)
  bytes.writeBigInt64BE(entry.producerId, 2)
  bytes.writeBigInt64BE(entry.firstOffset, 10)
  bytes.writeBigInt64BE(entry.lastOffset, 18)
  bytes.writeBigInt64BE(entry.lastStableOffset, 26)
  return bytes
}
