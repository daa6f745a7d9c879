import { describe, expect, test } from 'vitest'
import { ManualClock } from '../platform/manual-clock.ts'
import { MemoryFiles } from '../platform/memory-files.ts'
import type { OpenFile } from '../platform/platform.ts'
import { SimulatedFiles } from '../platform/simulated-files.ts'
import { buildBatch } from '../protocol/batch-builder.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import type { Partitions } from './partitions.ts'
import {
  append,
  batchOf,
  copyFiles,
  openStorage,
  readAll,
  topicConfig,
  values,
} from './test-support/storage.ts'

const FOLDER = '/data/t-0'
const storageError = expect.objectContaining({ code: ErrorCode.KAFKA_STORAGE_ERROR })
const settle = () => new Promise((resolve) => setImmediate(resolve))

const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAABB'
const again = (partitions: Partitions, topicId = OTHER_ID, config = topicConfig()) =>
  partitions.create({
    topic: 't',
    partition: 0,
    topicId,
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas: [1],
    isr: [1],
    config,
  })

describe('a topic that is deleted and created again, and then a crash', () => {
  test('loses nothing to what the checkpoints say of its predecessor', async () => {
    const { files, clock, partition, partitions } = await openStorage()
    for (let at = 0; at < 50; at++) append(partition, `old ${at}`)
    partition.log.deleteRecordsBefore(40n)
    await partition.log.flush()
    clock.advance(60_000)
    await settle()
    expect(files.read('/data/log-start-offset-checkpoint').toString()).toBe('0\n1\nt 0 40\n')
    partitions.delete('t')
    const next = again(partitions)
    for (let at = 0; at < 10; at++) append(next, `new ${at}`)
    const crashed = await openStorageAs(OTHER_ID, copyFiles(files))
    expect(values(await readAll(crashed.partition))).toEqual(values(await readAll(next)))
    expect(crashed.partition.log.logStartOffset).toBe(0n)
    expect(await readAll(crashed.partition)).toHaveLength(10)
  })

  test('also when there was a restart in between', async () => {
    const { files, clock, partition, partitions } = await openStorage()
    for (let at = 0; at < 50; at++) append(partition, `old ${at}`)
    partition.log.deleteRecordsBefore(40n)
    await partition.log.flush()
    clock.advance(60_000)
    await settle()
    partitions.delete('t')
    const restarted = await openStorageAs(OTHER_ID, copyFiles(files))
    append(restarted.partition, 'new')
    const crashed = await openStorageAs(OTHER_ID, copyFiles(restarted.files))
    expect(values(await readAll(crashed.partition))).toEqual(['new'])
  })

  async function openStorageAs(topicId: string, files: MemoryFiles) {
    const storage = await openStorage(topicConfig(), files, new ManualClock(), 0, topicId)
    return storage
  }
})

describe('a folder that cannot be opened for a while', () => {
  class Exhausted extends MemoryFiles {
    isExhausted = false
    override open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
      if (this.isExhausted && path.endsWith('.log')) {
        throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE', syscall: 'open' })
      }
      return super.open(path, mode)
    }
  }

  test('is not taken for an empty one later: nothing is written over', async () => {
    const before = await openStorage()
    append(before.partition, 'a', 'b')
    await before.partitions.stop(1n)
    const files = new Exhausted()
    copyInto(files, before.files as MemoryFiles, '/data')
    const { partition } = await openStorage(topicConfig(), files)
    files.isExhausted = true
    for (let i = 0; i < 2; i++) expect(() => append(partition, 'c')).toThrow(storageError)
    files.isExhausted = false
    append(partition, 'c')
    expect(values(await readAll(partition))).toEqual(['a', 'b', 'c'])
  })

  test('that cannot be renamed when its topic is deleted does not come back as a new topic', async () => {
    const files = new SimulatedFiles()
    const { partition, partitions } = await openStorage(topicConfig(), files)
    append(partition, 'old 1')
    append(partition, 'old 2')
    files.failAt(1, { count: 1 })
    partitions.delete('t')
    const next = again(partitions)
    append(next, 'new')
    expect(values(await readAll(next))).toEqual(['new'])
    const crashed = await openStorage(topicConfig(), copyFiles(files), new ManualClock(), 0, OTHER_ID)
    expect(values(await readAll(crashed.partition))).toEqual(['new'])
  })
})

describe('several segments that a crash leaves unflushed', () => {
  const config = topicConfig({ 'segment.bytes': 330, 'index.interval.bytes': 100 })

  test('have complete indexes afterwards: times are found after the next clean stop too', async () => {
    const { files, partition } = await openStorage(config)
    for (let at = 0; at < 40; at++) {
      partition.append(batchOf([{ value: `v${at}`, timestamp: 1_700_000_000_000n + BigInt(at) }]))
    }
    const crashed = await openStorage(config, copyFiles(files))
    const wanted = crashed.partition.log.describe()
    await crashed.partitions.stop(1n)
    const { partition: clean } = await openStorage(config, copyFiles(crashed.files))
    for (let at = 0; at < 40; at++) {
      expect(clean.log.offsetForTimestamp(1_700_000_000_000n + BigInt(at))?.offset).toBe(BigInt(at))
    }
    expect(clean.log.describe().segments).toEqual(wanted.segments)
    for (const name of files.list(FOLDER).map((entry) => entry.name)) {
      if (!/index$/.test(name)) continue
      expect([name, crashed.files.read(`${FOLDER}/${name}`)]).toEqual([name, files.read(`${FOLDER}/${name}`)])
    }
  })

  test('after a cut the largest timestamp is that of what is left', async () => {
    const { partition } = await openStorage(topicConfig({ 'index.interval.bytes': 1_000_000 }))
    for (let at = 0; at < 10; at++) {
      partition.append(batchOf([{ value: `v${at}`, timestamp: 1_700_000_000_000n + BigInt(at) }]))
    }
    partition.log.truncateTo(7n)
    expect(partition.log.maxTimestampOffset()).toMatchObject({ offset: 6n, timestamp: 1_700_000_000_006n })
    expect(partition.log.offsetForTimestamp(1_700_000_000_005n)?.offset).toBe(5n)
  })
})

test.each(['.index', '.timeindex'])(
  'a lost %s of an older segment costs none of its aborted transactions',
  async (suffix) => {
    const config = topicConfig({ 'segment.bytes': 300 })
    const { files, partition, partitions } = await openStorage(config)
    const producer = { producerId: 5n, producerEpoch: 0 }
    partition.append(batchOf([{ value: 'aborted' }], { ...producer, baseSequence: 0, isTransactional: true }))
    partition.append(abortMarker(producer))
    for (const value of ['a', 'b', 'c', 'd']) append(partition, value)
    const aborted = [{ producerId: 5n, firstOffset: 0n }]
    expect(partition.log.abortedTransactions(0n, 6n)).toEqual(aborted)
    await partitions.stop(1n)
    const copy = copyFiles(files)
    copy.remove(`${FOLDER}/00000000000000000000${suffix}`)
    const after = await openStorage(config, copy)
    expect(after.partition.log.abortedTransactions(0n, 6n)).toEqual(aborted)
    expect(await readAll(after.partition)).toHaveLength(6)
  },
)

/** Ends a transaction of the producer without its records. */
function abortMarker(producer: { producerId: bigint; producerEpoch: number }): Buffer {
  const key = Buffer.from('00000000', 'hex')
  const value = Buffer.from('000000000000', 'hex')
  const record = { key, value, headers: [], timestamp: 1_700_000_000_000n }
  return buildBatch({
    baseOffset: 0n,
    leaderEpoch: -1,
    records: [record],
    ...producer,
    isTransactional: true,
    isControl: true,
  })
}

test('an index that is smaller than an entry does not make segments that share their files', async () => {
  const config = topicConfig({ 'segment.index.bytes': 4, 'file.delete.delay.ms': 0 })
  const { files, clock, partition, partitions } = await openStorage(config)
  for (const value of ['a', 'b', 'c']) append(partition, value)
  await partitions.enforceRetention()
  clock.advance(60_000)
  expect(partition.log.describe().segments.map(({ baseOffset }) => baseOffset)).toEqual([0n, 1n, 2n])
  const crashed = await openStorage(config, copyFiles(files))
  expect(values(await readAll(crashed.partition))).toEqual(['a', 'b', 'c'])
})

test('a clean stop leaves nothing of a failed append behind the end', async () => {
  const files = new SimulatedFiles()
  const { partition, partitions } = await openStorage(topicConfig(), files)
  append(partition, 'a')
  // The write is torn and cannot be cut off.
  files.failAt(1, { count: 2, isTorn: true })
  expect(() => append(partition, 'lost')).toThrow(storageError)
  await partitions.stop(1n)
  const after = await openStorage(topicConfig(), copyFiles(files))
  append(after.partition, 'b')
  const crashed = await openStorage(topicConfig(), copyFiles(after.files))
  expect(values(await readAll(crashed.partition))).toEqual(['a', 'b'])
})

test('a device that refuses a flush gets no more records until a restart: the next flush would promise what is not there', async () => {
  const files = new SimulatedFiles()
  const config = topicConfig({ 'flush.messages': 2 })
  const { partition, partitions } = await openStorage(config, files)
  append(partition, 'a', 'b')
  append(partition, 'c')
  const before = partition.log.describe()
  files.failAt(2, { count: 1 })
  expect(() => append(partition, 'lost')).toThrow(storageError)
  expect(files.faults.calls.at(-3)).toBe('fdatasync 00000000000000000000.log')
  const notes = [expect.stringMatching(/^takes no records until the broker starts again: EIO: fdatasync/)]
  expect(partition.log.describe()).toEqual({ ...before, notes })
  expect(() => append(partition, 'refused')).toThrow(storageError)
  await expect(partition.log.flush()).rejects.toThrow('EIO: fdatasync')
  expect(values(await readAll(partition))).toEqual(['a', 'b', 'c'])
  await partitions.stop(1n)
  const after = await openStorage(config, copyFiles(files))
  expect(after.directory.wasCleanShutdown).toBe(false)
  append(after.partition, 'd')
  expect(values(await readAll(after.partition))).toEqual(['a', 'b', 'c', 'd'])
})

test('so does one that refuses it in the background', async () => {
  const files = new SimulatedFiles()
  const { partition } = await openStorage(topicConfig(), files)
  append(partition, 'a')
  await partition.log.flush()
  append(partition, 'b')
  files.failAt(1, { count: 1 })
  await expect(partition.log.flush()).rejects.toThrow('EIO: fdatasync')
  expect(partition.log.describe().recoveryPoint).toBe(1n)
  await expect(partition.log.flush()).rejects.toThrow('EIO: fdatasync')
  expect(() => append(partition, 'refused')).toThrow(storageError)
})

test('records that could not be noted as deleted are not', async () => {
  const files = new SimulatedFiles()
  const { partition } = await openStorage(topicConfig(), files)
  append(partition, 'a', 'b')
  files.failAt(1, { count: 1 })
  expect(() => partition.log.deleteRecordsBefore(1n)).toThrow(storageError)
  expect(partition.log.logStartOffset).toBe(0n)
  expect(partition.log.deleteRecordsBefore(1n)).toBe(1n)
})

/** A device that takes its time: a flush ends when the test says so. */
class SlowDevice extends MemoryFiles {
  waiting: (() => void)[] = []

  override open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
    const file = super.open(path, mode)
    if (!path.endsWith('-checkpoint.tmp')) return file
    return {
      path,
      size: () => file.size(),
      readSync: (into, position) => file.readSync(into, position),
      read: (into, position) => file.read(into, position),
      write: (buffers, position) => file.write(buffers, position),
      truncate: (size) => file.truncate(size),
      flush: () => new Promise((resolve) => this.waiting.push(resolve)),
      flushSync: () => file.flushSync(),
      close: () => file.close(),
    }
  }

  /** Ends the flushes that wait, the oldest first, each with all that follows from it. */
  async letGo(): Promise<void> {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      next()
      await settle()
    }
  }
}

describe('checkpoints that are written at the same time', () => {
  test('end with the last one', async () => {
    const files = new SlowDevice()
    const { clock, partition } = await openStorage(topicConfig(), files)
    append(partition, 'a', 'b', 'c')
    partition.log.deleteRecordsBefore(1n)
    await partition.log.flush()
    clock.advance(60_000)
    await settle()
    expect(files.waiting).toHaveLength(3)
    partition.log.deleteRecordsBefore(2n)
    await files.letGo()
    expect(files.read('/data/log-start-offset-checkpoint').toString()).toBe('0\n1\nt 0 2\n')
    expect(files.list('/data').filter(({ name }) => name.endsWith('.tmp'))).toEqual([])
  })

  test('do not spoil a clean stop', async () => {
    const files = new SlowDevice()
    const { clock, partition, partitions } = await openStorage(topicConfig(), files)
    append(partition, 'a')
    await partition.log.flush()
    clock.advance(60_000)
    const stopped = partitions.stop(1n)
    await settle()
    expect(files.waiting).toHaveLength(6)
    await files.letGo()
    await stopped
    expect(files.exists('/data/.kafka_cleanshutdown')).toBe(true)
    expect(files.list('/data').filter(({ name }) => name.endsWith('.tmp'))).toEqual([])
  })
})

test('retention goes on with the other partitions when one fails', async () => {
  const config = topicConfig({ 'segment.bytes': 100, 'retention.bytes': 0 })
  const files = new SimulatedFiles()
  const { partition, partitions } = await openStorage(config, files)
  const other = partitions.create({
    topic: 'u',
    partition: 0,
    topicId: OTHER_ID,
    leaderEpoch: 0,
    partitionEpoch: 0,
    replicas: [1],
    isr: [1],
    config,
  })
  for (const each of [partition, other]) for (const value of ['a', 'b']) append(each, value)
  await settle()
  files.failAt(1, { count: 1 })
  await partitions.enforceRetention()
  expect(other.log.describe().segments).toHaveLength(1)
  await partitions.enforceRetention()
  expect(partition.log.describe().segments).toHaveLength(1)
})

function copyInto(target: MemoryFiles, source: MemoryFiles, path: string): void {
  target.makeDirectory(path)
  for (const { name, isDirectory } of source.list(path)) {
    if (isDirectory) copyInto(target, source, `${path}/${name}`)
    else target.replace(`${path}/${name}`, source.read(`${path}/${name}`))
  }
}
