import { expect, test } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import { ConfigError } from './config-error.ts'

const config = (properties: Record<string, string> = {}) =>
  BrokerConfig.fromProperties(new Map(Object.entries(properties)))

function errorOf(properties: Record<string, string>): string {
  try {
    config(properties)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
  throw new Error('it was taken')
}

test('without a word everything is as in Kafka', () => {
  const defaults = config()
  expect(defaults.nodeId).toBe(1)
  expect(defaults.get('num.partitions')).toBe(1)
  expect(defaults.get('log.dirs')).toEqual(['/tmp/kafka-logs'])
  expect(defaults.get('log.retention.ms')).toBe(604_800_000)
  expect(defaults.get('log.flush.interval.ms')).toBe(2 ** 63)
  expect(defaults.get('broker.rack')).toBeNull()
  expect(defaults.warnings).toEqual([])
})

test('values are trimmed and parsed by their type', () => {
  const parsed = config({
    'num.partitions': ' +3 ',
    'auto.create.topics.enable': 'FALSE',
    'log.cleanup.policy': 'compact , delete',
    'log.cleaner.min.cleanable.ratio': '1e-1',
  })
  expect(parsed.get('num.partitions')).toBe(3)
  expect(parsed.get('auto.create.topics.enable')).toBe(false)
  expect(parsed.get('log.cleanup.policy')).toEqual(['compact', 'delete'])
  expect(parsed.get('log.cleaner.min.cleanable.ratio')).toBe(0.1)
})

test('finer units win over coarser ones', () => {
  expect(config({ 'log.retention.hours': '2' }).get('log.retention.ms')).toBe(7_200_000)
  expect(config({ 'log.retention.hours': '2', 'log.retention.minutes': '3' }).get('log.retention.ms')).toBe(
    180_000,
  )
  expect(config({ 'log.retention.minutes': '3', 'log.retention.ms': '4' }).get('log.retention.ms')).toBe(4)
  expect(config({ 'log.retention.hours': '-1' }).get('log.retention.ms')).toBe(-1)
  expect(config({ 'log.roll.hours': '1' }).get('log.roll.ms')).toBe(3_600_000)
  expect(config({ 'log.dir': '/a', 'log.dirs': '/b,/c' }).get('log.dirs')).toEqual(['/b', '/c'])
  expect(config({ 'log.flush.scheduler.interval.ms': '5' }).get('log.flush.interval.ms')).toBe(5)
})

test('this broker wins over all brokers, and they over what it was started with', () => {
  const changing = config({ 'message.max.bytes': '100' })
  const all = new Map([['message.max.bytes', '200']])
  changing.setDynamic(new Map(), all)
  expect(changing.get('message.max.bytes')).toBe(200)
  changing.setDynamic(new Map([['message.max.bytes', '300']]), all)
  expect(changing.get('message.max.bytes')).toBe(300)
  changing.setDynamic(new Map(), new Map())
  expect(changing.get('message.max.bytes')).toBe(100)
})

test('what cannot be changed while it runs stays, and so does what is replaced by a bad value', () => {
  const changing = config({ 'num.partitions': '2', 'message.max.bytes': '100' })
  changing.setDynamic(
    new Map([
      ['num.partitions', '9'],
      ['message.max.bytes', 'many'],
    ]),
    new Map(),
  )
  expect(changing.get('num.partitions')).toBe(2)
  expect(changing.get('message.max.bytes')).toBe(100)
})

test('node.id and broker.id are two names of one thing', () => {
  expect(config({ 'broker.id': '7' }).nodeId).toBe(7)
  expect(config({ 'node.id': '0' }).nodeId).toBe(0)
  expect(config({ 'broker.id': '-1' }).nodeId).toBe(1)
  expect(config({ 'node.id': '5', 'broker.id': '5' }).get('broker.id')).toBe(5)
  expect(errorOf({ 'node.id': '5', 'broker.id': '6' })).toBe(
    'broker.id=6 is not allowed: it has to be the same as node.id=5',
  )
})

test.each([
  ['num.partitions', 'many', 'num.partitions="many" is not allowed: it has to be an int of at least 1'],
  ['num.partitions', '0', 'num.partitions="0" is not allowed: it has to be an int of at least 1'],
  [
    'num.partitions',
    '3000000000',
    'num.partitions="3000000000" is not allowed: it has to be an int of at least 1',
  ],
  ['num.partitions', '', 'num.partitions="" is not allowed: it has to be an int of at least 1'],
  ['offset.metadata.max.bytes', '1.5', 'offset.metadata.max.bytes="1.5" is not allowed: it has to be an int'],
  [
    'compression.lz4.level',
    '18',
    'compression.lz4.level="18" is not allowed: it has to be an int from 1 to 17',
  ],
  [
    'compression.gzip.level',
    '0',
    'compression.gzip.level="0" is not allowed: it has to be an int from 1 to 9, or -1',
  ],
  [
    'offsets.topic.replication.factor',
    '40000',
    'offsets.topic.replication.factor="40000" is not allowed: it has to be a short of at least 1',
  ],
  ['delete.topic.enable', 'yes', 'delete.topic.enable="yes" is not allowed: it has to be true or false'],
  [
    'log.cleaner.min.cleanable.ratio',
    '2',
    'log.cleaner.min.cleanable.ratio="2" is not allowed: it has to be a number from 0 to 1',
  ],
  [
    'compression.type',
    'rar',
    'compression.type="rar" is not allowed: it has to be one of uncompressed, zstd, lz4, snappy, gzip, producer',
  ],
  [
    'log.cleanup.policy',
    'delete,burn',
    'log.cleanup.policy="delete,burn" is not allowed: it has to be a list of compact, delete',
  ],
  [
    'log.retention.ms',
    '0',
    'log.retention.ms="0" is not allowed: it has to be -1, for no limit, or at least 1',
  ],
  ['log.roll.ms', 'a\nb', 'log.roll.ms="a\\nb" is not allowed: it has to be a long'],
  ['log.dirs', ' ', 'log.dirs="" is not allowed: it has to be a list that is not empty'],
  [
    'log.cleaner.threads',
    '200',
    'log.cleaner.dedupe.buffer.size="134217728" is not allowed: it has to be more than 1048576 for each of log.cleaner.threads=200',
  ],
  [
    'queued.max.request.bytes',
    '5',
    'queued.max.request.bytes="5" is not allowed: it has to be -1 or at least socket.request.max.bytes=104857600',
  ],
  [
    'group.consumer.session.timeout.ms',
    '1',
    'group.consumer.session.timeout.ms="1" is not allowed: it has to be at least group.consumer.min.session.timeout.ms=45000 and at most group.consumer.max.session.timeout.ms=60000',
  ],
])('%s=%s is told in one line', (name, value, message) => {
  expect(errorOf({ [name]: value })).toBe(message)
})

test('a secret is not told', () => {
  expect(errorOf({ 'ssl.keystore.password': 'hush', 'num.partitions': '0' })).not.toContain('hush')
})

test('one warning names all that is not honoured, and one all that is unknown', () => {
  const { warnings } = config({
    'log.local.retention.ms': '4',
    'jmx.port': '9999',
    'num.partitions': '3',
    'listener.name.external.ssl.keystore.location': '/keys',
    'zookeeper.connect': 'localhost',
  })
  expect(warnings).toEqual([
    'jmx.port, zookeeper.connect are not properties of Apache Kafka 4.3: they have no effect',
    'log.local.retention.ms, listener.name.external.ssl.keystore.location are accepted but not honoured yet: they have no effect',
  ])
})

test('no warning for what nobody misses: defaults of Kafka, threads and buffers', () => {
  const { warnings } = config({
    'log.local.retention.ms': '-2',
    'num.io.threads': '4',
    'socket.send.buffer.bytes': '-1',
    'share.coordinator.state.topic.min.isr': '1',
  })
  expect(warnings).toEqual([])
})

test('a warning tells a property by the name under which it was given', () => {
  const properties = new Map([
    ['metric.reporters', 'mine'],
    ['brokers', 'localhost:9092'],
  ])
  const { warnings } = BrokerConfig.fromProperties(properties, new Map([['brokers', 'KAFKA_BROKERS']]))
  expect(warnings).toEqual([
    'KAFKA_BROKERS is not a property of Apache Kafka 4.3: it has no effect',
    'metric.reporters is accepted but not honoured yet: it has no effect',
  ])
})
