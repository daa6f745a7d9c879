import type { BrokerConfig, BrokerPropertyName } from './broker-config.ts'
import { GROUP_RANGES, groupRange } from './broker-cross-checks.ts'
import { brokerProperties, brokerProperty, listenerPropertyName } from './broker-properties.ts'
import { ConfigError, invalidValue } from './config-error.ts'
import { parseValue } from './parse-value.ts'
import { clientMetricsProperties } from './properties/client-metrics.ts'
import { groupProperties } from './properties/group.ts'
import type { Property } from './property.ts'

/** Numbers of threads: changed to no more than twice and no less than half of what they are. */
const threadCounts: readonly BrokerPropertyName[] = [
  'background.threads',
  'log.cleaner.threads',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
  'remote.log.manager.copier.thread.pool.size',
  'remote.log.manager.expiration.thread.pool.size',
  'remote.log.manager.follower.thread.pool.size',
  'remote.log.reader.threads',
]

/** Kafka takes a zero at its start, or fails there in another way. */
const positiveNumbers: readonly BrokerPropertyName[] = ['max.connection.creation.rate', 'max.connections']

/** Throws `ConfigError` when these cannot be the settings of one broker that runs. What nobody knows is let through, as in Kafka. */
export function validateBrokerChange(settings: ReadonlyMap<string, string>, broker: BrokerConfig): void {
  checkChangeable(settings, true)
  checkThreads(settings, broker)
  checkTogether(broker.withDynamic(settings, broker.dynamicClusterEntries))
}

/** The same for the settings of all brokers. */
export function validateClusterChange(settings: ReadonlyMap<string, string>, broker: BrokerConfig): void {
  checkChangeable(settings, false)
  checkThreads(settings, broker)
  checkTogether(broker.withDynamic(broker.dynamicBrokerEntries, settings))
}

function checkChangeable(settings: ReadonlyMap<string, string>, isOneBroker: boolean): void {
  for (const [name, text] of settings) {
    const property = brokerProperty(name)
    if (!property) continue
    const isOfListener = listenerPropertyName(name) !== undefined
    const { dynamic } = property.rules
    if (dynamic === undefined && !isOfListener) {
      throw new ConfigError(`${name} cannot be changed while the broker runs`)
    }
    if (dynamic === 'listener' && !isOfListener) {
      throw new ConfigError(`${name} can be changed only for one listener: listener.name.<listener>.${name}`)
    }
    if (!isOneBroker && (dynamic !== 'cluster' || isOfListener)) {
      throw new ConfigError(`${name} can be changed only for one broker, not for all`)
    }
    parseValue(name, property, text)
  }
}

/** What Kafka looks at only when a setting changes while it runs. */
function checkTogether(changed: BrokerConfig): void {
  for (const name of positiveNumbers) {
    if (changed.get(name) === 0) throw invalidValue(name, '0', 'at least 1')
  }
  checkLocalRetention(changed, 'log.local.retention.ms', 'log.retention.ms')
  checkLocalRetention(changed, 'log.local.retention.bytes', 'log.retention.bytes')
}

/** -2 is the same as all retention. */
function checkLocalRetention(
  changed: BrokerConfig,
  localName: 'log.local.retention.ms' | 'log.local.retention.bytes',
  name: 'log.retention.ms' | 'log.retention.bytes',
): void {
  const local = changed.get(localName)
  const limit = changed.get(name)
  if (limit === null || limit < 0 || local === -2) return
  if (local === -1 || local > limit)
    throw invalidValue(localName, String(local), `-2, or at most ${name}=${limit}`)
}

function checkThreads(settings: ReadonlyMap<string, string>, broker: BrokerConfig): void {
  for (const name of threadCounts) {
    const text = settings.get(name)
    if (text === undefined) continue
    const now = broker.get(name) as number
    const wanted = parseValue(name, brokerProperties[name], text) as number
    if (wanted === now) continue
    if (wanted < 1 || wanted > now * 2 || wanted < Math.floor(now / 2)) {
      throw invalidValue(name, text, `from half of to twice what it is, which is ${now}`)
    }
  }
}

/** Throws `ConfigError` when these cannot be the settings of a group. */
export function validateGroupConfig(settings: ReadonlyMap<string, string>, broker: BrokerConfig): void {
  parseAll(settings, groupProperties, 'a group')
  for (const [name, text] of settings) {
    const kind = name.slice(0, name.indexOf('.'))
    const what = name.slice(kind.length + 1)
    if (!GROUP_RANGES.includes(what)) continue
    const { min, max, words } = groupRange(broker, kind, what)
    const value = Number(text)
    if (value < min || value > max) throw invalidValue(name, text, words)
  }
  for (const kind of ['consumer', 'share', 'streams'] as const) {
    const of = (what: 'heartbeat.interval.ms' | 'session.timeout.ms') =>
      Number(settings.get(`${kind}.${what}`) ?? broker.get(`group.${kind}.${what}`))
    const heartbeatMs = of('heartbeat.interval.ms')
    if (heartbeatMs >= of('session.timeout.ms')) {
      const allowed = `less than ${kind}.session.timeout.ms=${of('session.timeout.ms')}`
      throw invalidValue(`${kind}.heartbeat.interval.ms`, String(heartbeatMs), allowed)
    }
  }
}

export function isClientMetricsProperty(name: string): boolean {
  return Object.hasOwn(clientMetricsProperties, name)
}

/** How often a subscription wants metrics. Throws `ConfigError` when one of its settings has a bad value. */
export function clientMetricsIntervalMs(settings: ReadonlyMap<string, string>): number {
  parseAll(settings, clientMetricsProperties, 'a subscription to metrics')
  return Number(settings.get('interval.ms') ?? clientMetricsProperties['interval.ms'].fallback)
}

function parseAll(
  settings: ReadonlyMap<string, string>,
  properties: Readonly<Record<string, Property>>,
  whose: string,
): void {
  for (const [name, text] of settings) {
    if (!Object.hasOwn(properties, name)) throw new ConfigError(`${name} is not a property of ${whose}`)
    parseValue(name, properties[name]!, text)
  }
}
