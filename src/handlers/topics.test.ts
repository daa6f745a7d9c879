import { describe, expect, test } from 'vitest'
import { append } from '../log/test-support/storage.ts'
import { MetadataHarness } from '../metadata/test-support/metadata-harness.ts'
import { silentLogger } from '../platform/logger.ts'
import { ZERO_UUID } from '../protocol/api.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import type { MetadataRequest } from '../protocol/generated/metadata.ts'
import { Writer } from '../protocol/writer.ts'
import { createPartitions } from './create-partitions.ts'
import { createTopics } from './create-topics.ts'
import { deleteTopics } from './delete-topics.ts'
import { describeCluster } from './describe-cluster.ts'
import { describeLogDirs } from './describe-log-dirs.ts'
import { describeTopicPartitions } from './describe-topic-partitions.ts'
import type { AnyHandler, BrokerServices, Handler, RequestContext } from './handler.ts'
import { metadata } from './metadata.ts'

const STRANGE_ID = 'AAAAAAAAAAAAAAAAAAAnaQ'
const NOT_ASKED = -2147483648

/** A broker of nothing but metadata: the real controller, image and partitions. */
async function setUp(properties: Record<string, string> = {}, hasEndpoint = true) {
  const endpoint = hasEndpoint ? { host: 'localhost', port: 9092 } : undefined
  const harness = await MetadataHarness.start({ properties })
  const { controller, image, partitions, config } = harness
  const broker = {
    nodeId: 1,
    clusterId: 'cluster',
    logger: silentLogger,
    config,
    controller,
    partitions,
    metadata: image,
    advertisedEndpoint: () => endpoint,
  } as unknown as BrokerServices
  const ask = <Request, Response>(handler: Handler<Request, Response>, apiVersion: number, request: object) =>
    (handler as AnyHandler).handle(request, { broker, apiVersion } as unknown as RequestContext) as Response
  const create = (name: string, numPartitions = 1, rest: object = {}) => ({
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...rest,
  })
  const createAll = (apiVersion: number, topics: object[], rest: object = {}) =>
    ask(createTopics, apiVersion, { topics, timeoutMs: 1000, validateOnly: false, ...rest }).topics
  const askMetadata = (apiVersion: number, rest: Partial<MetadataRequest>) =>
    ask(metadata, apiVersion, {
      topics: [],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
      ...rest,
    })
  return { harness, ask, create, createAll, askMetadata, image }
}

const named = (...names: string[]) => names.map((name) => ({ name, topicId: ZERO_UUID }))
const byId = (...ids: string[]) => ids.map((topicId) => ({ name: null, topicId }))
const codes = (rows: readonly { readonly name?: string | null; readonly errorCode: number }[]) =>
  rows.map(({ name, errorCode }) => [name, errorCode])

describe('Metadata', () => {
  test('a topic with its leaders, and the brokers with the address of the listener', async () => {
    const { createAll, create, askMetadata, image } = await setUp()
    createAll(7, [create('t', 2)])
    const answer = askMetadata(12, { topics: named('t') })
    const place = {
      errorCode: 0,
      leaderId: 1,
      leaderEpoch: 0,
      replicaNodes: [1],
      isrNodes: [1],
      offlineReplicas: [],
    }
    expect(answer).toEqual({
      throttleTimeMs: 0,
      brokers: [{ nodeId: 1, host: 'localhost', port: 9092, rack: null }],
      clusterId: 'cluster',
      controllerId: 1,
      topics: [
        {
          errorCode: 0,
          name: 't',
          topicId: image.topic('t')!.topicId,
          isInternal: false,
          partitions: [
            { partitionIndex: 0, ...place },
            { partitionIndex: 1, ...place },
          ],
          topicAuthorizedOperations: NOT_ASKED,
        },
      ],
      clusterAuthorizedOperations: NOT_ASKED,
      errorCode: 0,
    })
  })

  test('all topics: an empty list in version 0, null after that', async () => {
    const { createAll, create, askMetadata } = await setUp()
    createAll(7, [create('a'), create('b')])
    expect(askMetadata(0, {}).topics).toHaveLength(2)
    expect(askMetadata(1, {}).topics).toHaveLength(0)
    expect(askMetadata(1, { topics: null }).topics).toHaveLength(2)
  })

  test('an unknown topic is created when both sides allow it, and can be used at once', async () => {
    const { askMetadata, image } = await setUp({ 'num.partitions': '2' })
    const ask = (allowAutoTopicCreation: boolean) =>
      askMetadata(9, { topics: named('new', 'new', 'bad name'), allowAutoTopicCreation }).topics
    expect(codes(ask(false))).toEqual([
      ['new', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ['bad name', ErrorCode.INVALID_TOPIC_EXCEPTION],
    ])
    expect(image.topics.size).toBe(0)
    expect(ask(true)[0]).toMatchObject({ errorCode: 0, partitions: [{ leaderId: 1 }, { leaderId: 1 }] })
    expect([...image.topics.keys()]).toEqual(['new'])
  })

  test('nothing is created when the broker does not allow it, or cannot', async () => {
    const off = await setUp({ 'auto.create.topics.enable': 'false' })
    const ask = ({ askMetadata }: typeof off, name: string) =>
      codes(askMetadata(9, { topics: named(name), allowAutoTopicCreation: true }).topics)
    expect(ask(off, 'new')).toEqual([['new', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]])
    const on = await setUp()
    on.createAll(7, [on.create('a.b')])
    expect(ask(on, 'a_b')).toEqual([['a_b', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]])
  })

  test('the broker’s own topics are marked, and made with their own settings', async () => {
    const { askMetadata, image } = await setUp({ 'offsets.topic.num.partitions': '3' })
    const [row] = askMetadata(9, { topics: named('__consumer_offsets'), allowAutoTopicCreation: true }).topics
    expect(row).toMatchObject({ isInternal: true, errorCode: 0 })
    expect(row!.partitions).toHaveLength(3)
    expect(image.configs('topic', '__consumer_offsets').get('cleanup.policy')).toBe('compact')
  })

  test('by id: an unknown one has its own error, names beside ids are not looked at', async () => {
    const { createAll, create, askMetadata, image } = await setUp()
    createAll(7, [create('t')])
    const id = image.topic('t')!.topicId
    const { topics } = askMetadata(12, { topics: [...byId(id, STRANGE_ID), ...named('other')] })
    expect(topics).toMatchObject([
      { name: 't', topicId: id, errorCode: 0 },
      { name: null, topicId: STRANGE_ID, errorCode: ErrorCode.UNKNOWN_TOPIC_ID, partitions: [] },
    ])
  })

  test('ids before version 12, and neither name nor id, refuse the whole request', async () => {
    const { askMetadata } = await setUp()
    const refused = {
      brokers: [],
      clusterId: null,
      controllerId: -1,
      topics: [{ errorCode: 42 }, { errorCode: 42 }],
    }
    expect(askMetadata(11, { topics: [...byId(STRANGE_ID), ...named('t')] })).toMatchObject(refused)
    expect(askMetadata(12, { topics: [...byId(ZERO_UUID), ...named('t')] })).toMatchObject(refused)
  })

  test('authorized operations when asked: all of them', async () => {
    const { createAll, create, askMetadata } = await setUp()
    createAll(7, [create('t')])
    const answer = askMetadata(8, {
      topics: named('t', 'none'),
      includeClusterAuthorizedOperations: true,
      includeTopicAuthorizedOperations: true,
    })
    expect(answer.clusterAuthorizedOperations).toBe(8096)
    expect(answer.topics.map((row) => row.topicAuthorizedOperations)).toEqual([3576, 3576])
  })

  test('a leader without an address on the listener has an error of its own from version 6 on', async () => {
    const { createAll, create, askMetadata } = await setUp({}, false)
    createAll(7, [create('t')])
    const place = (version: number) => askMetadata(version, { topics: named('t') }).topics[0]!.partitions[0]
    expect(place(5)).toMatchObject({ errorCode: ErrorCode.LEADER_NOT_AVAILABLE, leaderId: -1 })
    expect(place(6)).toMatchObject({ errorCode: ErrorCode.LISTENER_NOT_FOUND, offlineReplicas: [1] })
  })
})

describe('CreateTopics', () => {
  test('describes what was made from version 5 on', async () => {
    const { createAll, create, image } = await setUp()
    const configs = [{ name: 'retention.ms', value: '1000' }]
    const [row] = createAll(7, [create('t', 3, { configs })])
    expect(row).toMatchObject({
      name: 't',
      topicId: image.topic('t')!.topicId,
      errorCode: 0,
      errorMessage: null,
      numPartitions: 3,
      replicationFactor: 1,
    })
    const setting = (name: string) => row!.configs!.find((config) => config.name === name)
    expect(setting('retention.ms')).toMatchObject({ value: '1000', configSource: 1, readOnly: false })
    expect(setting('flush.ms')).toMatchObject({ value: '9223372036854775807', configSource: 5 })
    expect(createAll(4, [create('u')])[0]).toMatchObject({ errorCode: 0, configs: [] })
  })

  test('refused topics say why, and keep nobody back', async () => {
    const { createAll, create } = await setUp()
    const rows = createAll(7, [create('a'), create('b', 0), create('c'), create('c')])
    expect(codes(rows)).toEqual([
      ['c', ErrorCode.INVALID_REQUEST],
      ['a', ErrorCode.NONE],
      ['b', ErrorCode.INVALID_PARTITIONS],
    ])
    expect(rows[2]).toMatchObject({
      topicId: ZERO_UUID,
      errorMessage: expect.stringContaining('larger than 0'),
      numPartitions: -1,
      replicationFactor: -1,
      configs: [],
    })
  })

  test('too many partitions, or no time, refuse the whole request', async () => {
    const { createAll, create, image } = await setUp()
    const big = [create('a', 10_001), create('b')]
    expect(codes(createAll(7, big))).toEqual([
      ['a', ErrorCode.POLICY_VIOLATION],
      ['b', ErrorCode.POLICY_VIOLATION],
    ])
    const late = createAll(7, [create('b')], { timeoutMs: 0 })
    expect(codes(late)).toEqual([['b', ErrorCode.REQUEST_TIMED_OUT]])
    expect(late[0]!.errorMessage).toBeNull()
    expect(image.topics.size).toBe(0)
  })
})

describe('DeleteTopics', () => {
  const remove = ({ ask }: Awaited<ReturnType<typeof setUp>>, apiVersion: number, request: object) =>
    ask(deleteTopics, apiVersion, { topics: [], topicNames: [], timeoutMs: 1000, ...request }).responses

  test('by name and by id; what is unknown has the error of how it was named', async () => {
    const broker = await setUp()
    const { createAll, create, image } = broker
    createAll(7, [create('a'), create('b'), create('c')])
    const id = image.topic('b')!.topicId
    const topics = [...named('a', 'none'), ...byId(id, STRANGE_ID)]
    const rows = remove(broker, 6, { topics })
    expect(new Set(codes(rows).map(String))).toEqual(
      new Set([
        'a,0',
        'b,0',
        `none,${ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}`,
        `,${ErrorCode.UNKNOWN_TOPIC_ID}`,
      ]),
    )
    expect([...image.topics.keys()]).toEqual(['c'])
    expect(codes(remove(broker, 1, { topicNames: ['c'] }))).toEqual([['c', 0]])
  })

  test('a topic that is named twice, both ways or not at all is left alone', async () => {
    const broker = await setUp()
    const { createAll, create, image } = broker
    createAll(7, [create('a'), create('b'), create('c')])
    const id = (name: string) => image.topic(name)!.topicId
    const topics = [
      ...named('a', 'a', 'b'),
      ...byId(id('b'), id('c'), id('c'), ZERO_UUID),
      { name: 'c', topicId: STRANGE_ID },
    ]
    const rows = remove(broker, 6, { topics })
    expect(rows).toHaveLength(5)
    expect(new Set(rows.map(({ errorCode }) => errorCode))).toEqual(new Set([ErrorCode.INVALID_REQUEST]))
    expect(rows).toContainEqual(expect.objectContaining({ name: 'b', topicId: id('b') }))
    expect(image.topics.size).toBe(3)
  })

  test('turned off: 73 from version 3 on, 42 before', async () => {
    const broker = await setUp({ 'delete.topic.enable': 'false' })
    broker.createAll(7, [broker.create('a')])
    const code = (apiVersion: number) => remove(broker, apiVersion, { topicNames: ['a'] })[0]!.errorCode
    expect(code(2)).toBe(ErrorCode.INVALID_REQUEST)
    expect(code(3)).toBe(ErrorCode.TOPIC_DELETION_DISABLED)
    expect(broker.image.topics.size).toBe(1)
  })

  test('without time nothing is deleted', async () => {
    const broker = await setUp()
    broker.createAll(7, [broker.create('a')])
    expect(codes(remove(broker, 4, { topicNames: ['a'], timeoutMs: 0 }))).toEqual([['a', 7]])
    expect(broker.image.topics.size).toBe(1)
  })
})

describe('CreatePartitions', () => {
  test('adds partitions, or says why not', async () => {
    const { ask, createAll, create, image } = await setUp()
    createAll(7, [create('a'), create('b', 2), create('c')])
    const grow = (topics: object[], rest: object = {}) =>
      codes(ask(createPartitions, 3, { topics, timeoutMs: 1000, validateOnly: false, ...rest }).results)
    const to = (name: string, count: number, ...brokers: number[]) => ({
      name,
      count,
      assignments: brokers.length > 0 ? brokers.map((id) => ({ brokerIds: [id] })) : null,
    })
    expect(grow([to('a', 3, 1, 1), to('b', 2), to('none', 2), to('c', 2), to('c', 3)])).toEqual([
      ['c', ErrorCode.INVALID_REQUEST],
      ['a', ErrorCode.NONE],
      ['b', ErrorCode.INVALID_PARTITIONS],
      ['none', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ])
    expect(image.topic('a')!.partitions).toHaveLength(3)
    expect(grow([to('c', 2)], { validateOnly: true })).toEqual([['c', 0]])
    expect(grow([to('c', 2)], { timeoutMs: 0 })).toEqual([['c', ErrorCode.REQUEST_TIMED_OUT]])
    expect(grow([to('c', 10_002)])).toEqual([['c', ErrorCode.POLICY_VIOLATION]])
    expect(image.topic('c')!.partitions).toHaveLength(1)
  })
})

describe('DescribeTopicPartitions', () => {
  async function setUpPages() {
    const broker = await setUp()
    broker.createAll(7, [broker.create('z', 2), broker.create('x', 3), broker.create('y')])
    const page = (
      names: string[],
      responsePartitionLimit: number,
      cursor: [string, number] | null = null,
    ) => {
      const answer = broker.ask(describeTopicPartitions, 0, {
        topics: names.map((name) => ({ name })),
        responsePartitionLimit,
        cursor: cursor && { topicName: cursor[0], partitionIndex: cursor[1] },
      })
      const rows = answer.topics.map(({ name, errorCode, partitions }) =>
        errorCode === 0 ? `${name} ${partitions.map((row) => row.partitionIndex)}` : `${name} !${errorCode}`,
      )
      const { nextCursor } = answer
      return [...rows, nextCursor ? `${nextCursor.topicName}-${nextCursor.partitionIndex}` : 'end']
    }
    return { ...broker, page }
  }

  test('sorted by name, a page at a time', async () => {
    const { page } = await setUpPages()
    expect(page([], 2000)).toEqual(['x 0,1,2', 'y 0', 'z 0,1', 'end'])
    expect(page([], 4)).toEqual(['x 0,1,2', 'y 0', 'z-0'])
    expect(page([], 5, ['x', 1])).toEqual(['x 1,2', 'y 0', 'z 0,1', 'end'])
    expect(page([], 4, ['wwww', 1])).toEqual(['x 0,1,2', 'y 0', 'z-0'])
    expect(page(['z', 'nope', 'x', 'x'], 4)).toEqual(['nope !3', 'x 0,1,2', 'z 0', 'z-1'])
    expect(page(['x', 'xx', 'y'], 3)).toEqual(['x 0,1,2', 'xx-0'])
    expect(page(['x', 'y'], 4)).toEqual(['x 0,1,2', 'y 0', 'end'])
    expect(page(['x'], -4)).toEqual(['x 0', 'x-1'])
    expect(page(['x', 'z'], 4, ['x', 9])).toEqual(['x ', 'z 0,1', 'end'])
    expect(page(['x', 'yy', 'z'], 4, ['yy', 0])).toEqual(['yy !3', 'z 0,1', 'end'])
    expect(page(['a/b'], 4)).toEqual(['a/b !17', 'end'])
  })

  test('a cursor that points nowhere refuses the whole request', async () => {
    const { page } = await setUpPages()
    expect(page(['x'], 4, ['x', -1])).toEqual(['x !42', 'end'])
    expect(page(['x', 'z'], 4, ['y', 0])).toEqual(['x !42', 'z !42', 'end'])
  })

  test('what is told of a partition', async () => {
    const { ask, image } = await setUpPages()
    const { topics } = ask(describeTopicPartitions, 0, {
      topics: [{ name: 'y' }],
      responsePartitionLimit: 1,
      cursor: null,
    })
    const place = {
      errorCode: 0,
      partitionIndex: 0,
      leaderId: 1,
      leaderEpoch: 0,
      replicaNodes: [1],
      isrNodes: [1],
    }
    expect(topics[0]).toEqual({
      errorCode: 0,
      name: 'y',
      topicId: image.topic('y')!.topicId,
      isInternal: false,
      partitions: [{ ...place, eligibleLeaderReplicas: [], lastKnownElr: [], offlineReplicas: [] }],
      topicAuthorizedOperations: 3576,
    })
  })
})

test('DescribeCluster: brokers and controller; only the brokers’ endpoints are here', async () => {
  const { ask } = await setUp()
  const describeIt = (rest: object) =>
    ask(describeCluster, 2, {
      includeClusterAuthorizedOperations: false,
      endpointType: 1,
      includeFencedBrokers: false,
      ...rest,
    })
  const broker = { brokerId: 1, host: 'localhost', port: 9092, rack: null, isFenced: false }
  expect(describeIt({ includeClusterAuthorizedOperations: true })).toEqual({
    throttleTimeMs: 0,
    errorCode: 0,
    errorMessage: null,
    endpointType: 1,
    clusterId: 'cluster',
    controllerId: 1,
    brokers: [broker],
    clusterAuthorizedOperations: 8096,
  })
  expect(describeIt({ includeFencedBrokers: true }).brokers).toEqual([broker])
  expect(describeIt({ endpointType: 2 })).toMatchObject({ errorCode: 114, brokers: [], controllerId: -1 })
  expect(describeIt({ endpointType: 9 }).errorCode).toBe(115)
})

test('DescribeLogDirs: sizes of what is there, without opening a log', async () => {
  const first = await setUp()
  first.createAll(7, [first.create('a', 2), first.create('b')])
  const { partitions } = first.harness
  append(partitions.get('a', 1)!, 'x')
  const size = partitions.get('a', 1)!.log.sizeInBytes
  const rows = ({ ask }: typeof first, topics: object[] | null) =>
    ask(describeLogDirs, 4, { topics }).results[0]!.topics.map(({ name, partitions: all }) => [
      name,
      ...all.map((row) => `${row.partitionIndex}: ${row.partitionSize}`),
    ])
  expect(rows(first, null)).toEqual([
    ['a', '0: 0', `1: ${size}`],
    ['b', '0: 0'],
  ])
  const asked = [
    { topic: 'a', partitions: [1, 1, 7] },
    { topic: 'none', partitions: [0] },
    { topic: 'b', partitions: [] },
  ]
  expect(rows(first, asked)).toEqual([['a', `1: ${size}`]])
  expect(rows(first, [])).toEqual([])

  await first.harness.stop()
  const second = await MetadataHarness.start({ files: first.harness.files })
  const broker = { partitions: second.partitions } as unknown as BrokerServices
  const answer = (describeLogDirs as AnyHandler).handle({ topics: null }, { broker } as RequestContext)
  expect(answer.results[0].topics[0].partitions[1].partitionSize).toBe(BigInt(size))
  expect(second.partitions.get('a', 1)!.openLog).toBeUndefined()
})

test('every answer can be written in every version', async () => {
  const { ask, create } = await setUp()
  const writer = new Writer()
  const everyVersion = <Request, Response>(
    handler: Handler<Request, Response>,
    requestOf: (version: number) => object,
  ) => {
    for (let version = handler.api.minVersion; version <= handler.api.maxVersion; version++) {
      writer.reset()
      handler.api.response.encode(writer, ask(handler, version, requestOf(version)), version)
      expect(writer.size).toBeGreaterThan(0)
    }
  }
  const timeoutMs = 1000
  const configs = [{ name: 'retention.ms', value: '1' }]
  const topics = (version: number) => [create(`t${version}`, 2, { configs }), create('bad name')]
  everyVersion(createTopics, (version) => ({ topics: topics(version), timeoutMs, validateOnly: false }))
  everyVersion(metadata, (version) => ({
    topics: named('t1', 'none'),
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: version >= 8 && version <= 10,
    includeTopicAuthorizedOperations: version >= 8,
  }))
  everyVersion(describeCluster, () => ({
    includeClusterAuthorizedOperations: true,
    endpointType: 1,
    includeFencedBrokers: false,
  }))
  const page = { topics: [{ name: 't1' }, { name: 'none' }], responsePartitionLimit: 9, cursor: null }
  everyVersion(describeTopicPartitions, () => page)
  everyVersion(describeLogDirs, () => ({ topics: null }))
  const more = (name: string, count: number) => ({ name, count, assignments: null })
  everyVersion(createPartitions, (version) => ({
    topics: [more('t1', version + 3), more('none', 1)],
    timeoutMs,
    validateOnly: false,
  }))
  everyVersion(deleteTopics, (version) => ({
    topics: named(`t${version}`, 'none'),
    topicNames: [`t${version}`, 'none'],
    timeoutMs,
  }))
})
