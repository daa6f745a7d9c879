import { expect, test } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import { ConfigError } from './config-error.ts'
import { topicConfig, validateTopicConfig } from './topic-config.ts'

const broker = (properties: Record<string, string> = {}) =>
  BrokerConfig.fromProperties(new Map(Object.entries(properties)))
const topic = (overrides: Record<string, string> = {}, of = broker()) =>
  topicConfig(new Map(Object.entries(overrides)), of)
const validate = (overrides: Record<string, string | null>, of = broker()) =>
  validateTopicConfig(new Map(Object.entries(overrides)), of)

test('without a word a topic is as in Kafka', () => {
  expect(topic()).toMatchObject({
    'cleanup.policy': ['delete'],
    'compression.type': 'producer',
    'flush.messages': 2 ** 63,
    'flush.ms': 2 ** 63,
    'max.message.bytes': 1_048_588,
    'message.timestamp.type': 'CreateTime',
    'message.timestamp.before.max.ms': 2 ** 63,
    'min.insync.replicas': 1,
    'retention.bytes': -1,
    'retention.ms': 604_800_000,
    'segment.bytes': 1_073_741_824,
    'segment.ms': 604_800_000,
  })
})

test('its own settings win over those of the broker, and they over the defaults', () => {
  const of = broker({
    'log.retention.hours': '1',
    'log.segment.bytes': '2000000',
    'message.max.bytes': '5000',
  })
  expect(topic({ 'segment.bytes': '3000000' }, of)).toMatchObject({
    'retention.ms': 3_600_000,
    'segment.bytes': 3_000_000,
    'max.message.bytes': 5000,
  })
})

test('a change of the broker is seen by topics made afterwards', () => {
  const of = broker()
  of.setDynamic(new Map(), new Map([['log.retention.ms', '99']]))
  expect(topic({}, of)['retention.ms']).toBe(99)
})

test('an empty policy keeps everything, and a repeated one counts once', () => {
  expect(topic({ 'cleanup.policy': '' })['cleanup.policy']).toEqual([])
  expect(topic({ 'cleanup.policy': 'delete,delete' })['cleanup.policy']).toEqual(['delete'])
})

test('small segments, Kafka has a setting of its own for them', () => {
  expect(topic({ 'internal.segment.bytes': '100' })['segment.bytes']).toBe(100)
})

test.each([
  [{ 'no.such': '1' }, 'no.such is not a property of a topic'],
  [{ 'message.format.version': '2.8' }, 'message.format.version is not a property of a topic'],
  [{ 'retention.ms': null }, 'retention.ms has no value'],
  [{ 'retention.ms': 'soon' }, 'retention.ms="soon" is not allowed: it has to be a long of at least -1'],
  [{ 'segment.bytes': '3' }, 'segment.bytes="3" is not allowed: it has to be an int of at least 1048576'],
  [
    { 'message.timestamp.type': 'Whenever' },
    'message.timestamp.type="Whenever" is not allowed: it has to be one of CreateTime, LogAppendTime',
  ],
  [
    { 'cleanup.policy': 'burn' },
    'cleanup.policy="burn" is not allowed: it has to be a list of compact, delete',
  ],
  [
    { 'leader.replication.throttled.replicas': 'zero' },
    'leader.replication.throttled.replicas="zero" is not allowed: it has to be * or a list of partition:broker',
  ],
  [
    { 'min.compaction.lag.ms': '100', 'max.compaction.lag.ms': '50' },
    'min.compaction.lag.ms="100" is not allowed: it has to be at most max.compaction.lag.ms=50',
  ],
  [
    { 'remote.storage.enable': 'true' },
    'remote.storage.enable="true" is not allowed: it has to be false: the broker has no tiered storage',
  ],
])('%o is refused', (overrides, message) => {
  expect(() => validate(overrides as Record<string, string | null>)).toThrow(new ConfigError(message))
})

test('what Kafka takes is taken', () => {
  validate({ 'retention.ms': ' +5 ', preallocate: 'TRUE', 'retention.bytes': '-7' })
  validate({
    'leader.replication.throttled.replicas': '0:1, 1:1',
    'follower.replication.throttled.replicas': '*',
  })
  validate({ 'local.retention.ms': '999999999999', 'cleanup.policy': 'compact,delete' })
})

test('the lags of the broker can contradict each other, which a topic without settings does not notice', () => {
  const of = broker()
  of.setDynamic(
    new Map([
      ['log.cleaner.min.compaction.lag.ms', '5'],
      ['log.cleaner.max.compaction.lag.ms', '4'],
    ]),
    new Map(),
  )
  validate({}, of)
  validate({ 'min.compaction.lag.ms': '3' }, of)
  expect(() => validate({ 'retention.ms': '3' }, of)).toThrow(ConfigError)
})
