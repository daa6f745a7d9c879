import { CreateTopics } from '../../src/protocol/generated/create-topics.ts'
import { produceUntilTaken } from './admin.ts'
import type { BenchBroker } from './broker-process.ts'
import { FrameClient } from './frame-client.ts'
import { buildRecordBatch } from './record-batch-builder.ts'
import { addMemory, type Bench } from './rows.ts'

const TOPICS = 1000
const PARTITIONS = 10
const TOPICS_PER_REQUEST = 100
const CREATE_TOPICS = 5
/** Apache Kafka opens some thirty thousand files. */
const PATIENCE_MS = 300_000

/** A clean start with many partitions that all hold records: until the first answer, and the memory then. */
export async function manyPartitions(bench: Bench): Promise<void> {
  const { options, brokers, add } = bench
  for (const broker of brokers.filter(({ isOurs }) => isOurs)) {
    await broker.start(PATIENCE_MS)
    await fill(broker)
    const rows = `${TOPICS} topics of ${PARTITIONS} partitions`
    for (let round = 0; round < options.rounds; round++) {
      add({ row: `SIGTERM to exit, ${rows}`, broker: broker.name, value: await broker.stop(), unit: 'ms' })
      const value = await broker.start(PATIENCE_MS)
      add({ row: `clean start, ${rows}`, broker: broker.name, value, unit: 'ms' })
      addMemory(bench, broker, `memory after it, ${rows}`)
    }
  }
}

async function fill({ target: { host, port } }: BenchBroker): Promise<void> {
  const client = await FrameClient.open(host, port)
  const names = Array.from({ length: TOPICS }, (_, index) => `many-${index}`)
  for (let at = 0; at < TOPICS; at += TOPICS_PER_REQUEST) {
    const wanted = names.slice(at, at + TOPICS_PER_REQUEST)
    const { topics } = await client.request(CreateTopics, CREATE_TOPICS, {
      topics: wanted.map((name) => ({
        name,
        numPartitions: PARTITIONS,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      })),
      timeoutMs: 120_000,
      validateOnly: false,
    })
    const refused = topics.find(({ errorCode }) => errorCode !== 0)
    if (refused) throw new Error(`cannot create ${refused.name}: error ${refused.errorCode}`)
  }
  const batch = buildRecordBatch([Buffer.from('a record in each')], 'none', Date.now())
  for (const name of names) await produceUntilTaken(client, name, PARTITIONS, batch, PATIENCE_MS)
  client.close()
}
