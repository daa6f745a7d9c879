import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { BrokerProcess } from '../support/broker-process.ts'
import { type ClusterView, viewOf } from './cluster-view.ts'
import { KafkaProcess } from './kafka-process.ts'

export type Engine = 'Odradek' | 'Apache Kafka'

/**
 * Cleaning, retention and snapshots of the metadata come often enough to happen in a test. A metadata segment has to hold one batch with a
 * change of each partition, which Apache Kafka writes when it starts.
 */
const QUICK = [
  'log.cleaner.backoff.ms=300',
  'log.retention.check.interval.ms=300',
  'log.initial.task.delay.ms=300',
  'log.flush.start.offset.checkpoint.interval.ms=300',
  'metadata.log.max.record.bytes.between.snapshots=4000',
  'internal.metadata.log.segment.bytes=16000',
  'metadata.max.retention.bytes=40000',
  'group.initial.rebalance.delay.ms=0',
  'transaction.state.log.num.partitions=3',
]
/** A stop that takes long, on a machine that has no time for it, is no fault of the files. */
const PROGRESS = /"stopping takes a while: logs are being flushed"/
/** Between two looks that have to be the same. Longer than what `QUICK` says. */
const QUIET_MS = 1000
const QUIET_LOOKS = 30

/** Either broker on the data directory `folder/data`, as node 1. */
export interface RunningBroker {
  readonly engine: Engine
  readonly bootstrapServers: string
  /** What it logged as a warning or an error. */
  readonly complaints: readonly string[]
  stop(): Promise<void>
  kill(): Promise<void>
}

export async function startBroker(
  engine: Engine,
  folder: string,
  properties: readonly string[] = [],
): Promise<RunningBroker> {
  if (engine === 'Odradek') {
    const broker = await BrokerProcess.start({
      data: join(folder, 'data'),
      properties: [...QUICK, ...properties],
    })
    return {
      engine,
      bootstrapServers: broker.bootstrapServers,
      get complaints() {
        return broker.log.split('\n').filter((line) => line !== '' && !PROGRESS.test(line))
      },
      stop: async () => {
        const code = await broker.stop()
        if (code !== 0) throw new Error(`Odradek ended with ${code}\n${broker.log}`)
      },
      kill: () => broker.kill(),
    }
  }
  const broker = await KafkaProcess.start(folder, [...QUICK, ...properties])
  return {
    engine,
    bootstrapServers: broker.bootstrapServers,
    get complaints() {
      return broker.complaints
    },
    stop: () => broker.stop(),
    kill: () => broker.kill(),
  }
}

/** What there is when the cleaner and retention have nothing left to do. */
export async function settledView({ bootstrapServers }: RunningBroker): Promise<ClusterView> {
  let before = await viewOf(bootstrapServers)
  for (let look = 0; look < QUIET_LOOKS; look++) {
    await delay(QUIET_MS)
    const after = await viewOf(bootstrapServers)
    if (JSON.stringify(after) === JSON.stringify(before)) return after
    before = after
  }
  throw new Error(`the logs are still changing after ${QUIET_LOOKS} looks`)
}
