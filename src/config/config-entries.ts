import type { BrokerConfig, BrokerPropertyName } from './broker-config.ts'
import { brokerProperties, brokerProperty, synonymsOf } from './broker-properties.ts'
import { canonicalText } from './parse-value.ts'
import { clientMetricsProperties } from './properties/client-metrics.ts'
import { groupProperties } from './properties/group.ts'
import { topicProperties } from './properties/topic.ts'
import { LONG_MAX, type Property, typeCodes } from './property.ts'
import { brokerSynonyms, type TopicPropertyName, topicProperty } from './topic-config.ts'

/** Where a value comes from, by Kafka's numbers (KIP-226). */
export const ConfigSource = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
  CLIENT_METRICS: 7,
  GROUP: 8,
} as const

export interface ConfigSynonym {
  readonly name: string
  /** null for a secret. */
  readonly value: string | null
  readonly source: number
}

/** One setting as the config APIs tell it. */
export interface ConfigEntry {
  readonly name: string
  /** null for none and for a secret. */
  readonly value: string | null
  /** One of `ConfigSource`. */
  readonly source: number
  readonly isReadOnly: boolean
  readonly isSensitive: boolean
  /** Kafka's number of the type; 0 for a setting that nobody knows. */
  readonly type: number
  /** Everything that could give the value, the one in force first. */
  readonly synonyms: readonly ConfigSynonym[]
}

/** Settings of a topic, all that Kafka tells of. `overrides` is what was set for it. */
export function topicEntries(overrides: ReadonlyMap<string, string>, broker: BrokerConfig): ConfigEntry[] {
  const names = Object.entries(topicProperties)
    .filter(([name, property]) => !property.rules.isInternal || overrides.has(name))
    .map(([name]) => name as TopicPropertyName)
  return names.map((name) => {
    const property = topicProperty(name)!
    const own = overrides.get(name)
    const synonym = brokerSynonyms[name]
    const value = own === undefined ? inheritedText(property, synonym, broker) : canonicalText(property, own)
    const inherited = synonym ? brokerValues(synonym, broker) : []
    const synonyms =
      own === undefined ? inherited : [{ name, value, source: ConfigSource.TOPIC }, ...inherited]
    return entry(name, property, value, synonyms)
  })
}

function inheritedText(
  property: Property,
  synonym: BrokerPropertyName | undefined,
  broker: BrokerConfig,
): string | null {
  if (!synonym) return property.fallback
  return broker.textOf(synonym) ?? numberText(broker.get(synonym) as number)
}

/** Settings of a broker: all that Kafka tells of, and whatever else was set. */
export function brokerEntries(broker: BrokerConfig): ConfigEntry[] {
  const layers = brokerLayers(broker)
  const described = Object.entries<Property>(brokerProperties).filter(
    ([, property]) => !property.rules.isInternal,
  )
  const names = new Set([
    ...described.map(([name]) => name),
    ...layers.flatMap(({ entries }) => [...entries.keys()]),
  ])
  return [...names].sort().map((name) => brokerEntry(name, broker))
}

/** What is set for all brokers. */
export function clusterEntries(broker: BrokerConfig): ConfigEntry[] {
  return [...broker.dynamicClusterEntries.keys()].sort().map((name) => {
    const value = broker.dynamicClusterEntries.get(name)!
    const synonym = { name, value, source: ConfigSource.DYNAMIC_DEFAULT_BROKER }
    return entry(name, brokerProperty(name), value, [synonym])
  })
}

/** Settings of a group; `overrides` is what was set for it. */
export function groupEntries(overrides: ReadonlyMap<string, string>, broker: BrokerConfig): ConfigEntry[] {
  return Object.entries<Property>(groupProperties).map(([name, property]) => {
    const own = overrides.get(name)
    const synonym = `group.${name}`
    const inherited = brokerProperty(synonym)
      ? brokerValues(synonym, broker)
      : [{ name, value: property.fallback, source: ConfigSource.DEFAULT }]
    const value = own === undefined ? inherited[0]!.value : canonicalText(property, own)
    const synonyms =
      own === undefined ? inherited : [{ name, value, source: ConfigSource.GROUP }, ...inherited]
    return entry(name, property, value, synonyms)
  })
}

/** Settings of a subscription to clients' metrics; `overrides` is what was set for it. */
export function clientMetricsEntries(overrides: ReadonlyMap<string, string>): ConfigEntry[] {
  return Object.entries<Property>(clientMetricsProperties).map(([name, property]) => {
    const own = overrides.get(name)
    if (own === undefined) return entry(name, property, property.fallback, [])
    const value = canonicalText(property, own)
    return entry(name, property, value, [{ name, value, source: ConfigSource.CLIENT_METRICS }])
  })
}

function brokerEntry(name: string, broker: BrokerConfig): ConfigEntry {
  const property = brokerProperty(name)
  const synonyms = brokerValues(name, broker)
  const value =
    name in brokerProperties ? broker.textOf(name as BrokerPropertyName) : (synonyms[0]?.value ?? null)
  const isChangeable = property?.rules.dynamic !== undefined && name in brokerProperties
  return { ...entry(name, property, value, synonyms), isReadOnly: !isChangeable }
}

/** Values that a broker's property could have, the one in force first. */
function brokerValues(name: string, broker: BrokerConfig): ConfigSynonym[] {
  const names = synonymsOf(name)
  const found: ConfigSynonym[] = []
  for (const { source, entries } of brokerLayers(broker)) {
    for (const synonym of names) {
      const value = entries.get(synonym)
      if (value !== undefined) found.push({ name: synonym, value, source })
    }
  }
  for (const synonym of names) {
    const property = brokerProperty(synonym)
    if (property && property.fallback !== null && synonym in brokerProperties) {
      found.push({
        name: synonym,
        value: canonicalText(property, property.fallback),
        source: ConfigSource.DEFAULT,
      })
    }
  }
  // What stands before the property's own name would not be asked under this name.
  const first = found.findIndex((synonym) => synonym.name === name)
  return first < 0 ? [] : found.slice(first)
}

function brokerLayers(broker: BrokerConfig) {
  return [
    { source: ConfigSource.DYNAMIC_BROKER, entries: broker.dynamicBrokerEntries },
    { source: ConfigSource.DYNAMIC_DEFAULT_BROKER, entries: broker.dynamicClusterEntries },
    { source: ConfigSource.STATIC_BROKER, entries: broker.staticEntries },
  ]
}

/** A setting that nobody knows may be a secret, and is treated as one. */
function entry(
  name: string,
  property: Property | undefined,
  value: string | null,
  synonyms: readonly ConfigSynonym[],
): ConfigEntry {
  const isSensitive = property === undefined || property.type === 'password'
  return {
    name,
    value: isSensitive ? null : value,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT,
    isReadOnly: property === undefined,
    isSensitive,
    type: property ? typeCodes[property.type] : 0,
    synonyms: isSensitive ? synonyms.map((synonym) => ({ ...synonym, value: null })) : synonyms,
  }
}

const numberText = (value: number) => (value >= 2 ** 63 ? LONG_MAX : String(value))
