import { describe, expect, test } from 'vitest'
import { Broker } from './broker.ts'
import { BrokerConfig } from './config/broker-config.ts'
import { type Logger, silentLogger } from './platform/logger.ts'
import { MemoryFiles } from './platform/memory-files.ts'
import { nodeClock } from './platform/node-clock.ts'
import { nodeNetwork } from './platform/node-network.ts'
import { nodeRandom } from './platform/node-random.ts'
import type { Files } from './platform/platform.ts'
import { buildBatch } from './protocol/batch-builder.ts'

const record = { key: null, value: Buffer.from('v'), headers: [], timestamp: 1_700_000_000_000n }

function brokerOn(
  files: Files,
  properties: Record<string, string> = {},
  logger: Logger = silentLogger,
): Broker {
  const config = BrokerConfig.fromProperties(
    new Map(Object.entries({ listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': '/data', ...properties })),
  )
  const platform = { clock: nodeClock(), random: nodeRandom(), files, network: nodeNetwork() }
  return new Broker({ config, platform, logger })
}

describe('Broker', () => {
  test('what was there is there again: topics, settings, cluster id', async () => {
    const files = new MemoryFiles()
    const first = brokerOn(files)
    await first.start()
    first.createTopic('t', { partitions: 2, configs: new Map([['retention.ms', '1000']]) })
    const { clusterId } = first
    const topicId = first.services.metadata.topic('t')!.topicId
    await first.stop()
    const second = brokerOn(files)
    await second.start()
    expect(second.clusterId).toBe(clusterId)
    expect(second.services.metadata.topic('t')).toMatchObject({
      topicId,
      partitions: [{ leader: 1 }, { leader: 1 }],
    })
    expect(second.services.partitions.get('t', 1)!.config['retention.ms']).toBe(1000)
    await second.stop()
  })

  test('a start that fails on its port leaves the directory as clean as it was, and unlocked', async () => {
    const files = new MemoryFiles()
    const first = brokerOn(files)
    await first.start()
    first.createTopic('t')
    const { port } = first.listeners[0]!
    const other = new MemoryFiles()
    const founded = brokerOn(other)
    await founded.start()
    const produce = () => founded.services.partitions.get('t', 0)!
    founded.createTopic('t')
    produce().append(buildBatch({ baseOffset: 0n, leaderEpoch: -1, records: [record, record, record] }))
    produce().log.deleteRecordsBefore(2n)
    await founded.stop()
    const refused = brokerOn(other, { listeners: `PLAINTEXT://127.0.0.1:${port}` })
    await expect(refused.start()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await first.stop()
    const warnings: string[] = []
    const again = brokerOn(other, {}, { ...silentLogger, warn: (_facts, message) => warnings.push(message) })
    await again.start()
    expect(again.services.partitions.get('t', 0)!.log.logStartOffset).toBe(2n)
    await again.stop()
    expect(warnings).toEqual([])
  })

  test('a broker starts once and stops as often as one likes, before its start too', async () => {
    const broker = brokerOn(new MemoryFiles())
    await broker.start()
    expect(() => broker.start()).toThrow('a broker starts once')
    await Promise.all([broker.stop(), broker.stop()])
    const never = brokerOn(new MemoryFiles())
    await never.stop()
  })

  test('describe tells of connections, groups, partitions and metadata', async () => {
    const broker = brokerOn(new MemoryFiles())
    await broker.start()
    broker.createTopic('t')
    expect(broker.describe()).toMatchObject({
      connections: [],
      parkedFetches: [],
      partitions: [{ topic: 't', partition: 0, leaderEpoch: 0 }],
      metadata: { topics: 1, partitions: 1 },
    })
    await broker.stop()
  })

  test('a listener that is not advertised tells clients of no broker', async () => {
    const broker = brokerOn(new MemoryFiles(), {
      listeners: 'ONE://127.0.0.1:0,TWO://127.0.0.1:0',
      'listener.security.protocol.map': 'ONE:PLAINTEXT,TWO:PLAINTEXT',
      'inter.broker.listener.name': 'ONE',
      'advertised.listeners': 'ONE://example.test:1234',
    })
    await broker.start()
    const { services } = broker
    const connection = (listenerName: string) =>
      ({ listenerName }) as unknown as Parameters<typeof services.advertisedEndpoint>[1]
    expect(services.advertisedEndpoint(1, connection('ONE'))).toEqual({ host: 'example.test', port: 1234 })
    expect(services.advertisedEndpoint(1, connection('TWO'))).toBeUndefined()
    expect(services.metadata.brokers.get(1)!.endpoints).toMatchObject([{ name: 'ONE', host: 'example.test' }])
    await broker.stop()
  })
})
