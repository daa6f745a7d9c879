import {
  brokerEntries,
  type ConfigEntry,
  ConfigSource,
  clientMetricsEntries,
  clusterEntries,
  groupEntries,
  topicEntries,
} from '../config/config-entries.ts'
import { configTypeOf } from '../metadata/config-type.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  DescribeConfigs,
  type DescribeConfigsResource,
  type DescribeConfigsResourceResult,
  type DescribeConfigsResult,
} from '../protocol/generated/describe-configs.ts'
import { brokerResource, invalidRequest, ResourceType, requireTopic } from './configs/resources.ts'
import { type BrokerServices, handler } from './handler.ts'

/** Newer versions say where a value comes from instead of whether it is the default (KIP-226). */
const LAST_VERSION_WITH_IS_DEFAULT = 0

type Documentation = (resourceType: number, name: string) => string | null
type ToRow = (entry: ConfigEntry, documentation: string | null) => DescribeConfigsResourceResult

/** DescribeConfigs (32): settings of topics, brokers, groups and subscriptions to metrics, with where each value comes from. */
export const describeConfigs = handler(DescribeConfigs, async (request, { broker, apiVersion }) => {
  const documentation = request.includeDocumentation ? await loadDocumentation() : () => null
  const toRow: ToRow = ({ name, value, source, isReadOnly, isSensitive, type, synonyms }, text) => ({
    name,
    value,
    readOnly: isReadOnly,
    isDefault: apiVersion <= LAST_VERSION_WITH_IS_DEFAULT && source === ConfigSource.DEFAULT,
    configSource: source,
    isSensitive,
    synonyms: request.includeSynonyms ? synonyms : [],
    configType: type,
    documentation: text,
  })
  return {
    throttleTimeMs: 0,
    results: request.resources.map((resource) => describe(resource, broker, toRow, documentation)),
  }
})

async function loadDocumentation(): Promise<Documentation> {
  const { documentationOf } = await import('../config/documentation.ts')
  return (resourceType, name) => {
    const kind = configTypeOf(resourceType)
    return kind === undefined ? null : documentationOf(kind, name)
  }
}

function describe(
  { resourceType, resourceName, configurationKeys }: DescribeConfigsResource,
  broker: BrokerServices,
  toRow: ToRow,
  documentation: Documentation,
): DescribeConfigsResult {
  try {
    const all = entriesOf(resourceType, resourceName, broker)
    // No names at all mean every setting; a name that is not known is left out.
    const wanted = configurationKeys?.length ? new Set(configurationKeys) : undefined
    const entries = wanted ? all.filter(({ name }) => wanted.has(name)) : all
    const configs = entries.map((entry) => toRow(entry, documentation(resourceType, entry.name)))
    return { errorCode: ErrorCode.NONE, errorMessage: '', resourceType, resourceName, configs }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { errorCode: error.code, errorMessage: error.message, resourceType, resourceName, configs: [] }
  }
}

function entriesOf(type: number, name: string, broker: BrokerServices): ConfigEntry[] {
  const { config, metadata, nodeId } = broker
  switch (type) {
    case ResourceType.TOPIC:
      requireTopic(name, broker)
      return topicEntries(metadata.configs('topic', name), config)
    case ResourceType.BROKER:
      return brokerResource(name, nodeId) === '' ? clusterEntries(config) : brokerEntries(config)
    case ResourceType.BROKER_LOGGER:
      if (brokerResource(name, nodeId) === '') throw invalidRequest('The id of a broker is missing')
      // Levels are set per class in Kafka; there is one logger here, which is none of those.
      return []
    case ResourceType.CLIENT_METRICS:
      if (name === '') throw invalidRequest('The name of the subscription is missing')
      return clientMetricsEntries(metadata.configs('client-metrics', name))
    case ResourceType.GROUP:
      if (name === '') throw invalidRequest('The name of the group is missing')
      return groupEntries(metadata.configs('group', name), config)
    default:
      throw invalidRequest(`Resources of type ${type} have no settings`)
  }
}
