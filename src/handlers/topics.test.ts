import { describe, expect, test } from 'vitest'
import { ZERO_UUID } from '../protocol/api.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { Writer } from '../protocol/writer.ts'
import { createPartitions } from './create-partitions.ts'
import { createTopics } from './create-topics.ts'
import { deleteTopics } from './delete-topics.ts'
import { describeCluster } from './describe-cluster.ts'
import { describeLogDirs } from './describe-log-dirs.ts'
import { describeTopicPartitions } from './describe-topic-partitions.ts'
import type { Handler } from './handler.ts'
import { metadata } from './metadata.ts'
import { topicsBroker } from './test-support/topics-broker.ts'

const STRANGE_ID = 'AAAAAAAAAAAAAAAAAAAnaQ'
const NOT_ASKED = -2147483648
const named = (...names: string[]) => names.map((name) => ({ name, topicId: ZERO_UUID }))
const byId = (...ids: string[]) => ids.map((topicId) => ({ name: null, topicId }))
const codes = (rows: readonly { readonly name?: string | null; readonly errorCode: number }[]) =>
  rows.map(({ name, errorCode }) => [name, errorCode])

describe('Metadata', () => {
  test('a topic with its leaders, and the brokers with the address of the listener', async () => {
    const { createAll, create, askMetadata, image } = await topicsBroker()
    await createAll(7, [create('t', 2)])
    const answer = await askMetadata(12, { topics: named('t') })
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
    const { createAll, create, askMetadata } = await topicsBroker()
    await createAll(7, [create('a'), create('b')])
    expect((await askMetadata(0, {})).topics).toHaveLength(2)
    expect((await askMetadata(1, {})).topics).toHaveLength(0)
    expect((await askMetadata(1, { topics: null })).topics).toHaveLength(2)
  })

  test('an unknown topic is created when both sides allow it, and can be used at once', async () => {
    const { askMetadata, image } = await topicsBroker({ 'num.partitions': '2' })
    const ask = async (allowAutoTopicCreation: boolean) =>
      (await askMetadata(9, { topics: named('new', 'new', 'bad name'), allowAutoTopicCreation })).topics
    expect(codes(await ask(false))).toEqual([
      ['new', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ['bad name', ErrorCode.INVALID_TOPIC_EXCEPTION],
    ])
    expect(image.topics.size).toBe(0)
    const partitions = [{ leaderId: 1 }, { leaderId: 1 }]
    expect((await ask(true))[0]).toMatchObject({ errorCode: 0, partitions })
    expect([...image.topics.keys()]).toEqual(['new'])
  })

  test('nothing is created when the broker does not allow it, or cannot', async () => {
    const off = await topicsBroker({ 'auto.create.topics.enable': 'false' })
    const ask = async ({ askMetadata }: typeof off, name: string) =>
      codes((await askMetadata(9, { topics: named(name), allowAutoTopicCreation: true })).topics)
    expect(await ask(off, 'new')).toEqual([['new', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]])
    const on = await topicsBroker()
    on.createAll(7, [on.create('a.b')])
    expect(await ask(on, 'a_b')).toEqual([['a_b', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]])
  })

  test('the broker’s own topics are marked, and made with their own settings', async () => {
    const { askMetadata, image } = await topicsBroker({ 'offsets.topic.num.partitions': '3' })
    const request = { topics: named('__consumer_offsets'), allowAutoTopicCreation: true }
    const [row] = (await askMetadata(9, request)).topics
    expect(row).toMatchObject({ isInternal: true, errorCode: 0 })
    expect(row!.partitions).toHaveLength(3)
    expect(image.configs('topic', '__consumer_offsets').get('cleanup.policy')).toBe('compact')
  })

  test('by id: an unknown one has its own error, names beside ids are not looked at', async () => {
    const { createAll, create, askMetadata, image } = await topicsBroker()
    await createAll(7, [create('t')])
    const id = image.topic('t')!.topicId
    const { topics } = await askMetadata(12, { topics: [...byId(id, STRANGE_ID), ...named('other')] })
    expect(topics).toMatchObject([
      { name: 't', topicId: id, errorCode: 0 },
      { name: null, topicId: STRANGE_ID, errorCode: ErrorCode.UNKNOWN_TOPIC_ID, partitions: [] },
    ])
  })

  test('ids before version 12, and neither name nor id, refuse the whole request', async () => {
    const { askMetadata } = await topicsBroker()
    const refused = {
      brokers: [],
      clusterId: null,
      controllerId: -1,
      topics: [{ errorCode: 42 }, { errorCode: 42 }],
    }
    expect(await askMetadata(11, { topics: [...byId(STRANGE_ID), ...named('t')] })).toMatchObject(refused)
    expect(await askMetadata(12, { topics: [...byId(ZERO_UUID), ...named('t')] })).toMatchObject(refused)
  })

  test('authorized operations when asked: all of them', async () => {
    const { createAll, create, askMetadata } = await topicsBroker()
    await createAll(7, [create('t')])
    const answer = await askMetadata(8, {
      topics: named('t', 'none'),
      includeClusterAuthorizedOperations: true,
      includeTopicAuthorizedOperations: true,
    })
    expect(answer.clusterAuthorizedOperations).toBe(8096)
    expect(answer.topics.map((row) => row.topicAuthorizedOperations)).toEqual([3576, 3576])
  })

  test('a leader without an address on the listener has an error of its own from version 6 on', async () => {
    const { createAll, create, askMetadata } = await topicsBroker({}, false)
    await createAll(7, [create('t')])
    const place = async (version: number) =>
      (await askMetadata(version, { topics: named('t') })).topics[0]!.partitions[0]
    expect(await place(5)).toMatchObject({ errorCode: ErrorCode.LEADER_NOT_AVAILABLE, leaderId: -1 })
    expect(await place(6)).toMatchObject({ errorCode: ErrorCode.LISTENER_NOT_FOUND, offlineReplicas: [1] })
  })
})

describe('CreateTopics', () => {
  test('describes what was made from version 5 on', async () => {
    const { createAll, create, image } = await topicsBroker()
    const configs = [{ name: 'retention.ms', value: '1000' }]
    const [row] = await createAll(7, [create('t', 3, { configs })])
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
    expect((await createAll(4, [create('u')]))[0]).toMatchObject({ errorCode: 0, configs: [] })
  })

  test('refused topics say why, and keep nobody back', async () => {
    const { createAll, create } = await topicsBroker()
    const rows = await createAll(7, [create('a'), create('b', 0), create('c'), create('c')])
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
    const { createAll, create, image } = await topicsBroker()
    const big = [create('a', 10_001), create('b')]
    expect(codes(await createAll(7, big))).toEqual([
      ['a', ErrorCode.POLICY_VIOLATION],
      ['b', ErrorCode.POLICY_VIOLATION],
    ])
    const late = await createAll(7, [create('b')], { timeoutMs: 0 })
    expect(codes(late)).toEqual([['b', ErrorCode.REQUEST_TIMED_OUT]])
    expect(late[0]!.errorMessage).toBeNull()
    expect(image.topics.size).toBe(0)
  })
})

describe('DeleteTopics', () => {
  const remove = async (
    { ask }: Awaited<ReturnType<typeof topicsBroker>>,
    apiVersion: number,
    request: object,
  ) =>
    (await ask(deleteTopics, apiVersion, { topics: [], topicNames: [], timeoutMs: 9, ...request })).responses

  test('by name and by id; what is unknown has the error of how it was named', async () => {
    const broker = await topicsBroker()
    const { createAll, create, image } = broker
    await createAll(7, [create('a'), create('b'), create('c')])
    const id = image.topic('b')!.topicId
    const topics = [...named('a', 'none'), ...byId(id, STRANGE_ID)]
    const rows = await remove(broker, 6, { topics })
    expect(new Set(codes(rows).map(String))).toEqual(
      new Set([
        'a,0',
        'b,0',
        `none,${ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}`,
        `,${ErrorCode.UNKNOWN_TOPIC_ID}`,
      ]),
    )
    expect([...image.topics.keys()]).toEqual(['c'])
    expect(codes(await remove(broker, 1, { topicNames: ['c'] }))).toEqual([['c', 0]])
  })

  test('a topic that is named twice, both ways or not at all is left alone', async () => {
    const broker = await topicsBroker()
    const { createAll, create, image } = broker
    await createAll(7, [create('a'), create('b'), create('c')])
    const id = (name: string) => image.topic(name)!.topicId
    const topics = [
      ...named('a', 'a', 'b'),
      ...byId(id('b'), id('c'), id('c'), ZERO_UUID),
      { name: 'c', topicId: STRANGE_ID },
    ]
    const rows = await remove(broker, 6, { topics })
    expect(rows).toHaveLength(5)
    expect(new Set(rows.map(({ errorCode }) => errorCode))).toEqual(new Set([ErrorCode.INVALID_REQUEST]))
    expect(rows).toContainEqual(expect.objectContaining({ name: 'b', topicId: id('b') }))
    expect(image.topics.size).toBe(3)
  })

  test('turned off: 73 from version 3 on, 42 before', async () => {
    const broker = await topicsBroker({ 'delete.topic.enable': 'false' })
    broker.createAll(7, [broker.create('a')])
    const code = async (apiVersion: number) =>
      (await remove(broker, apiVersion, { topicNames: ['a'] }))[0]!.errorCode
    expect(await code(2)).toBe(ErrorCode.INVALID_REQUEST)
    expect(await code(3)).toBe(ErrorCode.TOPIC_DELETION_DISABLED)
    expect(broker.image.topics.size).toBe(1)
  })

  test('without time nothing is deleted', async () => {
    const broker = await topicsBroker()
    broker.createAll(7, [broker.create('a')])
    expect(codes(await remove(broker, 4, { topicNames: ['a'], timeoutMs: 0 }))).toEqual([['a', 7]])
    expect(broker.image.topics.size).toBe(1)
  })
})

describe('CreatePartitions', () => {
  test('adds partitions, or says why not', async () => {
    const { ask, createAll, create, image } = await topicsBroker()
    await createAll(7, [create('a'), create('b', 2), create('c')])
    const grow = async (topics: object[], rest: object = {}) =>
      codes((await ask(createPartitions, 3, { topics, timeoutMs: 9, validateOnly: false, ...rest })).results)
    const to = (name: string, count: number, ...brokers: number[]) => ({
      name,
      count,
      assignments: brokers.length > 0 ? brokers.map((id) => ({ brokerIds: [id] })) : null,
    })
    expect(await grow([to('a', 3, 1, 1), to('b', 2), to('none', 2), to('c', 2), to('c', 3)])).toEqual([
      ['c', ErrorCode.INVALID_REQUEST],
      ['a', ErrorCode.NONE],
      ['b', ErrorCode.INVALID_PARTITIONS],
      ['none', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ])
    expect(image.topic('a')!.partitions).toHaveLength(3)
    expect(await grow([to('c', 2)], { validateOnly: true })).toEqual([['c', 0]])
    expect(await grow([to('c', 2)], { timeoutMs: 0 })).toEqual([['c', ErrorCode.REQUEST_TIMED_OUT]])
    expect(await grow([to('c', 10_002)])).toEqual([['c', ErrorCode.POLICY_VIOLATION]])
    expect(image.topic('c')!.partitions).toHaveLength(1)
  })
})
test('every answer can be written in every version', async () => {
  const { ask, create } = await topicsBroker()
  const writer = new Writer()
  const everyVersion = async <Request, Response>(
    handler: Handler<Request, Response>,
    requestOf: (version: number) => object,
  ) => {
    for (let version = handler.api.minVersion; version <= handler.api.maxVersion; version++) {
      writer.reset()
      handler.api.response.encode(writer, await ask(handler, version, requestOf(version)), version)
      expect(writer.size).toBeGreaterThan(0)
    }
  }
  const timeoutMs = 1000
  const configs = [{ name: 'retention.ms', value: '1' }]
  const topics = (version: number) => [create(`t${version}`, 2, { configs }), create('bad name')]
  await everyVersion(createTopics, (version) => ({ topics: topics(version), timeoutMs, validateOnly: false }))
  await everyVersion(metadata, (version) => ({
    topics: named('t1', 'none'),
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: version >= 8 && version <= 10,
    includeTopicAuthorizedOperations: version >= 8,
  }))
  await everyVersion(describeCluster, () => ({
    includeClusterAuthorizedOperations: true,
    endpointType: 1,
    includeFencedBrokers: false,
  }))
  const page = { topics: [{ name: 't1' }, { name: 'none' }], responsePartitionLimit: 9, cursor: null }
  await everyVersion(describeTopicPartitions, () => page)
  await everyVersion(describeLogDirs, () => ({ topics: null }))
  const more = (name: string, count: number) => ({ name, count, assignments: null })
  await everyVersion(createPartitions, (version) => ({
    topics: [more('t1', version + 3), more('none', 1)],
    timeoutMs,
    validateOnly: false,
  }))
  await everyVersion(deleteTopics, (version) => ({
    topics: named(`t${version}`, 'none'),
    topicNames: [`t${version}`, 'none'],
    timeoutMs,
  }))
})
