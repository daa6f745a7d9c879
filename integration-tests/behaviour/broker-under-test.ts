import { FrameConnection } from '../client/frame-connection.ts'
import type { Json, JsonObject } from './json.ts'
import { ScenarioStopped } from './memory.ts'
import { apiNameOf, decodeResponse, encodeRequest } from './messages.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** `host:port`, the first of a list. */
export function parseAddress(bootstrapServers: string): Address {
  const first = bootstrapServers.split(',')[0]!
  const colon = first.lastIndexOf(':')
  return { host: first.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(first.slice(colon + 1)) }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const START_TIMEOUT_MS = 90_000
const PASSING_COORDINATOR_ERRORS = [14, 15, 16]
const PASSING_TOPIC_ERRORS = [3, 5, 6]

/** What the runner learns once about the broker under test, and what it asks of it besides the scenarios. */
export class BrokerUnderTest {
  readonly address: Address
  /** Oldest and newest version by API that the broker advertises and that this runner has a codec for. */
  readonly #versions = new Map<string, readonly [min: number, max: number]>()
  #nodeId = -1

  private constructor(address: Address) {
    this.address = address
  }

  get nodeId(): number {
    return this.#nodeId
  }

  /** Waits until the broker answers (`failure` tells that it never will), learns its versions and id, and lets it make its internal topics. */
  static async meet(
    address: Address,
    failure: () => string | undefined = () => undefined,
  ): Promise<BrokerUnderTest> {
    const broker = new BrokerUnderTest(address)
    const firstAnswer = () => broker.#askOnce('ApiVersions', 0, {})
    const versions = await retry(firstAnswer, () => true, START_TIMEOUT_MS, failure)
    for (const row of versions.apiKeys as JsonObject[]) {
      const api = apiNameOf(Number(row.apiKey))
      if (api !== undefined) broker.#versions.set(api, [Number(row.minVersion), Number(row.maxVersion)])
    }
    const brokersOf = (answer: JsonObject) => answer.brokers as JsonObject[]
    const metadata = await retry(
      () => broker.#askOnce('Metadata', broker.#newest('Metadata', 9), { topics: [] }),
      (answer) => brokersOf(answer).length > 0,
      60_000,
    )
    broker.#nodeId = Number(brokersOf(metadata)[0]!.nodeId)
    await broker.#warmUp()
    return broker
  }

  serves(api: string, version: number): boolean {
    const range = this.#versions.get(api)
    return range !== undefined && range[0] <= version && version <= range[1]
  }

  advertises(api: string): boolean {
    return this.#versions.has(api)
  }

  connect(): Promise<FrameConnection> {
    return FrameConnection.open(this.address.host, this.address.port)
  }

  async isAlive(): Promise<boolean> {
    try {
      const connection = await this.connect()
      connection.close()
      return true
    } catch {
      return false
    }
  }

  /** Creates a topic and waits until its partitions are served. */
  async prepareTopic(
    name: string,
    partitionCount: number,
    configs: Readonly<Record<string, string>>,
    patienceMs: number,
  ): Promise<{ topicId: string | undefined; leaderEpoch: number | undefined }> {
    const connection = await this.connect()
    try {
      const ask = (api: string, version: number, request: JsonObject) =>
        this.#ask(connection, api, version, request)
      const created = await ask('CreateTopics', this.#newest('CreateTopics', 7), {
        topics: [
          {
            name,
            numPartitions: partitionCount,
            replicationFactor: 1,
            configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
          },
        ],
        timeoutMs: 10_000,
      })
      const { errorCode } = (created.topics as JsonObject[])[0]!
      if (errorCode !== 0) throw new ScenarioStopped(`setting up topic ${name}: error ${errorCode}`)
      const described = await retry(
        () =>
          ask('Metadata', this.#newest('Metadata', 12), {
            topics: [{ name }],
            allowAutoTopicCreation: false,
          }),
        (answer) => hasLeaders((answer.topics as JsonObject[])[0]!, partitionCount),
        patienceMs,
      )
      const partitions = Array.from({ length: partitionCount }, (_, partitionIndex) => ({
        partitionIndex,
        timestamp: '-1',
      }))
      await retry(
        () => ask('ListOffsets', 1, { replicaId: -1, topics: [{ name, partitions }] }),
        (answer) =>
          !hasError((answer.topics as JsonObject[])[0]!.partitions as JsonObject[], PASSING_TOPIC_ERRORS),
        patienceMs,
      )
      const topic = (described.topics as JsonObject[])[0]!
      const leaderEpoch = (topic.partitions as JsonObject[])[0]?.leaderEpoch as number | undefined
      return { topicId: topic.topicId as string | undefined, leaderEpoch }
    } finally {
      connection.close()
    }
  }

  #newest(api: string, most: number): number {
    return Math.min(most, this.#versions.get(api)?.[1] ?? most)
  }

  async #warmUp(): Promise<void> {
    const transactional = { transactionTimeoutMs: 1000 }
    const questions: [api: string, version: number, request: JsonObject][] = [
      ['FindCoordinator', 1, { key: 'warm-up', keyType: 0 }],
      ['FindCoordinator', 1, { key: 'warm-up', keyType: 1 }],
      ['InitProducerId', 1, { transactionalId: null, ...transactional }],
      ['InitProducerId', 1, { transactionalId: 'warm-up', ...transactional }],
      ['OffsetFetch', 3, { groupId: 'warm-up', topics: null }],
    ]
    const isSettled = (answer: JsonObject) => !hasError([answer], PASSING_COORDINATOR_ERRORS)
    for (const [api, version, request] of questions) {
      if (this.serves(api, version))
        await retry(() => this.#askOnce(api, version, request), isSettled, 60_000)
    }
  }

  async #askOnce(api: string, version: number, request: JsonObject): Promise<JsonObject> {
    const connection = await this.connect()
    try {
      return await this.#ask(connection, api, version, request)
    } finally {
      connection.close()
    }
  }

  async #ask(
    connection: FrameConnection,
    api: string,
    version: number,
    body: JsonObject,
  ): Promise<JsonObject> {
    connection.write(
      encodeRequest(api, version, { correlationId: 1, clientId: 'behave', headerTags: {}, body }),
    )
    const frame = await connection.frame(10_000)
    if (typeof frame === 'string') throw new ScenarioStopped(`${api} ${version}: connection ${frame}`)
    return decodeResponse(api, version, frame).body
  }
}

function hasLeaders(topic: JsonObject, partitionCount: number): boolean {
  const partitions = topic.partitions as JsonObject[]
  const isLed = (partition: JsonObject) => partition.errorCode === 0 && Number(partition.leaderId) >= 0
  return topic.errorCode === 0 && partitions.length === partitionCount && partitions.every(isLed)
}

const hasError = (answers: readonly JsonObject[], codes: readonly Json[]) =>
  answers.some(({ errorCode }) => errorCode !== undefined && codes.includes(errorCode))

/**
 * Asks until the answer is right; after `patienceMs` the last answer counts. A broker that is only starting may fail to answer, unless
 * `failure` tells that it never will.
 */
async function retry<T>(
  ask: () => Promise<T>,
  isRight: (answer: T) => boolean,
  patienceMs: number,
  failure?: () => string | undefined,
): Promise<T> {
  const untilMs = performance.now() + patienceMs
  for (let tries = 1; ; tries++) {
    try {
      const answer = await ask()
      if (isRight(answer) || performance.now() > untilMs) return answer
    } catch (error) {
      if (!failure || performance.now() > untilMs) throw error
      const reason = failure()
      if (reason !== undefined) throw new Error(reason)
    }
    await sleep(tries < 50 ? 10 : 100)
  }
}
