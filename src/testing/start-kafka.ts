import { Broker } from '../broker.ts'
import { BrokerConfig } from '../config/broker-config.ts'
import { type Logger, silentLogger } from '../platform/logger.ts'
import { MemoryFiles } from '../platform/memory-files.ts'
import { MovableClock } from '../platform/movable-clock.ts'
import { nodeClock } from '../platform/node-clock.ts'
import { nodeFiles } from '../platform/node-files.ts'
import { nodeNetwork } from '../platform/node-network.ts'
import { nodeRandom } from '../platform/node-random.ts'
import { loadRelease } from '../protocol/release.ts'
import type { KafkaRecord, MessageToProduce, ProducedRecord } from './kafka-record.ts'
import { TopicAccess } from './topic-access.ts'

export interface StartKafkaOptions {
  /** Topics to create if they are missing, with their partitions: `{ orders: 3, users: 1 }`, or names alone for one partition each. */
  readonly topics?: Readonly<Record<string, number>> | readonly string[]
  /** Broker properties by Kafka's names, over those that a test wants (`group.initial.rebalance.delay.ms=0`). */
  readonly properties?: Readonly<Record<string, string | number | boolean>>
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string
  /** Port to listen on; default 0, which takes a free one. */
  readonly port?: number
  /** Folder of the log files; without one the logs live in memory and are gone with `stop()`. */
  readonly data?: string
  /** Pass for this release of Apache Kafka: `'2.8'` advertises and serves just its API versions, as far as Odradek serves them. */
  readonly emulate?: string
  /** Let `odradek trace` attach to this broker; default false. */
  readonly trace?: boolean
  /** Where the broker's log lines go (pino's interface); silent without one. */
  readonly logger?: Logger
}

export interface CreateTopicOptions {
  /** Default 1. */
  readonly partitions?: number
  /** Topic properties by Kafka's names. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>
}

export interface RecordsOptions {
  /** How many to wait for; default 1. */
  readonly count?: number
  /** Only this partition. */
  readonly partition?: number
  /** How long to wait for them, milliseconds; default 10,000. */
  readonly timeoutMs?: number
}

/** What a test may want quicker than a broker in production. A property that the caller gives wins. */
const TEST_PROPERTIES: Readonly<Record<string, string>> = {
  // Otherwise the first member of each new group waits three seconds for others.
  'group.initial.rebalance.delay.ms': '0',
}

/** A broker in this process. */
export class Kafka implements AsyncDisposable {
  /** `host:port`, what clients call bootstrap servers. */
  readonly bootstrapServers: string
  /** The same as a list, as kafkajs wants it. */
  readonly brokers: string[]
  readonly #broker: Broker
  readonly #clock: MovableClock
  readonly #topics: TopicAccess

  /** Made by `startKafka`. */
  constructor(broker: Broker, clock: MovableClock) {
    this.#broker = broker
    this.#clock = clock
    this.#topics = new TopicAccess(broker)
    this.brokers = broker.listeners.map(({ host, port }) =>
      host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    )
    this.bootstrapServers = this.brokers.join(',')
  }

  /** Creates a topic, which can be used at once. Throws when it exists or the settings are refused. */
  async createTopic(name: string, { partitions = 1, configs = {} }: CreateTopicOptions = {}): Promise<void> {
    await this.#topics.create(name, partitions, textOf(configs))
  }

  /** Writes records as a client would, without one. Creates the topic if need be. Resolves with where each went. */
  async produce(
    topic: string,
    messages: MessageToProduce | readonly MessageToProduce[],
  ): Promise<ProducedRecord[]> {
    return this.#topics.produce(topic, Array.isArray(messages) ? messages : [messages])
  }

  /**
   * The first records of a topic, once there are so many: by partition, in order of offsets; those that are there already count. Does not
   * poll: it is woken by what arrives. Rejects when they do not come in time, and says what there was instead.
   */
  async records(
    topic: string,
    { count = 1, partition, timeoutMs = 10_000 }: RecordsOptions = {},
  ): Promise<KafkaRecord[]> {
    return this.#topics.records(topic, count, partition, timeoutMs)
  }

  /**
   * Moves the broker's clock forward, as if so many milliseconds had passed: sessions run out, offsets expire, and what retention and
   * compaction have to do is done when this resolves. With 0 only that.
   */
  async advanceTime(byMs: number): Promise<void> {
    if (!(byMs >= 0)) throw new RangeError(`time goes forward: ${byMs} ms`)
    this.#clock.advance(byMs)
    await this.#broker.maintain()
  }

  /** Stops the broker and frees its port; clients that wait get their answer. May be called again. */
  stop(): Promise<void> {
    return this.#broker.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** Starts a broker in this process: on a free port, in memory, without the initial rebalance delay. */
export async function startKafka(options: StartKafkaOptions = {}): Promise<Kafka> {
  const {
    topics = {},
    properties = {},
    host = '127.0.0.1',
    port = 0,
    data,
    emulate,
    trace = false,
    logger = silentLogger,
  } = options
  const release = emulate === undefined ? undefined : await loadRelease(emulate)
  const address = host.includes(':') ? `[${host}]` : host
  const config = BrokerConfig.fromProperties(
    new Map(
      Object.entries({
        ...TEST_PROPERTIES,
        listeners: `PLAINTEXT://${address}:${port}`,
        ...textOf(properties),
        ...(data === undefined ? {} : { 'log.dirs': data }),
      }),
    ),
  )
  for (const warning of config.warnings) logger.warn({}, warning)
  const files = data === undefined ? new MemoryFiles() : nodeFiles()
  const clock = new MovableClock(nodeClock())
  const broker = new Broker({
    config,
    platform: { clock, random: nodeRandom(), files, network: nodeNetwork() },
    logger,
    emulate: release,
  })
  await broker.start()
  if (trace) await letTrace(broker, logger)
  const kafka = new Kafka(broker, clock)
  try {
    const entries = Array.isArray(topics)
      ? topics.map((name: string) => [name, 1] as const)
      : Object.entries(topics)
    for (const [name, partitions] of entries) {
      if (typeof partitions !== 'number') throw new TypeError(`topics: ${name} needs a number of partitions`)
      // With `data` they may be there from an earlier run.
      if (!broker.services.metadata.topic(name)) await kafka.createTopic(name, { partitions })
    }
  } catch (error) {
    await kafka.stop()
    throw error
  }
  return kafka
}

async function letTrace(broker: Broker, logger: Logger): Promise<void> {
  const { TraceListener } = await import('../trace/trace-listener.ts')
  const { nodeLocalSockets } = await import('../platform/node-local-sockets.ts')
  const listener = await TraceListener.open({
    broker,
    clock: nodeClock(),
    logger,
    sockets: nodeLocalSockets(),
  })
  broker.onStop(() => void listener.close())
}

function textOf(properties: Readonly<Record<string, string | number | boolean>>): Record<string, string> {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, String(value)]))
}
