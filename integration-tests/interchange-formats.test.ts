import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { buildBatch } from '../src/protocol/batch-builder.ts'
import { ClusterClient } from './interchange/cluster-client.ts'
import { type ClusterView, viewOf } from './interchange/cluster-view.ts'
import { hashOfDirectory, problemsIn } from './interchange/directory-hash.ts'
import { type Engine, type RunningBroker, startBroker } from './interchange/exchange.ts'
import { quorumView, upgradeFeature } from './interchange/quorum-view.ts'
import { joinStreamsGroup } from './interchange/streams-group.ts'
import { TransactionalProducer } from './interchange/transactional-producer.ts'
import { committedValues, runTransaction } from './interchange/transactions.ts'
import { BrokerProcess } from './support/broker-process.ts'
import { clientSuite } from './support/client-suite.ts'
import { kafkaTool, missingKafkaTools } from './support/kafka-tools.ts'

const CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const TEST_TIMEOUT_MS = 240_000
/** Of the topics of coordinators: Apache Kafka loads them one by one, and complains when it is stopped meanwhile. */
const FEW_PARTITIONS = ['offsets.topic.num.partitions=2', 'transaction.state.log.num.partitions=2']
/** What Apache Kafka says when a client asks for a coordinator again while its topic is being made, and when the machine is busy. */
const OF_THE_MOMENT =
  /Auto topic creation failed for __\w+ with error 'TOPIC_ALREADY_EXISTS'|Exceptionally slow controller event/

clientSuite('directories that Apache Kafka’s own tool has formatted', missingKafkaTools(), () => {
  let folder = ''
  let running: RunningBroker | undefined
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'odradek-formats-'))
  })
  afterEach(async () => {
    await running?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  /** One broker after the other has the directory; each finds all that the last one left, and goes on with it. */
  class Exchange {
    #expected: ClusterView | undefined
    #turn = 0

    async turn(engine: Engine, also: (bootstrapServers: string) => Promise<void> = async () => {}) {
      const broker = await startBroker(engine, folder, FEW_PARTITIONS)
      running = broker
      const { bootstrapServers } = broker
      const where = `turn ${this.#turn}, ${engine}`
      if (this.#expected) {
        await loadGroups(bootstrapServers, Object.keys(this.#expected.groups))
        expect([where, await viewOf(bootstrapServers)]).toEqual([where, this.#expected])
      }
      await also(bootstrapServers)
      await this.#write(bootstrapServers)
      this.#expected = await viewOf(bootstrapServers)
      await broker.stop()
      const complaints = broker.complaints.filter((line) => !OF_THE_MOMENT.test(line))
      expect([where, complaints]).toEqual([where, []])
      expect([where, await problemsIn(join(folder, 'data'))]).toEqual([where, []])
      this.#turn++
    }

    /** A topic with a setting, records in it and in those of the turns before, and an offset of a group. */
    async #write(bootstrapServers: string): Promise<void> {
      const client = await ClusterClient.open(bootstrapServers)
      await client.createTopic(`orders-${this.#turn}`, 2, { 'retention.bytes': '1000000' })
      for (let turn = 0; turn <= this.#turn; turn++) {
        const topic = `orders-${turn}`
        const value = Buffer.from(`of turn ${this.#turn}`)
        const records = [{ key: null, value, headers: [], timestamp: BigInt(Date.now()) }]
        const batch = buildBatch({ baseOffset: 0n, leaderEpoch: -1, records, compression: 'gzip' })
        for (const partition of [0, 1]) {
          const offset = await client.produce(topic, partition, batch)
          await client.commit('billing', topic, partition, offset + 1n, `turn ${this.#turn}`)
        }
      }
      client.close()
    }
  }

  test(
    'as the quick start does it: voters in the log (KIP-853), and what transactions left',
    async () => {
      await format(folder, ['--standalone'])
      const voters = [`1 ${directoryId(folder)}`]
      const check = async (bootstrapServers: string) => {
        expect(await quorumView(bootstrapServers)).toMatchObject({ features: { 'kraft.version': 1 }, voters })
        expect(await committedValues(bootstrapServers, 'paid')).toEqual(['first', 'third'])
        const client = await ClusterClient.open(bootstrapServers)
        expect(await client.committed('paying')).toEqual({ 'paid-0': '3 third' })
        client.close()
      }
      const exchange = new Exchange()
      await exchange.turn('Apache Kafka', async (bootstrapServers) => {
        const client = await ClusterClient.open(bootstrapServers)
        await client.createTopic('paid', 1, {})
        client.close()
        const payments = await TransactionalProducer.open(bootstrapServers, 'payments')
        await runTransaction(payments, 'paid', 'first', 'paying', 1n, 'commit')
        await runTransaction(payments, 'paid', 'second', 'paying', 2n, 'abort')
        await runTransaction(payments, 'paid', 'third', 'paying', 3n, 'commit')
        await runTransaction(payments, 'paid', 'fourth', 'paying', 4n, 'abort')
        payments.close()
        await check(bootstrapServers)
      })
      await exchange.turn('Odradek', check)
      // What Odradek wrote for the log that may go tells who votes too.
      expect(snapshotsIn(folder).length).toBeGreaterThan(1)
      await exchange.turn('Apache Kafka', async (bootstrapServers) => {
        await check(bootstrapServers)
        await joinStreamsGroup(bootstrapServers, 'app', 'paid')
      })
      await expectRefused(folder, /its group app is a streams group, and those are not supported here/)
    },
    TEST_TIMEOUT_MS,
  )

  test(
    'for an older release: 3.7 stays 3.7 until somebody raises it',
    async () => {
      await format(folder, ['--release-version', '3.7'])
      const has = (features: Record<string, number>) => async (bootstrapServers: string) =>
        expect((await quorumView(bootstrapServers)).features).toEqual(features)
      const exchange = new Exchange()
      await exchange.turn('Odradek', has({ 'metadata.version': 19 }))
      await exchange.turn('Apache Kafka', has({ 'metadata.version': 19 }))
      await exchange.turn('Odradek', async (bootstrapServers) => {
        await has({ 'metadata.version': 19 })(bootstrapServers)
        await upgradeFeature(bootstrapServers, 'metadata.version', 30)
        await upgradeFeature(bootstrapServers, 'kraft.version', 1)
      })
      await exchange.turn('Apache Kafka', async (bootstrapServers) => {
        await has({ 'kraft.version': 1, 'metadata.version': 30 })(bootstrapServers)
        expect((await quorumView(bootstrapServers)).voters).toEqual([`1 ${directoryId(folder)}`])
      })
    },
    TEST_TIMEOUT_MS,
  )

  test(
    'voters that Odradek cannot be are refused, and nothing is touched',
    async () => {
      const voter = (id: number, directory: string, port: number) => `${id}@127.0.0.1:${port}:${directory}`
      const [here, elsewhere] = ['fGzHe-d_S0CkFuBlPSQqxQ', 'afL81KOKxsRDdoGjif-IIA']
      await format(folder, ['--initial-controllers', `${voter(1, here, 9093)},${voter(2, elsewhere, 9095)}`])
      await expectRefused(
        folder,
        /its controllers are the nodes 1, 2, and this node 1 can only be the one controller/,
      )
    },
    TEST_TIMEOUT_MS,
  )
})

/** Apache Kafka lists no group whose coordinator has yet to be loaded. */
async function loadGroups(bootstrapServers: string, groupIds: readonly string[]): Promise<void> {
  const client = await ClusterClient.open(bootstrapServers)
  for (const groupId of groupIds) await client.committed(groupId)
  client.close()
}

/** Formats `folder/data` for a node that is broker and controller. */
async function format(folder: string, args: readonly string[]): Promise<void> {
  const config = join(folder, 'format.properties')
  // With the voters in the configuration there are none in the log.
  const isStatic = args.includes('--release-version')
  const properties = [
    'process.roles=broker,controller',
    'node.id=1',
    'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    isStatic
      ? 'controller.quorum.voters=1@127.0.0.1:9093'
      : 'controller.quorum.bootstrap.servers=127.0.0.1:9093',
    `log.dirs=${join(folder, 'data')}`,
  ]
  writeFileSync(config, `${properties.join('\n')}\n`)
  await kafkaTool('kafka-storage', ['format', '--cluster-id', CLUSTER_ID, '--config', config, ...args])
}

async function expectRefused(folder: string, reason: RegExp): Promise<void> {
  const data = join(folder, 'data')
  const before = hashOfDirectory(data)
  await expect(BrokerProcess.start({ data })).rejects.toThrow(reason)
  expect(hashOfDirectory(data)).toBe(before)
}

function snapshotsIn(folder: string): string[] {
  return readdirSync(join(folder, 'data', '__cluster_metadata-0')).filter((name) =>
    name.endsWith('.checkpoint'),
  )
}

function directoryId(folder: string): string {
  return /^directory\.id=(.+)$/m.exec(readFileSync(join(folder, 'data', 'meta.properties'), 'utf8'))![1]!
}
