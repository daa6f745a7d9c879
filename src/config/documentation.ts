import { listenerPropertyName } from './broker-properties.ts'
import { type ConfigKind, isHonoured } from './config-warnings.ts'
import { brokerDocumentation } from './documentation/broker.ts'
import { clientMetricsDocumentation, groupDocumentation } from './documentation/group.ts'
import { topicDocumentation } from './documentation/topic.ts'

const tables: Readonly<Record<ConfigKind, Readonly<Record<string, string>>>> = {
  topic: topicDocumentation,
  broker: brokerDocumentation,
  'client-metrics': clientMetricsDocumentation,
  group: groupDocumentation,
}

/**
 * What a setting is for, in sentences, and whether it has no effect yet; null for one that nobody knows. Only DescribeConfigs asks, so that
 * only its first request with documentation pays for the texts.
 */
export function documentationOf(kind: ConfigKind, name: string): string | null {
  const base = (kind === 'broker' && listenerPropertyName(name)) || name
  const text = tables[kind][base]
  if (text === undefined) return null
  return isHonoured(kind, name) ? text : `${text} Odradek takes this setting, but does not honour it yet.`
}
