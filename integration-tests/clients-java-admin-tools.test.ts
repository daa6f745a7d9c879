import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BrokerProcess } from './support/broker-process.ts'
import { clientSuite } from './support/client-suite.ts'
import { kafkaTool, missingKafkaTools, TOOL_TIMEOUT_MS, tryKafkaTool } from './support/kafka-tools.ts'

clientSuite('clients/java admin tools of Apache Kafka', missingKafkaTools(), () => {
  let broker: BrokerProcess
  beforeAll(async () => {
    broker = await BrokerProcess.start()
  })
  afterAll(async () => {
    expect(await broker.stop()).toBe(0)
  })
  const suffix = randomUUID().slice(0, 8)
  const topic = `admin-${suffix}`
  const bootstrap = () => ['--bootstrap-server', broker.bootstrapServers]
  const tool = (name: string, ...args: string[]) => kafkaTool(name, [...bootstrap(), ...args])
  const tryTool = (name: string, ...args: string[]) => tryKafkaTool(name, [...bootstrap(), ...args])
  const toolTest = (name: string, run: () => Promise<void>) => test(name, run, 4 * TOOL_TIMEOUT_MS)

  toolTest('kafka-configs: quotas and SCRAM credentials of users', async () => {
    const user = ['--entity-type', 'users', '--entity-name', `alice-${suffix}`]
    const alter = (...args: string[]) => tool('kafka-configs', '--alter', ...user, ...args)
    await alter('--add-config', 'producer_byte_rate=1024,request_percentage=12.5')
    await alter('--add-config', 'SCRAM-SHA-256=[iterations=8192,password=secret]')
    const described = await tool('kafka-configs', '--describe', ...user)
    expect(described).toContain(`Quota configs for user-principal 'alice-${suffix}' are`)
    expect(described).toContain('producer_byte_rate=1024.0')
    expect(described).toContain('request_percentage=12.5')
    expect(described).toContain('SCRAM-SHA-256=iterations=8192')
    await alter('--delete-config', 'producer_byte_rate,request_percentage')
    expect(await tool('kafka-configs', '--describe', ...user)).not.toContain('producer_byte_rate')
  })

  toolTest('kafka-producer-perf-test: held back by a quota, and told so', async () => {
    const slow = `slow-${suffix}`
    await tool('kafka-topics', '--create', '--topic', slow, '--partitions', '1')
    const client = ['--entity-type', 'clients', '--entity-name', slow]
    await tool('kafka-configs', '--alter', ...client, '--add-config', 'producer_byte_rate=50000')
    const printed = await kafkaTool('kafka-producer-perf-test', [
      ...[
        '--topic',
        slow,
        '--num-records',
        '540',
        '--record-size',
        '1000',
        '--throughput',
        '-1',
        '--print-metrics',
      ],
      ...['--producer-props', `bootstrap.servers=${broker.bootstrapServers}`, `client.id=${slow}`],
    ])
    expect(printed).toMatch(/^540 records sent/m)
    const throttled = /produce-throttle-time-max:\{client-id=\S+\s*: ([\d.]+)/.exec(printed)
    expect(Number(throttled![1])).toBeGreaterThan(100)
  })

  toolTest(
    'kafka-configs and kafka-client-metrics: settings of groups, subscriptions to metrics',
    async () => {
      const group = ['--entity-type', 'groups', '--entity-name', `group-${suffix}`]
      await tool('kafka-configs', '--alter', ...group, '--add-config', 'consumer.session.timeout.ms=50000')
      expect(await tool('kafka-configs', '--describe', ...group)).toContain(
        'consumer.session.timeout.ms=50000 sensitive=false synonyms={DYNAMIC_GROUP_CONFIG:consumer.session.timeout.ms=50000',
      )
      const name = `metrics-${suffix}`
      const settings = ['--interval', '30000', '--match', 'client_id=a', '--metrics', 'org.apache.kafka.']
      await tool('kafka-client-metrics', '--alter', '--name', name, ...settings)
      expect(await tool('kafka-client-metrics', '--describe', '--name', name)).toContain('interval.ms=30000')
      expect((await tool('kafka-client-metrics', '--list')).split('\n')).toContain(name)
    },
  )

  toolTest('kafka-leader-election and kafka-reassign-partitions: all is where it shall be', async () => {
    await tool('kafka-topics', '--create', '--topic', topic, '--partitions', '2')
    const preferred = ['--election-type', 'preferred', '--topic', topic, '--partition', '0']
    expect(await tool('kafka-leader-election', ...preferred)).toContain(
      `Valid replica already elected for partitions ${topic}-0`,
    )
    const folder = mkdtempSync(join(tmpdir(), 'odradek-reassign-'))
    const plan = join(folder, 'plan.json')
    const partitions = [0, 1].map((partition) => ({ topic, partition, replicas: [1] }))
    writeFileSync(plan, JSON.stringify({ version: 1, partitions }))
    const reassign = (action: string) =>
      tool('kafka-reassign-partitions', action, '--reassignment-json-file', plan)
    try {
      expect(await reassign('--execute')).toContain('Successfully started partition reassignments')
      expect(await reassign('--verify')).toContain(`Reassignment of partition ${topic}-1 is completed.`)
      expect(await tool('kafka-reassign-partitions', '--list')).toContain('No partition reassignments found.')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  toolTest('kafka-features: a level goes down and up; one that there is not is refused', async () => {
    const levelOf = async (feature: string) => {
      const printed = await tool('kafka-features', 'describe')
      const line = printed.split('\n').find((each) => each.includes(feature))!
      return /FinalizedVersionLevel: (\S+)/.exec(line)![1]
    }
    expect(await levelOf('metadata.version')).toBe('4.3-IV0')
    await tool('kafka-features', 'downgrade', '--feature', 'transaction.version=1')
    expect(await levelOf('transaction.version')).toBe('1')
    await tool('kafka-features', 'upgrade', '--feature', 'transaction.version=2')
    const refused = await tryTool('kafka-features', 'upgrade', '--feature', 'group.version=9')
    expect(refused.code).toBe(1)
    expect(refused.stdout + refused.stderr).toContain('only supports versions 0-1')
  })

  toolTest('kafka-metadata-quorum, kafka-cluster, kafka-transactions: what there is to see', async () => {
    const status = await tool('kafka-metadata-quorum', 'describe', '--status')
    expect(status).toMatch(/^LeaderId: +1$/m)
    expect(status).toMatch(/^CurrentVoters: +\[\{"id": 1/m)
    const cluster = (...args: string[]) =>
      kafkaTool('kafka-cluster', [args[0]!, ...bootstrap(), ...args.slice(1)])
    expect(await cluster('cluster-id')).toContain('Cluster ID: ')
    expect(await cluster('list-endpoints')).toMatch(/^1 .*unfenced +broker/m)
    const described = await tool(
      'kafka-transactions',
      'describe-producers',
      '--topic',
      topic,
      '--partition',
      '0',
    )
    expect(described).toContain('ProducerId\tProducerEpoch')
  })

  toolTest('kafka-acls: refused, as there is no authorizer', async () => {
    const refused = await tryTool('kafka-acls', '--list')
    expect(refused.code).toBe(1)
    expect(refused.stdout + refused.stderr).toContain('SecurityDisabledException')
  })
})
