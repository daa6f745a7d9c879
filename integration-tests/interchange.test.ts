import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KafkajsSession, Seen } from './clients/kafkajs-session.ts'
import { ClusterClient } from './interchange/cluster-client.ts'
import { asKafkaLooks, type ClusterView, viewOf } from './interchange/cluster-view.ts'
import { hashOfDirectory, problemsIn } from './interchange/directory-hash.ts'
import { type Engine, type RunningBroker, settledView, startBroker } from './interchange/exchange.ts'
import { SeededRandom } from './interchange/seeded-random.ts'
import { TransactionalProducer } from './interchange/transactional-producer.ts'
import { Workload } from './interchange/workload.ts'
import { BrokerProcess } from './support/broker-process.ts'
import { clientSuite } from './support/client-suite.ts'
import { missingKafkaTools } from './support/kafka-tools.ts'

/** Times that a directory goes to the other broker and comes back; `.ci/run` asks for ten. */
const ROUNDS = Number(process.env.ODRADEK_INTERCHANGE_ROUNDS ?? 2)
const SEED = Number(process.env.ODRADEK_INTERCHANGE_SEED ?? Date.now() % 1_000_000)
const ROUND_TIMEOUT_MS = 120_000
/**
 * What either broker says when the one before it was killed. The last is Apache Kafka's word for a log start within a batch, when nothing
 * told it the high watermark.
 */
const RECOVERED =
  /^Recovering after a crash: |last shutdown was not clean|recovering segment and rebuilding index files|Non-monotonic update of high watermark/

clientSuite('interchange of a data directory with Apache Kafka', missingKafkaTools(), () => {
  let folder = ''
  let running: RunningBroker | undefined
  const start = async (engine: Engine) => {
    running = await startBroker(engine, folder)
    return running
  }
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'odradek-interchange-'))
  })
  afterEach(async () => {
    await running?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  const backAndForth = (first: Engine, second: Engine) =>
    test(
      `${first} begins, and ${ROUNDS} times the directory goes over and comes back; half of the times after kill -9 (seed ${SEED})`,
      async () => {
        const random = new SeededRandom(SEED)
        const workload = new Workload(random)
        let expected: ClusterView | undefined
        let wasKilled = false
        const seen = { hasCompacted: false, hasRemoved: false }
        for (let turn = 0; turn <= 2 * ROUNDS; turn++) {
          const engine = turn % 2 === 0 ? first : second
          const broker = await start(engine)
          const where = `turn ${turn}, ${engine}, seed ${SEED}`
          if (expected) {
            const found = await viewOf(broker.bootstrapServers)
            const isKafka = engine === 'Apache Kafka'
            const [ours, kafka] = isKafka ? [expected, found] : [found, expected]
            expect([where, asKafkaLooks(ours, kafka)]).toEqual([where, kafka])
          } else await workload.found(broker.bootstrapServers)
          await workload.work(broker.bootstrapServers, engine === 'Apache Kafka').catch((error: unknown) => {
            throw new Error(where, { cause: error })
          })
          expected = await settledView(broker)
          const { hasCompacted, hasRemoved } = traces(expected)
          seen.hasCompacted ||= hasCompacted
          seen.hasRemoved ||= hasRemoved
          // Whoever looks while it runs finds nothing wrong.
          expect([where, await problemsIn(join(folder, 'data'), engine)]).toEqual([where, []])
          // Both brokers are stopped in order and killed by turns.
          if (turn % 4 < 2) await broker.stop()
          else {
            await workload.burst(broker.bootstrapServers)
            expected = await viewOf(broker.bootstrapServers)
            await broker.kill()
          }
          const complaints = broker.complaints.filter((line) => !(wasKilled && RECOVERED.test(line)))
          expect([where, complaints]).toEqual([where, []])
          wasKilled = turn % 4 >= 2
          expect([where, await problemsIn(join(folder, 'data'))]).toEqual([where, []])
        }
        // Some of what was compared had been compacted, and old segments were gone.
        expect(seen).toEqual({ hasCompacted: true, hasRemoved: true })
        console.log(`${2 * ROUNDS} exchanges, seed ${SEED}: ${JSON.stringify(workload.counts)}`)
      },
      (2 * ROUNDS + 1) * ROUND_TIMEOUT_MS,
    )

  backAndForth('Odradek', 'Apache Kafka')
  backAndForth('Apache Kafka', 'Odradek')

  test(
    'a consumer group goes on where it was, on either broker',
    async () => {
      let sent = 0
      for (const engine of ['Odradek', 'Apache Kafka', 'Odradek'] as const) {
        const broker = await start(engine)
        const session = new KafkajsSession([broker.bootstrapServers])
        try {
          const admin = await session.admin()
          if (sent === 0) await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }] })
          const producer = await session.producer({ idempotent: true })
          const messages = Array.from({ length: 50 }, (_, n) => ({ key: `${n}`, value: `order-${sent + n}` }))
          await producer.send({ topic: 'orders', messages })
          const seen = new Seen()
          const consumer = session.consumer({ groupId: 'billing' })
          await consumer.connect()
          await consumer.subscribe({ topic: 'orders', fromBeginning: true })
          await consumer.run({ eachMessage: seen.eachMessage })
          await seen.count(50)
          // What was read before is not read again.
          expect(seen.values().sort()).toEqual(messages.map(({ value }) => value).sort())
          sent += 50
        } finally {
          await session.close()
        }
        await broker.stop()
        expect([engine, broker.complaints]).toEqual([engine, []])
      }
    },
    3 * ROUND_TIMEOUT_MS,
  )

  describe('what Odradek has no counterpart for is refused, and nothing is touched', () => {
    const expectRefused = async (reason: RegExp) => {
      const data = join(folder, 'data')
      const before = hashOfDirectory(data)
      await expect(BrokerProcess.start({ data })).rejects.toThrow(reason)
      expect(hashOfDirectory(data)).toBe(before)
    }

    test(
      'several log.dirs',
      async () => {
        running = await startBroker('Apache Kafka', folder, [`log.dirs=${folder}/data,${folder}/more`])
        await running.stop()
        await expectRefused(/odradek: .*its broker kept logs in 2 directories \(log\.dirs\).*\n/)
      },
      ROUND_TIMEOUT_MS,
    )

    test(
      'a directory that Apache Kafka is using',
      async () => {
        const broker = await start('Apache Kafka')
        await expect(BrokerProcess.start({ data: join(folder, 'data') })).rejects.toThrow(
          /odradek: .*\.lock is locked by process \d+: another broker uses this directory; .*\n/,
        )
        await broker.stop()
        expect(broker.complaints).toEqual([])
      },
      ROUND_TIMEOUT_MS,
    )

    test(
      'a transaction that is open',
      async () => {
        const broker = await start('Apache Kafka')
        const client = await ClusterClient.open(broker.bootstrapServers)
        await client.createTopic('paid', 1, {})
        client.close()
        const payments = await TransactionalProducer.open(broker.bootstrapServers, 'payments')
        await payments.add('paid', 0)
        payments.close()
        await broker.stop()
        await expectRefused(/odradek: .*its transaction payments is ongoing, .*\n/)
      },
      ROUND_TIMEOUT_MS,
    )
  })
})

/** Are there topics that were compacted, and some whose first segments retention took? */
function traces({ topics }: ClusterView): { hasCompacted: boolean; hasRemoved: boolean } {
  const partitions = Object.entries(topics).flatMap(([name, topic]) =>
    topic.partitions.map(({ offsets, batches }) => ({ name, offsets, batches })),
  )
  const recordsIn = (batches: readonly string[]) =>
    batches.reduce((sum, batch) => sum + Number(/ records (\d+) /.exec(batch)![1]), 0)
  const endOf = (offsets: string) => Number(/to (\d+)/.exec(offsets)![1])
  return {
    hasCompacted: partitions.some(
      (each) => each.name.startsWith('kind2.') && recordsIn(each.batches) < endOf(each.offsets),
    ),
    hasRemoved: partitions.some((each) => each.name.startsWith('kind3.') && !each.offsets.startsWith('0 ')),
  }
}
