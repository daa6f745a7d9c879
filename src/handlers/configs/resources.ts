import { checkTopicName } from '../../metadata/topic-names.ts'
import { ApiError, ErrorCode } from '../../protocol/error-code.ts'
import type { BrokerServices } from '../handler.ts'

/** What has settings, by Kafka's numbers. */
export const ResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const

/** What a request names. */
export interface Resource {
  readonly resourceType: number
  readonly resourceName: string
}

/** Name under which the settings of a broker are kept: its id, or '' for the default of all. Throws INVALID_REQUEST for another broker. */
export function brokerResource(name: string, nodeId: number): string {
  if (name === '') return ''
  if (!/^[+-]?\d+$/.test(name))
    throw invalidRequest(`The id of a broker is a number, not ${JSON.stringify(name)}`)
  if (Number(name) !== nodeId) throw invalidRequest(`This is broker ${nodeId}, not ${name}`)
  return String(nodeId)
}

/** Throws INVALID_TOPIC_EXCEPTION or UNKNOWN_TOPIC_OR_PARTITION. */
export function requireTopic(name: string, broker: BrokerServices): void {
  checkTopicName(name)
  if (!broker.metadata.topic(name)) {
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic ${name}`)
  }
}

export function invalidRequest(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REQUEST, message)
}

export function invalidConfig(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_CONFIG, message)
}
