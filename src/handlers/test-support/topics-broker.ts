import { MetadataHarness } from '../../metadata/test-support/metadata-harness.ts'
import { silentLogger } from '../../platform/logger.ts'
import type { MetadataRequest } from '../../protocol/generated/metadata.ts'
import { createTopics } from '../create-topics.ts'
import type { AnyHandler, BrokerServices, Handler, RequestContext } from '../handler.ts'
import { metadata } from '../metadata.ts'

/** A broker of nothing but metadata: the real controller, image and partitions. */
export async function topicsBroker(properties: Record<string, string> = {}, hasEndpoint = true) {
  const endpoint = hasEndpoint ? { host: 'localhost', port: 9092 } : undefined
  const harness = await MetadataHarness.start({ properties })
  const { controller, image, partitions, config } = harness
  const broker = {
    nodeId: 1,
    clusterId: 'cluster',
    logger: silentLogger,
    config,
    controller,
    partitions,
    metadata: image,
    advertisedEndpoint: () => endpoint,
  } as unknown as BrokerServices
  const ask = async <Request, Response>(
    handler: Handler<Request, Response>,
    apiVersion: number,
    request: object,
  ) => {
    const context = { broker, apiVersion } as unknown as RequestContext
    return (await (handler as AnyHandler).handle(request, context)) as Response
  }
  const create = (name: string, numPartitions = 1, rest: object = {}) => ({
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...rest,
  })
  const createAll = async (apiVersion: number, topics: object[], rest: object = {}) =>
    (await ask(createTopics, apiVersion, { topics, timeoutMs: 1000, validateOnly: false, ...rest })).topics
  const askMetadata = async (apiVersion: number, rest: Partial<MetadataRequest>) =>
    await ask(metadata, apiVersion, {
      topics: [],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
      ...rest,
    })
  return { harness, ask, create, createAll, askMetadata, image }
}
