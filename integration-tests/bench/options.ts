import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Workload } from './workload.ts'

/** Those that are measured when none is named; the others take their time. */
const USUAL_ROW_GROUPS = ['lifecycle', 'embedded', 'throughput', 'latency', 'group', 'topic'] as const
const ROW_GROUPS = [...USUAL_ROW_GROUPS, 'recovery', 'many-partitions', 'compaction'] as const
export type RowGroup = (typeof ROW_GROUPS)[number]

export const USAGE = `npm run bench -- [options] [row...]

Measures Odradek, and other brokers beside it when they are given, with the same clients and the same work in one run. Brokers take
turns within every round, so that ratios hold on a noisy machine. Every record that is sent must be read once, in order: otherwise the
row fails. Throughput rows tell which side was full, the cores that broker and client used, and the broker's CPU seconds per GB.

Rows (the first six when none is named):
  lifecycle    process start to the first answered ApiVersions, memory when idle, SIGTERM to exit
  embedded     startKafka() in process
  throughput   produce, and fetch from the start: 100 B and 1 KiB records, 1 and 8 partitions, none and lz4; memory afterwards
  latency      acknowledgement and end to end at 1,000 records a second
  group        a new kafkajs client in a new group, to its first record
  topic        create a topic, to the answer and to the first record that it takes
  recovery     start after kill -9, beside the time that cat takes for the same files
  compaction   what a producer notices while another topic's log is compacted: records of 1 KiB; batches of thousands of small ones
  many-partitions   clean start and stop with 1,000 topics of 10 partitions, and the memory that takes

And by itself, without a broker:
  codec        our decoders beside those of kafkajs and @platformatic/kafka ("npm run bench -- codec --help")

Other brokers:
  --kafka COMMAND          start command of Apache Kafka; {port} and {dir} are filled in, and it stays in the foreground
  --broker NAME=COMMAND    the same for any other broker; may be repeated
  --broker NAME=attach:HOST:PORT[:PID]   a broker that runs already; with its PID on this machine, its CPU and memory are shown too

Options:
  --odradek COMMAND        start Odradek differently (default: the built dist/main.js)
  --rounds N               rounds, of which the median counts (3)
  --mebibytes N            values of 1 KiB records per throughput run (512); 100 B records: half of it
  --batch KIB              size of a producer's batches (64)
  --flight N               requests in flight per producer, and consumers that read side by side (4 and 2)
  --seconds N              length of a latency run (4)
  --gigabytes N            log to recover, or to compact (2)
  --only TEXT              only throughput and compaction cases whose name contains TEXT
  --no-warm                measure brokers as cold as they start
  --json                   figures as JSON instead of the table
`

/** A broker that takes part. */
export type BrokerSpec =
  | { readonly name: string; readonly command: string }
  | { readonly name: string; readonly host: string; readonly port: number; readonly pid: number | undefined }

export interface BenchOptions {
  readonly groups: readonly RowGroup[]
  /** Odradek first. */
  readonly brokers: readonly BrokerSpec[]
  readonly rounds: number
  readonly totalBytes: number
  readonly batchBytes: number
  readonly requestsInFlight: number
  readonly readers: number
  readonly latencySeconds: number
  readonly logBytes: number
  readonly only: string
  readonly isWarm: boolean
  readonly isJson: boolean
}

export class UsageError extends Error {}

/** Reads the command line; undefined when it asks for help. Throws `UsageError`. */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parse(args)
  if (values.help) return undefined
  const groups = positionals.map((name) => {
    const group = ROW_GROUPS.find((each) => each === name)
    if (group === undefined) throw new UsageError(`no row "${name}"; there are ${ROW_GROUPS.join(', ')}`)
    return group
  })
  const main = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))
  const own = `"${process.execPath}" "${main}" --port {port} --data {dir} --override group.initial.rebalance.delay.ms=0`
  return {
    groups: groups.length > 0 ? groups : USUAL_ROW_GROUPS,
    brokers: [
      { name: 'odradek', command: values.odradek ?? own },
      ...(values.kafka === undefined ? [] : [{ name: 'kafka', command: values.kafka }]),
      ...(values.broker ?? []).map(brokerSpec),
    ],
    rounds: count('rounds', values.rounds),
    totalBytes: count('mebibytes', values.mebibytes) * 1024 * 1024,
    batchBytes: count('batch', values.batch) * 1024,
    requestsInFlight: count('flight', values.flight ?? '4'),
    readers: count('flight', values.flight ?? '2'),
    latencySeconds: count('seconds', values.seconds),
    logBytes: count('gigabytes', values.gigabytes) * 1e9,
    only: values.only,
    isWarm: !values['no-warm'],
    isJson: values.json,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        odradek: { type: 'string' },
        kafka: { type: 'string' },
        broker: { type: 'string', multiple: true },
        rounds: { type: 'string', default: '3' },
        mebibytes: { type: 'string', default: '512' },
        batch: { type: 'string', default: '64' },
        flight: { type: 'string' },
        seconds: { type: 'string', default: '4' },
        gigabytes: { type: 'string', default: '2' },
        only: { type: 'string', default: '' },
        'no-warm': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function brokerSpec(text: string): BrokerSpec {
  const [, name, command] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (name === undefined || command === undefined)
    throw new UsageError(`--broker takes NAME=COMMAND, not "${text}"`)
  if (!command.startsWith('attach:')) return { name, command }
  const [, host, port, pid] = /^attach:(.+?):(\d+)(?::(\d+))?$/.exec(command) ?? []
  if (host === undefined) throw new UsageError(`--broker takes NAME=attach:HOST:PORT[:PID], not "${text}"`)
  return { name, host, port: Number(port), pid: pid === undefined ? undefined : Number(pid) }
}

function count(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`--${name} is a number from 1 on, not "${text}"`)
  return value
}

/** The throughput cases: half of the bytes for small records, whose cost is the client's. */
export function workloads(
  options: BenchOptions,
  timestampMs: number,
): { name: string; workload: Workload }[] {
  const cases: { name: string; workload: Workload }[] = []
  for (const recordBytes of [1024, 100]) {
    for (const partitions of [1, 8]) {
      for (const codec of ['none', 'lz4'] as const) {
        const name = `${recordBytes === 100 ? '100 B' : '1 KiB'}, ${partitions} partition${partitions > 1 ? 's' : ''}, ${codec}`
        const totalBytes = recordBytes === 100 ? options.totalBytes / 2 : options.totalBytes
        const { batchBytes } = options
        if (name.includes(options.only))
          cases.push({
            name,
            workload: { recordBytes, partitions, codec, batchBytes, totalBytes, timestampMs },
          })
      }
    }
  }
  return cases
}
