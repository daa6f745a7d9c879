import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../platform/manual-clock.ts'
import { MemoryFiles } from '../../platform/memory-files.ts'
import type { OpenFile } from '../../platform/platform.ts'
import { buildBatch } from '../../protocol/batch-builder.ts'
import {
  append,
  copyFiles,
  openStorage,
  readAll,
  settle,
  storageSettings,
  topicConfig,
  values,
} from '../test-support/storage.ts'

const FOLDER = '/data/t-0'
const config = topicConfig({
  'cleanup.policy': 'compact,delete',
  'segment.bytes': 400,
  'min.cleanable.dirty.ratio': 0,
  'file.delete.delay.ms': 0,
})

/** A disk where large reads end when the test says so. The cleaner reads that way. */
class SlowReads extends MemoryFiles {
  isSlow = false
  readonly #waiting: (() => void)[] = []

  override open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
    const file = super.open(path, mode)
    const read = file.read.bind(file)
    file.read = async (into, position) => {
      if (this.isSlow) await new Promise<void>((resolve) => this.#waiting.push(resolve))
      return read(into, position)
    }
    return file
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  async letGo(): Promise<void> {
    this.#waiting.shift()?.()
    await settle()
  }

  names(path = FOLDER): string[] {
    return this.exists(path) ? this.list(path).map(({ name }) => name) : []
  }
}

/** A log with something to compact, and a cleaning that has come half way through its first segment. */
async function halfWay(reads = 5) {
  const files = new SlowReads()
  const storage = await openStorage(config, files)
  for (let n = 0; n < 20; n++) append(storage.partition, `${n}`)
  files.isSlow = true
  const done = storage.partitions.cleanDue()
  for (let n = 0; n < reads; n++) {
    await settle()
    await files.letGo()
  }
  await settle()
  expect(files.isWaiting).toBe(true)
  return { ...storage, files, done, finish: () => finish(files, done) }
}

async function finish(files: SlowReads, done: Promise<void>): Promise<void> {
  files.isSlow = false
  while (files.isWaiting) await files.letGo()
  await done
}

describe('while a log is compacted', () => {
  test.each([1, 3, 5])('records come in and are read, new ones and old (after %i reads)', async (reads) => {
    const { partition, files, finish: end } = await halfWay(reads)
    for (let n = 20; n < 40; n++) append(partition, `${n}`)
    files.isSlow = false
    expect(values(await readAll(partition)).slice(-20)).toEqual(
      Array.from({ length: 20 }, (_, n) => `${n + 20}`),
    )
    await end()
    const left = values(await readAll(partition))
    expect(left.at(-1)).toBe('39')
    expect(left.length).toBeLessThan(30)
    expect(values(await readAll((await openStorage(config, copyFiles(files))).partition))).toEqual(left)
  })

  test('its topic can be deleted, and another one of its name knows nothing of it', async () => {
    const { partitions, files, finish: end } = await halfWay()
    partitions.delete('t')
    const next = partitions.create({
      topic: 't',
      partition: 0,
      topicId: 'AAAAAAAAAAAAAAAAAAAABB',
      leaderEpoch: 0,
      partitionEpoch: 0,
      replicas: [1],
      isr: [1],
      config,
    })
    append(next, 'new')
    await end()
    expect(values(await readAll(next))).toEqual(['new'])
    expect(files.names().filter((name) => /cleaned|swap|deleted/.test(name))).toEqual([])
    expect(files.names().filter((name) => name.endsWith('.log'))).toHaveLength(1)
  })

  test('the broker can stop: what was half done is gone', async () => {
    const { partition, partitions, files, finish: end } = await halfWay()
    const before = partition.log.logEndOffset
    const stopped = partitions.stop(1n)
    await end()
    await stopped
    expect(files.names().filter((name) => /cleaned|swap/.test(name))).toEqual([])
    const after = await openStorage(config, copyFiles(files))
    expect(after.partition.log.logEndOffset).toBe(before)
    expect(values(await readAll(after.partition)).at(-1)).toBe('19')
  })

  test('records can be deleted: their files go when it is done', async () => {
    const { partition, partitions, finish: end } = await halfWay()
    expect(partition.log.deleteRecordsBefore(15n)).toBe(15n)
    expect(partition.log.segments[0]!.baseOffset).toBe(0n)
    await end()
    await partitions.cleanDue()
    expect(partition.log.segments[0]!.baseOffset).toBeGreaterThan(0n)
    expect(partition.log.logStartOffset).toBe(15n)
    expect(values(await readAll(partition)).at(-1)).toBe('19')
  })
})

/** Each look at it finds that a turn is over: work that asks often enough is always late. */
class HastyClock extends ManualClock {
  turns = 0
  #looks = 0

  override elapsedMs(): number {
    return super.elapsedMs() + ++this.#looks
  }

  override soon(task: () => void): void {
    this.turns++
    super.soon(task)
  }
}

test.each(['none', 'lz4', 'snappy'] as const)(
  'others have their turn after 64 records at the latest, also in a large batch (%s)',
  async (compression) => {
    const count = 10_000
    const clock = new HastyClock()
    const records = Array.from({ length: count }, (_, n) => ({
      key: Buffer.from(`key ${n % 9000}`),
      value: Buffer.from(`value ${n}`),
      headers: [],
      timestamp: 1_700_000_000_000n,
    }))
    const batch = buildBatch({ baseOffset: 0n, leaderEpoch: -1, records, compression })
    const cleaner = { ...storageSettings.cleaner, ioBufferBytes: 8192 }
    const { partition, partitions } = await openStorage(
      { ...config, 'segment.bytes': batch.length },
      undefined,
      clock,
      0,
      undefined,
      { ...storageSettings, cleaner },
    )
    partition.append(batch)
    append(partition, 'last')
    clock.turns = 0
    await partitions.cleanDue()
    // To learn the keys, to decide, and to copy what stays.
    expect(clock.turns).toBeGreaterThan((2.8 * count) / 64)
    expect(values(await readAll(partition, undefined, 1 << 20))).toHaveLength(9001)
  },
)

test('log.cleaner.io.max.bytes.per.second: it takes its time', async () => {
  const clock = new ManualClock()
  const cleaner = { ...storageSettings.cleaner, maxBytesPerSecond: 1000 }
  const { partition, partitions } = await openStorage(config, undefined, clock, 0, undefined, {
    ...storageSettings,
    cleaner,
  })
  for (let n = 0; n < 20; n++) append(partition, `${n}`)
  // All but the last segment are read twice.
  const moved = 2 * partition.log.segments.slice(0, -1).reduce((sum, { sizeInBytes }) => sum + sizeInBytes, 0)
  let isDone = false
  const startMs = clock.now()
  const done = partitions.cleanDue().then(() => {
    isDone = true
  })
  while (!isDone) {
    clock.advance(10)
    await settle()
  }
  await done
  expect(clock.now() - startMs).toBeGreaterThan(moved * 0.9)
  expect(clock.now() - startMs).toBeLessThan(moved * 1.6)
})
