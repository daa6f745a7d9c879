import { ConfigError } from '../../config/config-error.ts'
import { ineffectiveChanges } from '../../config/config-warnings.ts'
import {
  clientMetricsIntervalMs,
  isClientMetricsProperty,
  validateBrokerChange,
  validateClusterChange,
  validateGroupConfig,
} from '../../config/dynamic-validation.ts'
import { validateTopicConfig } from '../../config/topic-config.ts'
import { type ConfigType, configTypeOf } from '../../metadata/config-type.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type { BrokerServices } from '../handler.ts'
import { brokerResource, invalidConfig, invalidRequest, type Resource, requireTopic } from './resources.ts'

const MIN_METRICS_INTERVAL_MS = 100
const MAX_METRICS_INTERVAL_MS = 3_600_000

/** New values by name; null: the setting goes. */
export type Changes = ReadonlyMap<string, string | null>

/** Settings of one thing, as they are kept. */
export interface ConfigTarget {
  readonly type: ConfigType
  readonly name: string
  readonly current: ReadonlyMap<string, string>
}

interface ResourceWithConfigs extends Resource {
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

interface ResourceResult extends Resource {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** Changes the settings of each resource by what `changesOf` makes of it: all of a resource or nothing, each for itself. */
export async function alterResources<R extends ResourceWithConfigs>(
  resources: readonly R[],
  validateOnly: boolean,
  broker: BrokerServices,
  changesOf: (resource: R, target: ConfigTarget) => Changes,
): Promise<ResourceResult[]> {
  const counts = new Map<string, number>()
  const keyOf = ({ resourceType, resourceName }: Resource) => `${resourceType} ${resourceName}`
  for (const resource of resources) counts.set(keyOf(resource), (counts.get(keyOf(resource)) ?? 0) + 1)
  const alterations = resources.map(async (resource) => {
    const { resourceType, resourceName } = resource
    try {
      if (counts.get(keyOf(resource))! > 1) throw invalidRequest('A resource may be there once')
      const target = targetOf(resource, broker)
      checkNames(resource)
      const changes = changesOf(resource, target)
      validate(target, changes, broker)
      if (!validateOnly) await apply(target, changes, broker)
      return { errorCode: ErrorCode.NONE, errorMessage: null, resourceType, resourceName }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { errorCode: error.code, errorMessage: error.message, resourceType, resourceName }
    }
  })
  return Promise.all(alterations)
}

function targetOf({ resourceType, resourceName }: Resource, broker: BrokerServices): ConfigTarget {
  const type = configTypeOf(resourceType)
  if (type === undefined) {
    throw invalidRequest(`Settings of resources of type ${resourceType} cannot be changed`)
  }
  if (type === 'broker') {
    const name = brokerResource(resourceName, broker.nodeId)
    return { type, name, current: broker.controller.configs(type, name) }
  }
  if (resourceName === '') throw invalidRequest('The name of the resource is missing')
  if (type === 'topic') requireTopic(resourceName, broker)
  return { type, name: resourceName, current: broker.controller.configs(type, resourceName) }
}

function checkNames({ configs }: ResourceWithConfigs): void {
  if (new Set(configs.map(({ name }) => name)).size < configs.length) {
    throw invalidRequest('A setting may be there once')
  }
}

/** Null has a meaning only where a setting goes. */
export function requireValue({ name, value }: { name: string; value: string | null }): string {
  if (value === null) throw invalidRequest(`${name} has no value`)
  return value
}

/** Checks what the settings would be. A bad value of a broker is INVALID_REQUEST and of everything else INVALID_CONFIG, as in Kafka. */
function validate({ type, name, current }: ConfigTarget, changes: Changes, broker: BrokerServices): void {
  const settings = new Map(current)
  for (const [key, value] of changes) {
    if (value === null) settings.delete(key)
    else settings.set(key, value)
  }
  try {
    if (type === 'topic') validateTopicConfig(settings, broker.config)
    else if (type === 'group') validateGroupConfig(settings, broker.config)
    else if (type === 'client-metrics') checkClientMetrics(settings)
    else {
      if (name === '') validateClusterChange(settings, broker.config)
      else validateBrokerChange(settings, broker.config)
      if (hasEligibleReplicas(broker)) checkMinInSyncReplicas(name, changes)
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw type === 'broker' ? invalidRequest(error.message) : invalidConfig(error.message)
  }
}

/** Kafka answers INVALID_CONFIG to values of the wrong type, and INVALID_REQUEST to everything else that is wrong here. */
function checkClientMetrics(settings: ReadonlyMap<string, string>): void {
  for (const name of settings.keys()) {
    if (!isClientMetricsProperty(name)) throw invalidRequest(`${name} is not a property of a subscription`)
  }
  const intervalMs = clientMetricsIntervalMs(settings)
  if (intervalMs < MIN_METRICS_INTERVAL_MS || intervalMs > MAX_METRICS_INTERVAL_MS) {
    throw invalidRequest(
      `interval.ms=${intervalMs} is not allowed: it has to be from ${MIN_METRICS_INTERVAL_MS} to ${MAX_METRICS_INTERVAL_MS}`,
    )
  }
}

function hasEligibleReplicas({ metadata }: BrokerServices): boolean {
  return (metadata.features.get('eligible.leader.replicas.version') ?? 0) > 0
}

/** With eligible leader replicas (KIP-966) this setting is the cluster's alone, and always there. */
function checkMinInSyncReplicas(name: string, changes: Changes): void {
  const value = changes.get('min.insync.replicas')
  if (value === undefined) return
  if (name !== '') throw invalidConfig('min.insync.replicas is set for all brokers, not for one')
  if (value === null)
    throw invalidConfig('min.insync.replicas of all brokers can be changed, but not removed')
}

function apply({ type, name }: ConfigTarget, changes: Changes, broker: BrokerServices): Promise<void> {
  for (const setting of ineffectiveChanges(type, changes)) {
    broker.logger.warn({ type, name, setting }, 'a setting is kept but not honoured yet: it has no effect')
  }
  return broker.controller.alterConfigs(type, name, changes)
}
