import type { Api } from '../../protocol/api.ts'
import { ZERO_UUID } from '../../protocol/api.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { FindCoordinator } from '../../protocol/generated/find-coordinator.ts'
import {
  Metadata,
  type MetadataRequestTopic,
  type MetadataResponse,
  type MetadataResponseTopic,
} from '../../protocol/generated/metadata.ts'
import { CommandError, EXIT_TIMEOUT } from '../host.ts'
import { type Address, printedAddress } from './address.ts'
import { BrokerError, check } from './broker-error.ts'
import { ClientConnection, type Versions } from './connection.ts'

const RETRY_EVERY_MS = 100
const GROUP_COORDINATOR = 0

export interface ClusterOptions {
  /** Asked one after the other until one answers. */
  readonly bootstrap: readonly Address[]
  /** How long to wait for each answer, and for a cluster that asks to try again. */
  readonly timeoutMs: number
}

/** A Kafka cluster as a client sees it: one connection to each broker that is needed, found by the metadata. */
export class Cluster {
  readonly #timeoutMs: number
  readonly #bootstrap: ClientConnection
  readonly #addresses = new Map<number, Address>()
  readonly #connections = new Map<number, Promise<ClientConnection>>()

  private constructor(bootstrap: ClientConnection, timeoutMs: number) {
    this.#bootstrap = bootstrap
    this.#timeoutMs = timeoutMs
  }

  /** Throws `CommandError` when none of the bootstrap servers answers. */
  static async connect({ bootstrap, timeoutMs }: ClusterOptions): Promise<Cluster> {
    let failure: unknown
    for (const address of bootstrap) {
      try {
        return new Cluster(await ClientConnection.open(address, timeoutMs), timeoutMs)
      } catch (error) {
        failure ??= error
      }
    }
    throw failure
  }

  close(): void {
    this.#bootstrap.close()
    for (const opening of this.#connections.values()) opening.then((connection) => connection.close(), ignore)
  }

  /** Sends to whichever broker is at hand. */
  request<Request, Response>(
    api: Api<Request, Response>,
    versions: Versions,
    build: (version: number) => Request,
  ): Promise<Response> {
    return this.#bootstrap.request(api, versions, build)
  }

  /** The connection to a broker by its id, as the last metadata or coordinator said where it is. */
  broker(nodeId: number): Promise<ClientConnection> {
    const known = this.#connections.get(nodeId)
    if (known) return known
    const opening = this.#open(nodeId)
    this.#connections.set(nodeId, opening)
    return opening
  }

  async #open(nodeId: number): Promise<ClientConnection> {
    const address = this.#addresses.get(nodeId)
    if (!address) throw new CommandError(`the cluster names broker ${nodeId}, but not its address`)
    try {
      return await ClientConnection.open(address, this.#timeoutMs)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      const where = printedAddress(address)
      throw new CommandError(
        `broker ${nodeId} tells clients to come to ${where} (advertised.listeners): ${error.message}`,
        error.exitCode,
      )
    }
  }

  /** Ids of all brokers that are alive. */
  async brokerIds(): Promise<number[]> {
    const { brokers } = await this.#metadata([], false)
    return brokers.map(({ nodeId }) => nodeId)
  }

  /** The connection to a broker that takes changes of topics: every one since KRaft, only the controller before. */
  async controller(): Promise<ClientConnection> {
    const { controllerId } = await this.#metadata([], false)
    return controllerId < 0 ? this.#bootstrap : this.broker(controllerId)
  }

  /** All topics, by name. */
  async topics(): Promise<MetadataResponseTopic[]> {
    const { topics } = await this.#metadata(null, false)
    return [...topics].sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1))
  }

  /**
   * One topic, whose partitions all have leaders. With `create` the broker may create it, if it is configured to do so. Throws
   * `BrokerError`.
   */
  topic(name: string, { create = false } = {}): Promise<MetadataResponseTopic> {
    const what = `topic ${name}`
    const mayCome = (code: number) => create || code !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return this.retrying(async () => {
      const { topics } = await this.#metadata([{ topicId: ZERO_UUID, name }], create)
      const topic = topics[0]
      if (!topic) throw new CommandError(`the cluster says nothing of ${what}`)
      check(topic.errorCode, what)
      const leaderless = topic.partitions.find(({ errorCode, leaderId }) => errorCode !== 0 && leaderId < 0)
      if (leaderless) check(leaderless.errorCode, `${what}, partition ${leaderless.partitionIndex}`)
      return topic
    }, mayCome)
  }

  /** The connection to the broker that coordinates a group. */
  async coordinator(groupId: string): Promise<{ nodeId: number; connection: ClientConnection }> {
    const { nodeId, host, port } = await this.retrying(async () => {
      // From version 4 on it takes many groups at once (KIP-699); one is all that is needed here.
      const found = await this.request(FindCoordinator, { max: 3 }, () => ({
        key: groupId,
        keyType: GROUP_COORDINATOR,
        coordinatorKeys: [],
      }))
      check(found.errorCode, `group ${groupId}`, found.errorMessage)
      return found
    })
    this.#addresses.set(nodeId, { host, port })
    return { nodeId, connection: await this.broker(nodeId) }
  }

  /** Tries again while the cluster says that it may help and `worthwhile` agrees, until the time is up. */
  async retrying<Value>(
    attempt: () => Promise<Value>,
    worthwhile: (code: number) => boolean = () => true,
  ): Promise<Value> {
    const deadline = performance.now() + this.#timeoutMs
    for (;;) {
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof BrokerError) || !error.isRetriable || !worthwhile(error.code)) throw error
        if (performance.now() + RETRY_EVERY_MS > deadline)
          throw new CommandError(error.message, lateCode(error))
        await new Promise((resolve) => setTimeout(resolve, RETRY_EVERY_MS))
      }
    }
  }

  async #metadata(topics: MetadataRequestTopic[] | null, create: boolean): Promise<MetadataResponse> {
    // Version 0 has no way to ask for no topic at all.
    const response = await this.request(Metadata, { min: 1 }, (version) => ({
      topics,
      allowAutoTopicCreation: create || version < 4,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    }))
    check(response.errorCode, 'the cluster')
    for (const { nodeId, host, port } of response.brokers) this.#addresses.set(nodeId, { host, port })
    return response
  }
}

/** What is not there after all that time is still not there; anything else took too long. */
function lateCode(error: BrokerError): number {
  return error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION ? error.exitCode : EXIT_TIMEOUT
}

function ignore(): void {}
