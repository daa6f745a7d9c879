import { expect, test } from 'vitest'
import { Broker } from '../src/broker.ts'
import { loadSpecs } from '../src/codegen/load-specs.ts'
import { BrokerConfig } from '../src/config/broker-config.ts'
import { apis as served } from '../src/handlers/index.ts'
import { imageRecords } from '../src/metadata/image-records.ts'
import { type Logger, silentLogger } from '../src/platform/logger.ts'
import { ManualClock } from '../src/platform/manual-clock.ts'
import { MemoryFiles } from '../src/platform/memory-files.ts'
import { nodeNetwork } from '../src/platform/node-network.ts'
import { nodeRandom } from '../src/platform/node-random.ts'
import type { Api } from '../src/protocol/api.ts'
import { RequestHeader } from '../src/protocol/generated/headers.ts'
import { apis } from '../src/protocol/generated/index.ts'
import { Writer } from '../src/protocol/writer.ts'
import { decodeResponse } from './behaviour/messages.ts'
import { type SeededRandom, seededRandom } from './fuzz/mutations.ts'
import { randomStruct } from './fuzz/random-request.ts'
import { settle } from './fuzz/settle.ts'
import { specFolder } from './vectors/message-vectors.ts'

const ROUNDS = 2000
const ROUNDS_BETWEEN_STARTS = 500
const MAX_GROWTH_BYTES = 256 * 1024 * 1024
/** Where Apache Kafka has not thought of an error, and says UNKNOWN_SERVER_ERROR. */
const WITH_UNKNOWN_ERRORS: ReadonlySet<string> = new Set([
  'ListOffsets',
  'Fetch',
  'CreateDelegationToken',
  'AlterUserScramCredentials',
])
/** An entity that stands in a request twice is refused once, after its first change was made. */
const WITH_HALF_REFUSALS: ReadonlySet<string> = new Set(['AlterClientQuotas'])
/** What a start changes of a partition. */
const OF_A_START: ReadonlySet<string> = new Set([
  'leader',
  'leaderEpoch',
  'partitionEpoch',
  'isr',
  'eligibleLeaderReplicas',
])

const structs = new Map(
  loadSpecs(specFolder()).files.flatMap(({ api }) => (api ? [[api.key, api.request.root] as const] : [])),
)
const codecs = new Map<number, Api<unknown, unknown>>(
  await Promise.all(apis.map(async ({ key, load }) => [key, await load()] as const)),
)

/** A request that is well formed, of any API that is served. */
function randomRequest(random: SeededRandom): { name: string; version: number; frame: Buffer; told: string } {
  const { key, name, minVersion, maxVersion } = served[random(served.length)]!
  const version = minVersion + random(maxVersion - minVersion + 1)
  const api = codecs.get(key)!
  const message = randomStruct(structs.get(key)!, version, random)
  const writer = new Writer()
  writer.beginFrame()
  const header = { requestApiKey: key, requestApiVersion: version, correlationId: 1, clientId: 'fuzz' }
  RequestHeader.encode(writer, header, api.requestHeaderVersion(version))
  api.request.encode(writer, message, version)
  return { name, version, frame: writer.finishCopy(), told: `${name} ${version}: ${json(message)}` }
}

test.each([1, 2])(
  'seed %i: requests without sense, of every API, do no harm',
  async (seed) => {
    const random = seededRandom(seed)
    const files = new MemoryFiles()
    const clock = new ManualClock()
    const errors: object[] = []
    const logger: Logger = {
      ...silentLogger,
      error: (facts) => errors.push(facts),
      child: () => logger,
    }
    const start = async () => {
      const config = BrokerConfig.fromProperties(new Map([['listeners', 'PLAINTEXT://127.0.0.1:0']]))
      const platform = { clock, random: nodeRandom(), files, network: nodeNetwork() }
      const started = new Broker({ config, platform, logger })
      await started.start()
      return started
    }
    let broker = await start()
    broker.createTopic('orders', { partitions: 2 })
    const before = process.memoryUsage().rss
    for (let round = 1; round <= ROUNDS; round++) {
      const { name, version, frame, told } = randomRequest(random)
      const { lastAppliedOffset } = broker.services.metadata
      const { bytes } = await settle(broker.inject(frame), clock)
      // A failure of ours is logged; an answer without a meaning would be one that was not thought of.
      expect(errors, told).toEqual([])
      if (bytes.length > 0) {
        const answer = JSON.stringify(decodeResponse(name, version, bytes.subarray(4)).body)
        const codes = [...answer.matchAll(/"errorCode":(-?\d+)/g)].map(([, code]) => Number(code))
        if (!WITH_UNKNOWN_ERRORS.has(name)) expect(codes, told).not.toContain(-1)
        if (codes.length > 0 && !codes.includes(0) && !WITH_HALF_REFUSALS.has(name))
          expect(broker.services.metadata.lastAppliedOffset, told).toBe(lastAppliedOffset)
      }
      if (round % ROUNDS_BETWEEN_STARTS === 0) {
        const live = imageOf(broker)
        await broker.stop()
        broker = await start()
        expect(imageOf(broker)).toEqual(live)
      }
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(MAX_GROWTH_BYTES)
    await broker.stop()
  },
  120_000,
)

/** All that the metadata hold, but for what is told anew at each start. */
function imageOf(broker: Broker): string[] {
  return Array.from(imageRecords(broker.services.metadata))
    .filter(({ codec }) => !codec.name.startsWith('Register'))
    .map(({ codec, message }) => `${codec.name} ${json(message)}`)
    .sort()
}

function json(value: unknown): string {
  return JSON.stringify(value, (name, each: unknown) => {
    if (OF_A_START.has(name)) return undefined
    return typeof each === 'bigint' ? String(each) : each
  })
}
