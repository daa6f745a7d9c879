import { Broker } from '../../src/broker.ts'
import { BrokerConfig } from '../../src/config/broker-config.ts'
import type { Partition } from '../../src/log/partition.ts'
import { batchOf, type ReadRecord, readAll, recordsOf } from '../../src/log/test-support/storage.ts'
import { type Logger, silentLogger } from '../../src/platform/logger.ts'
import { MemoryFiles } from '../../src/platform/memory-files.ts'
import { nodeClock } from '../../src/platform/node-clock.ts'
import { nodeNetwork } from '../../src/platform/node-network.ts'
import { nodeRandom } from '../../src/platform/node-random.ts'
import type { Files } from '../../src/platform/platform.ts'
import { buildBatch } from '../../src/protocol/batch-builder.ts'

export const DATA = '/data'
export const ORDERS = `${DATA}/orders-0`
export const METADATA = `${DATA}/__cluster_metadata-0`
/** Of the records in `orders-0`; M is the marker of a transaction that was aborted. */
export const ALL_ORDERS = 'o0 o1 o2 o3 o4 M o6 o7 o8 o9 o10 o11'
const AGO_MS = 100_000
const ABORT_KEY = Buffer.from('00000000', 'hex')
const ABORT_VALUE = Buffer.from('000000000000', 'hex')

/** The files of a segment of `orders-0`, without their suffix: segments begin at 0, 3, 6 and 9. */
export function orders(offset: number): string {
  return `${ORDERS}/${String(offset).padStart(20, '0')}`
}

export function brokerOn(
  files: Files,
  logger: Logger = silentLogger,
  properties: Readonly<Record<string, string>> = {},
): Broker {
  const given = {
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'log.dirs': DATA,
    // Entries for nearly all batches.
    'log.index.interval.bytes': '10',
    'metadata.log.max.record.bytes.between.snapshots': '2000',
    'metadata.log.max.snapshot.interval.ms': '0',
    ...properties,
  }
  const config = BrokerConfig.fromProperties(new Map(Object.entries(given)))
  const platform = { clock: nodeClock(), random: nodeRandom(), files, network: nodeNetwork() }
  return new Broker({ config, platform, logger })
}

/**
 * A directory that was stopped in order: `orders-0` with four segments and a transaction that was aborted, `safe-0` with two records, and
 * several snapshots of the metadata beside the whole of its log.
 */
export async function makeDirectory(): Promise<MemoryFiles> {
  const files = new MemoryFiles()
  const broker = brokerOn(files)
  await broker.start()
  await broker.createTopic('orders', { partitions: 1, configs: new Map([['segment.ms', '1000']]) })
  await broker.createTopic('safe', { partitions: 1 })
  await broker.createTopic('many', { partitions: 40 })
  const { partitions } = broker.services
  const start = Date.now() - AGO_MS
  const producer = { producerId: 5n, producerEpoch: 0 }
  for (let n = 0; n < 12; n++) {
    const timestamp = BigInt(start + Math.floor(n / 3) * 10_000 + (n % 3))
    const ofTransaction = n >= 3 && n < 5 ? { ...producer, baseSequence: n - 3, isTransactional: true } : {}
    const batch =
      n === 5 ? abortMarker(producer, timestamp) : batchOf([{ value: `o${n}`, timestamp }], ofTransaction)
    partitions.get('orders', 0)!.append(batch, 0, n === 5 ? 'internal' : 'client')
  }
  const timestamp = BigInt(start)
  partitions.get('safe', 0)!.append(batchOf(['s1', 's2'].map((value) => ({ value, timestamp }))))
  await broker.stop()
  const again = brokerOn(files)
  await again.start()
  await again.createTopic('more', { partitions: 40 })
  await again.stop()
  return files
}

function abortMarker(producer: { producerId: bigint; producerEpoch: number }, timestamp: bigint): Buffer {
  const record = { key: ABORT_KEY, value: ABORT_VALUE, headers: [], timestamp }
  const kind = { isTransactional: true, isControl: true }
  return buildBatch({ baseOffset: 0n, leaderEpoch: -1, records: [record], ...producer, ...kind })
}

/** The values of a partition's records, or why they cannot be had; then the aborted transactions, if they are not what they were. */
export async function contentOf(broker: Broker, topic: string): Promise<string> {
  const partition = broker.services.partitions.get(topic, 0)!
  try {
    const records = await readAll(partition)
    await readFromEach(partition, records)
    const values = records.map(({ value }) => (value === ABORT_VALUE.toString() ? 'M' : value))
    const aborted = partition.log.abortedTransactions(0n, 12n)
    const isKnown = !values.includes('M') || (aborted[0]?.producerId === 5n && aborted[0].firstOffset === 3n)
    return `${values.join(' ')}${isKnown ? '' : ' (aborted transactions are lost)'}`
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

/** The indexes are asked for each offset, the last one first: one that is read on from is remembered. */
async function readFromEach(partition: Partition, records: readonly ReadRecord[]): Promise<void> {
  for (const { offset, value } of records.toReversed()) {
    const { log } = partition
    const found = recordsOf(await log.read(offset, 1, log.logEndOffset, true)).find(
      (each) => each.offset === offset,
    )
    if (found?.value !== value) throw new Error(`at offset ${offset} there is ${found?.value}, not ${value}`)
  }
}

/** What broker and check said, at warning and above. */
export class Lines {
  readonly all: string[] = []

  get logger(): Logger {
    const add = (facts: object, message: string) => void this.all.push(lineOf(facts, message))
    return { ...silentLogger, warn: add, error: add }
  }
}

function lineOf(facts: object, message: string): string {
  const texts = Object.entries(facts).map(([name, value]) => {
    const text = value instanceof Error ? value.message : String(value)
    return `${name}=${text}`
  })
  return [message, ...texts].join(' ')
}

/** Every file and folder, with its bytes. */
export function contentsOf(files: Files, folder = DATA): Map<string, Buffer> {
  const contents = new Map<string, Buffer>()
  for (const { name, isDirectory } of files.list(folder)) {
    const path = `${folder}/${name}`
    if (!isDirectory) contents.set(path, Buffer.from(files.read(path)))
    else {
      contents.set(`${path}/`, Buffer.alloc(0))
      for (const [below, bytes] of contentsOf(files, path)) contents.set(below, bytes)
    }
  }
  return contents
}

/** Logs and foreign files whose bytes are nowhere any more. They may have got another name, and more behind them. */
export function lostFrom(before: ReadonlyMap<string, Buffer>, after: ReadonlyMap<string, Buffer>): string[] {
  const kept = [...after.values()]
  const isThere = (bytes: Buffer) =>
    kept.some((other) => other.length >= bytes.length && other.subarray(0, bytes.length).equals(bytes))
  return [...before]
    .filter(([path, bytes]) => !REBUILT.test(path) && bytes.length > 0 && !isThere(bytes))
    .map(([path]) => path)
}

/** What a broker writes anew whenever it likes, or can build from the logs. The metadata log is covered by its snapshots. */
const REBUILT =
  /offset-checkpoint$|leader-epoch-checkpoint$|quorum-state$|\.lock$|cleanshutdown$|index$|\.snapshot$|partition\.metadata$|__cluster_metadata-0/
