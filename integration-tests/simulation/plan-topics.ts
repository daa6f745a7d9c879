import type { SimulatedRandom } from '../../src/platform/simulated-random.ts'
import type { Action, Flushing } from './plan.ts'

/** Records of these have no keys. */
export const TOPICS = ['orders', 'users', 'audit', 'metrics']
/** These are compacted, the second one with the policy `delete` besides. */
export const KEYED_TOPICS = ['profiles', 'sessions']
/** No topic has more. */
export const MAX_PARTITIONS = 3

/** Of records with keys, of which the last one of each stays. */
export function isKeyed(topic: string): boolean {
  return KEYED_TOPICS.includes(topic)
}

/** `isBulky`: segments may become large. */
export function createTopic(
  random: SimulatedRandom,
  flushing: Flushing,
  topic: string,
  isBulky: boolean,
): Action {
  const configs: [string, string][] = [
    ['index.interval.bytes', random.pick(['0', '50', '400'])],
    ['file.delete.delay.ms', random.pick(['0', '1000', '60000'])],
  ]
  if (isBulky) configs.push(['segment.index.bytes', random.pick(['80', '10485760'])])
  else if (random.chance(30)) configs.push(['internal.segment.bytes', random.pick(['1500', '4000', '60000'])])
  else configs.push(['segment.index.bytes', random.pick(['8', '24', '100', '1000'])])
  if (flushing === 'by-topic') configs.push(['flush.messages', random.pick(['1', '1', '3'])])
  if (flushing === 'late' && random.chance(50)) configs.push(['flush.ms', random.pick(['10', '1000'])])
  if (random.chance(30)) configs.push(['segment.ms', random.pick(['100', '10000', '600000'])])
  if (isKeyed(topic)) configs.push(...compaction(random))
  const expires = !isKeyed(topic) || topic === KEYED_TOPICS[1]
  if (topic === KEYED_TOPICS[1]) configs.push(['cleanup.policy', 'compact,delete'])
  else if (isKeyed(topic)) configs.push(['cleanup.policy', 'compact'])
  if (expires && random.chance(20)) configs.push(['retention.ms', random.pick(['1000', '60000', '3600000'])])
  if (expires && random.chance(10)) configs.push(['retention.bytes', random.pick(['0', '500', '5000'])])
  return { kind: 'create-topic', topic, partitions: 1 + random.integer(MAX_PARTITIONS), configs }
}

function compaction(random: SimulatedRandom): [string, string][] {
  const configs: [string, string][] = [['min.cleanable.dirty.ratio', random.pick(['0', '0', '0.01', '0.5'])]]
  if (random.chance(70)) configs.push(['delete.retention.ms', random.pick(['0', '1000', '60000'])])
  if (random.chance(30)) configs.push(['min.compaction.lag.ms', random.pick(['50', '5000', '60000'])])
  if (random.chance(30)) configs.push(['max.compaction.lag.ms', random.pick(['60000', '600000'])])
  return configs
}

type Alteration = readonly [string, readonly (string | null)[]]

const ALTERATIONS: readonly Alteration[] = [
  ['retention.ms', ['1000', '60000', '604800000', null]],
  ['retention.bytes', ['0', '500', '-1', null]],
  ['segment.index.bytes', ['8', '24', '1000', null]],
  ['segment.ms', ['100', '10000', null]],
  ['internal.segment.bytes', ['1500', '60000', null]],
  ['flush.ms', ['10', '1000', null]],
  ['flush.messages', ['1', '1', '3', null]],
  ['index.interval.bytes', ['0', '400', null]],
]

const KEYED_ALTERATIONS: readonly Alteration[] = [
  ['cleanup.policy', ['compact', 'compact,delete']],
  ['delete.retention.ms', ['0', '1000', '60000', null]],
  ['min.compaction.lag.ms', ['0', '50', '60000', null]],
  ['min.cleanable.dirty.ratio', ['0', '0.5', null]],
]

export function alteration(random: SimulatedRandom, topic: string): { name: string; value: string | null } {
  const keyed = isKeyed(topic) && random.chance(50)
  const [name, values] = random.pick<Alteration>(keyed ? KEYED_ALTERATIONS : ALTERATIONS)
  return { name, value: random.pick(values) }
}
