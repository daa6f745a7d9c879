import type { BrokerConfig } from '../config/broker-config.ts'
import type { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import type { Partitions } from '../log/partitions.ts'
import type { Controller } from '../metadata/controller.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import type { Logger } from '../platform/logger.ts'
import type { Clock, Random } from '../platform/platform.ts'
import type { Api } from '../protocol/api.ts'
import type { Release } from '../protocol/release.ts'
import type { Purgatory } from '../purgatory.ts'
import type { Quotas } from '../quotas/quotas.ts'
import type { RequestMeter } from '../quotas/request-meter.ts'
import type { FetchSessions } from './fetch/fetch-sessions.ts'
import type { ProducerIds } from './producer-ids.ts'

/** What a handler may use of the broker it runs in. */
export interface BrokerServices {
  readonly nodeId: number
  readonly clusterId: string
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** This broker's own view of the cluster, replayed from the metadata log. */
  readonly metadata: MetadataImage
  /** The only writer of the metadata log. */
  readonly controller: Controller
  readonly partitions: Partitions
  readonly groups: GroupCoordinator
  readonly fetchSessions: FetchSessions
  /** Fetches that wait for records. */
  readonly fetchPurgatory: Purgatory
  readonly producerIds: ProducerIds
  /** How much clients may use. */
  readonly quotas: Quotas
  /** APIs that this broker serves, for ApiVersions. */
  readonly apis: readonly ApiEntry[]
  /** The release of Apache Kafka that this broker passes itself off as; undefined: none. */
  readonly emulated: Release | undefined
  /** Address that a client of this connection should use to reach broker `nodeId`; undefined when it has none on that listener. */
  advertisedEndpoint(nodeId: number, connection: ConnectionInfo): { host: string; port: number } | undefined
}

/** What is known of the connection that a request came in on. */
export interface ConnectionInfo {
  readonly id: number
  readonly listenerName: string
  readonly clientAddress: string
  readonly localAddress: string
  readonly localPort: number
  /** Set by ApiVersions 3 and newer (KIP-511). */
  clientSoftwareName: string | undefined
  clientSoftwareVersion: string | undefined
  /** What to undo when the client leaves while its request waits (there is one at most); set by a handler that parks it. */
  onDisconnect: (() => void) | undefined
  /** Serves nothing more of this client for so long. The answer to the request in flight still goes out (KIP-219). */
  mute(durationMs: number): void
}

export interface RequestContext {
  readonly broker: BrokerServices
  readonly connection: ConnectionInfo
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Counts what the request uses; undefined while nobody has a quota. What it comes to is told and enforced behind the handler. */
  readonly meter: RequestMeter | undefined
}

/** Answer of a request that gets none: Produce with acks 0. */
export const NO_RESPONSE = Symbol('no response')

/** Ends the connection without an answer; the message says why in the log. */
export class CloseConnectionError extends Error {
  override readonly name = 'CloseConnectionError'
}

export interface Handler<Request, Response> {
  readonly api: Api<Request, Response>
  readonly handle: (
    request: Request,
    context: RequestContext,
  ) => Response | typeof NO_RESPONSE | Promise<Response | typeof NO_RESPONSE>
}

/** Ties an API to the function that serves it; both types come from the generated descriptor alone, so that no field is forgotten. */
export function handler<Request, Response>(
  api: Api<Request, Response>,
  handle: Handler<NoInfer<Request>, NoInfer<Response>>['handle'],
): Handler<Request, Response> {
  return { api, handle }
}

// The dispatcher decodes with the handler's own codec, so the two types always agree where it is called.
// biome-ignore lint/suspicious/noExplicitAny: one table holds handlers of all request and response types
export type AnyHandler = Handler<any, any>

/** One row of the list of APIs. The module behind it is loaded when its first request arrives. */
export interface ApiEntry {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  readonly load: () => Promise<AnyHandler>
}
