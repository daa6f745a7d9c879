import type { BrokerConfig, BrokerPropertyName } from './broker-config.ts'
import { ConfigError, invalidValue } from './config-error.ts'
import { type ParsedValue, parseValue } from './parse-value.ts'
import { topicProperties } from './properties/topic.ts'
import type { Property, ValuesOf } from './property.ts'

export type TopicPropertyName = keyof typeof topicProperties

/** What a topic goes by, parsed. Long.MAX comes as 2 ** 63, the nearest number. */
export type TopicConfig = ValuesOf<typeof topicProperties>

/** Broker properties that a topic without a setting of its own goes by. */
export const brokerSynonyms: Readonly<Partial<Record<TopicPropertyName, BrokerPropertyName>>> = {
  'cleanup.policy': 'log.cleanup.policy',
  'compression.gzip.level': 'compression.gzip.level',
  'compression.lz4.level': 'compression.lz4.level',
  'compression.type': 'compression.type',
  'compression.zstd.level': 'compression.zstd.level',
  'delete.retention.ms': 'log.cleaner.delete.retention.ms',
  'file.delete.delay.ms': 'log.segment.delete.delay.ms',
  'flush.messages': 'log.flush.interval.messages',
  'flush.ms': 'log.flush.interval.ms',
  'index.interval.bytes': 'log.index.interval.bytes',
  'local.retention.bytes': 'log.local.retention.bytes',
  'local.retention.ms': 'log.local.retention.ms',
  'max.compaction.lag.ms': 'log.cleaner.max.compaction.lag.ms',
  'max.message.bytes': 'message.max.bytes',
  'message.timestamp.after.max.ms': 'log.message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms': 'log.message.timestamp.before.max.ms',
  'message.timestamp.type': 'log.message.timestamp.type',
  'min.cleanable.dirty.ratio': 'log.cleaner.min.cleanable.ratio',
  'min.compaction.lag.ms': 'log.cleaner.min.compaction.lag.ms',
  'min.insync.replicas': 'min.insync.replicas',
  preallocate: 'log.preallocate',
  'retention.bytes': 'log.retention.bytes',
  'retention.ms': 'log.retention.ms',
  'segment.bytes': 'log.segment.bytes',
  'segment.index.bytes': 'log.index.size.max.bytes',
  'segment.jitter.ms': 'log.roll.jitter.ms',
  'segment.ms': 'log.roll.ms',
  'unclean.leader.election.enable': 'unclean.leader.election.enable',
}

const table: ReadonlyMap<string, Property> = new Map(Object.entries(topicProperties))

/** The property of a topic that has this name. */
export function topicProperty(name: string): Property | undefined {
  return table.get(name)
}

/**
 * What a topic goes by: its own settings over the broker's over Kafka's defaults. A plain object, made once and read on each append. Throws
 * `ConfigError` for a bad value.
 */
export function topicConfig(overrides: ReadonlyMap<string, string>, broker: BrokerConfig): TopicConfig {
  const values: Record<string, ParsedValue | null> = {}
  for (const [name, property] of table) {
    const text = overrides.get(name)
    values[name] = text === undefined ? inherited(name, property, broker) : parseValue(name, property, text)
  }
  // Kafka's own way to small segments in tests.
  const segmentBytes = values['internal.segment.bytes']
  if (segmentBytes !== null && segmentBytes !== undefined) values['segment.bytes'] = segmentBytes
  return values as unknown as TopicConfig
}

function inherited(name: string, property: Property, broker: BrokerConfig): ParsedValue | null {
  const synonym = brokerSynonyms[name as TopicPropertyName]
  if (synonym) return broker.get(synonym)
  return property.fallback === null ? null : parseValue(name, property, property.fallback)
}

/**
 * Throws `ConfigError` for settings that a topic cannot have: an unknown name, no value, a bad value, or values that do not go together. The
 * message names the property, its value and what is allowed.
 */
export function validateTopicConfig(
  overrides: ReadonlyMap<string, string | null>,
  broker: BrokerConfig,
): void {
  const texts = new Map<string, string>()
  for (const [name, text] of overrides) {
    if (!table.has(name)) throw new ConfigError(`${name} is not a property of a topic`)
    if (text === null) throw new ConfigError(`${name} has no value`)
    texts.set(name, text)
  }
  if (texts.size === 0) return
  const config = topicConfig(texts, broker)
  const minLagMs = config['min.compaction.lag.ms']
  const maxLagMs = config['max.compaction.lag.ms']
  if (minLagMs > maxLagMs) {
    throw invalidValue('min.compaction.lag.ms', String(minLagMs), `at most max.compaction.lag.ms=${maxLagMs}`)
  }
  if (config['remote.storage.enable']) {
    throw invalidValue('remote.storage.enable', 'true', 'false: the broker has no tiered storage')
  }
}
