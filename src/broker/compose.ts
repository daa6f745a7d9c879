import { Dispatcher } from '../handlers/dispatch.ts'
import { emulatedApis } from '../handlers/emulation.ts'
import { FetchSessions } from '../handlers/fetch/fetch-sessions.ts'
import type { BrokerServices, ConnectionInfo } from '../handlers/handler.ts'
import { apis } from '../handlers/index.ts'
import { ProducerIds } from '../handlers/producer-ids.ts'
import type { DataDirectory } from '../log/data-directory.ts'
import { Partitions } from '../log/partitions.ts'
import { Controller } from '../metadata/controller.ts'
import { MetadataFollower } from '../metadata/metadata-follower.ts'
import { metadataLogConfig } from '../metadata/metadata-log.ts'
import { NetworkServer } from '../network/server.ts'
import { Purgatory } from '../purgatory.ts'
import { Quotas } from '../quotas/quotas.ts'
import { Gate } from './gate.ts'
import { composeGroups } from './groups.ts'
import type { BrokerOptions } from './options.ts'
import { serverLimits, storageSettings } from './settings.ts'

/** What a broker is made of. */
export interface Parts {
  readonly directory: DataDirectory
  readonly partitions: Partitions
  readonly controller: Controller
  readonly follower: MetadataFollower
  readonly services: BrokerServices
  readonly server: NetworkServer
  /** Holds requests back: a client may connect before the broker that it finds is registered. */
  readonly gate: Gate
  /** How far a start has come with the data directory; once all is taken up, a stop leaves it clean. */
  state: 'untouched' | 'touched' | 'taken up'
}

/** Makes the objects and ties them together. `onMetadataChange` is called when topics or settings have changed. */
export function compose(
  options: BrokerOptions,
  directory: DataDirectory,
  onMetadataChange: () => void,
): Parts {
  const { config, platform, logger } = options
  const { clock, random } = platform
  const { nodeId } = config
  const settings = () => storageSettings(config)
  const partitions = new Partitions({ directory, clock, random, logger, settings })
  const log = partitions.openMetadataLog(metadataLogConfig(config))
  const controller = new Controller({ log, directory, clock, random, logger, nodeId, config })
  const quotas = new Quotas(config, clock)
  let quotasVersion = 0
  const reactions = {
    onTopicsDeleted: (names: readonly string[]) => groups.onTopicsDeleted(names),
    onTopicsChanged: (names: readonly string[], hasNew: boolean) => groups.onTopicsChanged(names, hasNew),
    onChange: () => {
      const { clientQuotas } = follower.image
      if (clientQuotas.version !== quotasVersion) {
        quotasVersion = clientQuotas.version
        quotas.update(clientQuotas.all())
      }
      onMetadataChange()
    },
  }
  const follower = new MetadataFollower({ nodeId, config, partitions, reactions })
  const groups = composeGroups({ platform, config, logger, partitions, image: follower.image })
  const services: BrokerServices = {
    ...{ nodeId, clusterId: directory.clusterId, config, clock, random, logger },
    ...{ metadata: follower.image, controller, partitions, groups, quotas },
    fetchSessions: new FetchSessions(clock, random, config.get('max.incremental.fetch.session.cache.slots')),
    fetchPurgatory: new Purgatory(clock),
    producerIds: new ProducerIds(() => controller.allocateProducerIds()),
    apis: options.emulate ? emulatedApis(apis, options.emulate) : apis,
    emulated: options.emulate,
    advertisedEndpoint: (id, connection) => advertisedEndpoint(services, server, id, connection),
  }
  const gate = new Gate()
  const server = composeServer(options, services, gate)
  return { directory, partitions, controller, follower, services, server, gate, state: 'untouched' }
}

function composeServer(options: BrokerOptions, services: BrokerServices, gate: Gate): NetworkServer {
  const { config, platform, logger } = options
  const { partitions, quotas } = services
  const dispatcher = new Dispatcher(services)
  const requests = {
    handle: (frame: Buffer, connection: ConnectionInfo) =>
      gate.isOpen
        ? dispatcher.handle(frame, connection)
        : gate.opened.then(() => dispatcher.handle(frame, connection)),
  }
  return new NetworkServer({
    network: platform.network,
    clock: platform.clock,
    logger,
    requests,
    limits: serverLimits(config),
    recycler: partitions.readBuffers,
    throttleConnection: (address) => quotas.recordConnection(address),
  })
}

/** See `BrokerServices.advertisedEndpoint`. */
function advertisedEndpoint(
  { nodeId: ownId, config, metadata }: BrokerServices,
  server: NetworkServer,
  nodeId: number,
  connection: ConnectionInfo,
): { host: string; port: number } | undefined {
  const { listenerName } = connection
  if (nodeId !== ownId)
    return metadata.brokers.get(nodeId)?.endpoints.find(({ name }) => name === listenerName)
  const listener = config.listeners.find(({ name }) => name === listenerName)
  return listener?.isAdvertised === false ? undefined : server.advertisedEndpoint(connection)
}
