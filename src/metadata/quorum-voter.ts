import type { BrokerConfig } from '../config/broker-config.ts'
import type { Uuid } from '../protocol/api.ts'
import type { Voter } from './control-record.ts'
import { KRAFT_VERSION, supportedFeatures } from './features.ts'

/** What Apache Kafka's own configuration files call the controllers' listener, and where it is. */
const CONTROLLER = 'CONTROLLER'
const DEFAULT_HOST = 'localhost'
const DEFAULT_PORT = 9093
/** `id@host:port` or `host:port`. */
const ADDRESS = /^(?:(\d+)@)?\[?([^[\]]+?)\]?:(\d+)$/

/** Name of the listener at which controllers would be reached. */
export function controllerListener(config: BrokerConfig): string {
  return config.get('controller.listener.names')?.[0] ?? CONTROLLER
}

/**
 * This node as the voter of its quorum (KIP-853). Nothing listens at the address while the controller is inside of the broker; Apache Kafka
 * puts its own there when it starts on the directory.
 */
export function ownVoter(config: BrokerConfig, voterId: number, voterDirectoryId: Uuid): Voter {
  const { minVersion, maxVersion } = supportedFeatures.find(({ name }) => name === KRAFT_VERSION)!
  return {
    voterId,
    voterDirectoryId,
    endpoints: [{ name: controllerListener(config), ...addressOf(config, voterId) }],
    kRaftVersionFeature: { minSupportedVersion: minVersion, maxSupportedVersion: maxVersion },
  }
}

function addressOf(config: BrokerConfig, voterId: number): { host: string; port: number } {
  for (const text of [
    ...config.get('controller.quorum.voters'),
    ...config.get('controller.quorum.bootstrap.servers'),
  ]) {
    const [, id, host, port] = ADDRESS.exec(text) ?? []
    if (host === undefined || (id !== undefined && Number(id) !== voterId)) continue
    return { host, port: Number(port) }
  }
  return { host: DEFAULT_HOST, port: DEFAULT_PORT }
}
