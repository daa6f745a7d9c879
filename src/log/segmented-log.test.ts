import { describe, expect, test } from 'vitest'
import { ManualClock } from '../platform/manual-clock.ts'
import { MemoryFiles } from '../platform/memory-files.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { batchSizeInBytes, partitionLeaderEpoch } from '../protocol/record-batch.ts'
import type { FetchedRecords } from './partition-log.ts'
import {
  append,
  batchOf,
  copyFiles,
  openStorage,
  readAll,
  recordsOf,
  seeded,
  topicConfig,
  values,
} from './test-support/storage.ts'

const names = (files: MemoryFiles, path = '/data/t-0') =>
  files
    .list(path)
    .map(({ name }) => name)
    .sort()

describe('a log that nobody wrote to', () => {
  test('is empty, and leaves nothing on disk', async () => {
    const { files, partitions, partition } = await openStorage()
    const { log } = partition
    expect([log.logStartOffset, log.logEndOffset, log.highWatermark, log.lastStableOffset]).toEqual([
      0n,
      0n,
      0n,
      0n,
    ])
    expect(log.read(0n, 1000, 0n, true)).toEqual({ buffers: [], sizeInBytes: 0, nextOffset: 0n })
    expect(log.offsetForTimestamp(0n)).toBeUndefined()
    expect(log.maxTimestampOffset()).toBeUndefined()
    expect(log.endOffsetForEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 0n })
    expect(log.deleteRecordsBefore(0n)).toBe(0n)
    await partitions.stop(1n)
    expect(files.exists('/data/t-0')).toBe(false)
  })
})

describe('append and read', () => {
  test('offsets follow each other, the leader epoch is stamped, batches come back as they were', async () => {
    const { partition } = await openStorage(topicConfig(), new MemoryFiles(), new ManualClock(), 7)
    append(partition, 'a', 'b')
    append(partition, 'c')
    const fetched = (await partition.log.read(0n, 10_000, 3n, true)) as FetchedRecords
    expect(recordsOf(fetched).map(({ offset, value }) => [offset, value])).toEqual([
      [0n, 'a'],
      [1n, 'b'],
      [2n, 'c'],
    ])
    expect(partitionLeaderEpoch(fetched.buffers[0]!, 0)).toBe(7)
    expect(partition.log.highWatermark).toBe(3n)
  })

  test('the first append makes the folder with all that Apache Kafka looks for', async () => {
    const { files, partition, partitions } = await openStorage()
    append(partition, 'a')
    expect(names(files as MemoryFiles)).toEqual([
      '00000000000000000000.log',
      'leader-epoch-checkpoint',
      'partition.metadata',
    ])
    expect(files.read('/data/t-0/leader-epoch-checkpoint').toString()).toBe('0\n1\n0 0\n')
    await partitions.stop(5n)
    expect(names(files as MemoryFiles)).toEqual([
      '00000000000000000000.index',
      '00000000000000000000.log',
      '00000000000000000000.timeindex',
      '00000000000000000001.snapshot',
      'leader-epoch-checkpoint',
      'partition.metadata',
    ])
    expect(files.read('/data/.kafka_cleanshutdown').toString()).toBe('{"version":0,"brokerEpoch":5}')
    expect(files.read('/data/recovery-point-offset-checkpoint').toString()).toBe('0\n1\nt 0 1\n')
    expect(files.read('/data/replication-offset-checkpoint').toString()).toBe('0\n1\nt 0 1\n')
    expect(files.read('/data/log-start-offset-checkpoint').toString()).toBe('0\n0\n')
  })

  test('an offset outside of the log is refused, its end is not', async () => {
    const { partition } = await openStorage()
    append(partition, 'a')
    expect(() => partition.log.read(2n, 100, 2n, true)).toThrow(
      expect.objectContaining({ code: ErrorCode.OFFSET_OUT_OF_RANGE }),
    )
    expect(partition.log.read(1n, 100, 1n, true)).toMatchObject({ sizeInBytes: 0 })
  })

  test('a batch larger than the limit comes only when at least one is wanted (KIP-74)', async () => {
    const { files, partition } = await openStorage()
    append(partition, 'a'.repeat(500))
    append(partition, 'b')
    for (const at of [partition, (await openStorage(topicConfig(), copyFiles(files))).partition]) {
      expect(values(recordsOf(await at.log.read(0n, 10, 2n, true)))).toEqual(['a'.repeat(500)])
      expect((await at.log.read(0n, 10, 2n, false)).sizeInBytes).toBe(0)
      expect((await at.log.read(0n, 0, 2n, false)).sizeInBytes).toBe(0)
    }
  })

  test('nothing at or above the bound is read', async () => {
    const { files, partition } = await openStorage()
    for (const value of ['a', 'b', 'c', 'd']) append(partition, value)
    for (const at of [partition, (await openStorage(topicConfig(), copyFiles(files))).partition]) {
      expect(values(recordsOf(await at.log.read(1n, 10_000, 3n, true)))).toEqual(['b', 'c'])
    }
  })

  test('an append in an epoch that is not the leader is refused', async () => {
    const { partition } = await openStorage(topicConfig(), new MemoryFiles(), new ManualClock(), 3)
    const batch = batchOf([{ value: 'a' }])
    expect(() => partition.append(batch, 2)).toThrow(
      expect.objectContaining({ code: ErrorCode.FENCED_LEADER_EPOCH }),
    )
    expect(() => partition.append(batch, 4)).toThrow(
      expect.objectContaining({ code: ErrorCode.UNKNOWN_LEADER_EPOCH }),
    )
  })

  test('listeners are told before append returns, and no longer after they left', async () => {
    const { partition } = await openStorage()
    const seen: bigint[] = []
    const leave = partition.onAdvance(() => seen.push(partition.log.highWatermark))
    append(partition, 'a', 'b')
    append(partition, 'c')
    leave()
    append(partition, 'd')
    expect(seen).toEqual([2n, 3n])
  })
})

describe('segments', () => {
  test('roll by size, and by the time of the records', async () => {
    const config = topicConfig({ 'segment.bytes': 300, 'segment.ms': 1000 })
    const { files, partition } = await openStorage(config)
    append(partition, 'x'.repeat(150))
    append(partition, 'y'.repeat(150))
    expect(partition.log.describe().segments.map(({ baseOffset }) => baseOffset)).toEqual([0n, 1n])
    partition.append(batchOf([{ value: 'z', timestamp: 1_700_000_001_001n }]))
    expect(partition.log.describe().segments.map(({ baseOffset }) => baseOffset)).toEqual([0n, 1n, 2n])
    expect(names(files as MemoryFiles)).toContain('00000000000000000002.snapshot')
    expect(names(files as MemoryFiles)).toContain('00000000000000000001.timeindex')
  })

  test('a time is looked for in the first segment that promises it, and nowhere else: as in Apache Kafka', async () => {
    const { partition } = await openStorage(topicConfig({ 'segment.bytes': 150 }))
    const { log } = partition
    for (const times of [
      [100n, 9000n, 200n],
      [300n, 400n, 500n],
      [900n, 9500n, 10_000n],
    ])
      partition.append(batchOf(times.map((timestamp) => ({ value: 'v', timestamp }))))
    expect(log.describe().segments).toHaveLength(3)
    log.advanceHighWatermark(log.logEndOffset)
    log.deleteRecordsBefore(2n)
    const found = (timestamp: bigint) => log.offsetForTimestamp(timestamp)?.offset
    // The record of 9000 is deleted, and its segment is still the first that has one as late.
    expect([150n, 600n, 9001n].map(found)).toEqual([2n, undefined, 7n])
    log.deleteRecordsBefore(3n)
    expect([150n, 600n, 9001n].map(found)).toEqual([3n, 6n, 7n])
  })

  test('a read ends with its segment, in memory as in files', async () => {
    const { partition } = await openStorage(topicConfig({ 'segment.bytes': 200 }))
    append(partition, 'a'.repeat(100))
    append(partition, 'b'.repeat(100))
    const { log } = partition
    expect(log.describe().segments).toHaveLength(2)
    expect(await log.read(0n, 10_000, log.logEndOffset, true)).toMatchObject({ nextOffset: 1n })
    expect(await log.read(1n, 10_000, log.logEndOffset, true)).toMatchObject({ nextOffset: 2n })
  })

  test('roll when an index is full', async () => {
    const config = topicConfig({ 'index.interval.bytes': 0, 'segment.index.bytes': 36 })
    const { partition } = await openStorage(config)
    for (let i = 0; i < 20; i++) {
      partition.append(batchOf([{ value: 'v', timestamp: 1_700_000_000_000n + BigInt(i) }]))
    }
    expect(partition.log.describe().segments.length).toBeGreaterThan(3)
    expect(values(await readAll(partition))).toHaveLength(20)
  })

  test('more than a segment may hold is refused', async () => {
    const { partition } = await openStorage(topicConfig({ 'segment.bytes': 300 }))
    expect(() => append(partition, 'x'.repeat(400))).toThrow(
      expect.objectContaining({ code: ErrorCode.RECORD_LIST_TOO_LARGE }),
    )
    expect(partition.log.logEndOffset).toBe(0n)
  })
})

/** A log of many random batches and what must be in it. */
async function randomLog(seed: number) {
  const next = seeded(seed)
  const config = topicConfig({ 'segment.bytes': 20_000, 'index.interval.bytes': 500 })
  const storage = await openStorage(config)
  const expected: { offset: bigint; timestamp: bigint; value: string }[] = []
  for (let i = 0; i < 300; i++) {
    const records = Array.from({ length: 1 + next(4) }, () => ({
      timestamp: 1_700_000_000_000n + BigInt(i * 10 - next(200)),
      value: 'v'.repeat(1 + next(next(20) === 0 ? 3000 : 60)),
    }))
    for (const record of records) expected.push({ ...record, offset: BigInt(expected.length) })
    storage.partition.append(batchOf(records), 0, 'client', { produceVersion: 9 })
  }
  return { ...storage, config, expected, next }
}

describe.each([1, 2, 3])('a random log, seed %i', (seed) => {
  test('is the same read from memory, from files, after a clean stop and after a crash', async () => {
    const { files, partition, partitions, config, expected } = await randomLog(seed)
    expect(await readAll(partition)).toEqual(expected)
    const crashed = await openStorage(config, copyFiles(files))
    expect(await readAll(crashed.partition)).toEqual(expected)
    expect({ ...crashed.partition.log.describe(), recoveryPoint: 0n }).toEqual({
      ...partition.log.describe(),
      recoveryPoint: 0n,
    })
    const before = partition.log.describe()
    await partitions.stop(1n)
    const stopped = copyFiles(files)
    const restarted = await openStorage(config, stopped)
    expect(await readAll(restarted.partition)).toEqual(expected)
    expect(restarted.partition.log.describe()).toEqual({ ...before, recoveryPoint: before.logEndOffset })
  })

  test('every offset is found, with any limit', async () => {
    const { files, config, expected, next, partition } = await randomLog(seed)
    const fromFiles = (await openStorage(config, copyFiles(files))).partition
    for (let i = 0; i < 300; i++) {
      const wanted = expected[next(expected.length)]!
      for (const { log } of [partition, fromFiles]) {
        const found = await log.read(wanted.offset, next(5000), log.logEndOffset, true)
        const [batch] = found.buffers
        const first = recordsOf({ ...found, buffers: [batch!.subarray(0, batchSizeInBytes(batch!, 0))] })
        expect(first.map(({ offset }) => offset)).toContain(wanted.offset)
      }
    }
  })

  test('times are found as by looking at every record', async () => {
    const { files, config, expected, next, partition } = await randomLog(seed)
    const fromFiles = (await openStorage(config, copyFiles(files))).partition
    for (let i = 0; i < 200; i++) {
      const timestamp = 1_700_000_000_000n + BigInt(next(3200) - 150)
      const wanted = expected.find((record) => record.timestamp >= timestamp)
      for (const { log } of [partition, fromFiles]) {
        const found = log.offsetForTimestamp(timestamp)
        expect(found && { offset: found.offset, timestamp: found.timestamp }).toEqual(
          wanted && { offset: wanted.offset, timestamp: wanted.timestamp },
        )
      }
    }
    const latest = expected.reduce((a, b) => (b.timestamp > a.timestamp ? b : a))
    expect(partition.log.maxTimestampOffset()).toMatchObject({
      offset: latest.offset,
      timestamp: latest.timestamp,
    })
  })

  test('the size between two offsets is exact at the tail and never too small', async () => {
    const { expected, next, partition } = await randomLog(seed)
    const { log } = partition
    for (let i = 0; i < 100; i++) {
      const from = BigInt(next(expected.length))
      const size = log.sizeBetween(from, log.logEndOffset)
      let real = 0
      for (let offset = from; offset < log.logEndOffset; ) {
        const fetched = await log.read(offset, 1_000_000, log.logEndOffset, true)
        real += fetched.sizeInBytes
        offset = fetched.nextOffset
      }
      expect(size).toBe(real)
    }
    expect(log.sizeBetween(log.logEndOffset, log.logEndOffset)).toBe(0)
  })

  test('after cutting it at an offset it goes on from there', async () => {
    const { files, partition, config, expected, next } = await randomLog(seed)
    const cutAt = BigInt(1 + next(expected.length - 1))
    partition.log.truncateTo(cutAt)
    // A batch goes as a whole.
    const kept = expected.slice(0, (await readAll(partition)).length)
    expect(await readAll(partition)).toEqual(kept)
    append(partition, 'new')
    expect((await readAll(partition)).at(-1)).toMatchObject({ value: 'new', offset: cutAt })
    const crashed = await openStorage(config, copyFiles(files))
    expect(await readAll(crashed.partition)).toEqual(await readAll(partition))
  })
})
