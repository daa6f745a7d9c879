import { baseOffset } from '../protocol/record-batch.ts'
import { batchAt, lastOffsetOf, maxTimestampOf, walkBatches } from './batch-walker.ts'
import type { FileWindow } from './file-window.ts'
import { type DumpItem, type DumpOptions, entry, note, problem } from './item.ts'

const OFFSET_ENTRY_BYTES = 8
const TIME_ENTRY_BYTES = 12
const TRANSACTION_ENTRY_BYTES = 34
const TRANSACTION_ENTRY_VERSION = 0
/** A damaged index would fill screens: what comes behind so many is only counted. */
const MOST_PROBLEMS = 20

/** Something that lies beside a segment. `log` is undefined when the segment is not there. */
export interface IndexFile {
  readonly window: FileWindow
  readonly baseOffset: bigint
  readonly log: FileWindow | undefined
}

/** `.index`: each entry must lead to the batch that ends with its offset. */
export function* dumpOffsetIndex(file: IndexFile, options: DumpOptions): Generator<DumpItem> {
  const checks = new Checks()
  let previousOffset = -1
  let previousPosition = -1
  for (const { bytes, position: at } of entriesOf(file.window, OFFSET_ENTRY_BYTES)) {
    const relativeOffset = bytes.readInt32BE(0)
    const position = bytes.readInt32BE(4)
    if (relativeOffset === 0 && position === 0 && checks.isFreeFrom(file.window, at, OFFSET_ENTRY_BYTES)) {
      yield freeSpace(file.window, at)
      break
    }
    const offset = file.baseOffset + BigInt(relativeOffset)
    if (options.entries) yield entry({ offset, position })
    const isBehind = relativeOffset > previousOffset && position > previousPosition
    const disorder = isBehind
      ? undefined
      : `entry ${offset} at ${position} does not lie behind the one before`
    yield* checks.fail(disorder ?? disagreement(file.log, offset, position), at)
    previousOffset = relativeOffset
    previousPosition = position
  }
  yield* checks.rest(file.window, OFFSET_ENTRY_BYTES)
}

function disagreement(log: FileWindow | undefined, offset: bigint, position: number): string | undefined {
  if (log === undefined) return undefined
  const place = position < 0 ? 'no position is negative' : batchAt(log, position)
  if (place === undefined || position > log.size)
    return `offset ${offset} is said to be at ${position}, behind the end of the log`
  if (typeof place === 'string')
    return `offset ${offset} is said to be at ${position} of the log, but ${place}`
  const last = lastOffsetOf(place)
  if (last !== offset)
    return `offset ${offset} is said to be at ${position} of the log, where a batch ends with ${last}`
  return undefined
}

/** `.timeindex`: the batch with the offset of an entry must have its timestamp, and none before it a larger one. */
export function* dumpTimeIndex(file: IndexFile, options: DumpOptions): Generator<DumpItem> {
  const checks = new Checks()
  const times = file.log === undefined ? undefined : new LogTimes(file.log)
  let previous = -1n
  let previousOffset = -1n
  for (const { bytes, position: at } of entriesOf(file.window, TIME_ENTRY_BYTES)) {
    const timestamp = bytes.readBigInt64BE(0)
    const relativeOffset = bytes.readInt32BE(8)
    const offset = file.baseOffset + BigInt(relativeOffset)
    if (relativeOffset === 0 && timestamp === 0n && checks.isFreeFrom(file.window, at, TIME_ENTRY_BYTES)) {
      yield freeSpace(file.window, at)
      break
    }
    if (options.entries) yield entry({ timestamp, offset })
    const isBehind = timestamp >= previous && offset >= previousOffset
    const disorder = isBehind
      ? undefined
      : `entry ${timestamp} for offset ${offset} does not lie behind the one before`
    yield* checks.fail(disorder ?? times?.disagreement(timestamp, offset), at)
    previous = timestamp
    previousOffset = offset
  }
  yield* checks.rest(file.window, TIME_ENTRY_BYTES)
}

/** Walks over a log once, as the entries of its time index ascend. */
class LogTimes {
  readonly #walk: Iterator<Parameters<typeof lastOffsetOf>[0]>
  #lastOffset = -1n
  #firstOffset = 0n
  #timestamp = -1n
  #largest = -1n

  constructor(log: FileWindow) {
    this.#walk = walkBatches(log)
  }

  disagreement(timestamp: bigint, offset: bigint): string | undefined {
    while (this.#lastOffset < offset) {
      const { value, done } = this.#walk.next()
      if (done === true) return `offset ${offset} is not in the log`
      this.#firstOffset = baseOffset(value.header, 0)
      this.#lastOffset = lastOffsetOf(value)
      this.#timestamp = maxTimestampOf(value)
      if (this.#timestamp > this.#largest) this.#largest = this.#timestamp
    }
    if (offset < this.#firstOffset) return `offset ${offset} is not in the log`
    if (this.#timestamp !== timestamp)
      return `offset ${offset} is said to have ${timestamp}, but its batch has ${this.#timestamp}`
    if (this.#largest > timestamp)
      return `${timestamp} is said to be the largest timestamp up to offset ${offset}, but ${this.#largest} is there`
    return undefined
  }
}

/** `.txnindex`: the transactions that were aborted. */
export function* dumpTransactionIndex(file: IndexFile, options: DumpOptions): Generator<DumpItem> {
  const checks = new Checks()
  for (const { bytes, position: at } of entriesOf(file.window, TRANSACTION_ENTRY_BYTES)) {
    const version = bytes.readInt16BE(0)
    if (version !== TRANSACTION_ENTRY_VERSION) {
      yield problem(`entries of version ${version} are not known`, at)
      return
    }
    const [producerId, firstOffset] = [bytes.readBigInt64BE(2), bytes.readBigInt64BE(10)]
    const [lastOffset, lastStableOffset] = [bytes.readBigInt64BE(18), bytes.readBigInt64BE(26)]
    if (options.entries) yield entry({ version, producerId, firstOffset, lastOffset, lastStableOffset })
    if (firstOffset > lastOffset)
      yield* checks.fail(`the transaction ends at ${lastOffset}, before it begins`, at)
  }
  yield* checks.rest(file.window, TRANSACTION_ENTRY_BYTES)
}

function* entriesOf(window: FileWindow, size: number): Generator<{ bytes: Buffer; position: number }> {
  for (let position = 0; position + size <= window.size; position += size)
    yield { bytes: window.read(position, size), position }
}

function freeSpace(window: FileWindow, from: number): DumpItem {
  return note(`${window.size - from} bytes of zeros follow, which were allocated beforehand`)
}

class Checks {
  #problems = 0
  #mayBeFree = true

  /** Are there only zeros from here on? Looked for once: a file that is not what it should be might have many of them. */
  isFreeFrom(window: FileWindow, position: number, entryBytes: number): boolean {
    // A first batch of one record is at position 0 with relative offset 0: alone it is an entry.
    const isOnly = position === 0 && window.size === entryBytes
    if (!this.#mayBeFree || isOnly) return false
    this.#mayBeFree = window.isZeroFrom(position)
    return this.#mayBeFree
  }

  fail(message: string | undefined, position: number): DumpItem[] {
    if (message === undefined) return []
    this.#problems++
    return this.#problems <= MOST_PROBLEMS ? [problem(message, position)] : []
  }

  /** Bytes at the end that are no whole entry, and problems that were not told. */
  rest(window: FileWindow, entryBytes: number): DumpItem[] {
    const items: DumpItem[] = []
    if (this.#problems > MOST_PROBLEMS)
      items.push(problem(`${this.#problems - MOST_PROBLEMS} more entries are wrong`))
    const left = window.size % entryBytes
    if (left > 0)
      items.push(
        problem(`${left} of ${entryBytes} bytes of an entry: the file is cut off`, window.size - left),
      )
    return items
  }
}
