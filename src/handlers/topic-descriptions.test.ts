import { describe, expect, test } from 'vitest'
import { append } from '../log/test-support/storage.ts'
import { MetadataHarness } from '../metadata/test-support/metadata-harness.ts'
import { describeCluster } from './describe-cluster.ts'
import { describeLogDirs } from './describe-log-dirs.ts'
import { describeTopicPartitions } from './describe-topic-partitions.ts'
import type { AnyHandler, BrokerServices, RequestContext } from './handler.ts'
import { topicsBroker } from './test-support/topics-broker.ts'

describe('DescribeTopicPartitions', () => {
  async function setUpPages() {
    const broker = await topicsBroker()
    broker.createAll(7, [broker.create('z', 2), broker.create('x', 3), broker.create('y')])
    const page = async (
      names: string[],
      responsePartitionLimit: number,
      cursor: [string, number] | null = null,
    ) => {
      const answer = await broker.ask(describeTopicPartitions, 0, {
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
    expect(await page([], 2000)).toEqual(['x 0,1,2', 'y 0', 'z 0,1', 'end'])
    expect(await page([], 4)).toEqual(['x 0,1,2', 'y 0', 'z-0'])
    expect(await page([], 5, ['x', 1])).toEqual(['x 1,2', 'y 0', 'z 0,1', 'end'])
    expect(await page([], 4, ['wwww', 1])).toEqual(['x 0,1,2', 'y 0', 'z-0'])
    expect(await page(['z', 'nope', 'x', 'x'], 4)).toEqual(['nope !3', 'x 0,1,2', 'z 0', 'z-1'])
    expect(await page(['x', 'xx', 'y'], 3)).toEqual(['x 0,1,2', 'xx-0'])
    expect(await page(['x', 'y'], 4)).toEqual(['x 0,1,2', 'y 0', 'end'])
    expect(await page(['x'], -4)).toEqual(['x 0', 'x-1'])
    expect(await page(['x', 'z'], 4, ['x', 9])).toEqual(['x ', 'z 0,1', 'end'])
    expect(await page(['x', 'yy', 'z'], 4, ['yy', 0])).toEqual(['yy !3', 'z 0,1', 'end'])
    expect(await page(['a/b'], 4)).toEqual(['a/b !17', 'end'])
  })

  test('a cursor that points nowhere refuses the whole request', async () => {
    const { page } = await setUpPages()
    expect(await page(['x'], 4, ['x', -1])).toEqual(['x !42', 'end'])
    expect(await page(['x', 'z'], 4, ['y', 0])).toEqual(['x !42', 'z !42', 'end'])
  })

  test('what is told of a partition', async () => {
    const { ask, image } = await setUpPages()
    const { topics } = await ask(describeTopicPartitions, 0, {
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
  const { ask } = await topicsBroker()
  const describeIt = async (rest: object) =>
    await ask(describeCluster, 2, {
      includeClusterAuthorizedOperations: false,
      endpointType: 1,
      includeFencedBrokers: false,
      ...rest,
    })
  const broker = { brokerId: 1, host: 'localhost', port: 9092, rack: null, isFenced: false }
  expect(await describeIt({ includeClusterAuthorizedOperations: true })).toEqual({
    throttleTimeMs: 0,
    errorCode: 0,
    errorMessage: null,
    endpointType: 1,
    clusterId: 'cluster',
    controllerId: 1,
    brokers: [broker],
    clusterAuthorizedOperations: 8096,
  })
  expect((await describeIt({ includeFencedBrokers: true })).brokers).toEqual([broker])
  expect(await describeIt({ endpointType: 2 })).toMatchObject({
    errorCode: 114,
    brokers: [],
    controllerId: -1,
  })
  expect((await describeIt({ endpointType: 9 })).errorCode).toBe(115)
})

test('DescribeLogDirs: sizes of what is there, without opening a log', async () => {
  const first = await topicsBroker()
  await first.createAll(7, [first.create('a', 2), first.create('b')])
  const { partitions } = first.harness
  append(partitions.get('a', 1)!, 'x')
  const size = partitions.get('a', 1)!.log.sizeInBytes
  const rows = async ({ ask }: typeof first, topics: object[] | null) =>
    (await ask(describeLogDirs, 4, { topics })).results[0]!.topics.map(({ name, partitions: all }) => [
      name,
      ...all.map((row) => `${row.partitionIndex}: ${row.partitionSize}`),
    ])
  expect(await rows(first, null)).toEqual([
    ['a', '0: 0', `1: ${size}`],
    ['b', '0: 0'],
  ])
  const asked = [
    { topic: 'a', partitions: [1, 1, 7] },
    { topic: 'none', partitions: [0] },
    { topic: 'b', partitions: [] },
  ]
  expect(await rows(first, asked)).toEqual([['a', `1: ${size}`]])
  expect(await rows(first, [])).toEqual([])

  await first.harness.stop()
  const second = await MetadataHarness.start({ files: first.harness.files })
  const broker = { partitions: second.partitions } as unknown as BrokerServices
  const answer = (describeLogDirs as AnyHandler).handle({ topics: null }, { broker } as RequestContext)
  expect(answer.results[0].topics[0].partitions[1].partitionSize).toBe(BigInt(size))
  expect(second.partitions.get('a', 1)!.openLog).toBeUndefined()
})
