import { compose, type Parts } from './broker/compose.ts'
import type { BrokerOptions } from './broker/options.ts'
import { dataPath, registeredEndpoints } from './broker/settings.ts'
import type { BrokerServices } from './handlers/handler.ts'
import { DataDirectory } from './log/data-directory.ts'
import type { BoundListener, InjectAnswer } from './network/server.ts'
import type { FrameTap } from './network/tap.ts'

/** Clients that do not take their last answer are not waited for longer than this when the broker stops. */
const STOP_GRACE_MS = 300

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
      parts = compose(this.#options, directory, () => {
        for (const listener of [...this.#metadataListeners]) listener()
      })
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
    parts.gate.open()
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

/** Of the registration in force; -1 when there was none yet. */
function brokerEpoch({ follower, services }: Parts): bigint {
  return follower.image.brokers.get(services.nodeId)?.epoch ?? -1n
}
