import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { BenchBroker } from './broker-process.ts'
import { compaction } from './compaction.ts'
import type { Job, JobKind, JobOf, JobResults, Throughput } from './jobs.ts'
import { manyPartitions } from './many-partitions.ts'
import { type BenchOptions, type RowGroup, workloads } from './options.ts'
import { median } from './percentile.ts'
import { residentBytesOf } from './process-usage.ts'
import { recovery } from './recovery.ts'
import type { Measurement } from './report.ts'

/** A side that uses this much of a core is full: both programs do their work on one thread. */
const FULL_CORES = 0.85
const IDLE_SECONDS = 1
const RECORDS_PER_SECOND = 1000
/** A client that retries for ever must not hold up the rest. */
const LONGEST_JOB_MS = 120_000

export interface Bench {
  readonly options: BenchOptions
  readonly brokers: readonly BenchBroker[]
  add(measurement: Measurement): void
}

/** How a group of rows is measured. Brokers may be running or not, before and after. */
export const rowGroups: { readonly [Group in RowGroup]: (bench: Bench) => Promise<void> } = {
  lifecycle,
  embedded,
  throughput,
  latency,
  group,
  topic,
  recovery,
  'many-partitions': manyPartitions,
  compaction,
}

/** Every broker in every round, each round beginning with another one. */
async function interleaved(
  bench: Bench,
  brokers: readonly BenchBroker[],
  measure: (broker: BenchBroker, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < bench.options.rounds; round++) {
    for (let turn = 0; turn < brokers.length; turn++) {
      await measure(brokers[(round + turn) % brokers.length]!, round)
    }
  }
}

async function lifecycle(bench: Bench): Promise<void> {
  const brokers = bench.brokers.filter(({ isOurs }) => isOurs)
  for (const broker of brokers) {
    await broker.stop()
    bench.add({
      row: 'first start, new directory',
      broker: broker.name,
      value: await broker.start(),
      unit: 'ms',
    })
    await broker.stop()
  }
  await interleaved(bench, brokers, async (broker) => {
    const { name } = broker
    const emptyMs = await emptyNodeMs()
    bench.add({
      row: 'start to first ApiVersions',
      broker: name,
      value: await broker.start(),
      unit: 'ms',
      note: `node -e 0: ${emptyMs.toFixed(0)}`,
    })
    await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000))
    addMemory(bench, broker, 'memory, idle')
    bench.add({ row: 'SIGTERM to exit', broker: name, value: await broker.stop(), unit: 'ms' })
  })
}

async function embedded(bench: Bench): Promise<void> {
  for (let round = 0; round < bench.options.rounds; round++) {
    const { firstMs, laterMs } = await generate('embedded', { kind: 'embedded', repetitions: 10 })
    const broker = bench.brokers[0]!.name
    bench.add({ row: 'startKafka(), first in a process', broker, value: firstMs, unit: 'ms' })
    bench.add({ row: 'startKafka(), later', broker, value: median(laterMs), unit: 'ms' })
  }
}

async function throughput(bench: Bench): Promise<void> {
  const { options, brokers } = bench
  const timestampMs = Date.now()
  if (options.isWarm) for (const broker of brokers) await warmUp(options, broker, timestampMs)
  for (const { name, workload } of workloads(options, timestampMs)) {
    await interleaved(bench, brokers, async (broker, round) => {
      const topic = `throughput-${name.replace(/\W+/g, '-')}-${round}`
      const { produce, fetch } = await throughputRun(options, broker, topic, workload)
      for (const [row, result] of [
        [`produce ${name}`, produce],
        [`fetch ${name}`, fetch],
      ] as const) {
        const value = result.valueBytes / 1e6 / result.seconds
        bench.add({ row, broker: broker.name, value, unit: 'MB/s', note: bottleneck(result) })
      }
    })
  }
  for (const broker of brokers) addMemory(bench, broker, 'memory, after the throughput rows')
}

/** Tens of thousands of requests of both kinds, so that a JIT compiler has seen what it needs. */
async function warmUp(options: BenchOptions, broker: BenchBroker, timestampMs: number): Promise<void> {
  for (const [round, codec] of (['none', 'none', 'lz4'] as const).entries()) {
    await throughputRun(options, broker, `warm-up-${round}`, {
      recordBytes: 1024,
      partitions: 1,
      codec,
      batchBytes: 16 * 1024,
      totalBytes: options.totalBytes / 2,
      timestampMs,
    })
  }
}

async function throughputRun(
  options: BenchOptions,
  broker: BenchBroker,
  topic: string,
  workload: JobOf<'produce'>['workload'],
): Promise<{ produce: JobResults['produce']; fetch: JobResults['fetch'] }> {
  await broker.start()
  const { target } = broker
  const { requestsInFlight, readers } = options
  const produce = await generate('produce', {
    kind: 'produce',
    broker: target,
    topic,
    workload,
    requestsInFlight,
  })
  const fetch = await generate('fetch', { kind: 'fetch', broker: target, topic, workload, readers })
  return { produce, fetch }
}

/** Which side was full, cores used by broker and client, and the broker's CPU seconds per GB. */
function bottleneck({ seconds, wireBytes, clientCpuSeconds, brokerCpuSeconds }: Throughput): string {
  const client = clientCpuSeconds / seconds
  if (brokerCpuSeconds === undefined) return `${client >= FULL_CORES ? 'client full' : 'client not full'}`
  const broker = brokerCpuSeconds / seconds
  const full: string[] = []
  if (broker >= FULL_CORES) full.push('broker')
  if (client >= FULL_CORES) full.push('client')
  if (full.length === 0)
    full.push(broker + client >= FULL_CORES * availableParallelism() ? 'machine' : 'neither')
  const perGigabyte = (brokerCpuSeconds / (wireBytes / 1e9)).toFixed(2)
  return `${full.join(' and ')} full: ${broker.toFixed(2)} + ${client.toFixed(2)} cores, ${perGigabyte} s/GB`
}

async function latency(bench: Bench): Promise<void> {
  const { brokers, options } = bench
  await interleaved(bench, brokers, async (broker, round) => {
    await broker.start()
    const { acknowledgedMs, endToEndMs } = await generate('latency', {
      kind: 'latency',
      broker: broker.target,
      topic: `latency-${round}`,
      recordsPerSecond: RECORDS_PER_SECOND,
      seconds: options.latencySeconds,
    })
    for (const [row, value] of [
      ['acknowledgement at 1,000 records/s, p50', acknowledgedMs.p50],
      ['acknowledgement at 1,000 records/s, p99', acknowledgedMs.p99],
      ['end to end at 1,000 records/s, p50', endToEndMs.p50],
      ['end to end at 1,000 records/s, p99', endToEndMs.p99],
    ] as const) {
      bench.add({ row, broker: broker.name, value, unit: 'ms' })
    }
  })
}

async function group(bench: Bench): Promise<void> {
  await interleaved(bench, bench.brokers, async (broker, round) => {
    await broker.start()
    const { firstRecordMs } = await generate('group', {
      kind: 'group',
      broker: broker.target,
      topic: `group-${round}`,
      repetitions: 5,
    })
    const value = median(firstRecordMs)
    bench.add({ row: 'kafkajs, new group to first record', broker: broker.name, value, unit: 'ms' })
  })
}

async function topic(bench: Bench): Promise<void> {
  await interleaved(bench, bench.brokers, async (broker, round) => {
    await broker.start()
    const { answeredMs, usableMs } = await generate('topic', {
      kind: 'topic',
      broker: broker.target,
      prefix: `topic-${round}`,
      repetitions: 30,
    })
    const { name } = broker
    bench.add({ row: 'create a topic, to the answer', broker: name, value: median(answeredMs), unit: 'ms' })
    bench.add({
      row: 'create a topic, to its first record',
      broker: name,
      value: median(usableMs),
      unit: 'ms',
    })
  })
}

export function addMemory(bench: Bench, broker: BenchBroker, row: string): void {
  const bytes = broker.target.pid === undefined ? undefined : residentBytesOf(broker.target.pid)
  if (bytes !== undefined) bench.add({ row, broker: broker.name, value: bytes / 1024 / 1024, unit: 'MiB' })
}

/** What starting Node costs by itself. */
function emptyNodeMs(): Promise<number> {
  const startedMs = performance.now()
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' })
    child.once('exit', () => resolve(performance.now() - startedMs))
  })
}

/** Runs the load generator in a process of its own. Throws when a check of it fails. */
export function generate<Kind extends JobKind>(
  _kind: Kind,
  job: JobOf<Kind> & Job,
): Promise<JobResults[Kind]> {
  const generator = fileURLToPath(new URL('./generator.js', import.meta.url))
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [generator, JSON.stringify(job)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST_JOB_MS,
    })
    let output = ''
    let complaint = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    child.once('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(output) as JobResults[Kind])
      else if (signal !== null) reject(new Error(`not done after ${LONGEST_JOB_MS / 1000} s`))
      else reject(new Error(complaint.trim() || `the load generator ended with ${code}`))
    })
  })
}
