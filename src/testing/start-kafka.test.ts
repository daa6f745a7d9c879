import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startKafka } from './start-kafka.ts'

describe('startKafka', () => {
  test('topics, records and stop', async () => {
    const kafka = await startKafka({ topics: { orders: 3 } })
    try {
      expect(kafka.bootstrapServers).toMatch(/^127\.0\.0\.1:\d+$/)
      expect(kafka.brokers).toEqual([kafka.bootstrapServers])
      const produced = await kafka.produce('orders', [
        { key: 'a', value: { total: 42 }, headers: { source: 'shop' }, timestamp: 1_700_000_000_000 },
        { key: 'a', value: null },
      ])
      // Where Kafka's own producer puts the key `a` with three partitions.
      expect(produced).toEqual([
        { partition: produced[0]!.partition, offset: 0n },
        { partition: produced[0]!.partition, offset: 1n },
      ])
      const [first, second] = await kafka.records('orders', { count: 2 })
      expect(first).toMatchObject({ topic: 'orders', offset: 0n, timestamp: 1_700_000_000_000 })
      expect(first!.json()).toEqual({ total: 42 })
      expect(first!.headers).toEqual([{ key: 'source', value: Buffer.from('shop') }])
      expect(second!.value).toBeNull()
    } finally {
      await kafka.stop()
      await kafka.stop()
    }
  })

  test('records wait for what comes later, also for a topic that is not there yet', async () => {
    await using kafka = await startKafka()
    const waiting = kafka.records('later', { count: 2 })
    await kafka.produce('later', { value: 'one' })
    await kafka.produce('later', { value: 'two' })
    expect((await waiting).map((record) => record.text())).toEqual(['one', 'two'])
  })

  test('records that do not come: the error says what there was', async () => {
    await using kafka = await startKafka({ topics: { few: 2 } })
    await kafka.produce('few', { value: 'one', partition: 1 })
    await expect(kafka.records('few', { count: 3, timeoutMs: 1 })).rejects.toThrow(
      'waited 1 ms for 3 records in few: partition 0 has 0, partition 1 has 1',
    )
    await expect(kafka.records('none', { timeoutMs: 1 })).rejects.toThrow('there is no such topic')
  })

  test('a broker that stops ends the wait', async () => {
    const kafka = await startKafka()
    const waiting = kafka.records('never')
    const ended = expect(waiting).rejects.toThrow('the broker was stopped')
    await kafka.stop()
    await ended
  })

  test('a broker that was stopped takes and gives nothing', async () => {
    const kafka = await startKafka({ topics: ['t'] })
    await kafka.produce('t', { value: 'one' })
    await kafka.stop()
    await expect(kafka.records('t')).rejects.toThrow('the broker was stopped')
    await expect(kafka.records('other')).rejects.toThrow('the broker was stopped')
    await expect(kafka.produce('t', { value: 'two' })).rejects.toThrow('the broker was stopped')
    await expect(kafka.createTopic('other')).rejects.toThrow('the broker was stopped')
  })

  test('mistakes that only JavaScript lets pass are told', async () => {
    const topics = { t: { partitions: 3 } } as unknown as Record<string, number>
    await expect(startKafka({ topics })).rejects.toThrow('topics: t needs a number of partitions')
    await using kafka = await startKafka()
    const key = 5 as unknown as string
    await expect(kafka.produce('t', { key, value: 'x' })).rejects.toThrow('strings or Buffers, not number')
  })

  test('with a data folder everything is there again', async () => {
    const data = await mkdtemp(join(tmpdir(), 'odradek-start-'))
    try {
      const first = await startKafka({ data, topics: ['kept'] })
      await first.produce('kept', { value: 'one' })
      await first.stop()
      await using second = await startKafka({ data, topics: ['kept'] })
      await second.produce('kept', { value: 'two' })
      expect((await second.records('kept', { count: 2 })).map((record) => record.text())).toEqual([
        'one',
        'two',
      ])
    } finally {
      await rm(data, { recursive: true })
    }
  })

  test('time moves when a test says so: records get too old, the last one of a key stays', async () => {
    await using kafka = await startKafka()
    const small = { 'segment.ms': 1000, 'min.cleanable.dirty.ratio': 0 }
    await kafka.createTopic('events', { configs: { 'retention.ms': 3_600_000 } })
    await kafka.createTopic('state', { configs: { ...small, 'cleanup.policy': 'compact' } })
    await kafka.produce('events', { value: 'old' })
    await kafka.produce('state', { key: 'a', value: 'first' })
    await kafka.advanceTime(3_599_000)
    await kafka.produce('events', { value: 'young' })
    await kafka.produce('state', { key: 'a', value: 'second' })
    await kafka.advanceTime(2000)
    await kafka.produce('state', { key: 'b', value: 'other' })
    await kafka.advanceTime(0)
    const states = await kafka.records('state', { count: 2 })
    expect(states.map((record) => [record.offset, record.text()])).toEqual([
      [1n, 'second'],
      [2n, 'other'],
    ])
    await kafka.advanceTime(3_600_000)
    await kafka.produce('events', { value: 'new' })
    expect((await kafka.records('events')).map((record) => record.text())).toEqual(['new'])
    await expect(kafka.advanceTime(-1)).rejects.toThrow('time goes forward: -1 ms')
  })

  test('several brokers in one process know nothing of each other', async () => {
    await using one = await startKafka({ topics: ['t'] })
    await using other = await startKafka({ topics: ['t'] })
    expect(one.bootstrapServers).not.toBe(other.bootstrapServers)
    await one.produce('t', { value: 'mine' })
    await other.produce('t', { value: 'yours' })
    expect((await one.records('t')).map((record) => record.text())).toEqual(['mine'])
  })

  test('bad settings and topics are refused, and nothing stays open', async () => {
    await expect(startKafka({ properties: { 'num.partitions': 'many' } })).rejects.toThrow(/num\.partitions/)
    await expect(startKafka({ topics: { 'no spaces': 1 } })).rejects.toThrow()
    await using kafka = await startKafka({ topics: ['t'] })
    await expect(kafka.createTopic('t')).rejects.toThrow(/already exists/)
    await expect(kafka.produce('t', { value: 'x', partition: 7 })).rejects.toThrow(
      'topic t has no partition 7',
    )
  })
})
