import { CreateTopics } from '../../src/protocol/generated/create-topics.ts'
import { DescribeLogDirs } from '../../src/protocol/generated/describe-log-dirs.ts'
import { IncrementalAlterConfigs } from '../../src/protocol/generated/incremental-alter-configs.ts'
import { Produce } from '../../src/protocol/generated/produce.ts'
import { PRODUCE, prepareProduce, produceUntilTaken } from './admin.ts'
import type { BenchBroker } from './broker-process.ts'
import { FrameClient, type PreparedRequest } from './frame-client.ts'
import { median } from './percentile.ts'
import { buildRecordBatch } from './record-batch-builder.ts'
import { type Bench, generate } from './rows.ts'

const TOPIC = 'compacted'
const RECORD_BYTES = 1024
const SEGMENT_BYTES = 64 * 1024 * 1024
const DISTINCT_BATCHES = 64
const IN_FLIGHT = 4
const RECORDS_PER_SECOND = 1000
/** Apache Kafka looks every 15 seconds whether there is something to clean. */
const PATIENCE_MS = 240_000
const CREATE_TOPICS = 5
const DESCRIBE_LOG_DIRS = 2
const ALTER_CONFIGS = 1
const TOPIC_RESOURCE = 2
const SET = 0

/**
 * What a producer of another topic notices while a log is compacted: acknowledgements at a steady rate before, and in the runs from the
 * moment on at which the log may be cleaned until it has shrunk to less than half.
 */
export async function compaction(bench: Bench): Promise<void> {
  const { brokers, options, add } = bench
  for (const broker of brokers.filter(({ isOurs }) => isOurs)) {
    await broker.start()
    const client = await FrameClient.open(broker.target.host, broker.target.port)
    await createKeyed(client)
    const bytes = await fill(client, options.logBytes, options.batchBytes)
    const before: number[] = []
    for (let run = 0; run < options.rounds; run++)
      before.push(await acknowledgedMs(bench, broker, `before-${run}`))
    await allowCompaction(client)
    const startedMs = performance.now()
    const during: number[] = []
    while ((await sizeOf(client)) > bytes / 2) {
      if (performance.now() - startedMs > PATIENCE_MS)
        throw new Error(`${broker.name} does not compact the log`)
      during.push(await acknowledgedMs(bench, broker, `during-${during.length}`))
    }
    client.close()
    const rows = `p99 of acknowledgements at ${RECORDS_PER_SECOND} records/s`
    add({ row: `${rows}, no compaction`, broker: broker.name, value: median(before), unit: 'ms' })
    const note = `${during.length} runs of ${options.latencySeconds} s, median ${median(during).toFixed(2)}`
    const worst = Math.max(...during)
    add({
      row: `${rows}, worst run while ${bytes >> 20} MiB are compacted`,
      broker: broker.name,
      value: worst,
      unit: 'ms',
      note,
    })
  }
}

async function acknowledgedMs({ options }: Bench, broker: BenchBroker, topic: string): Promise<number> {
  const result = await generate('latency', {
    kind: 'latency',
    broker: broker.target,
    topic: `compaction-${topic}`,
    recordsPerSecond: RECORDS_PER_SECOND,
    seconds: options.latencySeconds,
  })
  return result.acknowledgedMs.p99
}

async function createKeyed(client: FrameClient): Promise<void> {
  const configs = [
    { name: 'segment.bytes', value: `${SEGMENT_BYTES}` },
    { name: 'min.cleanable.dirty.ratio', value: '0.01' },
    { name: 'file.delete.delay.ms', value: '500' },
  ]
  const { topics } = await client.request(CreateTopics, CREATE_TOPICS, {
    topics: [{ name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs }],
    timeoutMs: 30_000,
    validateOnly: false,
  })
  if (topics[0]?.errorCode !== 0) throw new Error(`cannot create ${TOPIC}: error ${topics[0]?.errorCode}`)
}

/** The same few thousand keys over and over; returns the bytes of the log. */
async function fill(client: FrameClient, totalBytes: number, batchBytes: number): Promise<number> {
  const perBatch = Math.max(1, Math.floor(batchBytes / RECORD_BYTES))
  const value = Buffer.alloc(RECORD_BYTES, 'x')
  const batches = Array.from({ length: DISTINCT_BATCHES }, (_, batch) => {
    const keys = Array.from({ length: perBatch }, (_, index) =>
      Buffer.from(`key-${batch * perBatch + index}`),
    )
    return buildRecordBatch(
      keys.map(() => value),
      'none',
      Date.now(),
      keys,
    )
  })
  await produceUntilTaken(client, TOPIC, 1, batches[0]!)
  const requests = batches.map((batch) => prepareProduce(TOPIC, [0], batch))
  await sendAll(client, requests, Math.ceil(totalBytes / batches[0]!.length))
  return sizeOf(client)
}

function sendAll(client: FrameClient, requests: readonly PreparedRequest[], count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.onFailure = reject
    let sent = 0
    let acknowledged = 0
    const next = () => {
      client.send(requests[sent++ % requests.length]!, (body) => {
        const row = Produce.response.decode(body, PRODUCE).responses[0]!.partitionResponses[0]!
        if (row.errorCode !== 0) reject(new Error(`a batch got error ${row.errorCode}`))
        else if (++acknowledged === count) resolve()
        else if (sent < count) next()
      })
    }
    for (let flight = 0; flight < IN_FLIGHT && sent < count; flight++) next()
  })
}

async function allowCompaction(client: FrameClient): Promise<void> {
  const { responses } = await client.request(IncrementalAlterConfigs, ALTER_CONFIGS, {
    resources: [
      {
        resourceType: TOPIC_RESOURCE,
        resourceName: TOPIC,
        configs: [{ name: 'cleanup.policy', configOperation: SET, value: 'compact' }],
      },
    ],
    validateOnly: false,
  })
  if (responses[0]?.errorCode !== 0)
    throw new Error(`cannot alter ${TOPIC}: error ${responses[0]?.errorCode}`)
}

async function sizeOf(client: FrameClient): Promise<number> {
  const { results } = await client.request(DescribeLogDirs, DESCRIBE_LOG_DIRS, {
    topics: [{ topic: TOPIC, partitions: [0] }],
  })
  return Number(results[0]?.topics[0]?.partitions[0]?.partitionSize ?? 0n)
}
