import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { Broker } from './broker.ts'
import { BrokerConfig } from './config/broker-config.ts'
import type { Partition } from './log/partition.ts'
import { silentLogger } from './platform/logger.ts'
import { ManualClock } from './platform/manual-clock.ts'
import { MemoryFiles } from './platform/memory-files.ts'
import { nodeNetwork } from './platform/node-network.ts'
import { nodeRandom } from './platform/node-random.ts'
import { buildBatch } from './protocol/batch-builder.ts'
import type { CompressionName } from './protocol/compression/compression.ts'
import { ErrorCode } from './protocol/error-code.ts'
import { readRecords } from './protocol/record.ts'
import { compressionOf, hasLogAppendTime, RECORD_BATCH_OVERHEAD } from './protocol/record-batch.ts'

const FOLDER = '/data/t-0'
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** A broker with one topic `t`, its clock and its files. */
class Place {
  readonly clock = new ManualClock()
  readonly files = new MemoryFiles()
  readonly broker: Broker

  constructor(properties: Record<string, string> = {}) {
    const config = BrokerConfig.fromProperties(
      new Map(Object.entries({ listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': '/data', ...properties })),
    )
    const platform = { clock: this.clock, random: nodeRandom(), files: this.files, network: nodeNetwork() }
    this.broker = new Broker({ config, platform, logger: silentLogger })
  }

  create(configs: Record<string, string> = {}, partitions = 1): Partition {
    this.broker.createTopic('t', { partitions, configs: new Map(Object.entries(configs)) })
    return this.partition
  }

  get partition(): Partition {
    return this.broker.services.partitions.get('t', 0)!
  }

  get now(): bigint {
    return BigInt(this.clock.now())
  }

  /** Sets a property of the topic while all runs; null takes it back. */
  alter(name: string, value: string | null): void {
    this.broker.services.controller.alterConfigs('topic', 't', new Map([[name, value]]))
  }

  /** Sets the default of all brokers. */
  alterDefault(name: string, value: string | null): void {
    this.broker.services.controller.alterConfigs('broker', '', new Map([[name, value]]))
  }

  /** One record as a client sends it. */
  send(
    value: string,
    options: { timestamp?: bigint; compression?: CompressionName; partition?: number } = {},
  ): bigint {
    const { timestamp = this.now, compression = 'none', partition = 0 } = options
    const records = [{ key: Buffer.from('k'), value: Buffer.from(value), headers: [], timestamp }]
    const batch = buildBatch({ baseOffset: 0n, leaderEpoch: -1, records, compression })
    const target = this.broker.services.partitions.get('t', partition)!
    return target.append(batch, target.leaderEpoch, 'client', { produceVersion: 9 }).baseOffset
  }

  get bases(): number[] {
    return this.partition.log.describe().segments.map(({ baseOffset }) => Number(baseOffset))
  }

  get lastBatch(): Buffer {
    return [...this.partition.log.batches()].at(-1)!
  }

  sizeOf(name: string): number {
    return this.files.read(`${FOLDER}/${name}`).length
  }

  count(ending: string): number {
    return this.files.list(FOLDER).filter(({ name }) => name.endsWith(ending)).length
  }
}

const places: Place[] = []

async function place(properties: Record<string, string> = {}): Promise<Place> {
  const made = new Place(properties)
  await made.broker.start()
  places.push(made)
  return made
}

afterEach(() => Promise.all(places.splice(0).map(({ broker }) => broker.stop())))

const refusal = (code: ErrorCode) => expect.objectContaining({ code })

describe('rolling', () => {
  test('segment.bytes, its default in the broker, and both while it runs', async () => {
    const at = await place({ 'log.segment.bytes': '2097152' })
    at.create()
    const large = 'x'.repeat(900_000)
    for (let n = 0; n < 3; n++) at.send(large)
    expect(at.bases).toEqual([0, 2])
    at.alter('segment.bytes', '1048576')
    for (let n = 0; n < 2; n++) at.send(large)
    expect(at.bases).toEqual([0, 2, 3, 4])
    at.alter('segment.bytes', null)
    at.alterDefault('log.segment.bytes', '3145728')
    for (let n = 0; n < 3; n++) at.send(large)
    expect(at.bases).toEqual([0, 2, 3, 4, 7])
  })

  test('segment.ms goes by the time of the records', async () => {
    const at = await place()
    at.create({ 'segment.ms': '1000' })
    const start = at.now
    at.send('a', { timestamp: start })
    at.send('b', { timestamp: start + 1000n })
    at.send('c', { timestamp: start + 1001n })
    expect(at.bases).toEqual([0, 2])
    at.alter('segment.ms', '10')
    at.send('d', { timestamp: start + 1012n })
    expect(at.bases).toEqual([0, 2, 3])
  })

  test('max.compaction.lag.ms ends a segment of a compacted topic too, as what is written to is never compacted (KIP-354)', async () => {
    const at = await place()
    at.create({ 'cleanup.policy': 'compact', 'max.compaction.lag.ms': '1000' })
    const start = at.now
    at.send('a', { timestamp: start })
    at.send('b', { timestamp: start + 1000n })
    at.send('c', { timestamp: start + 1001n })
    expect(at.bases).toEqual([0, 2])
    at.alter('cleanup.policy', 'delete')
    at.send('d', { timestamp: start + 5000n })
    expect(at.bases).toEqual([0, 2])
    at.alter('cleanup.policy', 'compact,delete')
    at.send('e', { timestamp: start + 5001n })
    expect(at.bases).toEqual([0, 2, 4])
  })

  test('segment.jitter.ms spreads it over partitions, and never makes it later', async () => {
    const at = await place({ 'log.roll.jitter.ms': '1000', 'log.roll.ms': '1000' })
    at.create({}, 20)
    const start = at.now
    for (let partition = 0; partition < 20; partition++) {
      at.send('a', { timestamp: start, partition })
      at.send('b', { timestamp: start + 500n, partition })
      at.send('c', { timestamp: start + 1001n, partition })
    }
    const counts = at.broker.services.partitions.ofTopic('t').map(({ log }) => log.segments[1]!.baseOffset)
    expect(counts).toContain(1n)
    expect(counts).toContain(2n)
  })

  test('segment.index.bytes: a full index ends a segment; index.interval.bytes fills it', async () => {
    const at = await place()
    at.create({ 'segment.index.bytes': '48', 'index.interval.bytes': '0' })
    for (let n = 0; n < 8; n++) at.send('a')
    expect(at.bases).toEqual([0, 7])
    for (let n = 0; n < 20; n++) at.send('a')
    expect(at.bases).toEqual([0, 7, 14, 21])
    expect(at.sizeOf('00000000000000000000.index')).toBe(48)
  })

  test('segment.index.bytes and index.interval.bytes, changed while it runs, count from the next segment on', async () => {
    const at = await place()
    at.create({ 'segment.index.bytes': '48', 'index.interval.bytes': '0' })
    at.send('a')
    at.alter('segment.index.bytes', '24')
    at.alter('index.interval.bytes', '1000000')
    for (let n = 0; n < 8; n++) at.send('a')
    expect(at.bases).toEqual([0, 7])
    for (let n = 0; n < 20; n++) at.send('a')
    expect(at.bases).toEqual([0, 7])
    at.alterDefault('log.index.interval.bytes', '0')
    at.alter('index.interval.bytes', null)
    at.alter('segment.ms', '1000')
    at.send('a', { timestamp: at.now + 2000n })
    for (let n = 1; n < 8; n++) at.send('a', { timestamp: at.now + 2000n + BigInt(n) })
    expect(at.bases).toEqual([0, 7, 29, 31, 33, 35])
  })

  test('index.interval.bytes is counted anew behind a start', async () => {
    const at = await place()
    at.create({ 'index.interval.bytes': '100' })
    for (let n = 0; n < 4; n++) at.send('a')
    await at.broker.stop()
    const again = await restarted(at)
    for (let n = 0; n < 3; n++) again.send('a')
    await again.broker.stop()
    const index = again.files.read(`${FOLDER}/00000000000000000000.index`)
    expect([index.length, index.readInt32BE(0), index.readInt32BE(8)]).toEqual([16, 2, 6])
  })

  test('preallocate: the file has its full size until the segment ends', async () => {
    const at = await place()
    at.create({ preallocate: 'true', 'segment.bytes': '1048576' })
    at.send('x'.repeat(900_000))
    expect(at.sizeOf('00000000000000000000.log')).toBe(1_048_576)
    const size = at.partition.log.sizeInBytes
    at.send('x'.repeat(900_000))
    expect(at.sizeOf('00000000000000000000.log')).toBe(size)
    expect(at.sizeOf('00000000000000000001.log')).toBe(1_048_576)
    at.alter('preallocate', 'false')
    at.send('x'.repeat(900_000))
    expect(at.sizeOf('00000000000000000002.log')).toBe(size)
  })

  test('preallocated room is no loss after a crash', async () => {
    const at = await place()
    at.create({ preallocate: 'true', 'segment.bytes': '1048576' })
    at.send('a')
    const crashed = await restarted(at)
    expect(crashed.partition.log.logEndOffset).toBe(1n)
    expect(crashed.send('b')).toBe(1n)
  })
})

/** Another broker on the files as they are now. */
async function restarted({ files }: Place): Promise<Place> {
  const made = new Place()
  copy(files, made.files, '/data')
  await made.broker.start()
  places.push(made)
  return made
}

function copy(from: MemoryFiles, to: MemoryFiles, path: string): void {
  to.makeDirectory(path)
  for (const { name, isDirectory } of from.list(path)) {
    if (isDirectory) copy(from, to, `${path}/${name}`)
    else if (name !== '.lock') to.replace(`${path}/${name}`, from.read(`${path}/${name}`))
  }
}

describe('retention', () => {
  const roll = { 'segment.ms': '1' }

  test('retention.ms: of the topic, of the broker, changed while it runs; -1 keeps all', async () => {
    const at = await place({ 'log.retention.ms': '5000' })
    at.create(roll)
    for (let n = 0; n < 3; n++) at.send('a', { timestamp: at.now + BigInt(n * 10) })
    at.clock.advance(6000)
    at.alter('retention.ms', '-1')
    await at.broker.maintain()
    expect(at.partition.log.logStartOffset).toBe(0n)
    at.alter('retention.ms', '5985')
    await at.broker.maintain()
    expect(at.partition.log.logStartOffset).toBe(2n)
    at.alter('retention.ms', null)
    await at.broker.maintain()
    expect(at.partition.log.logStartOffset).toBe(3n)
  })

  test('retention.ms of records without a time goes by when the last of them was written', async () => {
    const at = await place()
    at.create({ 'retention.ms': '5000' })
    for (let n = 0; n < 4; n++) {
      at.clock.advance(2000)
      at.send('a', { timestamp: -1n })
      await at.broker.maintain()
    }
    expect(at.partition.log.logStartOffset).toBe(0n)
    at.clock.advance(5001)
    await at.broker.maintain()
    expect(at.partition.log.logStartOffset).toBe(4n)
  })

  test('a default that is changed while the broker runs: log.retention.ms, log.retention.bytes', async () => {
    const at = await place()
    at.create(roll)
    for (let n = 0; n < 4; n++) at.send('a', { timestamp: at.now + BigInt(n * 10) })
    at.alterDefault('log.retention.bytes', String(at.partition.log.segments[0]!.sizeInBytes * 2))
    await at.broker.maintain()
    expect(at.partition.log.logStartOffset).toBe(2n)
    at.alterDefault('log.retention.ms', '1000')
    at.clock.advance(2000)
    await at.broker.maintain()
    expect(at.partition.log.logStartOffset).toBe(4n)
  })

  test('deleted records: the checkpoint of the leader epochs begins where the log does', async () => {
    const at = await place()
    at.create()
    for (let n = 0; n < 3; n++) at.send('a')
    at.partition.log.deleteRecordsBefore(2n)
    expect(at.files.read(`${FOLDER}/leader-epoch-checkpoint`).toString()).toBe('0\n1\n0 2\n')
  })

  test('cleanup.policy and file.delete.delay.ms, changed while it runs', async () => {
    const at = await place()
    at.create({
      ...roll,
      'retention.bytes': '0',
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '1',
    })
    for (let n = 0; n < 3; n++) at.send('a', { timestamp: at.now + BigInt(n * 10) })
    await at.broker.maintain()
    expect(at.bases).toEqual([0, 1, 2])
    at.alter('file.delete.delay.ms', '500')
    at.alter('cleanup.policy', 'delete')
    await at.broker.maintain()
    expect(at.partition.log.logStartOffset).toBe(3n)
    at.clock.advance(499)
    expect(at.count('.log.deleted')).toBe(3)
    at.clock.advance(1)
    await settle()
    expect(at.count('.log.deleted')).toBe(0)
  })

  test('min.cleanable.dirty.ratio, delete.retention.ms and the lags have their defaults in the broker', async () => {
    const at = await place({ 'log.cleaner.min.cleanable.ratio': '1', 'log.cleanup.policy': 'compact' })
    at.create(roll)
    for (let n = 0; n < 3; n++) at.send('a', { timestamp: at.now + BigInt(n * 10) })
    await at.broker.maintain()
    expect([...at.partition.log.batches()]).toHaveLength(3)
    at.alterDefault('log.cleaner.min.cleanable.ratio', '0')
    at.alterDefault('log.cleaner.min.compaction.lag.ms', '1000')
    await at.broker.maintain()
    expect([...at.partition.log.batches()]).toHaveLength(3)
    at.clock.advance(2000)
    await at.broker.maintain()
    expect([...at.partition.log.batches()]).toHaveLength(2)
  })
})

describe('records', () => {
  test('message.timestamp.type', async () => {
    const at = await place()
    at.create()
    at.send('a', { timestamp: 1n })
    expect(hasLogAppendTime(at.lastBatch, 0)).toBe(false)
    at.alter('message.timestamp.type', 'LogAppendTime')
    at.send('a', { timestamp: 1n })
    expect(Array.from(readRecords(at.lastBatch), ({ timestamp }) => timestamp)).toEqual([at.now])
    at.alter('message.timestamp.type', null)
    at.alterDefault('log.message.timestamp.type', 'LogAppendTime')
    at.send('a', { timestamp: 1n })
    expect(hasLogAppendTime(at.lastBatch, 0)).toBe(true)
  })

  test('message.timestamp.before.max.ms and message.timestamp.after.max.ms', async () => {
    const at = await place()
    at.create({ 'message.timestamp.before.max.ms': '1000' })
    const invalid = refusal(ErrorCode.INVALID_TIMESTAMP)
    at.send('a', { timestamp: at.now - 1000n })
    expect(() => at.send('a', { timestamp: at.now - 1001n })).toThrow(invalid)
    expect(() => at.send('a', { timestamp: at.now + 3_600_001n })).toThrow(invalid)
    at.alter('message.timestamp.before.max.ms', '2000')
    at.alter('message.timestamp.after.max.ms', '7200000')
    at.send('a', { timestamp: at.now - 2000n })
    at.send('a', { timestamp: at.now + 7_200_000n })
    at.alter('message.timestamp.after.max.ms', null)
    at.alterDefault('log.message.timestamp.after.max.ms', '5')
    expect(() => at.send('a', { timestamp: at.now + 6n })).toThrow(invalid)
  })

  test('max.message.bytes', async () => {
    const at = await place({ 'message.max.bytes': '200' })
    at.create()
    const tooLarge = refusal(ErrorCode.MESSAGE_TOO_LARGE)
    expect(() => at.send('x'.repeat(200))).toThrow(tooLarge)
    at.alter('max.message.bytes', '300')
    at.send('x'.repeat(200))
    at.alter('max.message.bytes', null)
    at.alterDefault('message.max.bytes', '100')
    expect(() => at.send('x'.repeat(100))).toThrow(tooLarge)
  })

  test('compression.type compresses anew what came otherwise, compression.gzip.level says how hard', async () => {
    const at = await place()
    at.create()
    const text = Array.from({ length: 4000 }, (_, n) => `${n * n}`).join(' ')
    at.send(text, { compression: 'snappy' })
    expect(compressionOf(at.lastBatch, 0)).toBe(2)
    const sizes: number[] = []
    at.alter('compression.type', 'gzip')
    for (const level of ['1', '9']) {
      at.alter('compression.gzip.level', level)
      at.send(text, { compression: 'snappy' })
      expect(compressionOf(at.lastBatch, 0)).toBe(1)
      sizes.push(at.lastBatch.length)
    }
    expect(sizes[0]! - sizes[1]!).toBeGreaterThan(100)
    expect(sizes[1]! - gzipSync(text, { level: 9 }).length).toBeLessThan(RECORD_BATCH_OVERHEAD + 50)
    for (const [type, codec] of [
      ['uncompressed', 0],
      ['lz4', 3],
      ['zstd', 4],
    ] as const) {
      at.alterDefault('compression.type', type)
      at.alter('compression.type', null)
      at.send(text, { compression: 'gzip' })
      expect(compressionOf(at.lastBatch, 0)).toBe(codec)
      expect(Array.from(readRecords(at.lastBatch), ({ value }) => value?.toString())).toEqual([text])
    }
  })

  test('flush.messages and flush.ms', async () => {
    const at = await place({ 'log.flush.interval.messages': '2' })
    at.create()
    at.send('a')
    expect(at.partition.log.recoveryPoint).toBe(0n)
    at.send('b')
    expect(at.partition.log.recoveryPoint).toBe(2n)
    at.alter('flush.messages', '1')
    at.send('c')
    expect(at.partition.log.recoveryPoint).toBe(3n)
    at.alter('flush.messages', '1000')
    at.alter('flush.ms', '10')
    at.send('d')
    at.clock.advance(10)
    await settle()
    expect(at.partition.log.recoveryPoint).toBe(4n)
  })
})
