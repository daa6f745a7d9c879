import { expect, test } from 'vitest'
import { readEnvironment } from './environment.ts'

const propertiesOf = (environment: Record<string, string>) =>
  Object.fromEntries(readEnvironment(environment).properties)

test('one underscore is a dot, two are one, three are a hyphen', () => {
  expect(propertiesOf({ KAFKA_LOG_DIRS: '/d', KAFKA_A__B___C_D: 'x', HOME: '/root', KAFKA: 'y' })).toEqual({
    'log.dirs': '/d',
    'a_b-c.d': 'x',
  })
})

test('each property knows its variable', () => {
  const { variables } = readEnvironment({ KAFKA_LOG_DIRS: '/d', HOME: '/root' })
  expect([...variables]).toEqual([['log.dirs', 'KAFKA_LOG_DIRS']])
})

test("settings of Kafka's scripts are no properties", () => {
  const names = [
    'VERSION',
    'HEAP_OPTS',
    'LOG4J_OPTS',
    'OPTS',
    'JMX_OPTS',
    'JVM_PERFORMANCE_OPTS',
    'GC_LOG_OPTS',
  ]
  const more = ['LOG4J_ROOT_LOGLEVEL', 'LOG4J_LOGGERS', 'TOOLS_LOG4J_LOGLEVEL', 'JMX_HOSTNAME']
  const environment = Object.fromEntries([...names, ...more].map((name) => [`KAFKA_${name}`, 'x']))
  expect(propertiesOf({ ...environment, KAFKA_JMX_PORT: '9999' })).toEqual({ 'jmx.port': '9999' })
})

test('listeners come from the advertised ones, on all addresses', () => {
  const advertised = 'PLAINTEXT://broker:19092,HOST://[::1]:9092,EMPTY://:9093'
  expect(propertiesOf({ KAFKA_ADVERTISED_LISTENERS: advertised }).listeners).toBe(
    'PLAINTEXT://0.0.0.0:19092,HOST://0.0.0.0:9092,EMPTY://0.0.0.0:9093',
  )
  const both = { KAFKA_ADVERTISED_LISTENERS: advertised, KAFKA_LISTENERS: 'PLAINTEXT://:1' }
  expect(propertiesOf(both).listeners).toBe('PLAINTEXT://:1')
})

test('the cluster id', () => {
  expect(readEnvironment({ CLUSTER_ID: '4L6g3nShT-eMCtK--X86sw' }).clusterId).toBe('4L6g3nShT-eMCtK--X86sw')
  expect(readEnvironment({}).clusterId).toBeUndefined()
})
