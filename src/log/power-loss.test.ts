import { describe, expect, test } from 'vitest'
import type { TopicConfig } from '../config/topic-config.ts'
import { silentLogger } from '../platform/logger.ts'
import { ManualClock } from '../platform/manual-clock.ts'
import { SimulatedFiles } from '../platform/simulated-files.ts'
import { SimulatedRandom } from '../platform/simulated-random.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { DataDirectory } from './data-directory.ts'
import type { Partition } from './partition.ts'
import { Partitions } from './partitions.ts'
import {
  append,
  batchOf,
  copyFiles,
  DATA,
  openStorage,
  readAll,
  type Storage,
  storageSettings,
  TOPIC_ID,
  topicConfig,
  values,
} from './test-support/storage.ts'

const FOLDER = '/data/t-0'
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAABB'
const storageError = expect.objectContaining({ code: ErrorCode.KAFKA_STORAGE_ERROR })
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** A segment for each batch. */
const rolling = { 'segment.bytes': 100, 'index.interval.bytes': 0 }

function idempotent(partition: Partition, value: string, baseSequence: number): void {
  const producer = { producerId: 7n, producerEpoch: 0, baseSequence }
  partition.append(batchOf([{ value }], producer), 0, 'client', { produceVersion: 9 })
}

/** What the checkpoint says is on the device, and what came after that is not. */
async function partlyFlushed(config = topicConfig(rolling)): Promise<Storage> {
  const storage = await openStorage(config)
  for (const value of ['a', 'b', 'c']) append(storage.partition, value)
  await storage.partition.log.flush()
  storage.clock.advance(60_000)
  await settle()
  for (const value of ['d', 'e', 'f']) append(storage.partition, value)
  return storage
}

describe('after a loss of power', () => {
  test('segments that have neither index nor snapshot are recovered', async () => {
    const { files } = await partlyFlushed()
    const lost = copyFiles(files)
    for (const { name } of files.list(FOLDER)) {
      if (/0[3-5]\.(index|timeindex)$|\.snapshot$/.test(name)) lost.remove(`${FOLDER}/${name}`)
    }
    const { partition } = await openStorage(topicConfig(rolling), lost)
    expect(values(await readAll(partition))).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('a segment that lost whole batches ends the log: offsets have no gap', async () => {
    const { files } = await partlyFlushed()
    const lost = copyFiles(files)
    lost.replace(`${FOLDER}/00000000000000000004.log`, '')
    const { partition } = await openStorage(topicConfig(rolling), lost)
    expect(values(await readAll(partition))).toEqual(['a', 'b', 'c', 'd'])
    append(partition, 'g')
    expect((await readAll(partition)).at(-1)).toMatchObject({ offset: 4n, value: 'g' })
    const crashed = await openStorage(topicConfig(rolling), copyFiles(lost))
    expect(values(await readAll(crashed.partition))).toEqual(['a', 'b', 'c', 'd', 'g'])
  })

  test('compacted logs have gaps, which end nothing', async () => {
    const config = topicConfig({ ...rolling, 'cleanup.policy': 'compact' })
    const { files } = await partlyFlushed(config)
    const cleaned = copyFiles(files)
    cleaned.replace(`${FOLDER}/00000000000000000004.log`, '')
    const { partition } = await openStorage(config, cleaned)
    expect((await readAll(partition)).at(-1)).toMatchObject({ offset: 5n, value: 'f' })
  })

  test('a log that lost more than was deleted goes on from its start, and after the next crash too', async () => {
    const { files, partition } = await openStorage()
    append(partition, 'a', 'b', 'c')
    partition.log.deleteRecordsBefore(2n)
    const lost = copyFiles(files)
    lost.replace(`${FOLDER}/00000000000000000000.log`, '')
    const again = await openStorage(topicConfig(), lost)
    expect(again.partition.log.logEndOffset).toBe(2n)
    // Where logs start is written for all of them when it changes for one.
    const other = again.partitions.create({
      topic: 'u',
      partition: 0,
      topicId: OTHER_ID,
      leaderEpoch: 0,
      partitionEpoch: 0,
      replicas: [1],
      isr: [1],
      config: topicConfig(),
    })
    append(other, 'a', 'b')
    other.log.deleteRecordsBefore(1n)
    const crashed = await openStorage(topicConfig(), copyFiles(lost))
    expect(crashed.partition.log.logStartOffset).toBe(2n)
    expect(crashed.partition.log.logEndOffset).toBe(2n)
  })

  test('the metadata log is recovered with the others, or the start fails: no clean stop may follow', async () => {
    const files = new SimulatedFiles()
    const open = () => {
      files.endProcess()
      const random = new SimulatedRandom(1)
      const directory = DataDirectory.open({ files, random, path: DATA, nodeId: 1 })
      const settings = () => storageSettings
      const clock = new ManualClock()
      const partitions = new Partitions({ directory, clock, random, logger: silentLogger, settings })
      return { partitions, metadata: partitions.openMetadataLog(topicConfig()) }
    }
    append(open().metadata, 'a')
    const { partitions } = open()
    files.failAt(1)
    await expect(partitions.start([])).rejects.toMatchObject({ code: ErrorCode.KAFKA_STORAGE_ERROR })
  })

  test.each([1, 2, 3, 4])('a folder says whose it is soon after it is there (%i)', async (seed) => {
    const files = new SimulatedFiles(new SimulatedRandom(seed))
    const { partition } = await openStorage(topicConfig(), files)
    append(partition, 'a')
    await settle()
    files.losePower()
    expect(files.read(`${FOLDER}/partition.metadata`).toString()).toContain(TOPIC_ID)
  })

  describe.each([1, 2, 3, 4, 5, 6, 7, 8])('on a disk where each folder has to be flushed (%i)', (seed) => {
    const open = (config: TopicConfig, files = new SimulatedFiles(new SimulatedRandom(seed))) => {
      files.hasJournal = false
      return openStorage(config, files, new ManualClock())
    }

    test('what was flushed is found again, segments that are new too', async () => {
      const config = topicConfig(rolling)
      const { partition, files } = await open(config)
      for (const value of ['a', 'b', 'c']) append(partition, value)
      await partition.log.flush()
      ;(files as SimulatedFiles).losePower()
      const after = await open(config, files as SimulatedFiles)
      expect(values(await readAll(after.partition))).toEqual(['a', 'b', 'c'])
      append(after.partition, 'd')
      await after.partition.log.flush()
      ;(files as SimulatedFiles).losePower()
      const again = await open(config, files as SimulatedFiles)
      expect(values(await readAll(again.partition))).toEqual(['a', 'b', 'c', 'd'])
    })

    test('what flush.messages promises holds for the first record of a segment', async () => {
      const config = topicConfig({ ...rolling, 'flush.messages': 1 })
      const { partition, files } = await open(config)
      for (const value of ['a', 'b', 'c']) append(partition, value)
      ;(files as SimulatedFiles).losePower()
      const after = await open(config, files as SimulatedFiles)
      expect(values(await readAll(after.partition))).toEqual(['a', 'b', 'c'])
    })

    test('records that have expired do not come back half when the log is said to be flushed', async () => {
      const config = topicConfig({ ...rolling, 'retention.ms': 1 })
      const { partition, files, clock } = await open(config)
      for (const value of ['a', 'b', 'c']) append(partition, value)
      clock.advance(60_000)
      partition.log.enforceRetention()
      await partition.log.flush()
      clock.advance(60_000)
      await settle()
      ;(files as SimulatedFiles).losePower()
      const after = await open(config, files as SimulatedFiles)
      expect([after.partition.log.logStartOffset, after.partition.log.logEndOffset]).toEqual([3n, 3n])
    })

    test('a clean stop is one, whatever comes then', async () => {
      const config = topicConfig()
      const { partition, partitions, files } = await open(config)
      for (const value of ['a', 'b']) append(partition, value)
      await partition.log.flush()
      await settle()
      partition.leaderEpoch = 3
      partition.log.beginLeaderEpoch(3)
      append(partition, 'c')
      await partitions.stop(1n)
      ;(files as SimulatedFiles).losePower()
      const after = await open(config, files as SimulatedFiles)
      expect(values(await readAll(after.partition))).toEqual(['a', 'b', 'c'])
      expect(after.partition.log.describe().leaderEpochs).toEqual([
        { epoch: 0, startOffset: 0n },
        { epoch: 3, startOffset: 2n },
      ])
    })

    test('a marker of a clean stop that was used does not come back', async () => {
      const { partitions, files } = await open(topicConfig())
      await partitions.stop(1n)
      const { partition } = await open(topicConfig(), files as SimulatedFiles)
      append(partition, 'a')
      ;(files as SimulatedFiles).losePower()
      const after = DataDirectory.open({ files, random: new SimulatedRandom(1), path: DATA, nodeId: 1 })
      expect(after.wasCleanShutdown).toBe(false)
    })
  })

  test('a log whose records have all expired keeps its place when an append fails', async () => {
    const config = topicConfig({ 'retention.ms': 1, 'flush.messages': 1 })
    const files = new SimulatedFiles()
    const { partition, clock } = await openStorage(config, files)
    append(partition, 'a', 'b')
    clock.advance(60_000)
    partition.log.enforceRetention()
    await settle()
    expect(partition.log.logStartOffset).toBe(2n)
    files.failAt(2, { count: 1 })
    expect(() => append(partition, 'c')).toThrow(storageError)
    expect(files.faults.calls).toContain('fdatasync 00000000000000000002.log')
    const crashed = await openStorage(config, copyFiles(files))
    expect(crashed.partition.log.logEndOffset).toBe(2n)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'what a failed write left does not come back in front of what was flushed later (%i)',
    async (seed) => {
      const config = topicConfig({ 'segment.bytes': 1000, 'flush.messages': 1 })
      const files = new SimulatedFiles(new SimulatedRandom(seed))
      const { partition } = await openStorage(config, files)
      append(partition, 'a')
      files.failAt(1, { count: 1, isTorn: true })
      expect(() => append(partition, 'lost'.repeat(200))).toThrow(storageError)
      append(partition, 'b'.repeat(900))
      files.losePower()
      const after = await openStorage(config, files, new ManualClock())
      expect(values(await readAll(after.partition))).toEqual(['a', 'b'.repeat(900)])
    },
  )

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'a batch that could neither be flushed nor taken back is not acknowledged as a duplicate (%i)',
    async (seed) => {
      const config = topicConfig({ ...rolling, 'flush.messages': 1 })
      const files = new SimulatedFiles(new SimulatedRandom(seed))
      const { partition } = await openStorage(config, files)
      idempotent(partition, 'a', 0)
      // From the flush of the new segment on, so that it cannot be removed either.
      const calls = files.faults.calls.length
      idempotent(partition, 'b', 1)
      const flush = files.faults.calls.slice(calls).findIndex((call) => call.startsWith('fdatasync')) + 1
      files.failAt(flush, { count: 2 })
      for (let attempt = 0; attempt < 3; attempt++) {
        expect(() => idempotent(partition, 'c', 2)).toThrow(storageError)
      }
      files.losePower()
      const after = await openStorage(config, files, new ManualClock())
      idempotent(after.partition, 'c', 2)
      expect(values(await readAll(after.partition))).toEqual(['a', 'b', 'c'])
    },
  )

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'a batch that a killed process left unflushed is flushed before its producer is told that it is there (%i)',
    async (seed) => {
      const config = topicConfig({ 'flush.messages': 1 })
      const files = new SimulatedFiles(new SimulatedRandom(seed))
      const { partition } = await openStorage(config, files)
      idempotent(partition, 'a', 0)
      // The write comes about, the flush and all behind it do not.
      files.failAt(2)
      expect(() => idempotent(partition, 'b', 1)).toThrow(storageError)
      files.faults.clear()
      files.endProcess()
      const killed = await openStorage(config, files, new ManualClock())
      expect(values(await readAll(killed.partition))).toEqual(['a', 'b'])
      idempotent(killed.partition, 'b', 1)
      files.losePower()
      const after = await openStorage(config, files, new ManualClock())
      expect(values(await readAll(after.partition))).toEqual(['a', 'b'])
    },
  )

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'where a log starts is not forgotten because another one has moved its start since (%i)',
    async (seed) => {
      const files = new SimulatedFiles(new SimulatedRandom(seed))
      const first = await openStorage(topicConfig(), files)
      append(first.partition, 'a', 'b')
      first.partition.log.deleteRecordsBefore(1n)
      await first.partitions.stop(0n)
      const { partition, partitions } = await openStorage(topicConfig(), files)
      expect(partition.log.logStartOffset).toBe(1n)
      const other = partitions.create({
        topic: 'u',
        partition: 0,
        topicId: OTHER_ID,
        leaderEpoch: 0,
        partitionEpoch: 0,
        replicas: [1],
        isr: [1],
        config: topicConfig(),
      })
      append(other, 'a', 'b')
      other.log.deleteRecordsBefore(2n)
      files.losePower()
      const after = await openStorage(topicConfig(), files)
      expect(after.partition.log.logStartOffset).toBe(1n)
    },
  )

  test.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    'what a recovery cut off does not come back with the next one (%i)',
    async (seed) => {
      const files = new SimulatedFiles(new SimulatedRandom(seed))
      const { partition, clock } = await openStorage(topicConfig(), files)
      append(partition, 'a')
      await partition.log.flush()
      clock.advance(60_000)
      await settle()
      append(partition, 'b'.repeat(2000))
      files.losePower()
      const flushing = topicConfig({ ...rolling, 'flush.messages': 1 })
      const cut = await openStorage(flushing, files, clock)
      const kept = values(await readAll(cut.partition))
      append(cut.partition, 'c')
      files.losePower()
      const after = await openStorage(flushing, files, clock)
      expect(values(await readAll(after.partition))).toEqual([...kept, 'c'])
    },
  )

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'deleted records stay so where their segment comes back that was removed (%i)',
    async (seed) => {
      const files = new SimulatedFiles(new SimulatedRandom(seed))
      files.hasJournal = false
      const first = await openStorage(topicConfig(), files)
      append(first.partition, 'a', 'b')
      first.partition.log.deleteRecordsBefore(1n)
      await first.partitions.stop(0n)
      const { partition, partitions, clock } = await openStorage(topicConfig({ 'retention.bytes': 0 }), files)
      partition.log.enforceRetention()
      expect(partition.log.logStartOffset).toBe(2n)
      // That of another log has the checkpoints written.
      const other = partitions.create({
        topic: 'u',
        partition: 0,
        topicId: OTHER_ID,
        leaderEpoch: 0,
        partitionEpoch: 0,
        replicas: [1],
        isr: [1],
        config: topicConfig(),
      })
      append(other, 'a')
      await other.log.flush()
      clock.advance(60_000)
      for (let turn = 0; turn < 5; turn++) await settle()
      files.losePower()
      const after = await openStorage(topicConfig(), files)
      expect(after.partition.log.logStartOffset).toBeGreaterThanOrEqual(1n)
    },
  )

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'files that a killed process had begun have their names when a clean stop has been between (%i)',
    async (seed) => {
      const files = new SimulatedFiles(new SimulatedRandom(seed))
      files.hasJournal = false
      const flushing = topicConfig({ 'flush.messages': 1 })
      const killed = await openStorage(flushing, files)
      // It ends in the middle of making the first segment.
      files.failAt(3)
      expect(() => append(killed.partition, 'a')).toThrow()
      files.endProcess()
      files.faults.clear()
      const recovered = await openStorage(flushing, files)
      expect(values(await readAll(recovered.partition))).toEqual([])
      await recovered.partitions.stop(0n)
      append((await openStorage(flushing, files)).partition, 'b')
      files.losePower()
      const after = await openStorage(flushing, files)
      expect(values(await readAll(after.partition))).toEqual(['b'])
    },
  )

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'records that were there after a crash stay, where none is to be lost (%i)',
    async (seed) => {
      const files = new SimulatedFiles(new SimulatedRandom(seed))
      append((await openStorage(topicConfig(), files)).partition, 'a', 'b')
      files.endProcess()
      const flushing = topicConfig({ 'flush.messages': 1 })
      const recovered = await openStorage(flushing, files)
      expect(values(await readAll(recovered.partition))).toEqual(['a', 'b'])
      files.losePower()
      const after = await openStorage(flushing, files)
      expect(values(await readAll(after.partition))).toEqual(['a', 'b'])
    },
  )
})
