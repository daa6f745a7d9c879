import type { BrokerConfig } from './config/broker-config.ts'
import { ConfigError } from './config/config-error.ts'
import type { GroupTopics } from './coordinator/group/consumer/topics.ts'
import { GroupCoordinator } from './coordinator/group/group-coordinator.ts'
import { Dispatcher } from './handlers/dispatch.ts'
import { emulatedApis } from './handlers/emulation.ts'
import { FetchSessions } from './handlers/fetch/fetch-sessions.ts'
import type { BrokerServices, ConnectionInfo } from './handlers/handler.ts'
import { apis } from './handlers/index.ts'
import { ProducerIds } from './handlers/producer-ids.ts'
import { DataDirectory } from './log/data-directory.ts'
import { Partitions, type StorageSettings } from './log/partitions.ts'
import type { RecoveryReport } from './log/recovery-progress.ts'
import { Controller } from './metadata/controller.ts'
import { MetadataFollower } from './metadata/metadata-follower.ts'
import type { MetadataImage, TopicImage } from './metadata/metadata-image.ts'
import { metadataLogConfig } from './metadata/metadata-log.ts'
import { type BoundListener, type InjectAnswer, NetworkServer, type ServerLimits } from './network/server.ts'
import type { FrameTap } from './network/tap.ts'
import type { Logger } from './platform/logger.ts'
import type { Platform } from './platform/platform.ts'
import type { Release } from './protocol/release.ts'
import { Purgatory } from './purgatory.ts'
import { Quotas } from './quotas/quotas.ts'

const OFFSETS_TOPIC = '__consumer_offsets'
const BACKLOG_PROPERTY = 'socket.listen.backlog.size'
/** Kafka's default of 50 makes whoever comes beyond that wait a second, until TCP asks again: a test that starts 200 consumers does. */
const DEFAULT_BACKLOG = 1024
/** Clients that do not take their last answer are not waited for longer than this when the broker stops. */
const STOP_GRACE_MS = 300

export interface BrokerOptions {
  readonly config: BrokerConfig
  readonly platform: Platform
  readonly logger: Logger
  /** For a new data directory; an old one has to have the same. Undefined: keep what is there, or draw one. */
  readonly clusterId?: string | undefined
  /** Called about once a second while a recovery after a crash goes on. */
  readonly onRecoveryProgress?: ((report: RecoveryReport) => void) | undefined
  /** Advertise and serve only what a broker of this release would. */
  readonly emulate?: Release | undefined
}

/** A topic to create without a client. */
export interface TopicToCreate {
  /** The broker's `num.partitions` when left out. */
  readonly partitions?: number | undefined
  readonly configs?: ReadonlyMap<string, string> | undefined
}

/**
 * One broker: the composition root. It makes the objects and ties them together; what they do is theirs. Any number of brokers live in
 * a process, and none reaches outside of the platform that it is given.
 */
export class Broker {
  readonly #options: BrokerOptions
  readonly #metadataListeners = new Set<() => void>()
  readonly #stopListeners = new Set<() => void>()
  #parts: Parts | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor(options: BrokerOptions) {
    this.#options = options
  }

  /** Opens the data directory, takes up what is there, and listens. Leaves nothing open when it fails. May be called once. */
  start(): Promise<void> {
    if (this.#starting) throw new Error('a broker starts once')
    this.#starting = this.#start()
    return this.#starting
  }

  /** Answers clients that wait, flushes, writes the marker of a clean shutdown. May be called again, and resolves when it is done. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Where it listens, with the ports that it got. */
  get listeners(): readonly BoundListener[] {
    return this.#running.server.listeners
  }

  get clusterId(): string {
    return this.#running.services.clusterId
  }

  /** What handlers get; for tests that look at or write to the logs without a client. */
  get services(): BrokerServices {
    return this.#running.services
  }

  /** Serves bytes as if a client had sent them on a connection of its own. */
  inject(bytes: Buffer): Promise<InjectAnswer> {
    return this.#running.server.inject(bytes)
  }

  /** Sees every request and answer from now on; undefined ends that. */
  set tap(tap: FrameTap | undefined) {
    this.#running.server.tap = tap
  }

  /** Creates a topic; it can be used when this resolves. Rejects with `ApiError`. */
  async createTopic(
    name: string,
    { partitions = -1, configs = new Map() }: TopicToCreate = {},
  ): Promise<void> {
    await this.#running.controller.createTopic({
      name,
      partitions,
      replicationFactor: -1,
      assignments: [],
      configs,
    })
  }

  /** Calls `listener` whenever topics or settings have changed. Returns what ends that. */
  onMetadataChange(listener: () => void): () => void {
    this.#metadataListeners.add(listener)
    return () => void this.#metadataListeners.delete(listener)
  }

  /** Calls `listener` when the broker begins to stop. Returns what ends that. */
  onStop(listener: () => void): () => void {
    this.#stopListeners.add(listener)
    return () => void this.#stopListeners.delete(listener)
  }

  /** Does now what is done from time to time: retention and compaction of all logs that are due. Resolves when that is done. */
  async maintain(): Promise<void> {
    const { partitions } = this.#running.services
    await partitions.enforceRetention()
    await partitions.cleanDue()
  }

  /** All that it holds: connections, what is parked, groups, partitions, metadata. */
  describe(): object {
    const { server, services, controller, follower } = this.#running
    return {
      listeners: server.listeners,
      connections: server.describe(),
      parkedFetches: services.fetchPurgatory.describe(),
      groups: services.groups.describe(),
      partitions: Array.from(services.partitions.all(), ({ topic, partition, leaderEpoch, openLog }) => ({
        topic,
        partition,
        leaderEpoch,
        log: openLog?.describe(),
      })),
      metadata: follower.image.describe(),
      controller: controller.describe(),
    }
  }

  get #running(): Parts {
    if (!this.#parts) throw new Error('the broker has not started')
    return this.#parts
  }

  async #start(): Promise<void> {
    const { config, platform, clusterId } = this.#options
    const { random, files } = platform
    const path = dataPath(config)
    const directory = DataDirectory.open({ files, random, path, nodeId: config.nodeId, clusterId })
    let parts: Parts | undefined
    try {
      parts = this.#compose(directory)
      // First of all, so that a port that is taken is told before a long recovery; who connects meanwhile waits.
      await parts.server.start(config.listeners)
      this.#parts = parts
      await this.#takeUp(parts)
    } catch (error) {
      this.#parts = undefined
      await parts?.server.stop(0)
      if (parts?.state === 'taken up') await parts.partitions.stop(brokerEpoch(parts))
      else if (parts === undefined || parts.state === 'untouched') directory.giveBack()
      else directory.release()
      throw error
    }
  }

  /** Replays and recovers what is in the directory, registers with the controller, and lets clients in. */
  async #takeUp(parts: Parts): Promise<void> {
    const { config, logger, onRecoveryProgress } = this.#options
    const { directory, partitions, controller, follower, server, services } = parts
    controller.subscribe((batch) => follower.follow(batch))
    // Changes nothing yet: what cannot be taken up is left as it was.
    controller.load()
    parts.state = 'touched'
    const report = await partitions.start(follower.goLive(), onRecoveryProgress)
    parts.state = 'taken up'
    // Apache Kafka's tool that formats a directory leaves no marker in it.
    if (!directory.wasCleanShutdown && report.partitions > 0)
      logger.warn(report, 'The last shutdown was not clean; the logs were recovered')
    await controller.start(registeredEndpoints(server.listeners, config))
    services.groups.start()
    parts.open()
  }

  #compose(directory: DataDirectory): Parts {
    const { config, platform, logger, emulate } = this.#options
    const { clock, random, network } = platform
    const { nodeId } = config
    const partitions = new Partitions({
      directory,
      clock,
      random,
      logger,
      settings: () => storageSettings(config),
    })
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
        for (const listener of [...this.#metadataListeners]) listener()
      },
    }
    const follower = new MetadataFollower({ nodeId, config, partitions, reactions })
    const groups = new GroupCoordinator({
      clock,
      random,
      config,
      logger,
      append: (partition, batch) => offsetsPartition(partitions, partition).append(batch).baseOffset,
      readAll: (partition) => offsetsPartition(partitions, partition).log.batches(),
      partitionCount: () => partitions.ofTopic(OFFSETS_TOPIC).length,
      topics: groupTopics(follower.image),
      groupConfigs: (groupId) => follower.image.configs('group', groupId),
    })
    const services: BrokerServices = {
      nodeId,
      clusterId: directory.clusterId,
      config,
      clock,
      random,
      logger,
      metadata: follower.image,
      controller,
      partitions,
      groups,
      fetchSessions: new FetchSessions(
        clock,
        random,
        config.get('max.incremental.fetch.session.cache.slots'),
      ),
      fetchPurgatory: new Purgatory(clock),
      producerIds: new ProducerIds(() => controller.allocateProducerIds()),
      quotas,
      apis: emulate ? emulatedApis(apis, emulate) : apis,
      emulated: emulate,
      advertisedEndpoint: (id, connection) => this.#advertisedEndpoint(id, connection),
    }
    const dispatcher = new Dispatcher(services)
    const gate = new Gate()
    const requests = {
      // A client may connect before the broker that it finds is registered: its request waits.
      handle: (frame: Buffer, connection: ConnectionInfo) =>
        gate.isOpen
          ? dispatcher.handle(frame, connection)
          : gate.opened.then(() => dispatcher.handle(frame, connection)),
    }
    const recycler = partitions.readBuffers
    const limits = serverLimits(config)
    const throttleConnection = (address: string) => quotas.recordConnection(address)
    const server = new NetworkServer({
      network,
      clock,
      logger,
      requests,
      limits,
      recycler,
      throttleConnection,
    })
    return {
      directory,
      partitions,
      controller,
      follower,
      groups,
      services,
      server,
      state: 'untouched',
      open: () => gate.open(),
    }
  }

  #advertisedEndpoint(
    nodeId: number,
    connection: ConnectionInfo,
  ): { host: string; port: number } | undefined {
    const { config } = this.#options
    if (nodeId !== config.nodeId) {
      return this.services.metadata.brokers
        .get(nodeId)
        ?.endpoints.find(({ name }) => name === connection.listenerName)
    }
    const listener = config.listeners.find(({ name }) => name === connection.listenerName)
    return listener?.isAdvertised === false ? undefined : this.#running.server.advertisedEndpoint(connection)
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => {})
    const parts = this.#parts
    if (!parts) return
    for (const listener of [...this.#stopListeners]) listener()
    const { server, services, partitions, controller } = parts
    // Who waits gets an answer first: parked fetches what there is, members of groups that they have to look for the coordinator.
    services.fetchPurgatory.expireAll()
    services.groups.stop()
    await server.stop(STOP_GRACE_MS)
    await controller.stop()
    await partitions.stop(brokerEpoch(parts))
  }
}

/** What a broker is made of. */
interface Parts {
  readonly directory: DataDirectory
  readonly partitions: Partitions
  readonly controller: Controller
  readonly follower: MetadataFollower
  readonly groups: GroupCoordinator
  readonly services: BrokerServices
  readonly server: NetworkServer
  /** How far a start has come with the data directory; once all is taken up, a stop leaves it clean. */
  state: 'untouched' | 'touched' | 'taken up'
  /** Lets requests in. */
  open(): void
}

/** Holds requests back until the broker is ready. */
class Gate {
  isOpen = false
  #resolve = () => {}
  readonly opened = new Promise<void>((resolve) => {
    this.#resolve = resolve
  })

  open(): void {
    this.isOpen = true
    this.#resolve()
  }
}

/** Topics of the cluster, as groups see them. */
function groupTopics(image: MetadataImage): GroupTopics {
  const view = (topic: TopicImage | undefined) =>
    topic && {
      name: topic.name,
      topicId: topic.topicId,
      partitionCount: topic.partitions.length,
      racks: (partition: number) =>
        topic.partitions[partition]!.replicas.flatMap((id) => image.brokers.get(id)?.rack ?? []),
    }
  return {
    byName: (name) => view(image.topic(name)),
    byId: (topicId) => view(image.topicById(topicId)),
    names: () => image.topics.keys(),
    version: () => image.lastAppliedOffset,
  }
}

/** Of the registration in force; -1 when there was none yet. */
function brokerEpoch({ follower, services }: Parts): bigint {
  return follower.image.brokers.get(services.nodeId)?.epoch ?? -1n
}

function offsetsPartition(partitions: Partitions, index: number) {
  const partition = partitions.get(OFFSETS_TOPIC, index)
  if (!partition) throw new Error(`${OFFSETS_TOPIC} has no partition ${index}`)
  return partition
}

function dataPath(config: BrokerConfig): string {
  const paths = config.get('log.dirs')
  if (paths.length === 1) return paths[0]!
  throw new ConfigError(`log.dirs=${paths.join(',')}: one folder, as Odradek keeps all logs in one`)
}

/** What the metadata log tells of the listeners: the advertised address, or the one that is bound. */
function registeredEndpoints(bound: readonly BoundListener[], config: BrokerConfig) {
  return bound.flatMap(({ name, host, port }) => {
    const listener = config.listeners.find((each) => each.name === name)
    if (listener?.isAdvertised === false) return []
    return [{ name, host: listener?.advertised?.host ?? host, port: listener?.advertised?.port || port }]
  })
}

function storageSettings(config: BrokerConfig): StorageSettings {
  return {
    retentionCheckIntervalMs: config.get('log.retention.check.interval.ms'),
    initialTaskDelayMs: config.get('log.initial.task.delay.ms'),
    flushOffsetCheckpointIntervalMs: config.get('log.flush.offset.checkpoint.interval.ms'),
    segmentDeleteDelayMs: config.get('log.segment.delete.delay.ms'),
    producerIdExpirationMs: config.get('producer.id.expiration.ms'),
    cleaner: {
      isEnabled: config.get('log.cleaner.enable'),
      backoffMs: config.get('log.cleaner.backoff.ms'),
      dedupeBufferBytes: config.get('log.cleaner.dedupe.buffer.size'),
      loadFactor: config.get('log.cleaner.io.buffer.load.factor'),
      ioBufferBytes: config.get('log.cleaner.io.buffer.size'),
      maxBytesPerSecond: config.get('log.cleaner.io.max.bytes.per.second'),
    },
  }
}

function serverLimits(config: BrokerConfig): ServerLimits {
  return {
    maxRequestBytes: config.get('socket.request.max.bytes'),
    maxIdleMs: config.get('connections.max.idle.ms'),
    maxConnections: config.get('max.connections'),
    maxConnectionsPerIp: config.get('max.connections.per.ip'),
    maxConnectionsPerIpOverrides: limitsByAddress(config.get('max.connections.per.ip.overrides')),
    backlog: config.isSet(BACKLOG_PROPERTY) ? config.get(BACKLOG_PROPERTY) : DEFAULT_BACKLOG,
  }
}

/** `address:count,address:count`; an IPv6 address has colons of its own. */
function limitsByAddress(text: string): Map<string, number> {
  const limits = new Map<string, number>()
  for (const entry of text.split(',')) {
    const at = entry.lastIndexOf(':')
    if (at > 0) limits.set(entry.slice(0, at).trim(), Number(entry.slice(at + 1)))
  }
  return limits
}
