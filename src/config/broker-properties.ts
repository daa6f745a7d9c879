import { clusterProperties } from './properties/cluster.ts'
import { coordinatorProperties } from './properties/coordinators.ts'
import { logProperties } from './properties/log.ts'
import { networkProperties } from './properties/network.ts'
import { securityProperties } from './properties/security.ts'
import type { Property, ValuesOf } from './property.ts'

/** Every broker property of Apache Kafka 4.3. */
export const brokerProperties = {
  ...networkProperties,
  ...logProperties,
  ...coordinatorProperties,
  ...clusterProperties,
  ...securityProperties,
}

export type BrokerPropertyName = keyof typeof brokerProperties

type OwnTypes = ValuesOf<typeof brokerProperties>

/** Properties that another one fills in when they are not set, so that they always have a value. */
type FilledIn =
  | 'log.dirs'
  | 'log.flush.interval.ms'
  | 'log.retention.ms'
  | 'log.roll.jitter.ms'
  | 'log.roll.ms'
  | 'node.id'

/** Types of the values that `BrokerConfig.get` gives. */
export type BrokerPropertyTypes = {
  readonly [Name in BrokerPropertyName]: Name extends FilledIn ? NonNullable<OwnTypes[Name]> : OwnTypes[Name]
}

const byName: ReadonlyMap<string, Property> = new Map(Object.entries(brokerProperties))

const LISTENER_PREFIX = /^listener\.name\.[^.]+\.(.+)$/

/** The property of a name; that of `listener.name.external.ssl.keystore.location` is `ssl.keystore.location`. */
export function brokerProperty(name: string): Property | undefined {
  const found = byName.get(name)
  if (found) return found
  const base = listenerPropertyName(name)
  return base === undefined ? undefined : byName.get(base)
}

/**
 * `ssl.keystore.location` of `listener.name.external.ssl.keystore.location`, also with the name of a SASL mechanism before it; undefined
 * when the name does not speak of one listener.
 */
export function listenerPropertyName(name: string): string | undefined {
  const base = LISTENER_PREFIX.exec(name)?.[1]
  if (base === undefined || byName.has(base)) return base
  const behindMechanism = base.slice(base.indexOf('.') + 1)
  return byName.has(behindMechanism) ? behindMechanism : base
}

const families: readonly (readonly BrokerPropertyName[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
]

/** Names that may give a property its value, the strongest first. */
export function synonymsOf(name: string): readonly string[] {
  const base = listenerPropertyName(name)
  if (base !== undefined && byName.has(base)) return [name, base]
  const family = families.find((names) => (names as readonly string[]).includes(name))
  // The flush scheduler fills in for the interval, but not the other way round.
  return family && name !== 'log.flush.scheduler.interval.ms' ? family : [name]
}
