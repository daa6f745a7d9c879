import { DescribeConfigs } from '../../protocol/generated/describe-configs.ts'
import { check } from '../client/broker-error.ts'
import type { Cluster } from '../client/cluster.ts'
import { EARLIEST, LATEST, listOffsets } from '../client/topic-partitions.ts'
import { clientOptions, withSession } from '../client-session.ts'
import { command } from '../command.ts'
import { table } from '../table.ts'

const TOPIC_RESOURCE = 2
/** Where a value comes from, as DescribeConfigs numbers it. */
const TOPIC_CONFIG = 1
const DEFAULT_CONFIG = 5
/** A sentence of the documentation that says what the broker does not do. */
const LIMITATION = /\bOdradek takes [^.]*\bdoes not [^.]*\./
const CONFIG_SOURCES: Readonly<Record<number, string>> = {
  1: 'topic',
  2: 'broker, while it ran',
  3: 'all brokers, while they ran',
  4: 'broker, at start',
}

interface DescribedConfig {
  readonly name: string
  readonly value: string | null
  readonly source: string
}

export const topicDescribe = command({
  syntax: 'describe <names..>',
  describe: 'Show partitions, leaders, offsets, and the properties that differ from the default',
  positionals: { names: { type: 'string', array: true, demandOption: true, describe: 'Their names' } },
  options: clientOptions,
  run: (host, args) =>
    withSession(host, args, async ({ cluster, print }) => {
      for (const name of args.names) {
        const topic = await describeTopic(cluster, name)
        print([topic], () => formatTopic(topic))
      }
      return undefined
    }),
})

type DescribedTopic = Awaited<ReturnType<typeof describeTopic>>

async function describeTopic(cluster: Cluster, name: string) {
  const topic = await cluster.topic(name)
  const [earliest, latest, configs] = await Promise.all([
    listOffsets(cluster, topic, EARLIEST),
    listOffsets(cluster, topic, LATEST),
    differingConfigs(cluster, name),
  ])
  return {
    topic: name,
    topicId: topic.topicId,
    isInternal: topic.isInternal,
    partitions: [...topic.partitions]
      .sort((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ partitionIndex, leaderId, leaderEpoch, replicaNodes, isrNodes }) => ({
        partition: partitionIndex,
        leader: leaderId,
        leaderEpoch,
        replicas: replicaNodes,
        isr: isrNodes,
        beginningOffset: earliest.get(partitionIndex),
        endOffset: latest.get(partitionIndex),
      })),
    ...configs,
  }
}

/** Properties that are set on the topic or differ from the default, and what the broker says about those that it does not honour. */
async function differingConfigs(
  cluster: Cluster,
  name: string,
): Promise<{ configs: DescribedConfig[]; notes: string[] }> {
  const { results } = await cluster.request(DescribeConfigs, {}, (version) => ({
    resources: [{ resourceType: TOPIC_RESOURCE, resourceName: name, configurationKeys: null }],
    // Version 1 brought synonyms (KIP-226).
    includeSynonyms: version >= 1,
    // Version 3 brought documentation (KIP-569).
    includeDocumentation: version >= 3,
  }))
  const result = results[0]
  if (result) check(result.errorCode, `topic ${name}`, result.errorMessage)
  const differing = (result?.configs ?? []).filter(
    ({ configSource, isDefault, value, synonyms }) =>
      configSource === TOPIC_CONFIG ||
      (!isDefault &&
        configSource !== DEFAULT_CONFIG &&
        // Kafka itself sets min.insync.replicas of all brokers, to its default (KIP-966).
        !synonyms.some((synonym) => synonym.source === DEFAULT_CONFIG && synonym.value === value)),
  )
  return {
    configs: differing.map(({ name, value, configSource }) => ({
      name,
      value,
      source: CONFIG_SOURCES[configSource] ?? 'unknown',
    })),
    notes: differing.flatMap(({ name: property, value, documentation }) => {
      const limitation = LIMITATION.exec(documentation ?? '')?.[0]
      return limitation === undefined ? [] : [`${property}=${value ?? ''}: ${limitation}`]
    }),
  }
}

function formatTopic({ topic, topicId, isInternal, partitions, configs, notes }: DescribedTopic): string {
  const rows = partitions.map((each) => [
    each.partition,
    each.leader,
    each.replicas.join(','),
    each.isr.join(','),
    each.beginningOffset,
    each.endOffset,
  ])
  const settings = configs.map(({ name, value, source }) => [`${name}=${value ?? ''}`, `(${source})`])
  return [
    `${topic}${isInternal ? ' (internal)' : ''}, id ${topicId}\n`,
    table(['PARTITION', 'LEADER', 'REPLICAS', 'ISR', 'BEGINNING', 'END'], rows),
    settings.length > 0 ? table(['PROPERTY', ''], settings) : '',
    ...notes.map((note) => `note: ${note}\n`),
  ]
    .filter((part) => part !== '')
    .join('\n')
}
