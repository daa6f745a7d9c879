import { describe, expect, test } from 'vitest'
import { SimulatedFiles } from '../platform/simulated-files.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import type { Partition } from './partition.ts'
import {
  batchOf,
  copyFiles,
  openStorage,
  readAll,
  type Storage,
  seeded,
  topicConfig,
  values,
} from './test-support/storage.ts'

const config = topicConfig({ 'segment.bytes': 300, 'index.interval.bytes': 100, 'file.delete.delay.ms': 0 })
const flushed = topicConfig({ 'segment.bytes': 300, 'index.interval.bytes': 100, 'flush.messages': 1 })

/** What a client was told, and what it does not know. */
class Books {
  /** Values by offset. */
  readonly acknowledged = new Map<bigint, string>()
  /** Values that were refused: they may be there or not. */
  readonly unknown = new Set<string>()
  startAcknowledged = 0n
  startAttempted = 0n
  sequence = 0
  retry: string | undefined
  /** The broker is dead: no answer gets through to the client. */
  isDead = () => false
}

/** A client that appends as an idempotent producer, deletes records now and then, and repeats what failed as such a producer does. */
function step(turn: number, { partition }: Storage, books: Books, next: (below: number) => number): void {
  if (turn % 9 === 8) {
    const { log } = partition
    const wanted = log.logStartOffset + BigInt(next(4))
    if (wanted > log.highWatermark) return
    books.startAttempted = wanted > books.startAttempted ? wanted : books.startAttempted
    attempt(() => {
      const start = log.deleteRecordsBefore(wanted)
      if (!books.isDead()) books.startAcknowledged = start
    })
    return
  }
  const value = books.retry ?? `${turn}-${'x'.repeat(next(60))}`
  books.unknown.add(value)
  books.retry = value
  const producer = { producerId: 7n, producerEpoch: 0, baseSequence: books.sequence }
  const timestamp = 1_700_000_000_000n + BigInt(turn)
  attempt(() => {
    const info = partition.append(batchOf([{ value, timestamp }], producer), 0, 'client', {
      produceVersion: 9,
    })
    if (books.isDead()) return
    books.acknowledged.set(info.baseOffset, value)
    books.unknown.delete(value)
    books.retry = undefined
    books.sequence++
  })
}

/** Runs it; a disk that fails must give the error that clients know. */
function attempt(action: () => void): void {
  try {
    action()
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError)
    expect((error as ApiError).code).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  }
}

/** Everything that was acknowledged is at its offset, once; nothing is there that nobody sent; the start is where it was put. */
async function audit(partition: Partition, books: Books, place: unknown[]): Promise<void> {
  const { log } = partition
  expect(log.logStartOffset).toBeGreaterThanOrEqual(books.startAcknowledged)
  expect(log.logStartOffset).toBeLessThanOrEqual(books.startAttempted)
  const there = await readAll(partition)
  expect(there.map(({ offset }) => offset)).toEqual(there.map((_, at) => log.logStartOffset + BigInt(at)))
  expect(log.logStartOffset + BigInt(there.length)).toBe(log.logEndOffset)
  const byOffset = new Map(there.map(({ offset, value }) => [offset, value]))
  for (const [offset, value] of books.acknowledged) {
    if (offset >= log.logStartOffset)
      expect([place, offset, byOffset.get(offset)]).toEqual([place, offset, value])
  }
  const acknowledged = new Set(books.acknowledged.values())
  for (const { value } of there) expect(acknowledged.has(value) || books.unknown.has(value)).toBe(true)
  expect(new Set(values(there)).size).toBe(there.length)
  for (const { offset, timestamp } of there) {
    expect([place, timestamp, log.offsetForTimestamp(timestamp)?.offset]).toEqual([place, timestamp, offset])
  }
}

/** How many changing calls the load makes when nothing fails. */
async function callsOf(load: (storage: Storage) => Promise<void>, settings = config): Promise<string[]> {
  const files = new SimulatedFiles()
  const storage = await openStorage(settings, files)
  const before = files.faults.calls.length
  await load(storage)
  return files.faults.calls.slice(before)
}

const TURNS = 40
/** Every so many calls one is tried; 1 tries them all, which takes a minute or two. */
const STEP = Number(process.env.ODRADEK_FAULT_STEP ?? 11)
const settle = () => new Promise((resolve) => setImmediate(resolve))

async function run(storage: Storage, books: Books, settings = config): Promise<void> {
  const next = seeded(3)
  for (let turn = 0; turn < TURNS; turn++) {
    step(turn, storage, books, next)
    // Flushes and checkpoints go on in between.
    if (turn % 7 === 6) {
      storage.clock.advance(60_000)
      await settle()
    }
    if (turn === 25) {
      storage.partitions.updateConfig('t', { ...settings, 'retention.bytes': 700 })
      books.startAttempted = storage.partition.log.highWatermark
      await storage.partitions.enforceRetention()
      storage.partitions.updateConfig('t', settings)
    }
  }
}

describe.each([
  ['', config],
  [' with flush.messages=1', flushed],
])('a log under load%s', (_, settings) => {
  test('killed at any point has all that was acknowledged, and goes on', async () => {
    const calls = await callsOf((storage) => run(storage, new Books(), settings), settings)
    expect(calls.length).toBeGreaterThan(100)
    for (let n = 1; n <= calls.length; n += STEP) {
      for (const isTorn of calls[n - 1]!.startsWith('write') ? [false, true] : [false]) {
        const files = new SimulatedFiles()
        const storage = await openStorage(settings, files)
        const books = new Books()
        // From this call on nothing reaches the files any more, as after a kill; what the client is told then is void.
        files.failAt(n, { isTorn })
        books.isDead = () => files.faults.isFailing
        await run(storage, books, settings)
        books.isDead = () => false
        await goesOn(await openStorage(settings, copyFiles(files)), books, [n, calls[n - 1], isTorn])
      }
    }
  })

  test('on a disk where any one call fails loses nothing that was acknowledged, and goes on', async () => {
    const calls = await callsOf((storage) => run(storage, new Books(), settings), settings)
    for (let n = 1; n <= calls.length; n += STEP) {
      for (const [count, isTorn] of [
        [1, false],
        [1, true],
        [4, true],
      ] as const) {
        const files = new SimulatedFiles()
        const storage = await openStorage(settings, files)
        const books = new Books()
        files.failAt(n, { count, isTorn })
        await run(storage, books, settings)
        await audit(storage.partition, books, [n, calls[n - 1], count, isTorn])
        const crashed = await openStorage(settings, copyFiles(files))
        await goesOn(crashed, copyOf(books), [n, calls[n - 1], count, isTorn])
        await storage.partitions.stop(1n)
        await goesOn(await openStorage(settings, copyFiles(files)), books, [n, calls[n - 1], count, isTorn])
      }
    }
  })
})

/** After a restart: all is there, the producer goes on where it was, and once more after a clean stop. */
async function goesOn(storage: Storage, books: Books, place: unknown[]): Promise<void> {
  await audit(storage.partition, books, place)
  for (let turn = 100; turn < 104; turn++) step(turn, storage, books, seeded(turn))
  expect(books.retry).toBeUndefined()
  await audit(storage.partition, books, place)
  await storage.partitions.stop(1n)
  await audit((await openStorage(config, copyFiles(storage.files))).partition, books, place)
}

function copyOf(books: Books): Books {
  const { acknowledged, unknown } = books
  return Object.assign(new Books(), books, {
    acknowledged: new Map(acknowledged),
    unknown: new Set(unknown),
  })
}
