import { type BatchPlace, walkBatches } from '../dump/batch-walker.ts'
import { dumpFile } from '../dump/dump-file.ts'
import { FileWindow } from '../dump/file-window.ts'
import { ALL } from '../dump/item.ts'
import { endMarkerOf } from '../log/end-marker.ts'
import { isFileError } from '../log/storage-error.ts'
import type { Files } from '../platform/platform.ts'
import { isControlBatch, isTransactional, lastOffset, producerId } from '../protocol/record-batch.ts'
import { type Finding, problem } from './finding.ts'

/** The end of a transaction is a batch of one small record. */
const LARGEST_MARKER_BYTES = 1024

/** Producers by the offsets of their abort markers: all of them, and those that surely end something. */
interface AbortMarkers {
  readonly markers: Map<bigint, bigint>
  readonly entries: Map<bigint, bigint>
}

/**
 * Compares the transactions that `.txnindex` files say were aborted with the markers in the log, segment by segment. Without the right
 * entries consumers with read_committed would see what was aborted. Made for logs that were never compacted.
 */
export class AbortedCheck {
  readonly #files: Files
  /** Producers with a transaction that is open at this place of the log. */
  readonly #open = new Set<bigint>()

  constructor(files: Files) {
    this.#files = files
  }

  /** A segment, the next one of its log, by the path of its `.log` file. */
  async *segment(path: string): AsyncGenerator<Finding> {
    const expected = this.#ifReadable(path)
    if (!expected) return
    const indexPath = `${path.slice(0, -'.log'.length)}.txnindex`
    if (this.#files.exists(indexPath)) {
      for await (const { type, fields } of dumpFile(this.#files, indexPath, ALL)) {
        if (type !== 'entry') continue
        const { producerId: id, lastOffset: offset } = fields as { producerId: bigint; lastOffset: bigint }
        if (expected.markers.get(offset) !== id)
          yield problem(indexPath, `offset ${offset} ends no aborted transaction of the producer ${id}`)
        expected.entries.delete(offset)
      }
    }
    for (const [offset, id] of expected.entries)
      yield problem(
        indexPath,
        `the transaction of the producer ${id} that was aborted at offset ${offset} is missing`,
      )
  }

  /** What cannot be read is told of already. */
  #ifReadable(path: string): AbortMarkers | undefined {
    try {
      return this.#abortedIn(path)
    } catch (error) {
      if (!isFileError(error)) throw error
      return undefined
    }
  }

  #abortedIn(path: string): AbortMarkers {
    const [markers, entries] = [new Map<bigint, bigint>(), new Map<bigint, bigint>()]
    const file = this.#files.open(path, 'read')
    try {
      const window = new FileWindow(file)
      for (const place of walkBatches(window)) {
        if (place.magic < 2 || !isTransactional(place.header, 0)) continue
        const id = producerId(place.header, 0)
        if (!isControlBatch(place.header, 0)) {
          this.#open.add(id)
          continue
        }
        if (isAbort(window, place)) {
          markers.set(lastOffset(place.header, 0), id)
          if (this.#open.has(id)) entries.set(lastOffset(place.header, 0), id)
        }
        this.#open.delete(id)
      }
    } finally {
      file.close()
    }
    return { markers, entries }
  }
}

function isAbort(window: FileWindow, { position, size }: BatchPlace): boolean {
  if (size > LARGEST_MARKER_BYTES) return false
  return endMarkerOf(window.read(position, size), 0)?.isAbort ?? false
}
