import { CreateTopics } from '../../src/protocol/generated/create-topics.ts'
import { DescribeLogDirs } from '../../src/protocol/generated/describe-log-dirs.ts'
import { IncrementalAlterConfigs } from '../../src/protocol/generated/incremental-alter-configs.ts'
import { Produce } from '../../src/protocol/generated/produce.ts'
import { PRODUCE, prepareProduce, produceUntilTaken } from './admin.ts'
import type { BenchBroker } from './broker-process.ts'
import { FrameClient, type PreparedRequest } from './frame-client.ts'
import type { BenchOptions } from './options.ts'
import { median } from './percentile.ts'
import { type BatchCodec, buildRecordBatch } from './record-batch-builder.ts'
import { type Bench, generate } from './rows.ts'

const MEBIBYTE = 1024 * 1024
/** Room for what stands around the values in a batch that may not be larger than 1 MiB. */
const OVERHEAD_PER_RECORD = 24
const KEYS = 4096
const LEAST_DISTINCT_BATCHES = 8
const IN_FLIGHT = 4
const RECORDS_PER_SECOND = 1000
/** Apache Kafka looks every 15 seconds whether there is something to clean. */
const PATIENCE_MS = 240_000
const CREATE_TOPICS = 5
const DESCRIBE_LOG_DIRS = 2
const ALTER_CONFIGS = 1
const TOPIC_RESOURCE = 2
const SET = 0

interface Case {
  readonly name: string
  readonly topic: string
  readonly recordBytes: number
  readonly batchBytes: number
  readonly codec: BatchCodec
  /** Several even of what is compressed well: the last one is not compacted. */
  readonly segmentBytes: number
}

/** Batches as the options have them, and such as take long to open: full of small records. */
function casesOf({ batchBytes, only }: BenchOptions): Case[] {
  const cases: Case[] = [
    {
      name: '1 KiB, none',
      topic: 'large-none',
      recordBytes: 1024,
      batchBytes,
      codec: 'none',
      segmentBytes: 64 * MEBIBYTE,
    },
  ]
  for (const codec of ['none', 'lz4', 'zstd'] as const)
    cases.push({
      name: `100 B, batches of 1 MiB, ${codec}`,
      topic: `small-${codec}`,
      recordBytes: 100,
      batchBytes: MEBIBYTE,
      codec,
      segmentBytes: 16 * MEBIBYTE,
    })
  return cases.filter(({ name }) => name.includes(only))
}

/**
 * What a producer of another topic notices while a log is compacted: acknowledgements at a steady rate before, and in the runs from the
 * moment on at which the log may be cleaned until it has shrunk to less than half.
 */
export async function compaction(bench: Bench): Promise<void> {
  for (const each of casesOf(bench.options)) {
    for (const broker of bench.brokers.filter(({ isOurs }) => isOurs)) await compactOne(bench, each, broker)
  }
}

async function compactOne(bench: Bench, each: Case, broker: BenchBroker): Promise<void> {
  const { options, add } = bench
  const { topic } = each
  await broker.start()
  const client = await FrameClient.open(broker.target.host, broker.target.port)
  await createKeyed(client, each)
  const { values, bytes } = await fill(client, each, options.logBytes)
  const before: number[] = []
  for (let run = 0; run < options.rounds; run++)
    before.push(await acknowledgedMs(bench, broker, `${topic}-before-${run}`))
  await allowCompaction(client, topic)
  const startedMs = performance.now()
  const during: number[] = []
  while ((await sizeOf(client, topic)) > bytes / 2) {
    if (performance.now() - startedMs > PATIENCE_MS)
      throw new Error(`${broker.name} does not compact the log`)
    during.push(await acknowledgedMs(bench, broker, `${topic}-during-${during.length}`))
  }
  client.close()
  const rows = `${each.name}: p99 of acknowledgements at ${RECORDS_PER_SECOND} records/s`
  const quiet = median(before)
  add({ row: `${rows}, no compaction`, broker: broker.name, value: quiet, unit: 'ms' })
  const worst = Math.max(...during)
  const runs = `${during.length} runs of ${options.latencySeconds} s, median ${median(during).toFixed(2)}`
  add({
    row: `${rows}, worst run while ${values >> 20} MiB are compacted`,
    broker: broker.name,
    value: worst,
    unit: 'ms',
    note: `${(worst / quiet).toFixed(1)} times as long; ${bytes >> 20} MiB on disk; ${runs}`,
  })
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

async function createKeyed(client: FrameClient, { topic, segmentBytes }: Case): Promise<void> {
  const configs = [
    { name: 'segment.bytes', value: `${segmentBytes}` },
    { name: 'min.cleanable.dirty.ratio', value: '0.01' },
    { name: 'file.delete.delay.ms', value: '500' },
  ]
  const { topics } = await client.request(CreateTopics, CREATE_TOPICS, {
    topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs }],
    timeoutMs: 30_000,
    validateOnly: false,
  })
  if (topics[0]?.errorCode !== 0) throw new Error(`cannot create ${topic}: error ${topics[0]?.errorCode}`)
}

/** The same few thousand keys over and over; the bytes of all values, and of the log. */
async function fill(
  client: FrameClient,
  { topic, recordBytes, batchBytes, codec }: Case,
  totalBytes: number,
): Promise<{ values: number; bytes: number }> {
  const perBatch = Math.max(1, Math.floor(batchBytes / (recordBytes + OVERHEAD_PER_RECORD)))
  const batches = Array.from(
    { length: Math.max(LEAST_DISTINCT_BATCHES, Math.ceil(KEYS / perBatch)) },
    (_, batch) => {
      const numbers = Array.from({ length: perBatch }, (_, index) => batch * perBatch + index)
      return buildRecordBatch(
        numbers.map((number) => jsonOf(number, recordBytes)),
        codec,
        Date.now(),
        numbers.map((number) => Buffer.from(`key-${number}`)),
      )
    },
  )
  await produceUntilTaken(client, topic, 1, batches[0]!)
  const requests = batches.map((batch) => prepareProduce(topic, [0], batch))
  const count = Math.ceil(totalBytes / recordBytes / perBatch)
  await sendAll(client, requests, count)
  return { values: count * perBatch * recordBytes, bytes: await sizeOf(client, topic) }
}

/** What a codec can do something with. */
function jsonOf(number: number, recordBytes: number): Buffer {
  const text = `{"order":${number},"customer":"${Math.imul(number, 2654435761) >>> 0}","status":"paid"}`
  return Buffer.alloc(recordBytes, text.padEnd(Math.min(recordBytes, 100)))
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

async function allowCompaction(client: FrameClient, topic: string): Promise<void> {
  const { responses } = await client.request(IncrementalAlterConfigs, ALTER_CONFIGS, {
    resources: [
      {
        resourceType: TOPIC_RESOURCE,
        resourceName: topic,
        configs: [{ name: 'cleanup.policy', configOperation: SET, value: 'compact' }],
      },
    ],
    validateOnly: false,
  })
  if (responses[0]?.errorCode !== 0)
    throw new Error(`cannot alter ${topic}: error ${responses[0]?.errorCode}`)
}

async function sizeOf(client: FrameClient, topic: string): Promise<number> {
  const { results } = await client.request(DescribeLogDirs, DESCRIBE_LOG_DIRS, {
    topics: [{ topic, partitions: [0] }],
  })
  return Number(results[0]?.topics[0]?.partitions[0]?.partitionSize ?? 0n)
}
