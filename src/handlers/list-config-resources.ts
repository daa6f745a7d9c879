import { ErrorCode } from '../protocol/error-code.ts'
import {
  ListConfigResources,
  type ListConfigResourcesResponse,
} from '../protocol/generated/list-config-resources.ts'
import { ResourceType } from './configs/resources.ts'
import { type BrokerServices, handler } from './handler.ts'

const EVERY_TYPE: readonly number[] = Object.values(ResourceType)

/** ListConfigResources (key 74): what has settings. 0 lists subscriptions to metrics (KIP-714), 1 any kind of resource, or all (KIP-1142). */
export const listConfigResources = handler(
  ListConfigResources,
  ({ resourceTypes }, { broker, apiVersion }): ListConfigResourcesResponse => {
    const asked = apiVersion === 0 ? [ResourceType.CLIENT_METRICS] : resourceTypes
    if (asked.some((type) => !EVERY_TYPE.includes(type))) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] }
    }
    const types = asked.length > 0 ? new Set(asked) : EVERY_TYPE
    const configResources = Array.from(types).flatMap((resourceType) =>
      Array.from(namesOf(resourceType, broker), (resourceName) => ({ resourceName, resourceType })),
    )
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, configResources }
  },
)

/** Topics and brokers always have settings; groups and subscriptions are known by those that were set. */
function namesOf(resourceType: number, { metadata }: BrokerServices): Iterable<string> {
  switch (resourceType) {
    case ResourceType.TOPIC:
      return metadata.topics.keys()
    case ResourceType.GROUP:
      return metadata.configured('group')
    case ResourceType.CLIENT_METRICS:
      return metadata.configured('client-metrics')
    default:
      return Array.from(metadata.brokers.keys(), String)
  }
}
