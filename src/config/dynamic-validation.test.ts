import { expect, test } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import { ConfigError } from './config-error.ts'
import { validateBrokerChange, validateClusterChange } from './dynamic-validation.ts'

const broker = BrokerConfig.fromProperties(
  new Map([
    ['log.dirs', '/data'],
    ['log.retention.bytes', '1000'],
  ]),
)
const changes = (settings: Record<string, string>) => new Map(Object.entries(settings))
const change = (settings: Record<string, string>) => validateBrokerChange(changes(settings), broker)

// Each tried on Apache Kafka 4.3.1.
test.each([
  { 'max.connections': '0' },
  { 'max.connection.creation.rate': '0' },
  { 'max.connections.per.ip': '0' },
  { 'max.connections.per.ip.overrides': 'localhost' },
  { 'max.connections.per.ip.overrides': 'localhost:1,127.0.0.2:x' },
  { 'log.local.retention.ms': '-1' },
  { 'log.local.retention.ms': '604800001' },
  { 'log.local.retention.bytes': '-1' },
  { 'log.local.retention.bytes': '1001' },
  { 'cordoned.log.dirs': '/other' },
  { 'remote.log.reader.threads': '100' },
  { 'remote.log.manager.expiration.thread.pool.size': '4' },
  { 'log.cleaner.threads': '3' },
])('refused while the broker runs: %o', (settings) => {
  expect(() => change(settings)).toThrow(ConfigError)
})

test.each([
  { 'max.connections': '1' },
  { 'max.connections.per.ip': '0', 'max.connections.per.ip.overrides': 'localhost:1, 127.0.0.2:2' },
  { 'log.local.retention.ms': '604800000', 'log.local.retention.bytes': '-2' },
  { 'log.local.retention.ms': '-1', 'log.retention.ms': '-1' },
  { 'cordoned.log.dirs': '/data' },
  { 'log.cleaner.min.compaction.lag.ms': '10', 'log.cleaner.max.compaction.lag.ms': '9' },
  { 'remote.log.manager.expiration.thread.pool.size': '5' },
])('taken while the broker runs: %o', (settings) => {
  change(settings)
})

test('what only one broker may have is refused for all', () => {
  expect(() => validateClusterChange(changes({ 'cordoned.log.dirs': '/data' }), broker)).toThrow(ConfigError)
})
