import { MetadataHarness } from '../../metadata/test-support/metadata-harness.ts'
import { type Logger, silentLogger } from '../../platform/logger.ts'
import { MemoryFiles } from '../../platform/memory-files.ts'
import type { AnyHandler, BrokerServices, Handler, RequestContext } from '../handler.ts'

/** A broker of nothing but metadata: the real controller, image and partitions. */
export async function metadataBroker(files = new MemoryFiles(), logger: Logger = silentLogger) {
  const harness = await MetadataHarness.start({ files })
  const { controller, image, partitions, config, clock } = harness
  const broker = {
    nodeId: 1,
    clusterId: 'cluster',
    logger,
    config,
    clock,
    controller,
    partitions,
    metadata: image,
  } as unknown as BrokerServices
  const ask = async <Request, Response>(
    handler: Handler<Request, Response>,
    apiVersion: number,
    request: object,
  ) =>
    (await (handler as AnyHandler).handle(request, {
      broker,
      apiVersion,
    } as unknown as RequestContext)) as Response
  const createTopic = (name: string, count = 1) =>
    controller.createTopic({
      name,
      partitions: count,
      replicationFactor: 1,
      assignments: [],
      configs: new Map(),
    })
  return { harness, files, ask, createTopic, image, controller }
}

/** Asks a handler of such a broker. */
export type Ask = Awaited<ReturnType<typeof metadataBroker>>['ask']
