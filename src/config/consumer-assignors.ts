import type { BrokerConfig } from './broker-config.ts'

/** Assignors of consumer groups: by their names, and by Apache Kafka's classes, which older configurations have. */
const names: Readonly<Record<string, string>> = {
  uniform: 'uniform',
  range: 'range',
  'org.apache.kafka.coordinator.group.assignor.UniformAssignor': 'uniform',
  'org.apache.kafka.coordinator.group.assignor.RangeAssignor': 'range',
}

/** Names of the assignors that members may ask for; the first is the default. What is not known is left out. */
export function consumerAssignors(config: BrokerConfig): string[] {
  return config.get('group.consumer.assignors').flatMap((text) => assignorName(text) ?? [])
}

/** The name of an assignor; undefined for one that is not built in. */
export function assignorName(text: string): string | undefined {
  return Object.hasOwn(names, text) ? names[text] : undefined
}
