import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BrokerConfig } from '../src/config/broker-config.ts'
import { topicConfig } from '../src/config/topic-config.ts'
import { DataDirectory } from '../src/log/data-directory.ts'
import { Partitions } from '../src/log/partitions.ts'
import { seededRandom, storageSettings } from '../src/log/test-support/storage.ts'
import { silentLogger } from '../src/platform/logger.ts'
import { MemoryFiles } from '../src/platform/memory-files.ts'
import { nodeClock } from '../src/platform/node-clock.ts'
import { readRecords } from '../src/protocol/record.ts'
import * as header from '../src/protocol/record-batch.ts'
import { RandomLog } from './compaction/random-log.ts'
import { ClusterClient } from './interchange/cluster-client.ts'
import { KafkaProcess } from './interchange/kafka-process.ts'
import { clientSuite } from './support/client-suite.ts'
import { missingKafkaTools } from './support/kafka-tools.ts'

const TOPIC_ID = 'b8tRS7h4TJ2Vt43Dp85v2A'
/** So old that a delete horizon has the same number of digits whoever cleans first: batches get the same sizes. */
const AGE_MS = 600_000
/** Batches of a round; several segments. */
const BATCHES = 1200
const TOPICS = ['plain', 'packed'] as const
const CONFIGS = new Map([
  ['cleanup.policy', 'compact'],
  ['segment.bytes', '1048576'],
  ['min.cleanable.dirty.ratio', '0.001'],
  ['delete.retention.ms', '2000'],
])
const LOG_FILE = /^\d{20}\.(log|index|timeindex|txnindex)$/

/** Apache Kafka on a folder, and Odradek's storage with the same topics in memory. */
clientSuite('compaction next to Apache Kafka', missingKafkaTools(), () => {
  let folder: string
  const files = new MemoryFiles()

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'odradek-compaction-'))
    await withKafka(async (bootstrapServers) => {
      const client = await ClusterClient.open(bootstrapServers)
      for (const topic of TOPICS) await client.createTopic(topic, 1, Object.fromEntries(CONFIGS))
      client.close()
    })
  }, 600_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  async function withKafka(
    work: (bootstrapServers: string) => Promise<void>,
    ...properties: string[]
  ): Promise<void> {
    const kafka = await KafkaProcess.start(folder, properties)
    try {
      await work(kafka.bootstrapServers)
    } finally {
      await kafka.stop()
    }
  }

  async function open(isEnabled: boolean): Promise<Partitions> {
    const directory = DataDirectory.open({ files, random: seededRandom(), path: '/data', nodeId: 1 })
    const partitions = new Partitions({
      directory,
      clock: nodeClock(),
      random: seededRandom(),
      logger: silentLogger,
      settings: () => ({ ...storageSettings, cleaner: { ...storageSettings.cleaner, isEnabled } }),
    })
    const config = topicConfig(CONFIGS, BrokerConfig.fromProperties(new Map()))
    const place = { partition: 0, leaderEpoch: 0, partitionEpoch: 0, replicas: [1], isr: [1], config }
    await partitions.start(
      TOPICS.map((topic, index) => ({ ...place, topic, topicId: TOPIC_ID.replace('b8', `b${index}`) })),
    )
    return partitions
  }

  /** Gives Apache Kafka the same logs. */
  function handOver(topic: string): void {
    const target = join(folder, 'data', `${topic}-0`)
    for (const name of readdirSync(target)) if (name !== 'partition.metadata') rmSync(join(target, name))
    for (const { name } of files.list(`/data/${topic}-0`)) {
      if (name !== 'partition.metadata')
        writeFileSync(join(target, name), files.read(`/data/${topic}-0/${name}`))
    }
  }

  /** And what is known of their ends: before it knows the high watermark it cleans less at a time. */
  function handOverCheckpoint(name: string): void {
    const path = join(folder, 'data', name)
    const isOurs = (line: string) => TOPICS.some((topic) => line.startsWith(`${topic} `))
    const kept = readFileSync(path, 'utf8')
      .split('\n')
      .slice(2)
      .filter((line) => line !== '' && !isOurs(line))
    const lines = [...kept, ...files.read(`/data/${name}`).toString().split('\n').filter(isOurs)]
    writeFileSync(path, `0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`)
  }

  /** Until Apache Kafka has cleaned up to where Odradek has. */
  async function awaitCleaned(): Promise<void> {
    const wanted = files.read('/data/cleaner-offset-checkpoint').toString().split('\n').slice(2).sort()
    const path = join(folder, 'data', 'cleaner-offset-checkpoint')
    for (let turn = 0; turn < 300; turn++) {
      const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
      if (wanted.every((line) => lines.includes(line))) return
      await sleep(100)
    }
    throw new Error(`wanted ${wanted.join(', ')}, there is ${readFileSync(path, 'utf8')}`)
  }

  const logs = TOPICS.map((topic, index) => new RandomLog(index + 5, topic === 'packed'))

  test.each([1, 2, 3])(
    'round %i leaves the same batches, records and indexes',
    async (round) => {
      const writing = await open(false)
      for (const [index, topic] of TOPICS.entries()) {
        logs[index]!.append(writing.get(topic, 0)!, BATCHES, Date.now() - AGE_MS)
        // In the second round a transaction stays open.
        if (round !== 2) logs[index]!.endAll(writing.get(topic, 0)!, Date.now() - AGE_MS)
      }
      await writing.stop(1n)
      for (const topic of TOPICS) handOver(topic)
      handOverCheckpoint('replication-offset-checkpoint')
      handOverCheckpoint('recovery-point-offset-checkpoint')
      const cleaning = await open(true)
      await cleaning.cleanDue()
      await cleaning.stop(1n)
      await withKafka(awaitCleaned, 'log.cleaner.backoff.ms=100')
      for (const topic of TOPICS) {
        const theirs = filesOf(readdirSync(join(folder, 'data', `${topic}-0`)), (name) =>
          readFileSync(join(folder, 'data', `${topic}-0`, name)),
        )
        const ours = filesOf(
          files.list(`/data/${topic}-0`).map(({ name }) => name),
          (name) => files.read(`/data/${topic}-0/${name}`),
        )
        expect([...ours.keys()]).toEqual([...theirs.keys()])
        const left = kindsIn(ours)
        expect(left.horizons).toBeGreaterThan(10)
        expect(left.empty).toBeGreaterThan(0)
        for (const [name, bytes] of ours) {
          const other = theirs.get(name)!
          if (name.endsWith('.log')) expect([name, batchesIn(bytes)]).toEqual([name, batchesIn(other)])
          // Another compressor makes batches of other sizes, at other positions.
          else if (topic === 'plain' || name.endsWith('.txnindex'))
            expect([name, bytes]).toEqual([name, other])
        }
      }
    },
    180_000,
  )
})

function filesOf(names: readonly string[], read: (name: string) => Buffer): Map<string, Buffer> {
  const wanted = names
    .filter((name) => LOG_FILE.test(name))
    .sort((a, b) => Number(b.endsWith('.log')) - Number(a.endsWith('.log')) || (a < b ? -1 : 1))
  return new Map(wanted.map((name) => [name, read(name)]))
}

/** Batches that wait for their delete horizon, and those that are kept for their sequence numbers or offsets alone. */
function kindsIn(files: ReadonlyMap<string, Buffer>): { horizons: number; empty: number } {
  const kinds = { horizons: 0, empty: 0 }
  for (const [name, bytes] of files) {
    if (!name.endsWith('.log')) continue
    for (let at = 0; at < bytes.length; at += header.batchSizeInBytes(bytes, at)) {
      if (header.hasDeleteHorizon(bytes, at)) kinds.horizons++
      if (header.recordCount(bytes, at) === 0) kinds.empty++
    }
  }
  return kinds
}

/** All that a log says, but not when its tombstones go: that depends on the moment of the cleaning. */
function batchesIn(bytes: Buffer): unknown[] {
  const batches: unknown[] = []
  for (let at = 0; at < bytes.length; ) {
    const batch = bytes.subarray(at, at + header.batchSizeInBytes(bytes, at))
    at += batch.length
    expect(header.isCrcValid(batch, 0)).toBe(true)
    batches.push({
      attributes: header.attributesOf(batch, 0),
      baseOffset: header.baseOffset(batch, 0),
      lastOffset: header.lastOffset(batch, 0),
      leaderEpoch: header.partitionLeaderEpoch(batch, 0),
      baseTimestamp: header.hasDeleteHorizon(batch, 0) ? 'horizon' : header.baseTimestamp(batch, 0),
      maxTimestamp: header.maxTimestamp(batch, 0),
      producerId: header.producerId(batch, 0),
      producerEpoch: header.producerEpoch(batch, 0),
      baseSequence: header.baseSequence(batch, 0),
      records: Array.from(readRecords(batch), ({ offset, timestamp, key, value, headers }) =>
        [offset, timestamp, key, value?.length, headers.length].join(' '),
      ),
    })
  }
  return batches
}
