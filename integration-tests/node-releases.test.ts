import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { buildBatch } from '../src/protocol/batch-builder.ts'
import { readRecords } from '../src/protocol/record.ts'
import { KafkajsSession, Seen } from './clients/kafkajs-session.ts'
import { ClusterClient } from './interchange/cluster-client.ts'
import { BrokerProcess } from './support/broker-process.ts'
import { clientSuite } from './support/client-suite.ts'
import { clientsFolder, repositoryRoot } from './support/repository.ts'
import { runProgram } from './support/run-program.ts'

/** The oldest release that is promised, and the lines that are kept up now; whether Node itself can compress with zstd. */
const RELEASES = [
  ['20.19.0', false],
  ['22', true],
  ['24', true],
] as const
const main = join(repositoryRoot, 'dist', 'main.js')
const folder = mkdtempSync(join(tmpdir(), 'odradek-node-'))
afterAll(() => rmSync(folder, { recursive: true }))

for (const [release, hasZstd] of RELEASES) {
  const node = join(clientsFolder, `node-${release}/node_modules/node-linux-${process.arch}`, 'bin', 'node')
  const missing = existsSync(node)
    ? undefined
    : `no Node ${release} (integration-tests/clients/install.sh fetches it)`

  clientSuite(`Node ${release}`, missing, () => {
    let running: BrokerProcess | undefined
    const start = async () => {
      running = await BrokerProcess.start({
        command: [node, main],
        data: join(folder, release),
        properties: ['group.initial.rebalance.delay.ms=0'],
      })
      return running
    }
    // A test that failed has left it.
    afterEach(() => running?.kill())

    test('a broker: records and offsets over a restart, and nothing to complain of', async () => {
      for (const turn of [0, 1]) {
        const broker = await start()
        const session = new KafkajsSession([broker.bootstrapServers])
        try {
          const producer = await session.producer({ idempotent: true })
          const values = Array.from({ length: 100 }, (_, at) => `${turn} ${at}`)
          await producer.send({ topic: 'orders', messages: values.map((value) => ({ key: 'k', value })) })
          const seen = new Seen()
          const consumer = session.consumer({ groupId: 'billing' })
          await consumer.connect()
          await consumer.subscribe({ topic: 'orders', fromBeginning: true })
          await consumer.run({ eachMessage: seen.eachMessage })
          await seen.count(values.length)
          // The group goes on where it was before the restart.
          expect(seen.values()).toEqual(values)
        } finally {
          await session.close()
        }
        expect(await broker.stop()).toBe(0)
        expect(broker.log).toBe('')
      }
    })

    test('a topic with compression.type=zstd holds what was sent, and less of it where Node can', async () => {
      const broker = await start()
      const client = await ClusterClient.open(broker.bootstrapServers)
      const value = Buffer.from('the same again and again, '.repeat(100))
      const records = Array.from({ length: 50 }, () => ({ key: null, value, headers: [], timestamp: 1n }))
      try {
        await client.createTopic('small', 1, { 'compression.type': 'zstd' })
        const sent = buildBatch({ baseOffset: 0n, leaderEpoch: -1, records })
        const sentBytes = sent.length
        await client.produce('small', 0, sent)
        const [stored] = await client.batches('small', 0)
        expect(Array.from(readRecords(stored!), (record) => record.value)).toEqual(records.map(() => value))
        expect(stored!.length < sentBytes / 10).toBe(hasZstd)
      } finally {
        client.close()
      }
      expect(await broker.stop()).toBe(0)
      expect(broker.log).toBe('')
    })

    test('startKafka() in a test, which ends by itself and without a word', async () => {
      const program = `
        import { startKafka } from ${JSON.stringify(join(repositoryRoot, 'dist', 'index.js'))}
        const kafka = await startKafka({ topics: { orders: 3 } })
        await kafka.produce('orders', { key: 'a', value: { total: 42 } })
        const [record] = await kafka.records('orders', { count: 1 })
        console.log(JSON.stringify(record.json()))
        await kafka.stop()`
      const ended = await runProgram(node, ['--input-type=module', '-e', program])
      expect(ended).toEqual({ code: 0, stdout: '{"total":42}\n', stderr: '' })
    })
  })
}
