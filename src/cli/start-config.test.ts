import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startConfig } from './start-config.ts'
import { parseStartArguments } from './start-options.ts'
import { FakeHost } from './test-support/fake-host.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'start-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function configOf(args: string[], environment: Record<string, string> = {}) {
  const host = new FakeHost(args, { environment, workingDirectory: folder })
  return startConfig(parseStartArguments(args), host)
}

test('by default it listens on this machine only and keeps its logs in a folder of its own', () => {
  const { config, data, isDefaultData } = configOf([])
  expect(config.listeners).toMatchObject([{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 }])
  expect(data).toBe(join(folder, '.odradek'))
  expect(isDefaultData).toBe(true)
  expect(config.warnings).toEqual([])
})

test('each source wins over the one before', () => {
  writeFileSync(
    join(folder, 'server.properties'),
    'num.partitions=2\nlog.retention.hours=2\nlog.segment.bytes=2000000\nlog.dirs=from-file\nlisteners=PLAINTEXT://:2002\n',
  )
  const environment = { KAFKA_LOG_RETENTION_HOURS: '3', KAFKA_LOG_SEGMENT_BYTES: '3000000' }
  const overrides = ['--override', 'log.segment.bytes=4000000']
  const first = configOf(['server.properties', ...overrides], environment)
  expect(first.config.get('num.partitions')).toBe(2)
  expect(first.config.get('log.retention.hours')).toBe(3)
  expect(first.config.get('log.segment.bytes')).toBe(4_000_000)
  expect(first.config.listeners).toMatchObject([{ host: undefined, port: 2002 }])
  expect(first.data).toBe(join(folder, 'from-file'))
  expect(first.isDefaultData).toBe(false)

  const second = configOf(
    ['server.properties', '--port', '5', '--host', '::1', '--data', 'mine'],
    environment,
  )
  expect(second.config.listeners).toMatchObject([{ host: '::1', port: 5 }])
  expect(second.data).toBe(join(folder, 'mine'))
})

test('--port changes the one listener for clients and leaves the rest', () => {
  const listeners = 'listeners=CONTROLLER://127.0.0.1:9093,EXTERNAL://0.0.0.0:9092'
  const rest = [
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=EXTERNAL',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,EXTERNAL:PLAINTEXT',
  ]
  const overrides = [listeners, ...rest].flatMap((property) => ['--override', property])
  expect(configOf([...overrides, '--port', '7']).config.listeners).toMatchObject([
    { name: 'EXTERNAL', host: '0.0.0.0', port: 7 },
  ])
})

test("Apache Kafka's own server.properties and a typical compose file start without a warning", () => {
  const file = `
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/somewhere/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`
  writeFileSync(join(folder, 'kraft.properties'), file)
  const { config } = configOf(['kraft.properties'])
  expect(config.listeners).toMatchObject([
    { name: 'PLAINTEXT', host: undefined, port: 9092, advertised: { host: 'localhost', port: 9092 } },
  ])
  expect(config.warnings).toEqual([])

  const composed = configOf([], {
    CLUSTER_ID: '4L6g3nShT-eMCtK--X86sw',
    KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT_HOST://localhost:9092,PLAINTEXT://broker:19092',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@broker:29093',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
    KAFKA_LISTENERS: 'CONTROLLER://:29093,PLAINTEXT_HOST://:9092,PLAINTEXT://:19092',
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT',
    KAFKA_NODE_ID: '1',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
  })
  expect(composed.config.listeners).toMatchObject([
    { name: 'PLAINTEXT_HOST', port: 9092, advertised: { host: 'localhost', port: 9092 } },
    { name: 'PLAINTEXT', port: 19092, advertised: { host: 'broker', port: 19092 } },
  ])
  expect(composed.config.warnings).toEqual([])
})

test('an environment variable that is no property is told by its own name', () => {
  expect(configOf([], { KAFKA_BROKERS: 'localhost:9092' }).config.warnings).toEqual([
    'KAFKA_BROKERS is not a property of Apache Kafka 4.3: it has no effect',
  ])
})

test('CLUSTER_ID names the cluster', () => {
  expect(configOf([], { CLUSTER_ID: '5L6g3nShT-eMCtK--X86sw' }).clusterId).toBe('5L6g3nShT-eMCtK--X86sw')
})

test('nothing is kept with --memory', () => {
  expect(configOf(['--memory', '--override', 'log.dirs=x'])).toMatchObject({
    data: undefined,
    isDefaultData: false,
  })
})

describe('errors', () => {
  test.each([
    [['missing.properties'], 1, 'cannot read missing.properties: there is no such file'],
    [['topics'], 2, 'unknown command topics, and no such file: did you mean topic?'],
    [['--override', 'nonsense'], 2, '--override takes name=value, not "nonsense"'],
    [
      ['--port', '1', '--override', 'listeners=A://:1,B://:2'],
      2,
      '--port does not say which of the listeners',
    ],
  ])('%j', (args, exitCode, message) => {
    expect(() => configOf(args)).toThrow(
      expect.objectContaining({ exitCode, message: expect.stringContaining(message) }),
    )
  })

  test('a bad property names the property, the value and what is allowed', () => {
    expect(() => configOf(['--override', 'num.partitions=many'])).toThrow(/num\.partitions.*many.*int/)
  })
})
