import { expect, test } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import {
  brokerEntries,
  type ConfigEntry,
  clusterEntries,
  groupEntries,
  topicEntries,
} from './config-entries.ts'

const broker = (properties: Record<string, string> = {}) =>
  BrokerConfig.fromProperties(new Map(Object.entries(properties)))
const find = (entries: readonly ConfigEntry[], name: string) => entries.find((each) => each.name === name)

test('a topic has 33 settings', () => {
  const entries = topicEntries(new Map(), broker())
  expect(entries).toHaveLength(33)
  expect(
    entries.every(({ source, isReadOnly, isSensitive }) => source === 5 && !isReadOnly && !isSensitive),
  ).toBe(true)
})

test('a setting of a topic: value, source, synonyms in precedence', () => {
  const of = broker({ 'log.cleanup.policy': 'compact' })
  of.setDynamic(new Map([['log.retention.ms', '5']]), new Map([['log.retention.ms', '6']]))
  const entries = topicEntries(new Map([['cleanup.policy', ' delete , compact ']]), of)
  expect(find(entries, 'cleanup.policy')).toMatchObject({
    value: 'delete,compact',
    source: 1,
    type: 7,
    synonyms: [
      { name: 'cleanup.policy', value: 'delete,compact', source: 1 },
      { name: 'log.cleanup.policy', value: 'compact', source: 4 },
      { name: 'log.cleanup.policy', value: 'delete', source: 5 },
    ],
  })
  expect(find(entries, 'retention.ms')).toMatchObject({
    value: '5',
    source: 2,
    synonyms: [
      { name: 'log.retention.ms', value: '5', source: 2 },
      { name: 'log.retention.ms', value: '6', source: 3 },
      { name: 'log.retention.hours', value: '168', source: 5 },
    ],
  })
})

test("what only a coarser unit says has Kafka's odd source: default, without synonyms", () => {
  const entries = topicEntries(new Map(), broker({ 'log.retention.hours': '1' }))
  expect(find(entries, 'retention.ms')).toMatchObject({ value: '3600000', source: 5, synonyms: [] })
})

test('numbers are told as Java writes them', () => {
  const told = (name: string, text: string) =>
    find(topicEntries(new Map([[name, text]]), broker()), name)?.value
  expect(told('min.cleanable.dirty.ratio', '1')).toBe('1.0')
  expect(told('min.cleanable.dirty.ratio', '0.00001')).toBe('1.0E-5')
  expect(told('retention.ms', '+007')).toBe('7')
  expect(told('retention.ms', '9007199254740993')).toBe('9007199254740993')
  const entries = topicEntries(new Map(), broker())
  expect(find(entries, 'flush.ms')?.value).toBe('9223372036854775807')
  expect(find(brokerEntries(broker()), 'log.cleaner.io.max.bytes.per.second')?.value).toBe(
    '1.7976931348623157E308',
  )
})

test('a broker: static, dynamic and read-only settings', () => {
  const of = broker({ 'num.partitions': '4', 'ssl.key.password': 'hush', 'no.such': 'secret?' })
  of.setDynamic(new Map([['log.cleaner.backoff.ms', '12345']]), new Map([['log.cleaner.threads', '2']]))
  const entries = brokerEntries(of)
  expect(find(entries, 'num.partitions')).toMatchObject({ value: '4', source: 4, isReadOnly: true })
  expect(find(entries, 'log.cleaner.backoff.ms')).toMatchObject({
    value: '12345',
    source: 2,
    isReadOnly: false,
  })
  expect(find(entries, 'log.cleaner.threads')).toMatchObject({ value: '2', source: 3 })
  expect(find(entries, 'log.retention.ms')).toMatchObject({ value: null, source: 5, synonyms: [] })
  expect(find(entries, 'broker.id')).toMatchObject({ value: '1', source: 4 })
  expect(find(entries, 'ssl.key.password')).toMatchObject({
    value: null,
    isSensitive: true,
    synonyms: [{ name: 'ssl.key.password', value: null, source: 4 }],
  })
  expect(find(entries, 'no.such')).toMatchObject({
    value: null,
    isSensitive: true,
    isReadOnly: true,
    type: 0,
  })
  expect(find(entries, 'log.initial.task.delay.ms')).toBeUndefined()
})

test('the default of all brokers is only what was set', () => {
  const of = broker()
  of.setDynamic(new Map(), new Map([['min.insync.replicas', '1']]))
  expect(clusterEntries(of)).toEqual([
    {
      name: 'min.insync.replicas',
      value: '1',
      source: 3,
      isReadOnly: false,
      isSensitive: false,
      type: 3,
      synonyms: [{ name: 'min.insync.replicas', value: '1', source: 3 }],
    },
  ])
})

test("a group's settings fall back on the broker's", () => {
  const entries = groupEntries(new Map([['consumer.session.timeout.ms', '50000']]), broker())
  expect(find(entries, 'consumer.session.timeout.ms')).toMatchObject({
    value: '50000',
    source: 8,
    synonyms: [
      { name: 'consumer.session.timeout.ms', value: '50000', source: 8 },
      { name: 'group.consumer.session.timeout.ms', value: '45000', source: 5 },
    ],
  })
  expect(find(entries, 'share.auto.offset.reset')).toMatchObject({
    value: 'latest',
    source: 5,
    synonyms: [{ name: 'share.auto.offset.reset', value: 'latest', source: 5 }],
  })
})
