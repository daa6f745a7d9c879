import { brokerProperty, listenerPropertyName } from './broker-properties.ts'
import {
  honouredProperties,
  propertiesWithoutCounterpart,
  topicPropertiesWithoutEffect,
} from './honoured-properties.ts'
import { canonicalText } from './parse-value.ts'

/** Whose settings they are. */
export type ConfigKind = 'topic' | 'broker' | 'group' | 'client-metrics'

/** Kafka opens and closes listeners while it runs; here they are what they were at start. */
const readAtStart: ReadonlySet<string> = new Set(['listeners', 'listener.security.protocol.map'])

/**
 * What a user should know about the properties that a broker is started with: one line for those that Kafka does not know, one for those
 * that are not honoured yet. Properties are told by the name under which they were given, such as that of an environment variable.
 */
export function configWarnings(
  properties: ReadonlyMap<string, string>,
  givenAs: ReadonlyMap<string, string>,
): string[] {
  const unknown: string[] = []
  const ineffective: string[] = []
  for (const [name, value] of properties) {
    const given = givenAs.get(name) ?? name
    if (!brokerProperty(name)) unknown.push(given)
    else if (isMissed(name, value)) ineffective.push(given)
  }
  return [
    ...line(unknown, 'is not a property of Apache Kafka 4.3', 'are not properties of Apache Kafka 4.3'),
    ...line(ineffective, 'is accepted but not honoured yet', 'are accepted but not honoured yet'),
  ]
}

function line(names: readonly string[], ofOne: string, ofMany: string): string[] {
  if (names.length === 0) return []
  if (names.length === 1) return [`${names[0]} ${ofOne}: it has no effect`]
  return [`${names.join(', ')} ${ofMany}: they have no effect`]
}

/** Whether Kafka would do something else because of this property, that its user would notice. */
function isMissed(name: string, value: string): boolean {
  if (isHonouredByBroker(name) || propertiesWithoutCounterpart.has(name)) return false
  const property = brokerProperty(name)!
  const isDefault =
    property.fallback !== null &&
    canonicalText(property, value) === canonicalText(property, property.fallback)
  return !isDefault
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
