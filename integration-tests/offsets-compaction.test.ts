import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { startKafka } from '../src/testing/start-kafka.ts'

const OFFSETS = '__consumer_offsets'

test('the offsets of groups are compacted: the last commit of each counts, before and after a restart', async () => {
  const data = mkdtempSync(join(tmpdir(), 'odradek-offsets-'))
  const properties = { 'offsets.topic.num.partitions': 1, 'log.cleaner.min.cleanable.ratio': 0 }
  const open = () => startKafka({ data, properties, topics: { orders: 3, idle: 1 } })
  const size = () =>
    readdirSync(join(data, `${OFFSETS}-0`))
      .filter((name) => name.endsWith('.log'))
      .reduce((sum, name) => sum + statSync(join(data, `${OFFSETS}-0`, name)).size, 0)
  const fetch = async (brokers: string[]) => {
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const [orders] = await admin.fetchOffsets({ groupId: 'g', topics: ['orders'] })
    await admin.disconnect()
    return orders!.partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)
  }
  try {
    const first = await open()
    const client = new Kafka({ brokers: first.brokers, logLevel: logLevel.NOTHING })
    const consumer = client.consumer({ groupId: 'g', maxWaitTimeInMs: 100 })
    const hasJoined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
    await consumer.subscribe({ topic: 'idle' })
    await consumer.run({ autoCommit: false, eachMessage: async () => {} })
    await hasJoined
    const commit = (offset: number) =>
      consumer.commitOffsets(
        [0, 1, 2].map((partition) => ({ topic: 'orders', partition, offset: `${offset + partition}` })),
      )
    await commit(1)
    const admin = client.admin()
    await admin.connect()
    const entries = [
      { name: 'internal.segment.bytes', value: '1000' },
      { name: 'cleanup.policy', value: 'compact' },
    ]
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: OFFSETS, configEntries: entries }],
    })
    await admin.disconnect()
    for (let offset = 2; offset <= 40; offset++) await commit(offset)
    await consumer.disconnect()
    const before = size()
    await first.advanceTime(60_000)
    expect(size()).toBeLessThan(before / 3)
    expect(await fetch(first.brokers)).toEqual(['40', '41', '42'])
    await first.stop()
    await using second = await open()
    expect(await fetch(second.brokers)).toEqual(['40', '41', '42'])
  } finally {
    rmSync(data, { recursive: true })
  }
})
