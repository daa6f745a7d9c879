import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { clientOf, loadUntilDeath, newLedger, topicUnderLoad, valuesOf } from './crash/load.ts'
import { problemsOf } from './crash/verify.ts'
import { BrokerProcess } from './support/broker-process.ts'

/** A few here; `.ci/run` asks for a hundred. */
const ROUNDS = Number(process.env.ODRADEK_CRASH_ROUNDS ?? 5)
/** Rounds that go on with one topic; then the next one, so that verifying does not take longer and longer. */
const ROUNDS_PER_TOPIC = 5
/** The broker dies when it has acknowledged a number of sends that changes from round to round. */
const DEADLY_SENDS = [3, 40, 11, 90, 1, 25, 60, 7]

/** Whoever verifies is alone in its group and need not wait for others. */
const properties = ['group.initial.rebalance.delay.ms=0']

let data: string

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'odradek-crash-'))
})

afterEach(() => rm(data, { recursive: true, force: true }))

test(`kill -9 under load, ${ROUNDS} times: every acknowledged record, commit and topic is there, once`, async () => {
  const ledger = newLedger()
  for (let round = 0; round < ROUNDS; round++) {
    const topic = `crash-${Math.floor(round / ROUNDS_PER_TOPIC)}`
    const broker = await BrokerProcess.start({ data, properties })
    try {
      if (round % ROUNDS_PER_TOPIC === 0) await createTopic(broker.bootstrapServers, topic)
      const problems = await problemsOf(clientOf(broker.bootstrapServers), topic, ledger)
      expect(problems.slice(0, 10)).toEqual([])
      const acknowledged = valuesOf(ledger.acknowledged, topic)
      const deadly = acknowledged.size + DEADLY_SENDS[round % DEADLY_SENDS.length]! * 5
      const failure = await loadUntilDeath(broker.bootstrapServers, round, topic, ledger, () => {
        const hasCreated = ledger.topics.get(topicUnderLoad(round, 0)) === 'created'
        if (acknowledged.size >= deadly && hasCreated) void broker.kill()
      })
      if (acknowledged.size < deadly)
        throw new Error('the load ended before the broker was killed', { cause: failure })
    } finally {
      await broker.kill()
    }
  }
  const broker = await BrokerProcess.start({ data, properties })
  try {
    const topics = [...ledger.acknowledged.keys()]
    expect([...ledger.topics.values()].filter((state) => state === 'created').length).toBeGreaterThanOrEqual(
      ROUNDS,
    )
    for (const { acknowledged } of ledger.commits.values()) expect(acknowledged).toBeGreaterThan(0)
    expect(topics).toHaveLength(Math.ceil(ROUNDS / ROUNDS_PER_TOPIC))
    for (const topic of topics)
      expect(await problemsOf(clientOf(broker.bootstrapServers), topic, ledger)).toEqual([])
  } finally {
    await broker.stop()
  }
}, 1_200_000)

async function createTopic(bootstrapServers: string, topic: string): Promise<void> {
  const admin = clientOf(bootstrapServers).admin()
  await admin.connect()
  try {
    // Small segments, so that some rounds die while one is rolled.
    const configEntries = [{ name: 'segment.bytes', value: String(1024 * 1024) }]
    await admin.createTopics({ topics: [{ topic, numPartitions: 3, configEntries }] })
  } finally {
    await admin.disconnect()
  }
}
