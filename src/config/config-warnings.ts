import { brokerProperty, listenerPropertyName } from './broker-properties.ts'
import { honouredProperties, topicPropertiesWithoutEffect } from './honoured-properties.ts'

/** Whose settings they are. */
export type ConfigKind = 'topic' | 'broker' | 'group' | 'client-metrics'

/** Kafka opens and closes listeners while it runs; here they are what they were at start. */
const readAtStart: ReadonlySet<string> = new Set(['listeners', 'listener.security.protocol.map'])

/** What a user should know about the properties that a broker is started with: one line for each that has no effect. */
export function configWarnings(properties: ReadonlyMap<string, string>): string[] {
  const warnings: string[] = []
  for (const name of properties.keys()) {
    if (!brokerProperty(name))
      warnings.push(`${name} is not a property of Apache Kafka 4.3: it has no effect`)
    else if (!isHonouredByBroker(name)) {
      warnings.push(`${name} is accepted but not honoured yet: it has no effect`)
    }
  }
  return warnings
}

/** Names of settings that are kept, but change nothing. */
export function ineffectiveChanges(kind: ConfigKind, changes: ReadonlyMap<string, string | null>): string[] {
  const isEffective = (name: string) =>
    isHonoured(kind, name) && !(kind === 'broker' && readAtStart.has(name))
  return [...changes].filter(([name, value]) => value !== null && !isEffective(name)).map(([name]) => name)
}

/** Whether a setting changes what this broker does. Nothing goes by the settings of groups and of clients' metrics yet. */
export function isHonoured(kind: ConfigKind, name: string): boolean {
  if (kind === 'topic') return !topicPropertiesWithoutEffect.has(name)
  return kind === 'broker' && isHonouredByBroker(name)
}

function isHonouredByBroker(name: string): boolean {
  return honouredProperties.has(name) && listenerPropertyName(name) === undefined
}
