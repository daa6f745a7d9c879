import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Broker } from '../src/broker.ts'
import { BrokerConfig } from '../src/config/broker-config.ts'
import { apis } from '../src/handlers/index.ts'
import { type Logger, silentLogger } from '../src/platform/logger.ts'
import { ManualClock } from '../src/platform/manual-clock.ts'
import { MemoryFiles } from '../src/platform/memory-files.ts'
import { nodeNetwork } from '../src/platform/node-network.ts'
import { nodeRandom } from '../src/platform/node-random.ts'
import { buildBatches } from './behaviour/batches.ts'
import type { JsonObject } from './behaviour/json.ts'
import { decodeResponse, encodeRequest } from './behaviour/messages.ts'
import { FrameConnection } from './client/frame-connection.ts'
import { mutate, seededRandom } from './fuzz/mutations.ts'
import { settle } from './fuzz/settle.ts'

const ROUNDS = 3000
const MAX_GROWTH_BYTES = 256 * 1024 * 1024

/** Requests as Apache Kafka's own classes write them: oldest and newest version of each API, sizes included. */
const requests = readFrames()
const apiVersions = Buffer.from('0000000a001200000000002affff', 'hex')

let broker: Broker
let clock: ManualClock
const errors: object[] = []
/** A failure of ours is logged as an error; what is the client's fault is not. */
const errorLogger: Logger = {
  ...silentLogger,
  error: (facts) => errors.push(facts),
  child: () => errorLogger,
}

beforeAll(async () => {
  clock = new ManualClock()
  broker = new Broker({
    config: BrokerConfig.fromProperties(new Map([['listeners', 'PLAINTEXT://127.0.0.1:0']])),
    platform: { clock, random: nodeRandom(), files: new MemoryFiles(), network: nodeNetwork() },
    logger: errorLogger,
  })
  await broker.start()
})

afterAll(() => broker.stop())

/** Cuts what a broker sent into frames; what is left over is its last element. */
function framesIn(bytes: Buffer): { frames: Buffer[]; rest: number } {
  const frames: Buffer[] = []
  let at = 0
  while (at + 4 <= bytes.length && at + 4 + bytes.readInt32BE(at) <= bytes.length) {
    const end = at + 4 + bytes.readInt32BE(at)
    frames.push(bytes.subarray(at + 4, end))
    at = end
  }
  return { frames, rest: bytes.length - at }
}

describe('bad input', () => {
  test.each([1, 2, 3])('seed %i: every request is answered or its connection closed', async (seed) => {
    const random = seededRandom(seed)
    const before = process.memoryUsage()
    const failures: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const original = requests[random(requests.length)]!
      const bytes = mutate(original, random)
      const answer = await settle(broker.inject(bytes), clock)
      const { frames, rest } = framesIn(answer.bytes)
      if (rest > 0) failures.push(`round ${round}: ${rest} stray bytes for ${bytes.toString('hex')}`)
      if (bytes.length >= 12 && frames[0] && frames[0].readInt32BE(0) !== bytes.readInt32BE(8)) {
        failures.push(`round ${round}: another correlation id for ${bytes.toString('hex')}`)
      }
    }
    expect(failures).toEqual([])
    // A failure of ours would have been logged as such, not as the client's fault.
    expect(errors).toEqual([])
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(MAX_GROWTH_BYTES)
    expect(after.rss - before.rss).toBeLessThan(MAX_GROWTH_BYTES)
  })

  test('over TCP, cut anywhere, and another connection notices nothing', async () => {
    const random = seededRandom(4)
    const { host, port } = broker.listeners[0]!
    const good = await FrameConnection.open(host, port)
    for (let round = 0; round < 150; round++) {
      const bad = await FrameConnection.open(host, port)
      const bytes = mutate(requests[random(requests.length)]!, random)
      for (let at = 0; at < bytes.length; ) {
        const end = at + 1 + random(bytes.length - at)
        bad.write(bytes.subarray(at, end))
        at = end
        if (random(3) === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      good.write(apiVersions)
      const answer = await good.frame(5000)
      expect(Buffer.isBuffer(answer) && answer.readInt32BE(0)).toBe(0x2a)
      bad.close()
    }
    good.close()
    expect(errors).toEqual([])
  })

  test.each(['ffffffff', '80000000', '7fffffff', '06400001', '00000000', '47455420'])(
    'a size of 0x%s closes the connection',
    async (size) => {
      const answer = await settle(broker.inject(Buffer.from(`${size}00120000`, 'hex')), clock)
      expect(answer).toEqual({ bytes: Buffer.alloc(0), wasClosed: true })
    },
  )

  test('a frame that claims 100 MB takes no memory before it is there', async () => {
    const before = process.memoryUsage().arrayBuffers
    const { host, port } = broker.listeners[0]!
    const claims = await Promise.all(Array.from({ length: 20 }, () => FrameConnection.open(host, port)))
    for (const claim of claims) claim.write(Buffer.from('06000000000300090000', 'hex'))
    const good = await FrameConnection.open(host, port)
    good.write(apiVersions)
    expect(Buffer.isBuffer(await good.frame(5000))).toBe(true)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 1024 * 1024)
    for (const connection of [...claims, good]) connection.close()
  })
})

describe('a batch that is not what it says', () => {
  const sound = buildBatches([{ records: [{ value: 'one' }, { key: 'k', value: 'two' }, { value: null }] }])

  /** Error code of the answer, or nothing when the connection was closed. */
  async function produce(topic: string, records: Buffer): Promise<unknown> {
    const body = {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records: records.toString('hex') }] }],
    }
    const request = encodeRequest('Produce', 9, { correlationId: 1, clientId: 'fuzz', headerTags: {}, body })
    const { bytes, wasClosed } = await settle(broker.inject(request), clock)
    if (wasClosed) return undefined
    const { responses } = decodeResponse('Produce', 9, framesIn(bytes).frames[0]!).body
    return (responses as { partitionResponses: { errorCode: number }[] }[])[0]!.partitionResponses[0]!
      .errorCode
  }
  const endOf = (topic: string) => broker.services.partitions.get(topic, 0)!.log.logEndOffset

  test('with any byte changed that the checksum covers, or the checksum itself, nothing is written', async () => {
    broker.createTopic('flipped', { partitions: 1 })
    const FIRST_CHECKED = 16
    for (let at = FIRST_CHECKED; at < sound.length; at++) {
      const flipped = Buffer.from(sound)
      flipped[at]! ^= 1 << (at % 8)
      const errorCode = await produce('flipped', flipped)
      expect([at, errorCode]).not.toEqual([at, 0])
    }
    expect(endOf('flipped')).toBe(0n)
    expect(await produce('flipped', sound)).toBe(0)
    expect(endOf('flipped')).toBe(3n)
    expect(errors).toEqual([])
  })

  test.each<[what: string, batch: JsonObject]>([
    ['more records than there are', { count: 4 }],
    ['fewer', { count: 2 }],
    ['two thousand millions', { count: 0x7fffffff }],
    ['a negative number', { count: -1 }],
    ['another last offset', { lastOffsetDelta: 7 }],
    ['a negative length', { batchLength: -1 }],
    ['a length of 2 GiB', { batchLength: 0x7fffffff }],
    ['a shorter length', { batchLength: 60 }],
    ['fewer bytes than its length', { cut: 5 }],
    ['gzip that is none', { attributes: 1 }],
    ['an unknown compression', { attributes: 7 }],
  ])('claiming %s is refused and nothing is written', async (what, batch) => {
    const topic = `claims-${what.replaceAll(' ', '-')}`
    broker.createTopic(topic, { partitions: 1 })
    const records = buildBatches([
      { records: [{ value: 'one' }, { value: 'two' }, { value: 'three' }], ...batch },
    ])
    expect(await produce(topic, records)).not.toBe(0)
    expect(endOf(topic)).toBe(0n)
    expect(errors).toEqual([])
  })
})

function readFrames(): Buffer[] {
  const path = fileURLToPath(new URL('./vectors/data/frames.jsonl.gz', import.meta.url))
  const served = new Set(apis.map(({ key }) => key))
  return gunzipSync(readFileSync(path))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { case: string; apiKey: number; hex: string })
    .filter((vector) => vector.case === 'request' && served.has(vector.apiKey))
    .map(({ hex }) => Buffer.from(hex, 'hex'))
}
