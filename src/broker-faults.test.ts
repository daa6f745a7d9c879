import { describe, expect, test } from 'vitest'
import { Broker } from './broker.ts'
import { BrokerConfig } from './config/broker-config.ts'
import { batchOf, copyFiles, readAll } from './log/test-support/storage.ts'
import { type Logger, silentLogger } from './platform/logger.ts'
import { ManualClock } from './platform/manual-clock.ts'
import { nodeRandom } from './platform/node-random.ts'
import type { Files, OpenFile } from './platform/platform.ts'
import { SimulatedFiles } from './platform/simulated-files.ts'
import { type Api, ZERO_UUID } from './protocol/api.ts'
import { ErrorCode } from './protocol/error-code.ts'
import { CreateTopics } from './protocol/generated/create-topics.ts'
import { DeleteRecords } from './protocol/generated/delete-records.ts'
import { DeleteTopics } from './protocol/generated/delete-topics.ts'
import { Fetch } from './protocol/generated/fetch.ts'
import { FindCoordinator } from './protocol/generated/find-coordinator.ts'
import { RequestHeader } from './protocol/generated/headers.ts'
import { ListOffsets } from './protocol/generated/list-offsets.ts'
import { OffsetCommit } from './protocol/generated/offset-commit.ts'
import { OffsetFetch } from './protocol/generated/offset-fetch.ts'
import { Produce } from './protocol/generated/produce.ts'
import { Reader } from './protocol/reader.ts'
import { Writer } from './protocol/writer.ts'

/** Every so many file operations one is failed; 1 fails them all. */
const STEP = Number(process.env.ODRADEK_FAULT_STEP ?? 11)
const settle = () => new Promise((resolve) => setImmediate(resolve))
/** What a client may be told while the disk fails: to try again, or to look for the coordinator. */
const HONEST: ReadonlySet<number> = new Set([
  ErrorCode.NONE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
])

/** Nobody connects: requests are injected. */
const network = { listen: async () => ({ host: '127.0.0.1', port: 9092, close: async () => {} }) }

/** A disk on which opening a file can fail too, as it does when a process has too many of them. */
class Disk extends SimulatedFiles {
  opens = 0
  failingOpen = Number.POSITIVE_INFINITY

  /** From now on nothing fails. */
  repair(): void {
    this.faults.clear()
    this.failingOpen = Number.POSITIVE_INFINITY
  }

  override open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
    if (++this.opens === this.failingOpen)
      throw Object.assign(new Error(`EMFILE: open '${path}'`), { code: 'EMFILE', syscall: 'open' })
    return super.open(path, mode)
  }
}

/** A broker on a disk, with clients that keep books of what they were told. */
class Place {
  readonly clock = new ManualClock()
  readonly broker: Broker

  constructor(disk: Files, logger: Logger = silentLogger) {
    const properties = {
      listeners: 'PLAINTEXT://127.0.0.1:9092',
      'log.dirs': '/data',
      'offsets.topic.num.partitions': '1',
      'log.segment.delete.delay.ms': '0',
    }
    const config = BrokerConfig.fromProperties(new Map(Object.entries(properties)))
    const platform = { clock: this.clock, random: nodeRandom(), files: disk, network }
    this.broker = new Broker({ config, platform, logger })
  }

  async ask<Request, Response>(api: Api<Request, Response>, version: number, request: Request) {
    const writer = new Writer()
    writer.beginFrame()
    const header = { requestApiKey: api.key, requestApiVersion: version, correlationId: 7, clientId: 'c' }
    RequestHeader.encode(writer, header, api.requestHeaderVersion(version))
    api.request.encode(writer, request, version)
    const { bytes, wasClosed } = await this.broker.inject(Buffer.concat(writer.finish()))
    expect([api.name, wasClosed]).toEqual([api.name, false])
    const reader = new Reader(bytes, 8)
    if (api.responseHeaderVersion(version) === 1) reader.unknownTaggedFields()
    return api.response.decode(reader, version)
  }

  async create(name: string): Promise<number> {
    const configs = Object.entries({
      'internal.segment.bytes': '300',
      'retention.bytes': '700',
      'file.delete.delay.ms': '0',
    })
    const { topics } = await this.ask(CreateTopics, 4, {
      topics: [
        {
          name,
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: configs.map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: 1000,
      validateOnly: false,
    })
    return topics[0]!.errorCode
  }

  async delete(name: string): Promise<number> {
    const request = { topics: [], topicNames: [name], timeoutMs: 1000 }
    return (await this.ask(DeleteTopics, 3, request)).responses[0]!.errorCode
  }

  async produce(value: string): Promise<{ errorCode: number; baseOffset: bigint }> {
    const records = batchOf([{ value, timestamp: BigInt(this.clock.now()) }])
    const topicData = [{ name: 't', topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
    const request = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData }
    return (await this.ask(Produce, 7, request)).responses[0]!.partitionResponses[0]!
  }

  async fetch(): Promise<number> {
    const partition = {
      partition: 0,
      currentLeaderEpoch: -1,
      fetchOffset: this.broker.services.partitions.get('t', 0)?.openLog?.logStartOffset ?? 0n,
      lastFetchedEpoch: -1,
      logStartOffset: -1n,
      replicaDirectoryId: ZERO_UUID,
      highWatermark: -1n,
      partitionMaxBytes: 1_000_000,
    }
    const { responses } = await this.ask(Fetch, 11, {
      clusterId: null,
      replicaId: -1,
      replicaState: { replicaId: -1, replicaEpoch: -1n },
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1_000_000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: 't', topicId: ZERO_UUID, partitions: [partition] }],
      forgottenTopicsData: [],
      rackId: '',
    })
    return responses[0]!.partitions[0]!.errorCode
  }

  async offsetOf(timestamp: bigint): Promise<number> {
    const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp, maxNumOffsets: 1 }]
    const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: 't', partitions }], timeoutMs: 0 }
    return (await this.ask(ListOffsets, 5, request)).topics[0]!.partitions[0]!.errorCode
  }

  async deleteBefore(offset: bigint): Promise<number> {
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, offset }] }]
    return (await this.ask(DeleteRecords, 1, { topics, timeoutMs: 0 })).topics[0]!.partitions[0]!.errorCode
  }

  async commit(offset: bigint): Promise<number> {
    const found = await this.ask(FindCoordinator, 0, { key: 'g', keyType: 0, coordinatorKeys: [] })
    if (found.errorCode !== 0) return found.errorCode
    const row = {
      partitionIndex: 0,
      committedOffset: offset,
      commitTimestamp: -1n,
      committedLeaderEpoch: -1,
      committedMetadata: '',
    }
    const { topics } = await this.ask(OffsetCommit, 2, {
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1n,
      topics: [{ name: 't', topicId: ZERO_UUID, partitions: [row] }],
    })
    return topics[0]!.partitions[0]!.errorCode
  }

  /** -1 too where there is no coordinator yet: its topic could not be made. */
  async committed(): Promise<bigint> {
    const topics = [{ name: 't', topicId: ZERO_UUID, partitionIndexes: [0] }]
    const request = { groupId: 'g', topics, groups: [], requireStable: false }
    const { errorCode, topics: found } = await this.ask(OffsetFetch, 2, request)
    if (errorCode === ErrorCode.NOT_COORDINATOR && !this.broker.services.metadata.topic('__consumer_offsets'))
      return -1n
    return found[0]!.partitions[0]!.committedOffset
  }

  get log() {
    return this.broker.services.partitions.get('t', 0)!.log
  }
}

/** What clients were told. */
class Books {
  readonly acknowledged = new Map<bigint, string>()
  readonly refused = new Set<string>()
  readonly codes = new Set<number>()
  readonly topics = new Map<string, boolean>()
  committed = -1n
  committedAsked = -1n

  told(code: number): boolean {
    this.codes.add(code)
    expect(HONEST).toContain(code)
    return code === 0
  }
}

/** Creates, sends (which rolls), commits, deletes records and a topic; checkpoints and retention go on in between. */
async function load(place: Place, books: Books): Promise<void> {
  const { topics } = books
  const makeSure = async (name: string) => {
    if (!topics.has(name) && books.told(await place.create(name))) topics.set(name, true)
    return topics.get(name) === true
  }
  await makeSure('u')
  for (let turn = 0; turn < 14; turn++) {
    if (await makeSure('t')) await send(place, books, turn)
    books.committedAsked = BigInt(turn)
    if (books.told(await place.commit(BigInt(turn)))) books.committed = BigInt(turn)
    if (turn === 9 && topics.delete('u') && books.told(await place.delete('u'))) topics.set('u', false)
    if (turn % 5 === 4) place.clock.advance(60_000)
    await settle()
  }
}

async function send(place: Place, books: Books, turn: number): Promise<void> {
  const value = `${turn}-${'x'.repeat(40)}`
  const { errorCode, baseOffset } = await place.produce(value)
  if (books.told(errorCode)) books.acknowledged.set(baseOffset, value)
  else books.refused.add(value)
  if (turn === 10) await place.broker.maintain()
  if (turn === 12) books.told(await place.deleteBefore(-1n))
  books.told(await place.fetch())
  books.told(await place.offsetOf(BigInt(place.clock.now())))
}

/** All that was acknowledged is there, in its place; nothing is that nobody sent. */
async function audit(place: Place, books: Books, at: unknown[]): Promise<void> {
  const { services } = place.broker
  for (const [name, isThere] of books.topics)
    expect([at, name, services.metadata.topic(name) !== undefined]).toEqual([at, name, isThere])
  const there = await readAll(services.partitions.get('t', 0)!)
  const byOffset = new Map(there.map(({ offset, value }) => [offset, value]))
  const start = place.log.logStartOffset
  for (const [offset, value] of books.acknowledged)
    if (offset >= start) expect([at, offset, byOffset.get(offset)]).toEqual([at, offset, value])
  const sent = new Set([...books.acknowledged.values(), ...books.refused])
  for (const { value } of there) expect([at, sent.has(value)]).toEqual([at, true])
  const offset = await place.committed()
  expect([at, offset, offset >= books.committed && offset <= books.committedAsked]).toEqual([
    at,
    offset,
    true,
  ])
}

/** One that is started behind another: all is there, and it takes records, commits and topics. */
async function goesOn(files: Files, books: Books, at: unknown[]): Promise<void> {
  const place = new Place(files)
  await place.broker.start()
  await audit(place, books, at)
  expect([at, (await place.produce('more')).errorCode]).toEqual([at, 0])
  expect([at, await place.commit(books.committedAsked)]).toEqual([at, 0])
  expect([at, await place.create('v')]).toEqual([at, 0])
  await place.broker.stop()
}

const faults = {
  EIO: { count: 1 },
  'ENOSPC, four times': { count: 4, code: 'ENOSPC' },
  'a short write': { count: 1, code: 'ENOSPC', isTorn: true },
}

/** A whole life: start, work, stop, with what the disk does to it. */
async function live(disk: Disk, at: unknown[]): Promise<void> {
  const books = new Books()
  let place = new Place(disk)
  try {
    await place.broker.start()
  } catch (error) {
    // Refused with what the disk said; the next start finds all as it should be.
    expect(error).toMatchObject({ message: expect.stringMatching(/EIO|ENOSPC|EMFILE/) })
    disk.repair()
    place = new Place(disk)
    await place.broker.start()
  }
  await load(place, books)
  if (!books.topics.get('t')) return
  await audit(place, books, at)
  await goesOn(copyFiles(disk), books, [...at, 'killed'])
  await place.broker.stop()
  await goesOn(copyFiles(disk), books, [...at, 'stopped'])
}

describe('a broker whose disk fails once answers errors, keeps what it acknowledged, and is there again', () => {
  test.each(Object.entries(faults))(
    '%s',
    async (name, fault) => {
      const whole = new Disk()
      await live(whole, ['whole'])
      const total = whole.faults.calls.length
      expect(total).toBeGreaterThan(150)
      for (let n = 1; n <= total; n += STEP) {
        const disk = new Disk()
        disk.failAt(n, fault)
        await live(disk, [name, n, whole.faults.calls[n - 1]])
      }
    },
    600_000,
  )

  test('EMFILE', async () => {
    const whole = new Disk()
    await live(whole, ['whole'])
    for (let n = 1; n <= whole.opens; n += STEP) {
      const disk = new Disk()
      disk.failingOpen = n
      await live(disk, ['EMFILE', n])
    }
  }, 600_000)
})

/** Lines of the log, by level. */
/** Resolves when nobody has changed the disk for a while: new folders are flushed in the background. */
async function backgroundWorkOf(disk: Disk): Promise<void> {
  const { calls } = disk.faults
  for (let seen = -1, turns = 0; turns < 50; turns = calls.length === seen ? turns + 1 : 0) {
    seen = calls.length
    await settle()
  }
}

function recording(): { lines: string[]; logger: Logger } {
  const lines: string[] = []
  const line = (level: string) => (_facts: object, message: string) => void lines.push(`${level} ${message}`)
  return { lines, logger: { ...silentLogger, warn: line('warn'), error: line('error') } }
}

describe.each(['full', 'read-only'] as const)('a disk that is %s', (kind) => {
  const harm = (disk: Disk) => {
    if (kind === 'full') disk.capacityBytes = disk.usedBytes + 20
    else disk.failAt(1, { code: 'EROFS' })
  }
  const heal = (disk: Disk) => {
    disk.capacityBytes = Number.POSITIVE_INFINITY
    disk.repair()
  }

  async function harmed() {
    const disk = new Disk()
    const { lines, logger } = recording()
    const place = new Place(disk, logger)
    await place.broker.start()
    expect(await place.create('t')).toBe(0)
    expect((await place.produce('before')).errorCode).toBe(0)
    expect(await place.commit(1n)).toBe(0)
    await backgroundWorkOf(disk)
    harm(disk)
    return { disk, place, lines }
  }

  test('producers and groups are refused, consumers read on, and nothing half-written is served', async () => {
    const { place, disk } = await harmed()
    for (let attempt = 0; attempt < 5; attempt++) {
      expect((await place.produce('refused')).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
      expect(await place.commit(2n)).toBe(ErrorCode.NOT_COORDINATOR)
    }
    expect(await place.create('u')).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await place.fetch()).toBe(0)
    expect(await place.committed()).toBe(1n)
    const there = await readAll(place.broker.services.partitions.get('t', 0)!)
    expect(there.map(({ value }) => value)).toEqual(['before'])
    heal(disk)
    await place.broker.stop()
  })

  test('what heals it brings all back without a restart; it is told once, and once that it is over', async () => {
    const { place, disk, lines } = await harmed()
    for (let attempt = 0; attempt < 5; attempt++) {
      await place.produce('refused')
      await place.commit(2n)
    }
    expect(lines).toEqual(['error cannot append; it is not said again while it lasts'])
    heal(disk)
    for (const value of ['after', 'more']) expect((await place.produce(value)).errorCode).toBe(0)
    expect(await place.commit(2n)).toBe(0)
    expect(await place.committed()).toBe(2n)
    place.clock.advance(2000)
    expect(lines.slice(1)).toEqual(['warn files can be written again'])
    const there = await readAll(place.broker.services.partitions.get('t', 0)!)
    expect(there.map(({ value }) => value)).toEqual(['before', 'after', 'more'])
    await place.broker.stop()
  })
})
