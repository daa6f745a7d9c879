import { describe, expect, test } from 'vitest'
import { silentLogger } from '../platform/logger.ts'
import { ManualClock } from '../platform/manual-clock.ts'
import { MemoryFiles } from '../platform/memory-files.ts'
import { DirectoryLockedError } from '../platform/platform.ts'
import { SimulatedFiles } from '../platform/simulated-files.ts'
import { DataDirectory, DataDirectoryError } from './data-directory.ts'
import { Partitions } from './partitions.ts'
import {
  append,
  copyFiles,
  openStorage,
  readAll,
  seededRandom,
  settle,
  storageSettings,
  TOPIC_ID,
  topicConfig,
  values,
} from './test-support/storage.ts'

/** A disk where removals end when the test says so. */
class SlowRemovals extends MemoryFiles {
  readonly underWay: (() => void)[] = []

  override async removeDirectory(path: string): Promise<void> {
    await new Promise<void>((resolve) => this.underWay.push(resolve))
    await super.removeDirectory(path)
  }
}

describe('partitions', () => {
  test('a stop that takes long says how far it is', async () => {
    const files = new SimulatedFiles()
    const clock = new ManualClock()
    const told: object[] = []
    const logger = { ...silentLogger, warn: (facts: object) => void told.push(facts) }
    const directory = DataDirectory.open({ files, random: seededRandom(), path: '/data', nodeId: 1 })
    const partitions = new Partitions({
      directory,
      clock,
      random: seededRandom(),
      logger,
      settings: () => storageSettings,
    })
    for (let index = 0; index < 40; index++) {
      const rest = { topicId: TOPIC_ID, leaderEpoch: 0, partitionEpoch: 0, replicas: [1], isr: [1] }
      append(partitions.create({ ...rest, topic: 't', partition: index, config: topicConfig() }), 'a')
    }
    await settle()
    // A second for each turn of the disk.
    files.complete = (task) => void clock.schedule(1000, task)
    let isStopped = false
    const stopped = partitions.stop(1n).then(() => {
      isStopped = true
    })
    while (!isStopped) {
      await settle()
      clock.advance(1000)
    }
    await stopped
    expect(told[0]).toEqual({ flushed: expect.any(Number), logs: 40 })
    expect((told[0] as { flushed: number }).flushed).toBeGreaterThan(0)
  })

  test('are found by name and by id', async () => {
    const { partitions, partition } = await openStorage()
    expect(partitions.byTopicId(TOPIC_ID, 0)).toBe(partition)
    expect(partitions.get('t', 1)).toBeUndefined()
    expect(partitions.byTopicId('AAAAAAAAAAAAAAAAAAAABB', 0)).toBeUndefined()
    expect(partitions.ofTopic('t')).toEqual([partition])
    expect([...partitions.all()]).toEqual([partition])
  })

  test('a deleted topic is gone at once, its folder after a while, and one of the same name begins anew', async () => {
    const { files, clock, partition, partitions } = await openStorage()
    append(partition, 'a')
    let isTold = false
    partition.onAdvance(() => {
      isTold = true
    })
    partitions.delete('t')
    expect(isTold).toBe(true)
    expect(partitions.get('t', 0)).toBeUndefined()
    expect(partitions.byTopicId(TOPIC_ID, 0)).toBeUndefined()
    const folders = () => files.list('/data').flatMap(({ name, isDirectory }) => (isDirectory ? [name] : []))
    expect(folders()).toEqual([expect.stringMatching(/^t-0\.[0-9a-f]{32}-delete$/)])
    const again = partitions.create({
      topic: 't',
      partition: 0,
      topicId: 'AAAAAAAAAAAAAAAAAAAABB',
      leaderEpoch: 0,
      partitionEpoch: 0,
      replicas: [1],
      isr: [1],
      config: topicConfig(),
    })
    expect(again.log.logEndOffset).toBe(0n)
    append(again, 'b')
    expect(values(await readAll(again))).toEqual(['b'])
    clock.advance(60_000)
    await settle()
    expect(folders()).toEqual(['t-0'])
  })

  test('the folder of a deleted topic with a long name keeps to what a file name may be', async () => {
    const { files, partitions } = await openStorage()
    const topic = 'x'.repeat(249)
    const partition = partitions.create({
      topic,
      partition: 12,
      topicId: 'AAAAAAAAAAAAAAAAAAAABB',
      leaderEpoch: 0,
      partitionEpoch: 0,
      replicas: [1],
      isr: [1],
      config: topicConfig(),
    })
    append(partition, 'a')
    partitions.delete(topic)
    const [folder] = files.list('/data').filter(({ isDirectory }) => isDirectory)
    expect(folder!.name).toMatch(/^x+-12\.[0-9a-f]{32}-delete$/)
    expect(folder!.name).toHaveLength(255)
  })

  test('a clean stop leaves nothing of what was deleted a moment before', async () => {
    const { files, partition, partitions } = await openStorage()
    append(partition, 'a')
    partitions.delete('t')
    const folders = () => files.list('/data').filter(({ isDirectory }) => isDirectory)
    expect(folders()).toHaveLength(1)
    await partitions.stop(1n)
    expect(folders()).toEqual([])
  })

  test('removing what was deleted goes on in the background, and a stop waits for its end', async () => {
    const files = new SlowRemovals()
    const { clock, partition, partitions } = await openStorage(topicConfig(), files)
    append(partition, 'a')
    partitions.delete('t')
    clock.advance(60_000)
    await settle()
    expect(files.underWay).toHaveLength(1)
    let isStopped = false
    const stopped = partitions.stop(1n).then(() => {
      isStopped = true
    })
    await settle()
    expect(isStopped).toBe(false)
    files.underWay[0]!()
    await stopped
    expect(files.list('/data').filter(({ isDirectory }) => isDirectory)).toEqual([])
  })

  test('leftovers of deleted topics are removed after a restart, folders of unknown ones are put aside', async () => {
    const { files, partition, partitions } = await openStorage()
    append(partition, 'a')
    await partitions.stop(1n)
    files.makeDirectory(`/data/gone-0.${'0'.repeat(32)}-delete`)
    files.makeDirectory('/data/unknown-3')
    const after = await openStorage(topicConfig(), copyFiles(files))
    after.clock.advance(60_000)
    await settle()
    const folders = after.files.list('/data').flatMap(({ name, isDirectory }) => (isDirectory ? [name] : []))
    expect(folders.sort()).toEqual(['t-0', expect.stringMatching(/^unknown-3\.[0-9a-f]{32}-stray$/)])
    expect(values(await readAll(after.partition))).toEqual(['a'])
  })

  test('nothing is armed for partitions: two timers in all while nothing happens', async () => {
    const { clock, partition } = await openStorage()
    expect(clock.pending()).toHaveLength(2)
    append(partition, 'a')
    expect(clock.pending()).toHaveLength(2)
  })

  test('flush.messages brings an append to the device before it is answered, flush.ms some time later', async () => {
    const { clock, partition, partitions } = await openStorage(topicConfig({ 'flush.messages': 1 }))
    append(partition, 'a')
    expect(partition.log.recoveryPoint).toBe(1n)
    partitions.updateConfig('t', topicConfig({ 'flush.ms': 500 }))
    append(partition, 'b')
    append(partition, 'c')
    expect(partition.log.recoveryPoint).toBe(1n)
    clock.advance(500)
    await new Promise((resolve) => setImmediate(resolve))
    expect(partition.log.recoveryPoint).toBe(3n)
  })

  test('the metadata log is there before the others, and not among them', async () => {
    const { files, partitions } = await openStorage()
    const metadata = partitions.openMetadataLog(topicConfig())
    append(metadata, 'm')
    expect([...partitions.all()]).toHaveLength(1)
    await partitions.stop(1n)
    const clock = new ManualClock()
    const random = seededRandom(7)
    const directory = DataDirectory.open({ files, random, path: '/data', nodeId: 1 })
    const settings = () => ({
      retentionCheckIntervalMs: 1,
      initialTaskDelayMs: 1,
      flushOffsetCheckpointIntervalMs: 1,
      segmentDeleteDelayMs: 1,
      producerIdExpirationMs: 1,
      cleaner: storageSettings.cleaner,
    })
    const after = new Partitions({ directory, clock, random, logger: silentLogger, settings })
    expect(values(await readAll(after.openMetadataLog(topicConfig())))).toEqual(['m'])
    expect(files.read('/data/__cluster_metadata-0/partition.metadata').toString()).toBe(
      'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ',
    )
  })
})

describe('a data directory', () => {
  const open = (files: MemoryFiles, nodeId = 1, clusterId?: string) =>
    DataDirectory.open({ files, random: seededRandom(), path: '/data', nodeId, clusterId })

  test('is formatted once and keeps its ids', () => {
    const files = new MemoryFiles()
    const first = open(files, 1, 'c1')
    expect([first.isNew, first.clusterId]).toEqual([true, 'c1'])
    expect(files.read('/data/meta.properties').toString()).toBe(
      `cluster.id=c1\ndirectory.id=${first.directoryId}\nnode.id=1\nversion=1\n`,
    )
    first.release()
    const second = open(files)
    expect([second.isNew, second.clusterId, second.directoryId]).toEqual([false, 'c1', first.directoryId])
  })

  test('belongs to one broker at a time, one node and one cluster', () => {
    const files = new MemoryFiles()
    const first = open(files, 1, 'c1')
    expect(() => open(files)).toThrow(DirectoryLockedError)
    first.release()
    expect(() => open(files, 2)).toThrow(
      new DataDirectoryError('/data belongs to node 1 (node.id), and this is node 2'),
    )
    expect(() => open(files, 1, 'c2')).toThrow(DataDirectoryError)
    open(files, 1, 'c1').release()
  })

  test('that lost its meta.properties is not taken for a new one', () => {
    const files = new MemoryFiles()
    files.makeDirectory('/data/orders-0')
    expect(() => open(files)).toThrow(DataDirectoryError)
  })

  test('was stopped cleanly when the marker is there, and the marker counts once', async () => {
    const files = new MemoryFiles()
    const first = open(files)
    await first.writeCleanShutdown(3n)
    first.release()
    const second = open(files)
    expect(second.wasCleanShutdown).toBe(true)
    second.release()
    expect(open(files).wasCleanShutdown).toBe(false)
  })
})
