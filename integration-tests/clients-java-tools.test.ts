import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clientSuite, sharedBroker } from './support/client-suite.ts'
import {
  kafkaTool,
  missingKafkaTools,
  RunningKafkaTool,
  TOOL_TIMEOUT_MS,
  tryKafkaTool,
} from './support/kafka-tools.ts'

/** The cells of a table that a tool printed; the header and other lines are left out. */
function rows(text: string, first: string): string[][] {
  const cells = text.split('\n').map((line) => line.trim().split(/\s+/))
  return cells.filter((row) => row[0] === first)
}

clientSuite('clients/java tools of Apache Kafka', missingKafkaTools(), () => {
  const broker = sharedBroker()
  const suffix = randomUUID().slice(0, 8)
  const [orders, billing] = [`orders-${suffix}`, `billing-${suffix}`]
  const bootstrap = () => ['--bootstrap-server', broker.bootstrapServers]
  const tool = (name: string, ...args: string[]) => kafkaTool(name, [...bootstrap(), ...args])
  const toolTest = (name: string, run: () => Promise<void>) => test(name, run, 3 * TOOL_TIMEOUT_MS)

  toolTest('kafka-broker-api-versions: every API is usable', async () => {
    const printed = await tool('kafka-broker-api-versions')
    const usable = printed.split('\n').filter((line) => /^\t\w+\(\d+\): .*\[usable: \d+\]/.test(line))
    expect(usable.length).toBeGreaterThanOrEqual(28)
    for (const name of [
      'Produce',
      'Fetch',
      'Metadata',
      'JoinGroup',
      'OffsetCommit',
      'IncrementalAlterConfigs',
    ]) {
      expect(usable.some((line) => line.includes(`${name}(`))).toBe(true)
    }
  })

  toolTest('kafka-topics: create, describe, grow, list', async () => {
    const create = ['--create', '--topic', orders, '--partitions', '3', '--config', 'retention.ms=86400000']
    expect(await tool('kafka-topics', ...create)).toContain(`Created topic ${orders}.`)
    const again = await tryKafkaTool('kafka-topics', [...bootstrap(), ...create])
    expect(again.code).toBe(1)
    expect(again.stdout).toContain(`Topic '${orders}' already exists.`)

    await tool('kafka-topics', '--alter', '--topic', orders, '--partitions', '6')
    const described = await tool('kafka-topics', '--describe', '--topic', orders)
    expect(described).toMatch(
      new RegExp(
        `^Topic: ${orders}\\tTopicId: [\\w-]{22}\\tPartitionCount: 6\\tReplicationFactor: 1\\tConfigs: .*`,
      ),
    )
    expect(described).toContain('retention.ms=86400000')
    const partitions = described.split('\n').filter((line) => line.startsWith('\t'))
    expect(partitions.map((line) => /Partition: (\d+)/.exec(line)![1])).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
    ])
    const leader = /Leader: (\d+)/.exec(partitions[0]!)![1]
    for (const line of partitions)
      expect(line).toContain(`Leader: ${leader}\tReplicas: ${leader}\tIsr: ${leader}`)
    expect((await tool('kafka-topics', '--list')).split('\n')).toContain(orders)
  })

  toolTest('kafka-configs: a topic, the brokers, and a refused value', async () => {
    const ofTopic = ['--entity-type', 'topics', '--entity-name', orders]
    await tool(
      'kafka-configs',
      '--alter',
      ...ofTopic,
      '--add-config',
      'max.message.bytes=2000000,cleanup.policy=[delete]',
    )
    const described = await tool('kafka-configs', '--describe', ...ofTopic)
    expect(described).toContain(`Dynamic configs for topic ${orders} are:`)
    expect(described).toContain(
      'max.message.bytes=2000000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:max.message.bytes=2000000, DEFAULT_CONFIG:message.max.bytes=1048588}',
    )
    expect(described).toContain('retention.ms=86400000')
    await tool('kafka-configs', '--alter', ...ofTopic, '--delete-config', 'max.message.bytes')
    const after = await tool('kafka-configs', '--describe', ...ofTopic)
    expect(after).not.toContain('max.message.bytes')
    expect(after).toContain('cleanup.policy=delete')

    const refused = await tryKafkaTool('kafka-configs', [
      ...bootstrap(),
      '--alter',
      ...ofTopic,
      '--add-config',
      'retention.ms=soon',
    ])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('InvalidConfigurationException')

    const ofBrokers = ['--entity-type', 'brokers', '--entity-default']
    await tool('kafka-configs', '--alter', ...ofBrokers, '--add-config', 'log.retention.ms=3600000')
    expect(await tool('kafka-configs', '--describe', ...ofBrokers)).toContain(
      'log.retention.ms=3600000 sensitive=false synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:log.retention.ms=3600000',
    )
    await tool('kafka-configs', '--alter', ...ofBrokers, '--delete-config', 'log.retention.ms')
  })

  toolTest('kafka-console-producer and -consumer: keys, headers, every compression', async () => {
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
    for (const codec of codecs) {
      const lines = Array.from(
        { length: 100 },
        (_, at) => `source:shop,n:${at}\t${codec}-${at}\tvalue-${codec}-${at}\n`,
      )
      await kafkaTool(
        'kafka-console-producer',
        [
          ...bootstrap(),
          '--topic',
          orders,
          '--reader-property',
          'parse.key=true',
          '--reader-property',
          'parse.headers=true',
          '--command-property',
          `compression.type=${codec}`,
        ],
        lines.join(''),
      )
    }
    const printed = await tool(
      'kafka-console-consumer',
      '--topic',
      orders,
      '--group',
      billing,
      '--from-beginning',
      '--max-messages',
      '500',
      '--timeout-ms',
      '20000',
      ...['key', 'headers', 'offset', 'partition'].flatMap((what) => [
        '--formatter-property',
        `print.${what}=true`,
      ]),
    )
    const records = printed.split('\n').filter((line) => line !== '')
    const contents = records.map((line) => line.split('\t').slice(2).join(' '))
    const expected = codecs.flatMap((codec) =>
      Array.from({ length: 100 }, (_, at) => `source:shop,n:${at} ${codec}-${at} value-${codec}-${at}`),
    )
    expect(contents.sort()).toEqual(expected.sort())
    expect(new Set(records.map((line) => line.split('\t').slice(0, 2).join())).size).toBe(500)
  })

  toolTest('kafka-consumer-groups: members and lag while a consumer runs; reset and delete', async () => {
    const describe = (...args: string[]) =>
      tool('kafka-consumer-groups', '--describe', '--group', billing, ...args)
    // CURRENT-OFFSET, LOG-END-OFFSET, LAG by partition.
    const idle = rows(await describe(), billing)
    expect(idle).toHaveLength(6)
    for (const [, topic, , current, end, lag, member] of idle) {
      expect([topic, Number(end) - Number(current), member]).toEqual([orders, Number(lag), '-'])
    }
    const before = idle.reduce((sum, row) => sum + Number(row[5]), 0)
    expect(before).toBeLessThan(500)

    const consumer = new RunningKafkaTool('kafka-console-consumer', [
      ...bootstrap(),
      '--topic',
      orders,
      '--group',
      billing,
      '--command-property',
      'client.id=till',
    ])
    try {
      await kafkaTool('kafka-console-producer', [...bootstrap(), '--topic', orders], 'one\ntwo\nthree\n')
      await consumer.lines(before + 3)
      const members = rows(await describe('--members', '--verbose'), billing)
      expect(members).toHaveLength(1)
      expect(members[0]!.slice(2, 5)).toEqual(['/127.0.0.1', 'till', '6'])
      expect(rows(await describe(), billing).every((row) => row[6]!.startsWith('till-'))).toBe(true)
      const [state] = rows(await describe('--state'), billing)
      expect(state!.slice(1)).toEqual([broker.bootstrapServers, '(1)', 'range', 'Stable', '1'])
    } finally {
      await consumer.stop()
    }
    expect(rows(await describe(), billing).map((row) => row[5])).toEqual(Array(6).fill('0'))
    const [listed] = rows(await tool('kafka-consumer-groups', '--list', '--state'), billing)
    expect(listed).toEqual([billing, 'Empty'])

    const reset = ['--reset-offsets', '--group', billing, '--topic', orders, '--to-earliest', '--execute']
    const moved = rows(await tool('kafka-consumer-groups', ...reset), billing)
    expect(moved.map((row) => row[3])).toEqual(Array(6).fill('0'))
    expect(rows(await describe(), billing).reduce((sum, row) => sum + Number(row[5]), 0)).toBe(503)
    await tool('kafka-consumer-groups', '--delete-offsets', '--group', billing, '--topic', orders)
    expect(await tool('kafka-consumer-groups', '--delete', '--group', billing)).toContain('was successful')
    expect(await tool('kafka-consumer-groups', '--list')).not.toContain(billing)
  })

  toolTest('kafka-get-offsets, kafka-delete-records, kafka-log-dirs', async () => {
    const offsets = async (time: string) => {
      const lines = (await tool('kafka-get-offsets', '--topic', orders, '--time', time)).trim().split('\n')
      return lines.map((line) => line.split(':')).map(([, , offset]) => Number(offset))
    }
    const ends = await offsets('-1')
    expect(ends.reduce((sum, end) => sum + end, 0)).toBe(503)
    expect(await offsets('-2')).toEqual(Array(6).fill(0))
    expect(await offsets('1000000000000')).toEqual(Array(6).fill(0))

    const folder = mkdtempSync(join(tmpdir(), 'odradek-delete-records-'))
    const file = join(folder, 'offsets.json')
    writeFileSync(
      file,
      JSON.stringify({ version: 1, partitions: [{ topic: orders, partition: 2, offset: 5 }] }),
    )
    const deleted = await tool('kafka-delete-records', '--offset-json-file', file)
    rmSync(folder, { recursive: true })
    expect(deleted).toContain(`partition: ${orders}-2\tlow_watermark: 5`)
    expect(await offsets('-2')).toEqual([0, 0, 5, 0, 0, 0])

    const printed = await tool('kafka-log-dirs', '--describe', '--topic-list', orders)
    const { brokers } = JSON.parse(printed.split('\n').find((line) => line.startsWith('{'))!) as {
      brokers: {
        logDirs: { error: null; partitions: { partition: string; size: number; isFuture: boolean }[] }[]
      }[]
    }
    const [dir] = brokers[0]!.logDirs
    expect(dir!.error).toBe(null)
    expect(dir!.partitions.map(({ partition }) => partition).sort()).toEqual(
      ends.map((_, at) => `${orders}-${at}`),
    )
    expect(dir!.partitions.every(({ size, isFuture }) => size > 0 && !isFuture)).toBe(true)
  })

  toolTest('kafka-producer-perf-test and kafka-consumer-perf-test', async () => {
    const topic = `perf-${suffix}`
    await tool('kafka-topics', '--create', '--topic', topic, '--partitions', '4')
    const sent = await tool(
      'kafka-producer-perf-test',
      ...['--topic', topic, '--num-records', '50000', '--record-size', '200', '--throughput', '-1'],
      ...['--command-property', 'acks=all', 'compression.type=lz4'],
    )
    expect(sent).toMatch(/^50000 records sent, /m)
    const read = await tool(
      'kafka-consumer-perf-test',
      '--topic',
      topic,
      '--num-records',
      '50000',
      '--timeout',
      '20000',
    )
    const [header, figures] = read
      .trim()
      .split('\n')
      .slice(-2)
      .map((line) => line.split(', '))
    expect(figures![header!.indexOf('data.consumed.in.nMsg')]).toBe('50000')
  })

  toolTest('kafka-topics --delete', async () => {
    await tool('kafka-topics', '--delete', '--topic', orders)
    expect((await tool('kafka-topics', '--list')).split('\n')).not.toContain(orders)
    const gone = await tryKafkaTool('kafka-topics', [...bootstrap(), '--describe', '--topic', orders])
    expect(gone.code).toBe(1)
    expect(gone.stdout).toContain(`Topic '${orders}' does not exist as expected`)
  })
})
