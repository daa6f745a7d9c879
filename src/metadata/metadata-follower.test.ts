import { expect, test } from 'vitest'
import { append, copyFiles, readAll, values } from '../log/test-support/storage.ts'
import { MetadataHarness, newTopic } from './test-support/metadata-harness.ts'

test('partitions come and go with their topics', async () => {
  const { controller, image, partitions, deletedTopics } = await MetadataHarness.start()
  controller.createTopic(newTopic('a', { partitions: 2 }))
  const old = partitions.get('a', 1)!
  append(old, 'x')
  controller.createPartitions([{ name: 'a', count: 3, assignments: null }])
  expect(partitions.ofTopic('a').map(({ partition }) => partition)).toEqual([0, 1, 2])
  expect(partitions.get('a', 1)).toBe(old)

  controller.deleteTopics([image.topic('a')!.topicId])
  expect(partitions.get('a', 1)).toBeUndefined()
  expect(deletedTopics).toEqual(['a'])
  controller.createTopic(newTopic('a', { partitions: 2 }))
  expect(await readAll(partitions.get('a', 1)!)).toEqual([])
})

test('settings hold at once: of the topic, of this broker, of all brokers', async () => {
  const { controller, partitions, config } = await MetadataHarness.start()
  controller.createTopics([newTopic('a', { configs: new Map([['retention.ms', '5']]) }), newTopic('b')])
  const retention = () => ['a', 'b'].map((name) => partitions.get(name, 0)!.config['retention.ms'])
  expect(retention()).toEqual([5, 604_800_000])
  controller.alterConfigs('broker', '', new Map([['log.retention.ms', '70']]))
  expect(retention()).toEqual([5, 70])
  controller.alterConfigs('broker', '1', new Map([['log.retention.ms', '80']]))
  expect(config.get('log.retention.ms')).toBe(80)
  controller.alterConfigs('topic', 'b', new Map([['retention.ms', '6']]))
  controller.alterConfigs('topic', 'a', new Map([['retention.ms', null]]))
  expect(retention()).toEqual([80, 6])
})

test('after a restart only what is left is taken up, with its records and settings', async () => {
  const first = await MetadataHarness.start()
  first.controller.createTopics([
    newTopic('gone'),
    newTopic('a', { configs: new Map([['retention.ms', '5']]) }),
  ])
  append(first.partitions.get('a', 0)!, 'x', 'y')
  first.controller.deleteTopics([first.image.topic('gone')!.topicId])
  await first.stop()

  const second = await MetadataHarness.start({ files: first.files })
  expect(second.deletedTopics).toEqual([])
  expect(Array.from(second.partitions.all(), ({ topic }) => topic)).toEqual(['a'])
  const partition = second.partitions.get('a', 0)!
  expect(partition.config['retention.ms']).toBe(5)
  expect(values(await readAll(partition))).toEqual(['x', 'y'])
})

test('after a crash records are written in a new leader epoch', async () => {
  const first = await MetadataHarness.start()
  first.controller.createTopic(newTopic('a'))
  append(first.partitions.get('a', 0)!, 'x')
  const second = await MetadataHarness.start({ files: copyFiles(first.files) })
  const partition = second.partitions.get('a', 0)!
  expect(partition.leaderEpoch).toBe(1)
  append(partition, 'y')
  expect(partition.log.endOffsetForEpoch(0)).toEqual({ leaderEpoch: 0, endOffset: 1n })
  expect(partition.log.endOffsetForEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 2n })
})
