import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompressionTypes } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkajsSession, Seen } from './clients/kafkajs-session.ts'
import { BrokerProcess } from './support/broker-process.ts'
import { clientSuite } from './support/client-suite.ts'
import { kafkaTool, missingKafkaTools, TOOL_TIMEOUT_MS, tryKafkaTool } from './support/kafka-tools.ts'

const ORDERS = 'orders'
const PERF_TOPICS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'].map((codec) => `perf-${codec}`)
const PERF_RECORDS = 8000
const GROUP = 'billing'

/** What kafka-dump-log prints when it does not like something; it exits with 0 all the same. */
const COMPLAINT =
  /mismatch|corrupt|exception|error|not found|out of order|could not|unexpected|isvalid: false/i

/** Said of every uncompressed segment but a log's first, whoever wrote it: the tool takes its own -1 for an offset. */
const START_OF_LATER_SEGMENT = /^Non-consecutive offsets in .*\n {2}-1 is followed by \d+\n/gm

/** Traffic of a kind that fills every sort of file: segments that roll, dense indexes, all codecs, groups, deletions. */
async function firstRun(broker: BrokerProcess): Promise<void> {
  const session = new KafkajsSession([broker.bootstrapServers])
  try {
    const admin = await session.admin()
    const dense = [
      { name: 'segment.bytes', value: '1048576' },
      { name: 'index.interval.bytes', value: '1000' },
    ]
    const perfTopics = PERF_TOPICS.map((topic) => ({ topic, numPartitions: 1, configEntries: dense }))
    await admin.createTopics({
      topics: [...perfTopics, { topic: ORDERS, numPartitions: 2 }, { topic: 'gone' }],
    })
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      await kafkaTool('kafka-producer-perf-test', [
        ...['--bootstrap-server', broker.bootstrapServers, '--topic', `perf-${codec}`],
        ...['--num-records', `${PERF_RECORDS}`, '--record-size', '500', '--throughput', '-1'],
        ...['--command-property', `compression.type=${codec}`, 'batch.size=4000'],
      ])
    }
    await sendOrders(session, 0)
    await readOrders(session, 400)
    // Without this kafkajs does not know yet who leads the partition.
    expect(await admin.fetchTopicOffsets('perf-none')).toMatchObject([{ high: `${PERF_RECORDS}` }])
    await admin.deleteTopicRecords({ topic: 'perf-none', partitions: [{ partition: 0, offset: '100' }] })
    await admin.deleteTopics({ topics: ['gone'] })
  } finally {
    await session.close()
  }
}

async function sendOrders(session: KafkajsSession, from: number): Promise<void> {
  const producer = await session.producer({ idempotent: true })
  for (let at = from; at < from + 400; at += 100) {
    const messages = Array.from({ length: 100 }, (_, n) => ({
      key: `k${n}`,
      value: `order-${at + n}`,
      headers: { n: '1' },
    }))
    await producer.send({ topic: ORDERS, messages, compression: CompressionTypes.GZIP })
  }
}

async function readOrders(session: KafkajsSession, count: number): Promise<void> {
  const seen = new Seen()
  const consumer = session.consumer({ groupId: GROUP })
  await consumer.connect()
  await consumer.subscribe({ topic: ORDERS, fromBeginning: true })
  await consumer.run({ eachMessage: seen.eachMessage })
  await seen.count(count)
}

clientSuite('clients/kafka-dump-log on our data directory', missingKafkaTools(), () => {
  let folder = ''
  let data = ''
  const files = (topic: RegExp, ...endings: string[]) =>
    readdirSync(data, { recursive: true, encoding: 'utf8' })
      .filter((file) => topic.test(file) && endings.some((ending) => file.endsWith(ending)))
      .map((file) => join(data, file))
      .filter((file) => statSync(file).isFile())
      .sort()

  /** Dumps files; the tool must have nothing to complain about. */
  async function dump(paths: readonly string[], ...options: string[]): Promise<string> {
    expect(paths.length).toBeGreaterThan(0)
    const { code, stdout, stderr } = await tryKafkaTool('kafka-dump-log', [
      ...options,
      '--files',
      paths.join(','),
    ])
    const complaints = stdout.split('\n').filter((line) => COMPLAINT.test(line))
    const warnings = stderr.replaceAll(START_OF_LATER_SEGMENT, '')
    expect({ code, complaints, warnings }).toEqual({ code: 0, complaints: [], warnings: '' })
    return stdout
  }
  const dumpTest = (name: string, run: () => Promise<void>) => test(name, run, TOOL_TIMEOUT_MS)

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'odradek-dump-log-'))
    data = join(folder, 'data')
    const first = await BrokerProcess.start({ data, properties: ['group.initial.rebalance.delay.ms=0'] })
    await firstRun(first)
    expect({ code: await first.stop(), log: first.log }).toEqual({ code: 0, log: '' })
    // Again on the same files: another leader epoch, and logs that go on where they ended.
    const second = await BrokerProcess.start({ data, properties: ['group.initial.rebalance.delay.ms=0'] })
    const session = new KafkajsSession([second.bootstrapServers])
    await sendOrders(session, 400)
    await readOrders(session, 400)
    await session.close()
    expect({ code: await second.stop(), log: second.log }).toEqual({ code: 0, log: '' })
  }, 2 * TOOL_TIMEOUT_MS)
  afterAll(() => rmSync(folder, { recursive: true }))

  dumpTest('--deep-iteration --print-data-log shows the records that were sent', async () => {
    const printed = await dump(files(/^orders-/, '.log'), '--deep-iteration', '--print-data-log')
    const records = [
      ...printed.matchAll(/^\| offset: (\d+) .* headerKeys: \[n\] key: (k\d+) payload: (order-\d+)$/gm),
    ]
    expect(records.map(([, , , payload]) => payload).sort()).toEqual(
      Array.from({ length: 800 }, (_, at) => `order-${at}`).sort(),
    )
    const batches = printed.split('\n').filter((line) => line.startsWith('baseOffset: '))
    for (const batch of batches)
      expect(batch).toMatch(/ magic: 2 compresscodec: gzip crc: \d+ isvalid: true$/)
  })

  dumpTest('every compression and every segment is read to its end', async () => {
    for (const topic of PERF_TOPICS) {
      const logs = files(new RegExp(`^${topic}-`), '.log')
      if (topic === 'perf-none') expect(logs.length).toBeGreaterThan(3)
      const printed = await dump(logs, '--deep-iteration')
      expect(printed).toContain(`compresscodec: ${topic.slice('perf-'.length)} `)
      expect(printed.match(/^\| offset: /gm)).toHaveLength(PERF_RECORDS)
    }
  })

  dumpTest('--index-sanity-check and --verify-index-only find nothing', async () => {
    const indexes = files(/./, '.index', '.timeindex').filter((path) => statSync(path).size > 0)
    const checked = await dump(indexes, '--index-sanity-check')
    expect(checked.match(/ passed sanity check\.$/gm)).toHaveLength(indexes.length)
    await dump(indexes, '--verify-index-only')
    const entries = await dump(indexes.filter((path) => path.includes('perf-none-')))
    expect(entries).toMatch(/^offset: \d+ position: \d+$/m)
    expect(entries).toMatch(/^timestamp: \d+ offset: \d+$/m)
  })

  dumpTest('--offsets-decoder shows the group and what it committed', async () => {
    const logs = files(/^__consumer_offsets-/, '.log').filter((path) => statSync(path).size > 0)
    const printed = await dump(logs, '--offsets-decoder')
    expect(printed).toContain(
      `key: {"type":"2","data":{"group":"${GROUP}"}} payload: {"version":"3","data":{"protocolType":"consumer"`,
    )
    const commits = new Map<number, number>()
    for (const [, key, payload] of printed.matchAll(/key: ({"type":"1".*}) payload: (\{.*\})$/gm)) {
      const { data: place } = JSON.parse(key!) as {
        data: { group: string; topic: string; partition: number }
      }
      const { data: commit } = JSON.parse(payload!) as { data: { offset: number } }
      expect(place).toMatchObject({ group: GROUP, topic: ORDERS })
      commits.set(place.partition, commit.offset)
    }
    expect([...commits.values()].reduce((sum, offset) => sum + offset, 0)).toBe(800)
  })

  dumpTest('--cluster-metadata-decoder shows the topics, from KRaft records', async () => {
    const printed = await dump(files(/^__cluster_metadata-0/, '.log'), '--cluster-metadata-decoder')
    const records = [...printed.matchAll(/ payload: (\{"type":.*\})$/gm)].map(
      ([, json]) => JSON.parse(json!) as { type: string; data: { name?: string } },
    )
    const named = (type: string) =>
      records.filter((record) => record.type === type).map(({ data }) => data.name)
    expect(named('TOPIC_RECORD').sort()).toEqual(
      ['__consumer_offsets', 'gone', ORDERS, ...PERF_TOPICS].sort(),
    )
    expect(named('REMOVE_TOPIC_RECORD')).toHaveLength(1)
    expect(named('FEATURE_LEVEL_RECORD')).toContain('metadata.version')
    expect(named('CONFIG_RECORD')).toContain('segment.bytes')
    expect(named('REGISTER_BROKER_RECORD')).toHaveLength(2)
    expect(printed.match(/ LeaderChange: /g)).toHaveLength(2)
  })

  dumpTest('producer snapshots are there and readable', async () => {
    const printed = await dump(files(/^(orders|perf-lz4)-/, '.snapshot'))
    expect(printed).toMatch(/^producerId: \d+ producerEpoch: 0 .* lastSequence: \d+ /m)
  })

  dumpTest('what Apache Kafka expects in the folder after a clean stop', async () => {
    for (const name of ['meta.properties', '.kafka_cleanshutdown', 'recovery-point-offset-checkpoint']) {
      expect([name, existsSync(join(data, name))]).toEqual([name, true])
    }
    expect(readdirSync(data).filter((name) => name.startsWith('gone-'))).toEqual([])
  })
})
