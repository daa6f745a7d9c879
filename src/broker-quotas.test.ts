import { afterEach, describe, expect, test } from 'vitest'
import { Broker } from './broker.ts'
import { BrokerConfig } from './config/broker-config.ts'
import { batchOf } from './log/test-support/storage.ts'
import { MemorySocket } from './network/memory-socket.ts'
import { silentLogger } from './platform/logger.ts'
import { ManualClock } from './platform/manual-clock.ts'
import { MemoryFiles } from './platform/memory-files.ts'
import { nodeRandom } from './platform/node-random.ts'
import type { Clock, Files, Network, Socket } from './platform/platform.ts'
import { type Api, ZERO_UUID } from './protocol/api.ts'
import { ErrorCode } from './protocol/error-code.ts'
import { AlterClientQuotas } from './protocol/generated/alter-client-quotas.ts'
import { CreatePartitions } from './protocol/generated/create-partitions.ts'
import { CreateTopics } from './protocol/generated/create-topics.ts'
import { DeleteTopics } from './protocol/generated/delete-topics.ts'
import { Fetch } from './protocol/generated/fetch.ts'
import { RequestHeader } from './protocol/generated/headers.ts'
import { Metadata } from './protocol/generated/metadata.ts'
import { Produce } from './protocol/generated/produce.ts'
import { Reader } from './protocol/reader.ts'
import { Writer } from './protocol/writer.ts'

const places: Place[] = []
afterEach(async () => {
  for (const place of places.splice(0)) await place.broker.stop()
})

/** Long enough for whatever does not wait for the clock. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A client on a connection of its own. */
class Client {
  readonly socket = new MemorySocket()
  readonly #clientId: string
  #answered = 0

  constructor(clientId: string, connect: (socket: Socket) => void) {
    this.#clientId = clientId
    connect(this.socket)
  }

  send<Request, Response>(api: Api<Request, Response>, version: number, request: Request): number {
    const writer = new Writer()
    writer.beginFrame()
    const header = { requestApiKey: api.key, requestApiVersion: version, correlationId: 7 }
    const clientId = this.#clientId
    RequestHeader.encode(writer, { ...header, clientId }, api.requestHeaderVersion(version))
    api.request.encode(writer, request, version)
    const frame = Buffer.concat(writer.finish())
    this.socket.send(frame)
    return frame.length - 4
  }

  /** The answer that is there when nothing moves any more; undefined when the client has to wait for it. */
  async answer<Request, Response>(api: Api<Request, Response>, version: number) {
    await settle()
    const bytes = this.socket.written().subarray(this.#answered)
    if (bytes.length === 0) return undefined
    this.#answered += 4 + bytes.readInt32BE(0)
    const reader = new Reader(bytes, 8)
    if (api.responseHeaderVersion(version) === 1) reader.unknownTaggedFields()
    return api.response.decode(reader, version)
  }

  async ask<Request, Response>(api: Api<Request, Response>, version: number, request: Request) {
    this.send(api, version, request)
    return (await this.answer(api, version))!
  }
}

/** A broker under a clock that the test moves. */
class Place {
  readonly clock = new ManualClock()
  readonly broker: Broker
  /** How long a look at the clock takes. */
  lookMs = 0
  #connect: (socket: Socket) => void = () => {}

  constructor(files: Files) {
    const properties = { listeners: 'PLAINTEXT://127.0.0.1:9092', 'log.dirs': '/data' }
    const config = BrokerConfig.fromProperties(new Map(Object.entries(properties)))
    const network: Network = {
      listen: async (_, onConnection) => {
        this.#connect = onConnection
        return { host: '127.0.0.1', port: 9092, close: async () => {} }
      },
    }
    const platform = { clock: this.#slowClock(), random: nodeRandom(), files, network }
    this.broker = new Broker({ config, platform, logger: silentLogger })
    places.push(this)
  }

  static async start(files: Files = new MemoryFiles()): Promise<Place> {
    const place = new Place(files)
    await place.broker.start()
    // A handler that is still to be loaded takes time that no clock knows of.
    await Promise.all(place.broker.services.apis.map((api) => api.load()))
    return place
  }

  client(clientId: string): Client {
    return new Client(clientId, this.#connect)
  }

  async setQuota(
    entity: Readonly<Record<string, string | null>>,
    key: string,
    value: number | null,
  ): Promise<void> {
    const rows = Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
    const ops = [{ key, value: value ?? 0, remove: value === null }]
    const bytes = { entries: [{ entity: rows, ops }], validateOnly: false }
    const { entries } = await this.client('admin').ask(AlterClientQuotas, 1, bytes)
    expect(entries.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.NONE])
  }

  #slowClock(): Clock {
    const { clock } = this
    return {
      now: () => clock.now(),
      elapsedMs: () => {
        if (this.lookMs > 0) clock.advance(this.lookMs)
        return clock.elapsedMs()
      },
      schedule: (delayMs, task) => clock.schedule(delayMs, task),
      soon: (task) => clock.soon(task),
    }
  }
}

const produceOf = (bytes: number, acks = 1, topic = 't') => ({
  transactionalId: null,
  acks,
  timeoutMs: 1000,
  topicData: [
    {
      name: topic,
      topicId: ZERO_UUID,
      partitionData: [{ index: 0, records: batchOf([{ value: 'x'.repeat(bytes) }]) }],
    },
  ],
})

const fetchOf = (fetchOffset: bigint, rest: Partial<{ sessionId: number; sessionEpoch: number }> = {}) => ({
  clusterId: null,
  replicaId: -1,
  replicaState: { replicaId: -1, replicaEpoch: -1n },
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes: 1_000_000,
  isolationLevel: 0,
  sessionId: 0,
  sessionEpoch: -1,
  topics: [
    {
      topic: 't',
      topicId: ZERO_UUID,
      partitions: [
        {
          partition: 0,
          currentLeaderEpoch: -1,
          fetchOffset,
          lastFetchedEpoch: -1,
          logStartOffset: -1n,
          partitionMaxBytes: 1_000_000,
          replicaDirectoryId: ZERO_UUID,
          highWatermark: -1n,
        },
      ],
    },
  ],
  forgottenTopicsData: [],
  rackId: '',
  ...rest,
})

const metadataOf = (...names: string[]) => ({
  topics: names.map((name) => ({ name, topicId: ZERO_UUID })),
  allowAutoTopicCreation: true,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
})

const createOf = (partitions: number, ...names: string[]) => ({
  topics: names.map((name) => ({
    name,
    numPartitions: partitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  })),
  timeoutMs: 1000,
  validateOnly: false,
})

describe('producer_byte_rate', () => {
  test('the answer comes at once and says how long; the next request waits so long', async () => {
    const place = await Place.start()
    await place.broker.createTopic('t')
    await place.setQuota({ 'client-id': 'c' }, 'producer_byte_rate', 1000)
    const client = place.client('c')
    const size = client.send(Produce, 9, produceOf(12_000))
    const first = (await client.answer(Produce, 9))!
    expect(first.responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE)
    expect(first.throttleTimeMs).toBe(size - 10_000)
    expect(client.socket.isPaused).toBe(true)
    client.send(Metadata, 9, metadataOf())
    place.clock.advance(first.throttleTimeMs - 1)
    expect(await client.answer(Metadata, 9)).toBe(undefined)
    place.clock.advance(1)
    expect(await client.answer(Metadata, 9)).toMatchObject({ throttleTimeMs: 0 })
    expect(client.socket.isPaused).toBe(false)
  })

  test('clients that share a quota use it up together; others go on', async () => {
    const place = await Place.start()
    await place.broker.createTopic('t')
    await place.setQuota({ 'client-id': null }, 'producer_byte_rate', 1000)
    const answers = [
      await place.client('c').ask(Produce, 9, produceOf(12_000)),
      await place.client('c').ask(Produce, 9, produceOf(12_000)),
      await place.client('d').ask(Produce, 9, produceOf(12)),
    ]
    const [first, second, other] = answers.map(({ throttleTimeMs }) => throttleTimeMs)
    expect(first).toBeGreaterThan(2000)
    expect(second).toBe(2 * first! + 10_000)
    expect(other).toBe(0)
  })

  test('holds a client back that gets no answer, and one that cannot be told', async () => {
    const place = await Place.start()
    await place.broker.createTopic('t')
    await place.setQuota({ user: 'ANONYMOUS' }, 'producer_byte_rate', 1000)
    const silent = place.client('c')
    silent.send(Produce, 9, produceOf(12_000, 0))
    expect(await silent.answer(Produce, 9)).toBe(undefined)
    silent.send(Metadata, 9, metadataOf())
    expect(await silent.answer(Metadata, 9)).toBe(undefined)
    place.clock.advance(2200)
    expect(await silent.answer(Metadata, 9)).toBeDefined()
    const old = place.client('c')
    expect(await old.ask(Produce, 0, produceOf(12_000))).toMatchObject({ throttleTimeMs: 0 })
    old.send(Metadata, 9, metadataOf())
    expect(await old.answer(Metadata, 9)).toBe(undefined)
  })

  test('a quota that is taken back is so at once, for the next request; one that was set is there after a restart', async () => {
    const files = new MemoryFiles()
    const first = await Place.start(files)
    await first.broker.createTopic('t')
    await first.setQuota({ 'client-id': 'c' }, 'producer_byte_rate', 1000)
    await first.broker.stop()
    const place = await Place.start(files)
    const ask = async () => (await place.client('c').ask(Produce, 9, produceOf(12_000))).throttleTimeMs
    expect(await ask()).toBeGreaterThan(2000)
    await place.setQuota({ 'client-id': 'c' }, 'producer_byte_rate', null)
    expect(await ask()).toBe(0)
  })
})

describe('consumer_byte_rate', () => {
  async function withRecords(count: number) {
    const place = await Place.start()
    await place.broker.createTopic('t')
    const log = place.broker.services.partitions.get('t', 0)!
    for (let i = 0; i < count; i++) log.append(batchOf([{ value: 'x'.repeat(900) }]))
    return place
  }
  const bytesIn = (response: { responses: readonly { partitions: readonly { records: unknown }[] }[] }) =>
    response.responses.reduce(
      (sum, { partitions }) =>
        sum + partitions.reduce((bytes, { records }) => bytes + (records as Buffer).length, 0),
      0,
    )

  test('a fetch brings no more than all windows may, and an empty answer when that is used up', async () => {
    const place = await withRecords(100)
    await place.setQuota({ 'client-id': 'c' }, 'consumer_byte_rate', 3000)
    const client = place.client('c')
    const first = await client.ask(Fetch, 12, fetchOf(0n))
    expect(first.throttleTimeMs).toBe(0)
    expect(bytesIn(first)).toBeGreaterThan(28_000)
    expect(bytesIn(first)).toBeLessThanOrEqual(30_000)
    const second = await client.ask(Fetch, 12, fetchOf(0n))
    expect(second).toMatchObject({ errorCode: ErrorCode.NONE, responses: [] })
    expect(second.throttleTimeMs).toBeGreaterThan(9000)
    // What was not sent does not count.
    const again = await place.client('c').ask(Fetch, 12, fetchOf(0n))
    expect(again.throttleTimeMs).toBe(second.throttleTimeMs)
    place.clock.advance(11_000)
    const third = await client.ask(Fetch, 12, fetchOf(0n))
    expect([third.throttleTimeMs, bytesIn(third)]).toEqual([0, bytesIn(first)])
    expect(bytesIn(await place.client('d').ask(Fetch, 12, fetchOf(0n)))).toBeGreaterThan(90_000)
  })

  test('the session goes on, as if what was not sent had not been asked for', async () => {
    const place = await withRecords(10)
    const client = place.client('c')
    const { sessionId } = await client.ask(Fetch, 12, fetchOf(0n, { sessionEpoch: 0 }))
    await place.setQuota({ 'client-id': 'c' }, 'consumer_byte_rate', 500)
    await client.ask(Fetch, 12, fetchOf(0n, { sessionId, sessionEpoch: 1 }))
    const held = await client.ask(Fetch, 12, fetchOf(5n, { sessionId, sessionEpoch: 2 }))
    expect(held).toMatchObject({ errorCode: ErrorCode.NONE, sessionId, responses: [] })
    expect(held.throttleTimeMs).toBeGreaterThan(0)
    place.clock.advance(12_000)
    const next = { ...fetchOf(0n, { sessionId, sessionEpoch: 3 }), topics: [] }
    expect(bytesIn(await client.ask(Fetch, 12, next))).toBeGreaterThan(3000)
  })

  test('another broker is not held back', async () => {
    const place = await withRecords(10)
    await place.setQuota({ user: null }, 'consumer_byte_rate', 1)
    const follower = { ...fetchOf(0n), replicaId: 2 }
    expect(await place.client('c').ask(Fetch, 12, follower)).toMatchObject({ throttleTimeMs: 0 })
    expect(await place.client('c').ask(Fetch, 12, fetchOf(0n))).not.toMatchObject({ throttleTimeMs: 0 })
  })
})

describe('request_percentage', () => {
  test("the broker's time, for a second at most; an answer that nobody gets is free", async () => {
    const place = await Place.start()
    await place.broker.createTopic('t')
    await place.setQuota({ 'client-id': 'c' }, 'request_percentage', 0.01)
    place.lookMs = 5
    const client = place.client('c')
    expect(await client.ask(Metadata, 9, metadataOf())).toMatchObject({ throttleTimeMs: 1000 })
    place.clock.advance(1000)
    expect(await client.ask(Fetch, 12, fetchOf(0n))).toMatchObject({ throttleTimeMs: 1000, responses: [] })
    expect(await place.client('d').ask(Metadata, 9, metadataOf())).toMatchObject({ throttleTimeMs: 0 })
    const silent = place.client('c')
    silent.send(Produce, 9, produceOf(10, 0))
    expect(await silent.ask(Metadata, 9, metadataOf())).toMatchObject({ throttleTimeMs: 1000 })
  })
})

describe('what of a request counts as time', () => {
  test('not what it waits for', async () => {
    const place = await Place.start()
    await place.broker.createTopic('t')
    await place.setQuota({ 'client-id': 'c' }, 'request_percentage', 1)
    const client = place.client('c')
    client.send(Fetch, 12, { ...fetchOf(0n), maxWaitMs: 500 })
    expect(await client.answer(Fetch, 12)).toBe(undefined)
    place.clock.advance(500)
    expect(await client.answer(Fetch, 12)).toMatchObject({ throttleTimeMs: 0 })
  })

  test('the writing of its answer, which is held against the next one', async () => {
    const place = await Place.start()
    await place.setQuota({ 'client-id': 'c' }, 'request_percentage', 0.12)
    // 5 ms until the handler is through and 5 for the answer: 0.05 % of ten seconds each.
    place.lookMs = 5
    expect(await place.client('c').ask(Metadata, 9, metadataOf())).toMatchObject({ throttleTimeMs: 0 })
    expect(await place.client('c').ask(Metadata, 9, metadataOf())).toMatchObject({ throttleTimeMs: 1000 })
  })
})

describe('controller_mutation_rate', () => {
  const outcomes = (rows: readonly { name: string | null; errorCode: number }[]) =>
    rows.map(({ name, errorCode }) => [name, errorCode])
  const { NONE, THROTTLING_QUOTA_EXCEEDED } = ErrorCode

  test('whoever is in debt is refused, topic by topic, until it is paid', async () => {
    const place = await Place.start()
    await place.setQuota({ 'client-id': 'c' }, 'controller_mutation_rate', 1)
    const client = place.client('c')
    const first = await client.ask(CreateTopics, 7, createOf(10, 'a', 'b', 'c'))
    expect(outcomes(first.topics)).toEqual([
      ['a', NONE],
      ['b', NONE],
      ['c', THROTTLING_QUOTA_EXCEEDED],
    ])
    expect(first.throttleTimeMs).toBe(9000)
    client.send(DeleteTopics, 6, {
      topics: [{ name: 'a', topicId: ZERO_UUID }],
      topicNames: [],
      timeoutMs: 1000,
    })
    expect(await client.answer(DeleteTopics, 6)).toBe(undefined)
    const more = {
      topics: [{ name: 'a', count: 11, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    }
    const refused = await place.client('c').ask(CreatePartitions, 3, more)
    expect([outcomes(refused.results), refused.throttleTimeMs]).toEqual([
      [['a', THROTTLING_QUOTA_EXCEEDED]],
      9000,
    ])
    place.clock.advance(9000)
    const deleted = (await client.answer(DeleteTopics, 6))!
    expect([outcomes(deleted.responses), deleted.throttleTimeMs]).toEqual([[['a', NONE]], 0])
    expect(place.broker.services.metadata.topic('a')).toBe(undefined)
  })

  test('an older client is obeyed and held back; a rehearsal counts, what fails for another reason does not', async () => {
    const place = await Place.start()
    await place.setQuota({ 'client-id': 'c' }, 'controller_mutation_rate', 1)
    const ask = (request: ReturnType<typeof createOf>, version = 4) =>
      place.client('c').ask(CreateTopics, version, request)
    expect(await ask({ ...createOf(10, 'a'), validateOnly: true })).toMatchObject({ throttleTimeMs: 0 })
    expect(await ask(createOf(10, 'no name'))).toMatchObject({ throttleTimeMs: 0 })
    const late = await ask(createOf(10, 'a'))
    expect([outcomes(late.topics), late.throttleTimeMs]).toEqual([[['a', NONE]], 9000])
    const old = await place
      .client('c')
      .ask(DeleteTopics, 4, { topics: [], topicNames: ['a'], timeoutMs: 1000 })
    expect([outcomes(old.responses), old.throttleTimeMs]).toEqual([[['a', NONE]], 19_000])
  })

  test('a topic that would be created by itself is not, and the client is not held back', async () => {
    const place = await Place.start()
    await place.setQuota({ 'client-id': 'c' }, 'controller_mutation_rate', 1)
    await place.client('c').ask(CreateTopics, 7, createOf(12, 'a'))
    const { topics, throttleTimeMs } = await place.client('c').ask(Metadata, 9, metadataOf('b'))
    expect([outcomes(topics), throttleTimeMs]).toEqual([[['b', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]], 0])
    place.clock.advance(1000)
    const later = await place.client('c').ask(Metadata, 9, metadataOf('b'))
    expect(outcomes(later.topics)).toEqual([['b', NONE]])
  })
})

describe('connection_creation_rate', () => {
  test('a connection that is too much is not served, and closed after a second at most', async () => {
    const place = await Place.start()
    await place.setQuota({ ip: '127.0.0.1' }, 'connection_creation_rate', 1)
    const clients = Array.from({ length: 11 }, () => place.client('c'))
    for (const client of clients) client.send(Metadata, 9, metadataOf())
    const answers = await Promise.all(clients.map((client) => client.answer(Metadata, 9)))
    expect(answers.map((answer) => answer !== undefined)).toEqual([...Array(10).fill(true), false])
    const unserved = clients[10]!.socket
    place.clock.advance(999)
    expect(unserved.isClosed).toBe(false)
    place.clock.advance(1)
    expect(unserved.isClosed).toBe(true)
    const another = place.client('c').socket
    another.disconnect()
    const last = place.client('c').socket
    await place.broker.stop()
    expect([another.isClosed, last.isClosed]).toEqual([true, true])
    expect(place.clock.pending()).toEqual([])
  })
})
