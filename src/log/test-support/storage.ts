import type { TopicConfig } from '../../config/topic-config.ts'
import { silentLogger } from '../../platform/logger.ts'
import { ManualClock } from '../../platform/manual-clock.ts'
import { MemoryFiles } from '../../platform/memory-files.ts'
import type { Files, Random } from '../../platform/platform.ts'
import { SimulatedRandom } from '../../platform/simulated-random.ts'
import { buildBatch } from '../../protocol/batch-builder.ts'
import { readRecords } from '../../protocol/record.ts'
import { batchSizeInBytes } from '../../protocol/record-batch.ts'
import { DataDirectory } from '../data-directory.ts'
import type { Partition } from '../partition.ts'
import type { FetchedRecords } from '../partition-log.ts'
import { Partitions, type StorageSettings } from '../partitions.ts'

export const TOPIC_ID = 'b8tRS7h4TJ2Vt43Dp85v2A'
export const DATA = '/data'

export const storageSettings: StorageSettings = {
  retentionCheckIntervalMs: 300_000,
  initialTaskDelayMs: 30_000,
  flushOffsetCheckpointIntervalMs: 60_000,
  segmentDeleteDelayMs: 60_000,
  producerIdExpirationMs: 86_400_000,
  cleaner: {
    isEnabled: true,
    backoffMs: 15_000,
    dedupeBufferBytes: 134_217_728,
    loadFactor: 0.9,
    ioBufferBytes: 524_288,
    maxBytesPerSecond: Number.MAX_VALUE,
  },
}

/** Settings of a topic: Kafka's defaults, but what a test says. */
export function topicConfig(overrides: Readonly<Record<string, unknown>> = {}): TopicConfig {
  const defaults = {
    'cleanup.policy': 'delete',
    'compression.type': 'producer',
    'delete.retention.ms': 86_400_000,
    'file.delete.delay.ms': 60_000,
    'flush.messages': 2 ** 63,
    'flush.ms': 2 ** 63,
    'index.interval.bytes': 4096,
    'max.compaction.lag.ms': 2 ** 63,
    'max.message.bytes': 1048588,
    'message.timestamp.after.max.ms': 3_600_000,
    'message.timestamp.before.max.ms': 2 ** 63,
    'message.timestamp.type': 'CreateTime',
    'min.cleanable.dirty.ratio': 0.5,
    'min.compaction.lag.ms': 0,
    'min.insync.replicas': 1,
    preallocate: false,
    'retention.bytes': -1,
    'retention.ms': 604_800_000,
    'segment.bytes': 1_073_741_824,
    'segment.index.bytes': 10_485_760,
    'segment.jitter.ms': 0,
    'segment.ms': 604_800_000,
  }
  return { ...defaults, ...overrides } as unknown as TopicConfig
}

/** Numbers that look random and are the same in every run. */
export function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39)
    return ((mixed ^ (mixed >>> 16)) >>> 0) % below
  }
}

export const seededRandom = (seed = 1): Random => new SimulatedRandom(seed)

export interface Storage {
  readonly files: Files
  readonly clock: ManualClock
  readonly directory: DataDirectory
  readonly partitions: Partitions
  readonly partition: Partition
}

/** A broker's storage with one topic `t` of one partition. */
export async function openStorage(
  config: TopicConfig = topicConfig(),
  files: Files = new MemoryFiles(),
  clock = new ManualClock(),
  leaderEpoch = 0,
  topicId = TOPIC_ID,
  settings = storageSettings,
): Promise<Storage> {
  const random = seededRandom()
  const directory = DataDirectory.open({ files, random, path: DATA, nodeId: 1 })
  const partitions = new Partitions({
    directory,
    clock,
    random,
    logger: silentLogger,
    settings: () => settings,
  })
  const assignment = { topicId, leaderEpoch, partitionEpoch: 0, replicas: [1], isr: [1] }
  await partitions.start([{ ...assignment, topic: 't', partition: 0, config }])
  return { files, clock, directory, partitions, partition: partitions.get('t', 0)! }
}

/** Lets what goes on off the main thread of a simulated machine end. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** What is on disk at this moment, as a process that is killed now would leave it. */
export function copyFiles(files: Files, from = '/'): MemoryFiles {
  const copy = new MemoryFiles()
  const copyFrom = (path: string) => {
    copy.makeDirectory(path)
    for (const { name, isDirectory } of files.list(path)) {
      const child = `${path}/${name}`
      if (isDirectory) copyFrom(child)
      else copy.replace(child, files.read(child))
    }
  }
  copyFrom(from)
  return copy
}

export interface TestRecord {
  readonly timestamp?: bigint
  readonly value: string
}

/** A batch as a producer sends it. */
export function batchOf(
  records: readonly TestRecord[],
  producer: {
    producerId?: bigint
    producerEpoch?: number
    baseSequence?: number
    isTransactional?: boolean
  } = {},
): Buffer {
  return buildBatch({
    baseOffset: 0n,
    leaderEpoch: -1,
    records: records.map(({ timestamp = 1_700_000_000_000n, value }) => ({
      key: Buffer.from('k'),
      value: Buffer.from(value),
      headers: [],
      timestamp,
    })),
    ...producer,
  })
}

/** Appends one batch with these values. */
export function append(partition: Partition, ...values: string[]): void {
  partition.append(batchOf(values.map((value) => ({ value }))), partition.leaderEpoch, 'client', {
    produceVersion: 9,
  })
}

export interface ReadRecord {
  readonly offset: bigint
  readonly timestamp: bigint
  readonly value: string
}

/** The records of what a read gave. */
export function recordsOf(fetched: FetchedRecords): ReadRecord[] {
  const found: ReadRecord[] = []
  for (const buffer of fetched.buffers) {
    for (let at = 0; at < buffer.length; ) {
      const size = batchSizeInBytes(buffer, at)
      for (const { offset, timestamp, value } of readRecords(buffer.subarray(at, at + size))) {
        found.push({ offset, timestamp, value: value?.toString() ?? 'null' })
      }
      at += size
    }
  }
  return found
}

/** All records from an offset on, read with small limits one after the other. */
export async function readAll(partition: Partition, from?: bigint, maxBytes = 1000): Promise<ReadRecord[]> {
  const { log } = partition
  const found: ReadRecord[] = []
  let offset = from ?? log.logStartOffset
  while (offset < log.logEndOffset) {
    const fetched = await log.read(offset, maxBytes, log.logEndOffset, true)
    if (fetched.sizeInBytes === 0) break
    const wanted = offset
    found.push(...recordsOf(fetched).filter((record) => record.offset >= wanted))
    offset = fetched.nextOffset
  }
  return found
}

export const values = (records: readonly ReadRecord[]): string[] => records.map(({ value }) => value)
