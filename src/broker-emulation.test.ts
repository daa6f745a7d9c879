import { afterEach, expect, test } from 'vitest'
import { Broker } from './broker.ts'
import { BrokerConfig } from './config/broker-config.ts'
import { apis } from './handlers/index.ts'
import { silentLogger } from './platform/logger.ts'
import { MemoryFiles } from './platform/memory-files.ts'
import { nodeClock } from './platform/node-clock.ts'
import { nodeNetwork } from './platform/node-network.ts'
import { nodeRandom } from './platform/node-random.ts'
import { ApiVersions } from './protocol/generated/api-versions.ts'
import { releases } from './protocol/generated/releases.ts'
import { Reader } from './protocol/reader.ts'
import { loadRelease } from './protocol/release.ts'

let broker: Broker
afterEach(() => broker.stop())

/** A broker that passes for this release, and requests without a body to it. */
async function emulate(name: string) {
  broker = new Broker({
    config: BrokerConfig.fromProperties(
      new Map([
        ['listeners', 'PLAINTEXT://127.0.0.1:0'],
        ['log.dirs', '/data'],
      ]),
    ),
    platform: {
      clock: nodeClock(),
      random: nodeRandom(),
      files: new MemoryFiles(),
      network: nodeNetwork(),
    },
    logger: silentLogger,
    emulate: await loadRelease(name),
  })
  await broker.start()
  return (apiKey: number, version: number, body: number[] = []) => {
    const frame = Buffer.from([0, 0, 0, 0, 0, apiKey, version >> 8, version, 0, 0, 0, 7, 0xff, 0xff, ...body])
    frame.writeInt32BE(frame.length - 4)
    return broker.inject(frame)
  }
}

/** Header tags, software `a` version `1`, tags. */
const SOFTWARE = [0, 2, 0x61, 2, 0x31, 0]

async function apiVersions(name: string, version: number) {
  const send = await emulate(name)
  const { bytes, wasClosed } = await send(18, version, version >= 3 ? SOFTWARE : [])
  expect(wasClosed).toBe(false)
  return ApiVersions.response.decode(new Reader(bytes, 8), version)
}

/** The highest version of ApiVersions that each release answers. */
const asked = releases.flatMap(({ name, apis }) => {
  const row = apis.find(([key]) => key === ApiVersions.key)
  return row ? [[name, row[2]] as const] : []
})

test.each(asked)('%s: ApiVersions %i tells the ranges of that release', async (name, version) => {
  const { apiKeys, errorCode } = await apiVersions(name, version)
  const served = new Set(apis.map(({ key }) => key))
  const release = releases.find((each) => each.name === name)!
  const told = apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, minVersion, maxVersion])
  expect(errorCode).toBe(0)
  expect(told).toEqual(release.apis.filter(([key]) => served.has(key)))
  await broker.stop()
})

test('2.8 as Apache Kafka 2.8 tells it, where it is served here', async () => {
  const { apiKeys, ...rest } = await apiVersions('2.8', 3)
  const ranges = apiKeys.map(({ apiKey, minVersion, maxVersion }) => `${apiKey}:${minVersion}-${maxVersion}`)
  expect(ranges).toEqual(expect.arrayContaining(['0:0-9', '1:0-12', '3:0-11', '18:0-3', '35:0-2', '60:0-0']))
  expect(apiKeys.find(({ apiKey }) => apiKey === 75)).toBeUndefined()
  // A cluster with ZooKeeper has an empty node of features, whose version is 0.
  expect(rest).toMatchObject({ finalizedFeaturesEpoch: 0n, finalizedFeatures: [], supportedFeatures: [] })
})

test('3.9 tells of its features, those with a lowest level of 0 from ApiVersions 4 on', async () => {
  expect((await apiVersions('3.9.2', 4)).supportedFeatures).toMatchObject([
    { name: 'kraft.version', minVersion: 0, maxVersion: 1 },
    { name: 'metadata.version', minVersion: 1, maxVersion: 21 },
  ])
  await broker.stop()
  const { supportedFeatures, finalizedFeatures, finalizedFeaturesEpoch } = await apiVersions('3.9', 3)
  expect(supportedFeatures).toMatchObject([{ name: 'metadata.version', minVersion: 1, maxVersion: 21 }])
  expect(finalizedFeatures).toMatchObject([
    { name: 'metadata.version', minVersionLevel: 21, maxVersionLevel: 21 },
  ])
  expect(finalizedFeaturesEpoch).toBeGreaterThan(0n)
})

test('2.4 knows ApiVersions 3, and no features', async () => {
  expect(await apiVersions('2.4', 3)).toMatchObject({ finalizedFeaturesEpoch: -1n, finalizedFeatures: [] })
})

test('a version of ApiVersions that the release lacks: error 35, with its range since KIP-511', async () => {
  const error = async (name: string) =>
    (await (await emulate(name))(18, 4, SOFTWARE)).bytes.toString('hex').slice(16)
  expect(await error('2.8')).toBe('00230000000100120000' + '0003')
  await broker.stop()
  expect(await error('2.0')).toBe('002300000000')
})

test.each([
  ['an API that it lacks', '2.8', 75, 0],
  ['a version that it lacks', '2.8', 3, 12],
  ['a version that it has no more', '4.0', 1, 3],
  ['ApiVersions before KIP-35', '0.9', 18, 0],
  ['ApiVersions before KIP-35', '0.8.2', 18, 0],
])('%s ends the connection: release %s, API %i version %i', async (_what, name, apiKey, version) => {
  const send = await emulate(name)
  expect(await send(apiKey, version)).toEqual({ bytes: Buffer.alloc(0), wasClosed: true })
})

test('a release that nobody knows is told with those that there are', async () => {
  await expect(loadRelease('2.9')).rejects.toThrow(
    /^there is no release "2\.9" to emulate: 0\.8\.2, 0\.9, 0\.10\.0, .*, 4\.2, 4\.3$/,
  )
  await expect(loadRelease('4')).rejects.toThrow('there is no release "4"')
  expect((await loadRelease('0.10.2.1')).name).toBe('0.10.2')
})
