import { describe, expect, test } from 'vitest'
import { copyFiles } from '../log/test-support/storage.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import type { MetadataImage } from './metadata-image.ts'
import { METADATA_FOLDER, MetadataHarness, newTopic } from './test-support/metadata-harness.ts'

function snapshot(image: MetadataImage) {
  return {
    topics: [...image.topics.values()],
    features: [...image.features],
    nextProducerId: image.nextProducerId,
    configs: ['a', 'b'].map((name) => [...image.configs('topic', name)]),
    broker: [...image.configs('broker', '')],
  }
}

async function codeOf(action: () => unknown): Promise<number> {
  try {
    await action()
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
  return ErrorCode.NONE
}

describe('start', () => {
  test('a new directory gets the records of a new cluster, as Apache Kafka writes them', async () => {
    const harness = await MetadataHarness.start()
    expect(harness.written()).toEqual([
      ['leader 1'],
      [
        'BeginTransaction 0',
        ...Array.from({ length: 6 }, () => 'FeatureLevel 0'),
        'Config 0',
        'EndTransaction 0',
      ],
      ['RegisterController 0'],
      ['RegisterBroker 4'],
      ['BrokerRegistrationChange 3'],
      ['BrokerRegistrationChange 0'],
    ])
    const { image, directory } = harness
    expect(Object.fromEntries(image.features)).toEqual({
      'metadata.version': 30,
      'eligible.leader.replicas.version': 1,
      'group.version': 1,
      'share.version': 1,
      'streams.version': 1,
      'transaction.version': 2,
    })
    expect(image.controllerId).toBe(1)
    expect(image.lastAppliedEpoch).toBe(1)
    const broker = image.brokers.get(1)!
    expect(broker).toMatchObject({ isFenced: false, logDirs: [directory.directoryId], rack: null })
    // The epoch of a registration is the offset of its record.
    expect(broker.epoch).toBe(harness.batches[3]!.baseOffset)
    expect(Object.fromEntries(image.configs('broker', ''))).toEqual({ 'min.insync.replicas': '1' })
  })

  test('quorum-state is the line that Apache Kafka writes', async () => {
    const { files } = await MetadataHarness.start()
    expect(files.read(`${METADATA_FOLDER}/quorum-state`).toString()).toBe(
      '{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}',
    )
  })

  test('the next start replays what was there and begins a new epoch, without founding the cluster again', async () => {
    const first = await MetadataHarness.start()
    first.controller.createTopics([newTopic('a', { partitions: 3 }), newTopic('gone'), newTopic('b')])
    first.controller.alterConfigs('topic', 'a', new Map([['retention.ms', '5']]))
    first.controller.deleteTopics([first.image.topic('gone')!.topicId])
    first.controller.allocateProducerIds()
    await first.stop()

    const second = await MetadataHarness.start({ files: first.files })
    expect(snapshot(second.image)).toEqual(snapshot(first.image))
    expect(second.written(first.batches.length)).toEqual([
      ['leader 1'],
      ['RegisterController 0'],
      ['RegisterBroker 4'],
      ['BrokerRegistrationChange 3'],
      ['BrokerRegistrationChange 0'],
    ])
    expect(second.image.lastAppliedEpoch).toBe(2)
    expect(second.image.brokers.get(1)!.epoch).toBeGreaterThan(first.image.brokers.get(1)!.epoch)
  })

  test('after a crash every partition has a new leader epoch: clients find out what was lost', async () => {
    const first = await MetadataHarness.start()
    first.controller.createTopic(newTopic('a', { partitions: 2 }))
    const second = await MetadataHarness.start({ files: copyFiles(first.files) })
    expect(second.image.topic('a')!.partitions).toMatchObject([
      { leader: 1, leaderEpoch: 1, partitionEpoch: 1, isr: [1] },
      { leader: 1, leaderEpoch: 1, partitionEpoch: 1, isr: [1] },
    ])
  })

  test('the epoch goes on from quorum-state when the log says less', async () => {
    const first = await MetadataHarness.start()
    await first.stop()
    first.files.replace(`${METADATA_FOLDER}/quorum-state`, '{"leaderEpoch":41}')
    const second = await MetadataHarness.start({ files: first.files })
    expect(second.image.lastAppliedEpoch).toBe(42)
  })
})

describe('topics', () => {
  test('creating writes one batch and can be used at once', async () => {
    const { controller, image, batches, directory } = await MetadataHarness.start()
    const before = batches.length
    const outcomes = await controller.createTopics([
      newTopic('a', { partitions: 2, configs: new Map([['retention.ms', '1000']]) }),
      newTopic('b', { partitions: -1, replicationFactor: -1 }),
    ])
    expect(outcomes).toMatchObject([
      { name: 'a', result: { partitions: 2, replicationFactor: 1 } },
      { name: 'b', result: { partitions: 1, replicationFactor: 1 } },
    ])
    expect(batches.slice(before)).toHaveLength(1)
    const topic = image.topic('a')!
    expect(topic.partitions).toMatchObject([
      { partition: 0, leader: 1, replicas: [1], isr: [1], leaderEpoch: 0, partitionEpoch: 0 },
      { partition: 1, directories: [directory.directoryId] },
    ])
    expect(image.topicById(topic.topicId)).toBe(topic)
    expect(Object.fromEntries(image.configs('topic', 'a'))).toEqual({ 'retention.ms': '1000' })
  })

  test('one that is refused does not hold the others back', async () => {
    const { controller, image } = await MetadataHarness.start()
    controller.createTopic(newTopic('old'))
    controller.createTopic(newTopic('dotted.name'))
    const codes = async (topics: Parameters<typeof controller.createTopics>[0]) =>
      (await controller.createTopics(topics)).map(({ error }) => error?.code ?? 0)
    const at = (partitionIndex: number, ...brokerIds: number[]) => ({ partitionIndex, brokerIds })
    const assigned = (...assignments: ReturnType<typeof at>[]) =>
      newTopic('assigned', { partitions: -1, replicationFactor: -1, assignments })
    expect(
      await codes([
        newTopic('good'),
        newTopic('old'),
        newTopic('bad name'),
        newTopic('dotted_name'),
        newTopic('__cluster_metadata'),
        newTopic('rf-2', { replicationFactor: 2 }),
        newTopic('rf-0', { replicationFactor: 0 }),
        newTopic('partitions', { partitions: 0 }),
        newTopic('bad-config', { replicationFactor: 2, configs: new Map([['retention.ms', 'soon']]) }),
        newTopic('null-config', { configs: new Map([['retention.ms', null]]) }),
      ]),
    ).toEqual([
      ErrorCode.NONE,
      ErrorCode.TOPIC_ALREADY_EXISTS,
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      ErrorCode.INVALID_REQUEST,
      ErrorCode.INVALID_REPLICATION_FACTOR,
      ErrorCode.INVALID_REPLICATION_FACTOR,
      ErrorCode.INVALID_PARTITIONS,
      ErrorCode.INVALID_CONFIG,
      ErrorCode.INVALID_CONFIG,
    ])
    const bad = [
      assigned(at(0, 9)),
      assigned(at(0, 1, 1)),
      assigned(at(0)),
      assigned(at(1, 1)),
      assigned(at(0, 1), at(0, 1)),
    ]
    for (const topic of bad) expect(await codes([topic])).toEqual([ErrorCode.INVALID_REPLICA_ASSIGNMENT])
    expect(await codes([{ ...assigned(at(0, 1)), partitions: 1 }])).toEqual([ErrorCode.INVALID_REQUEST])
    expect([...image.topics.keys()]).toEqual(['old', 'dotted.name', 'good'])
  })

  test('an assignment of the client is followed', async () => {
    const { controller, image } = await MetadataHarness.start()
    const assignments = [1, 0].map((partitionIndex) => ({ partitionIndex, brokerIds: [1] }))
    const [outcome] = await controller.createTopics([
      newTopic('a', { partitions: -1, replicationFactor: -1, assignments }),
    ])
    expect(outcome).toMatchObject({ result: { partitions: 2, replicationFactor: 1 } })
    expect(image.topic('a')!.partitions).toHaveLength(2)
  })

  test('a rehearsal writes nothing', async () => {
    const { controller, image, batches } = await MetadataHarness.start()
    const before = batches.length
    expect(await controller.createTopics([newTopic('a')], { validateOnly: true })).toMatchObject([
      { result: { partitions: 1 } },
    ])
    expect(image.topic('a')).toBeUndefined()
    expect(batches).toHaveLength(before)
  })

  test('a name twice in one request is refused once, and the others are made', async () => {
    const { controller, image } = await MetadataHarness.start()
    const outcomes = await controller.createTopics([newTopic('a'), newTopic('b'), newTopic('a')])
    expect(outcomes).toMatchObject([
      { name: 'a', error: { code: ErrorCode.INVALID_REQUEST } },
      { name: 'b', result: {} },
    ])
    expect([...image.topics.keys()]).toEqual(['b'])
  })

  test('more than 10,000 partitions in one request are refused', async () => {
    const { controller } = await MetadataHarness.start()
    expect(await codeOf(() => controller.createTopics([newTopic('a', { partitions: 10_001 })]))).toBe(
      ErrorCode.POLICY_VIOLATION,
    )
    await controller.createTopics([newTopic('a', { partitions: 2 })])
    const grow = async (count: number) =>
      await codeOf(() =>
        controller.createPartitions([{ name: 'a', count, assignments: null }], { validateOnly: true }),
      )
    expect(await grow(10_002)).toBe(ErrorCode.NONE)
    expect(await grow(10_003)).toBe(ErrorCode.POLICY_VIOLATION)
  })

  test('a topic that is created again has another id, and none of the old settings', async () => {
    const { controller, image } = await MetadataHarness.start()
    controller.createTopic(newTopic('a.b', { configs: new Map([['retention.ms', '5']]) }))
    const { topicId } = image.topic('a.b')!
    controller.deleteTopics([topicId])
    expect(image.topic('a.b')).toBeUndefined()
    expect(image.topicById(topicId)).toBeUndefined()
    controller.createTopic(newTopic('a_b'))
    controller.deleteTopics([image.topic('a_b')!.topicId])
    controller.createTopic(newTopic('a.b'))
    expect(image.topic('a.b')!.topicId).not.toBe(topicId)
    expect(image.configs('topic', 'a.b').size).toBe(0)
  })

  test('more partitions', async () => {
    const { controller, image } = await MetadataHarness.start()
    controller.createTopic(newTopic('a'))
    const grow = async (name: string, count: number, assignments: number[][] | null = null) =>
      (await controller.createPartitions([{ name, count, assignments }]))[0]!.error?.code ?? 0
    expect(await grow('none', 2)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await grow('a', 1)).toBe(ErrorCode.INVALID_PARTITIONS)
    expect(await grow('a', 0)).toBe(ErrorCode.INVALID_PARTITIONS)
    expect(await grow('a', 3, [[1]])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(await grow('a', 2, [[9]])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(await grow('a', 2, [[1]])).toBe(ErrorCode.NONE)
    expect(await grow('a', 4)).toBe(ErrorCode.NONE)
    expect(image.topic('a')!.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3])
  })

  test('the broker’s own topics get as many copies as there are brokers, and Kafka’s settings', async () => {
    const { controller, image, batches } = await MetadataHarness.start({
      properties: { 'offsets.topic.num.partitions': '3', 'transaction.state.log.num.partitions': '2' },
    })
    controller.ensureInternalTopic('__consumer_offsets')
    controller.autoCreateTopic('__transaction_state')
    const count = batches.length
    controller.ensureInternalTopic('__consumer_offsets')
    expect(batches).toHaveLength(count)
    expect(image.topic('__consumer_offsets')!.partitions).toHaveLength(3)
    expect(Object.fromEntries(image.configs('topic', '__consumer_offsets'))).toEqual({
      'compression.type': 'producer',
      'cleanup.policy': 'compact',
      'segment.bytes': '104857600',
    })
    expect(image.topic('__transaction_state')!.partitions).toMatchObject([{ replicas: [1] }, { isr: [1] }])
    expect(Object.fromEntries(image.configs('topic', '__transaction_state'))).toEqual({
      'compression.type': 'uncompressed',
      'cleanup.policy': 'compact',
      'min.insync.replicas': '1',
      'segment.bytes': '104857600',
      'unclean.leader.election.enable': 'false',
    })
    expect(await codeOf(() => controller.ensureInternalTopic('orders'))).toBe(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
    )
  })
})

test('settings: only what changes is written; null takes one back', async () => {
  const { controller, image, batches } = await MetadataHarness.start()
  controller.alterConfigs('broker', '1', new Map([['log.retention.ms', '7']]))
  const count = batches.length
  controller.alterConfigs(
    'broker',
    '1',
    new Map<string, string | null>([
      ['log.retention.ms', '7'],
      ['log.segment.bytes', null],
    ]),
  )
  expect(batches).toHaveLength(count)
  controller.alterConfigs('broker', '1', new Map([['log.retention.ms', null]]))
  expect(image.configs('broker', '1').size).toBe(0)
})

test('producer ids come in blocks that never repeat, restarts included', async () => {
  const first = await MetadataHarness.start()
  expect(await first.controller.allocateProducerIds()).toEqual({ firstProducerId: 0n, count: 1000 })
  expect(await first.controller.allocateProducerIds()).toEqual({ firstProducerId: 1000n, count: 1000 })
  const second = await MetadataHarness.start({ files: copyFiles(first.files) })
  expect(await second.controller.allocateProducerIds()).toEqual({ firstProducerId: 2000n, count: 1000 })
})

test('3,000 topics of three partitions in one request are one batch', async () => {
  const { controller, image, batches } = await MetadataHarness.start()
  const before = batches.length
  const topics = Array.from({ length: 3000 }, (_, i) => newTopic(`topic_${i}`, { partitions: 3 }))
  await controller.createTopics(topics)
  expect(batches).toHaveLength(before + 1)
  expect(image.topics.size).toBe(3000)
})
