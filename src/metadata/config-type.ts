/** Whose settings the metadata log keeps. */
export type ConfigType = 'topic' | 'broker' | 'client-metrics' | 'group'

/** Numbers of the kinds of resources, as in ConfigRecord and in the config APIs. */
const resourceTypes: Readonly<Record<ConfigType, number>> = {
  topic: 2,
  broker: 4,
  'client-metrics': 16,
  group: 32,
}

const configTypes: ReadonlyMap<number, ConfigType> = new Map(
  Object.entries(resourceTypes).map(([type, number]) => [number, type as ConfigType]),
)

export function resourceTypeOf(type: ConfigType): number {
  return resourceTypes[type]
}

/** undefined for a kind of resource whose settings are not kept in the metadata log. */
export function configTypeOf(resourceType: number): ConfigType | undefined {
  return configTypes.get(resourceType)
}
