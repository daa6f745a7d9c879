import { MemoryFiles } from '../../platform/memory-files.ts'
import type { OpenFile } from '../../platform/platform.ts'
import { buildBatch } from '../../protocol/batch-builder.ts'
import { segmentPath } from '../segment-names.ts'

/** Each batch is one record and a page. */
const BATCH_BYTES = 4096
/** An entry in the indexes comes with every second batch, as with `index.interval.bytes` of 4096. */
const BATCHES_PER_ENTRY = 2

export interface LargeLog {
  /** Of the partition. */
  readonly folder: string
  readonly segments: number
  readonly batchesPerSegment: number
  /** Time of the first record; the others follow a millisecond apart. */
  readonly firstTimestamp: bigint
}

/** Files that count how often, and how much, is read. A log too large for memory can be put there: its batches are made up as they are read. */
export class LargeLogFiles extends MemoryFiles {
  reads = 0
  bytesRead = 0
  #large: LargeLog | undefined

  /** Puts segments with their indexes into the folder of a partition, as a clean stop leaves them. */
  putLargeLog(log: LargeLog): void {
    this.#large = log
    const { folder, segments, batchesPerSegment: count, firstTimestamp } = log
    const first = segmentPath(folder, 0n, '.log')
    const snapshot = this.read(segmentPath(folder, 1n, '.snapshot'))
    this.remove(first)
    for (let segment = 0; segment < segments; segment++) {
      const base = BigInt(segment * count)
      const path = (suffix: '.log' | '.index' | '.timeindex') => segmentPath(folder, base, suffix)
      const entries = Math.floor((count - 1) / BATCHES_PER_ENTRY)
      const offsets = Buffer.alloc(entries * 8)
      const times = Buffer.alloc((entries + 1) * 12)
      for (let entry = 0; entry <= entries; entry++) {
        const batch = entry < entries ? (entry + 1) * BATCHES_PER_ENTRY : count - 1
        times.writeBigInt64BE(firstTimestamp + base + BigInt(batch), entry * 12)
        times.writeInt32BE(batch, entry * 12 + 8)
        if (entry === entries) continue
        offsets.writeInt32BE(batch, entry * 8)
        offsets.writeInt32BE(batch * BATCH_BYTES, entry * 8 + 4)
      }
      this.replace(path('.log'), '')
      this.replace(path('.index'), offsets)
      this.replace(path('.timeindex'), times)
      this.replace(segmentPath(folder, base + BigInt(count), '.snapshot'), snapshot)
    }
  }

  override open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
    const file = super.open(path, mode)
    const log = this.#large
    const isLarge = log !== undefined && path.startsWith(log.folder) && path.endsWith('.log')
    return this.#counted(file, isLarge ? segmentContent(log, path) : undefined)
  }

  override read(path: string): Buffer {
    const bytes = super.read(path)
    this.#count(bytes.length)
    return bytes
  }

  #count(bytes: number): void {
    this.reads++
    this.bytesRead += bytes
  }

  #counted(file: OpenFile, content: SegmentContent | undefined): OpenFile {
    const readSync = (into: Buffer, position: number) => {
      const count = content ? content.read(into, position) : file.readSync(into, position)
      this.#count(count)
      return count
    }
    return {
      path: file.path,
      size: () => content?.size ?? file.size(),
      write: (buffers, position) => file.write(buffers, position),
      readSync,
      read: async (into, position) => readSync(into, position),
      truncate: (size) => file.truncate(size),
      flush: () => file.flush(),
      flushSync: () => file.flushSync(),
      close: () => file.close(),
    }
  }
}

interface SegmentContent {
  readonly size: number
  read(into: Buffer, position: number): number
}

function segmentContent({ batchesPerSegment, firstTimestamp }: LargeLog, path: string): SegmentContent {
  const base = BigInt(path.slice(path.lastIndexOf('/') + 1, -'.log'.length))
  const size = batchesPerSegment * BATCH_BYTES
  return {
    size,
    read(into, position) {
      const length = Math.max(0, Math.min(into.length, size - position))
      for (let done = 0; done < length; ) {
        const within = (position + done) % BATCH_BYTES
        const offset = base + BigInt(Math.floor((position + done) / BATCH_BYTES))
        done += batchAt(offset, firstTimestamp + offset).copy(into, done, within, within + length - done)
      }
      return length
    },
  }
}

function batchAt(baseOffset: bigint, timestamp: bigint): Buffer {
  const build = (valueBytes: number) => {
    const records = [{ key: null, value: Buffer.alloc(valueBytes), headers: [], timestamp }]
    return buildBatch({ baseOffset, leaderEpoch: 0, records })
  }
  const overhead = build(BATCH_BYTES / 2).length - BATCH_BYTES / 2
  return build(BATCH_BYTES - overhead)
}
