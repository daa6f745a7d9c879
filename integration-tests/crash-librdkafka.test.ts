import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LibrdkafkaLoad } from './crash/librdkafka-load.ts'
import { clientOf, valuesOf } from './crash/load.ts'
import { problemsOf } from './crash/verify.ts'
import { BrokerProcess } from './support/broker-process.ts'
import { clientSuite } from './support/client-suite.ts'
import { clientsFolder } from './support/repository.ts'
import { succeeds } from './support/run-program.ts'

/** A few here; `.ci/run` asks for a hundred. */
const ROUNDS = Number(process.env.ODRADEK_CRASH_ROUNDS ?? 5)
/** The broker dies when it has acknowledged so many records more, which changes from round to round. */
const DEADLY_RECORDS = [30, 400, 110, 900, 1, 250, 600, 70]
const TOPIC = 'crash'

const installed = join(clientsFolder, 'python', 'bin', 'python')
const python = existsSync(installed) ? installed : 'python3'
const missing = succeeds(python, ['-c', 'import confluent_kafka'])
  ? undefined
  : 'no python3 with confluent_kafka'

clientSuite('kill -9 under the load of librdkafka', missing, () => {
  test(`${ROUNDS} times: its idempotent producer lives on, and all is there once`, async () => {
    const data = await mkdtemp(join(tmpdir(), 'odradek-crash-'))
    const properties = ['group.initial.rebalance.delay.ms=0']
    let broker = await BrokerProcess.start({ data, properties })
    const { bootstrapServers } = broker
    const port = Number(bootstrapServers.split(':')[1])
    let load: LibrdkafkaLoad | undefined
    try {
      await createTopic(bootstrapServers)
      load = new LibrdkafkaLoad(python, bootstrapServers, TOPIC)
      for (let round = 0; round < ROUNDS; round++) {
        const deadly = load.acknowledged + DEADLY_RECORDS[round % DEADLY_RECORDS.length]!
        const commits = load.commits
        await load.until(() => load!.acknowledged >= deadly && load!.commits > commits)
        await broker.kill()
        broker = await BrokerProcess.start({ data, port, properties })
      }
      await load.stop()
      const { ledger, failures } = load
      expect(failures).toEqual([])
      expect(valuesOf(ledger.unanswered, TOPIC).size).toBe(0)
      const states = [...ledger.topics.values()]
      for (const state of ['created', 'deleted']) expect(states).toContain(state)
      expect(await problemsOf(clientOf(bootstrapServers), TOPIC, ledger)).toEqual([])
    } finally {
      load?.kill()
      await broker.kill()
      await rm(data, { recursive: true, force: true })
    }
  }, 1_800_000)
})

async function createTopic(bootstrapServers: string): Promise<void> {
  const admin = clientOf(bootstrapServers).admin()
  await admin.connect()
  try {
    // Small segments, so that some rounds die while one is rolled.
    const configEntries = [{ name: 'segment.bytes', value: String(1024 * 1024) }]
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 3, configEntries }] })
  } finally {
    await admin.disconnect()
  }
}
