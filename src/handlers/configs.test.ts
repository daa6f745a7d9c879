import { expect, test } from 'vitest'
import { BrokerConfig } from '../config/broker-config.ts'
import type { ConfigType } from '../metadata/config-type.ts'
import { silentLogger } from '../platform/logger.ts'
import type { DescribeConfigsResponse } from '../protocol/generated/describe-configs.ts'
import { Reader } from '../protocol/reader.ts'
import { Writer } from '../protocol/writer.ts'
import { alterConfigs } from './alter-configs.ts'
import { ResourceType } from './configs/resources.ts'
import { describeConfigs } from './describe-configs.ts'
import type { BrokerServices, RequestContext } from './handler.ts'
import { incrementalAlterConfigs } from './incremental-alter-configs.ts'

const { TOPIC, BROKER, BROKER_LOGGER: LOGGER, CLIENT_METRICS: METRICS, GROUP } = ResourceType
const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

type Operation = readonly [name: string, operation: number, value: string | null]

/** A broker 1 with the topic `t`, as far as the handlers of settings look at one. */
class FakeBroker {
  readonly stored = new Map<string, Map<string, string>>([
    ['broker ', new Map([['min.insync.replicas', '1']])],
  ])
  readonly config: BrokerConfig
  readonly warned: object[] = []
  readonly context: RequestContext

  constructor(properties: Record<string, string> = {}) {
    this.config = BrokerConfig.fromProperties(new Map(Object.entries(properties)))
    this.#take()
    const broker = {
      nodeId: 1,
      config: this.config,
      logger: { ...silentLogger, warn: (facts: object) => this.warned.push(facts) },
      metadata: {
        topic: (name: string) => (name === 't' ? {} : undefined),
        configs: (type: ConfigType, name: string) => this.#of(type, name),
        features: new Map([['eligible.leader.replicas.version', 1]]),
      },
      controller: {
        configs: (type: ConfigType, name: string) => this.#of(type, name),
        alterConfigs: (type: ConfigType, name: string, changes: ReadonlyMap<string, string | null>) => {
          const settings = new Map(this.#of(type, name))
          for (const [key, value] of changes) {
            if (value === null) settings.delete(key)
            else settings.set(key, value)
          }
          this.stored.set(`${type} ${name}`, settings)
          this.#take()
        },
      },
    }
    this.context = { broker: broker as unknown as BrokerServices, apiVersion: 4 } as RequestContext
  }

  async describe(type: number, name: string, keys: string[] | null = null, includeDocumentation = false) {
    const response = (await describeConfigs.handle(
      {
        resources: [{ resourceType: type, resourceName: name, configurationKeys: keys }],
        includeSynonyms: true,
        includeDocumentation,
      },
      this.context,
    )) as DescribeConfigsResponse
    return response.results[0]!
  }

  async value(type: number, name: string, key: string): Promise<string | null | undefined> {
    return (await this.describe(type, name, [key])).configs[0]?.value
  }

  /** The error code. */
  async change(
    type: number,
    name: string,
    operations: readonly Operation[],
    validateOnly = false,
  ): Promise<number> {
    const configs = operations.map(([key, configOperation, value]) => ({ name: key, configOperation, value }))
    const resources = [{ resourceType: type, resourceName: name, configs }]
    return codes(await incrementalAlterConfigs.handle({ resources, validateOnly }, this.context))[0]!
  }

  async replace(
    type: number,
    name: string,
    settings: Record<string, string | null>,
    validateOnly = false,
  ): Promise<number> {
    const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }))
    const resources = [{ resourceType: type, resourceName: name, configs }]
    return codes(await alterConfigs.handle({ resources, validateOnly }, this.context))[0]!
  }

  #of(type: ConfigType, name: string): ReadonlyMap<string, string> {
    return this.stored.get(`${type} ${name}`) ?? new Map()
  }

  #take(): void {
    this.config.setDynamic(this.#of('broker', '1'), this.#of('broker', ''))
  }
}

function codes(answer: unknown): number[] {
  return (answer as { responses: { errorCode: number }[] }).responses.map(({ errorCode }) => errorCode)
}

test('a topic: keys that are asked for, all for none, unknown ones left out', async () => {
  const broker = new FakeBroker()
  const some = await broker.describe(TOPIC, 't', ['retention.ms', 'no.such', 'retention.ms'])
  expect(some.configs).toEqual([
    {
      name: 'retention.ms',
      value: '604800000',
      readOnly: false,
      isDefault: false,
      configSource: 5,
      isSensitive: false,
      synonyms: [],
      configType: 5,
      documentation: null,
    },
  ])
  expect((await broker.describe(TOPIC, 't', [])).configs).toHaveLength(33)
  expect((await broker.describe(TOPIC, 't', null)).configs).toHaveLength(33)
})

test('documentation comes when it is asked for, and says what is not done yet', async () => {
  const broker = new FakeBroker()
  const [local] = (await broker.describe(TOPIC, 't', ['local.retention.ms'], true)).configs
  expect(local?.documentation).toMatch(/does not honour it yet\.$/)
  expect((await broker.describe(BROKER, '1', null, true)).configs.every((each) => each.documentation)).toBe(
    true,
  )
})

test.each([
  [TOPIC, 'none', 3],
  [TOPIC, '', 17],
  [TOPIC, 'a b', 17],
  [BROKER, '2', 42],
  [BROKER, 'x', 42],
  [BROKER, '', 0],
  [LOGGER, '1', 0],
  [LOGGER, '', 42],
  [METRICS, 'any', 0],
  [METRICS, '', 42],
  [GROUP, 'any', 0],
  [GROUP, '', 42],
  [3, 'r', 42],
  [100, 'r', 42],
])('describing a resource of type %i named "%s" gives %i', async (type, name, code) => {
  const { errorCode, configs } = await new FakeBroker().describe(type, name)
  expect(errorCode).toBe(code)
  if (code !== 0) expect(configs).toEqual([])
})

test('the default of all brokers holds min.insync.replicas, which a broker describes too', async () => {
  const broker = new FakeBroker()
  expect((await broker.describe(BROKER, '')).configs).toMatchObject([
    { name: 'min.insync.replicas', value: '1', configSource: 3 },
  ])
  const [entry] = (await broker.describe(BROKER, '1', ['min.insync.replicas'])).configs
  expect(entry?.synonyms.map(({ source }) => source)).toEqual([3, 5])
})

test('SET and DELETE change what they name', async () => {
  const broker = new FakeBroker()
  expect(
    await broker.change(TOPIC, 't', [
      ['retention.ms', SET, ' 42 '],
      ['max.message.bytes', SET, '5000'],
    ]),
  ).toBe(0)
  expect(await broker.value(TOPIC, 't', 'retention.ms')).toBe('42')
  expect(await broker.change(TOPIC, 't', [['retention.ms', DELETE, null]])).toBe(0)
  expect(await broker.value(TOPIC, 't', 'retention.ms')).toBe('604800000')
  expect(await broker.value(TOPIC, 't', 'max.message.bytes')).toBe('5000')
})

test('APPEND and SUBTRACT work on lists, from the default on', async () => {
  const broker = new FakeBroker()
  const policy = () => broker.value(TOPIC, 't', 'cleanup.policy')
  expect(await broker.change(TOPIC, 't', [['cleanup.policy', APPEND, 'compact']])).toBe(0)
  expect(await policy()).toBe('delete,compact')
  expect(await broker.change(TOPIC, 't', [['cleanup.policy', SUBTRACT, 'delete']])).toBe(0)
  expect(await broker.change(TOPIC, 't', [['cleanup.policy', APPEND, 'compact']])).toBe(0)
  expect(await broker.change(TOPIC, 't', [['cleanup.policy', SUBTRACT, 'delete']])).toBe(0)
  expect(await policy()).toBe('compact')
  expect(await broker.change(TOPIC, 't', [['cleanup.policy', SUBTRACT, 'compact']])).toBe(0)
  expect(await policy()).toBe('')
})

test.each<[string, number, number, string, readonly Operation[]]>([
  ['append to a number', 40, TOPIC, 't', [['retention.ms', APPEND, '5']]],
  ['append to a number of a broker', 40, BROKER, '1', [['log.cleaner.threads', APPEND, '5']]],
  ['append to an unknown key of a broker', 40, BROKER, '1', [['no.such', APPEND, '5']]],
  ['an unknown key', 40, TOPIC, 't', [['no.such', SET, '1']]],
  ['delete an unknown key', 0, TOPIC, 't', [['no.such', DELETE, null]]],
  ['a bad value', 40, TOPIC, 't', [['retention.ms', SET, 'soon']]],
  ['no value', 42, TOPIC, 't', [['retention.ms', SET, null]]],
  ['append nothing', 42, TOPIC, 't', [['cleanup.policy', APPEND, null]]],
  ['out of range', 40, TOPIC, 't', [['segment.bytes', SET, '1']]],
  ['an operation that is none', 42, TOPIC, 't', [['retention.ms', 9, '1']]],
  [
    'one key twice',
    42,
    TOPIC,
    't',
    [
      ['retention.ms', SET, '1'],
      ['retention.ms', DELETE, null],
    ],
  ],
  [
    'one good, one bad',
    40,
    TOPIC,
    't',
    [
      ['retention.ms', SET, '1'],
      ['no.such', SET, '1'],
    ],
  ],
  ['tiered storage', 40, TOPIC, 't', [['remote.storage.enable', SET, 'true']]],
  ['an unknown topic', 3, TOPIC, 'none', []],
  ['no topic', 42, TOPIC, '', []],
  ['an illegal topic', 17, TOPIC, 'a b', []],
  ['a resource of no kind', 42, 3, 't', []],
  ['a logger', 42, LOGGER, '1', [['root', SET, 'DEBUG']]],
  ['another broker', 42, BROKER, '9999', [['log.cleaner.threads', SET, '2']]],
  ['a broker that is no number', 42, BROKER, 'x', [['log.cleaner.threads', SET, '2']]],
  ['read-only', 42, BROKER, '1', [['num.partitions', SET, '3']]],
  ['delete a read-only one', 0, BROKER, '1', [['num.partitions', DELETE, null]]],
  ['a bad value of a broker', 42, BROKER, '1', [['log.cleaner.threads', SET, 'x']]],
  ['more than twice the threads', 42, BROKER, '1', [['log.cleaner.threads', SET, '9']]],
  ['an unknown key of a broker', 0, BROKER, '1', [['no.such', SET, '3']]],
  ['listeners of all brokers', 42, BROKER, '', [['listeners', SET, 'PLAINTEXT://:1']]],
  ['a key store without a listener', 42, BROKER, '1', [['ssl.keystore.location', SET, '/k']]],
  [
    'a key store of a listener',
    0,
    BROKER,
    '1',
    [['listener.name.plaintext.ssl.keystore.location', SET, '/k']],
  ],
  [
    'a key store of a listener of all brokers',
    42,
    BROKER,
    '',
    [['listener.name.plaintext.ssl.keystore.location', SET, '/k']],
  ],
  ['min.insync.replicas of one broker', 40, BROKER, '1', [['min.insync.replicas', SET, '1']]],
  ['no min.insync.replicas', 40, BROKER, '', [['min.insync.replicas', DELETE, null]]],
  [
    'values of a broker that do not go together',
    42,
    BROKER,
    '1',
    [
      ['log.local.retention.ms', SET, '5'],
      ['log.retention.ms', SET, '4'],
    ],
  ],
  [
    'lags of a broker that do not go together',
    0,
    BROKER,
    '1',
    [
      ['log.cleaner.min.compaction.lag.ms', SET, '5'],
      ['log.cleaner.max.compaction.lag.ms', SET, '4'],
    ],
  ],
  ['a bad min.insync.replicas of one broker', 42, BROKER, '1', [['min.insync.replicas', SET, '0']]],
  ['too often', 42, METRICS, 'm', [['interval.ms', SET, '50']]],
  ['no interval', 40, METRICS, 'm', [['interval.ms', SET, 'x']]],
  ['no pattern', 40, METRICS, 'm', [['match', SET, 'x']]],
  ['a pattern', 0, METRICS, 'm', [['match', SET, 'client_id=x,client_software_name=.*']]],
  ['an unknown key of metrics', 42, METRICS, 'm', [['no', SET, 'x']]],
  ['below the least of the broker', 40, GROUP, 'g', [['consumer.session.timeout.ms', SET, '50']]],
  ['within the limits of the broker', 0, GROUP, 'g', [['consumer.session.timeout.ms', SET, '50000']]],
  ['a duration', 0, GROUP, 'g', [['share.auto.offset.reset', SET, 'by_duration:PT1H']]],
  ['no duration', 40, GROUP, 'g', [['share.auto.offset.reset', SET, 'by_duration:1']]],
  ['an unknown key of a group', 40, GROUP, 'g', [['no', SET, 'x']]],
])('%s: %i', async (_, code, type, name, operations) => {
  const broker = new FakeBroker()
  const before = new Map(broker.stored)
  expect(await broker.change(type, name, operations, true)).toBe(code)
  expect(broker.stored).toEqual(before)
  expect(await broker.change(type, name, operations)).toBe(code)
  if (code !== 0) expect(broker.stored).toEqual(before)
})

test('a resource that is there twice is not changed, the others are', async () => {
  const broker = new FakeBroker()
  const resource = (type: number, name: string, key: string, value: string) => ({
    resourceType: type,
    resourceName: name,
    configs: [{ name: key, configOperation: SET, value }],
  })
  const twice = resource(TOPIC, 't', 'retention.ms', '1')
  const other = resource(BROKER, '1', 'log.retention.ms', '5')
  const answer = await incrementalAlterConfigs.handle(
    { resources: [twice, other, twice], validateOnly: false },
    broker.context,
  )
  expect(codes(answer)).toEqual([42, 0, 42])
  expect(broker.config.get('log.retention.ms')).toBe(5)
  expect(broker.stored.has('topic t')).toBe(false)
})

test('a dynamic setting of a broker hides the static one', async () => {
  const broker = new FakeBroker({ 'log.cleaner.backoff.ms': '10' })
  await broker.change(BROKER, '01', [['log.cleaner.backoff.ms', SET, '12345']])
  const [entry] = (await broker.describe(BROKER, '1', ['log.cleaner.backoff.ms'])).configs
  expect(entry).toMatchObject({
    value: '12345',
    configSource: 2,
    synonyms: [
      { value: '12345', source: 2 },
      { value: '10', source: 4 },
      { value: '15000', source: 5 },
    ],
  })
})

test('AlterConfigs replaces everything', async () => {
  const broker = new FakeBroker()
  await broker.change(TOPIC, 't', [
    ['retention.ms', SET, '5555'],
    ['max.message.bytes', SET, '9999'],
  ])
  expect(await broker.replace(TOPIC, 't', { 'retention.ms': '7777' })).toBe(0)
  expect(broker.stored.get('topic t')).toEqual(new Map([['retention.ms', '7777']]))
  expect(await broker.replace(TOPIC, 't', {}, true)).toBe(0)
  expect(broker.stored.get('topic t')).toEqual(new Map([['retention.ms', '7777']]))
  expect(await broker.replace(TOPIC, 't', {})).toBe(0)
  expect(broker.stored.get('topic t')).toEqual(new Map())
})

test.each([
  [TOPIC, 't', { 'retention.ms': 'x' }, 40],
  [TOPIC, 't', { 'no.such': '1' }, 40],
  [TOPIC, 't', { 'retention.ms': null }, 42],
  [TOPIC, 'none', { 'retention.ms': '1' }, 3],
  [BROKER, '1', { 'num.partitions': '4' }, 42],
  [BROKER, '', {}, 40],
  [LOGGER, '1', { root: 'INFO' }, 42],
])('AlterConfigs of %i "%s" to %o: %i', async (type, name, settings, code) => {
  expect(await new FakeBroker().replace(type, name, settings as Record<string, string | null>)).toBe(code)
})

test('a setting without effect is logged when it is set', async () => {
  const broker = new FakeBroker()
  await broker.change(BROKER, '1', [
    ['log.local.retention.ms', SET, '5'],
    ['log.retention.ms', SET, '5'],
  ])
  await broker.change(TOPIC, 't', [
    ['local.retention.ms', SET, '5'],
    ['retention.ms', SET, '5'],
  ])
  expect(broker.warned).toEqual([
    { type: 'broker', name: '1', setting: 'log.local.retention.ms' },
    { type: 'topic', name: 't', setting: 'local.retention.ms' },
  ])
})

test.each([0, 1, 2, 3, 4])('version %i of DescribeConfigs carries the answer', async (version) => {
  const broker = new FakeBroker()
  const response = (await describeConfigs.handle(
    {
      resources: [{ resourceType: TOPIC, resourceName: 't', configurationKeys: null }],
      includeSynonyms: version >= 1,
      includeDocumentation: version >= 3,
    },
    { ...broker.context, apiVersion: version },
  )) as DescribeConfigsResponse
  const writer = new Writer()
  describeConfigs.api.response.encode(writer, response, version)
  const read = describeConfigs.api.response.decode(new Reader(Buffer.concat(writer.finish())), version)
  const retention = read.results[0]?.configs.find(({ name }) => name === 'retention.bytes')
  expect(retention?.value).toBe('-1')
  if (version === 0) expect(retention?.isDefault).toBe(true)
  else
    expect(retention).toMatchObject({
      configSource: 5,
      synonyms: [{ name: 'log.retention.bytes', source: 5 }],
    })
})
