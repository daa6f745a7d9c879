import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BrokerProcess } from './support/broker-process.ts'
import { clientSuite, sharedBroker } from './support/client-suite.ts'
import { kafkaTool, missingKafkaTools, RunningKafkaTool, TOOL_TIMEOUT_MS } from './support/kafka-tools.ts'
import { clientsFolder } from './support/repository.ts'
import { outputOf, succeeds } from './support/run-program.ts'

/** Java's consumer speaks the protocol of KIP-848 when it is told to. */
const NEW_PROTOCOL = ['--command-property', 'group.protocol=consumer']

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i))

/** One column of the rows that a tool printed about a group. */
function column(text: string, group: string, at: number): number[] {
  const cells = text.split('\n').map((line) => line.trim().split(/\s+/))
  return cells.filter((row) => row[0] === group).map((row) => Number(row[at]) || 0)
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)

clientSuite('clients/java consumers of the new protocol', missingKafkaTools(), () => {
  const broker = sharedBroker()
  const suffix = randomUUID().slice(0, 8)
  const tool = (name: string, args: string[], stdin?: string) =>
    kafkaTool(name, ['--bootstrap-server', broker.bootstrapServers, ...args], stdin)
  const consumer = (group: string, ...args: string[]) =>
    new RunningKafkaTool('kafka-console-consumer', [
      ...['--bootstrap-server', broker.bootstrapServers, '--group', group, '--from-beginning'],
      ...args,
    ])
  const create = (topic: string, partitions: number) =>
    tool('kafka-topics', ['--create', '--topic', topic, '--partitions', String(partitions)])
  const produce = (topic: string, values: string[]) =>
    tool('kafka-console-producer', ['--topic', topic], `${values.join('\n')}\n`)
  /** The group as the tool shows it, asked until it is as wanted. */
  const described = async (group: string, args: string[], wanted: RegExp | ((text: string) => boolean)) => {
    for (;;) {
      const text = await tool('kafka-consumer-groups', ['--describe', '--group', group, ...args])
      if (wanted instanceof RegExp ? wanted.test(text) : wanted(text)) return text
    }
  }

  test(
    'two members share a topic and a pattern, and the tools show what each has',
    async () => {
      const [orders, group] = [`orders-${suffix}`, `group-${suffix}`]
      await create(orders, 4)
      const first = consumer(group, '--topic', orders, ...NEW_PROTOCOL)
      const second = consumer(group, '--include', `orders-${suffix}.*`, ...NEW_PROTOCOL)
      try {
        const members = ['--members', '--verbose']
        const shared = new RegExp(`(${orders}:(0,1|2,3)\\s[^]*){4}`)
        const shown = await described(group, members, shared)
        expect(shown).toContain('CURRENT-EPOCH')
        await produce(orders, numbers(1, 100))
        // Whoever has the partitions that they went to has read them all, and commits so.
        await described(group, [], (text) => sum(column(text, group, 3)) === 100)
        const listed = await tool('kafka-groups', ['--list', '--consumer'])
        expect(listed).toMatch(new RegExp(`^${group}\\s+Consumer\\s+consumer`, 'm'))
      } finally {
        await Promise.all([first.stop(), second.stop()])
      }
      const empty = await described(group, ['--state'], /Empty/)
      expect(empty).toMatch(/uniform/)
    },
    3 * TOOL_TIMEOUT_MS,
  )

  test(
    'a group moves from the classic protocol to the new one and back, and misses nothing',
    async () => {
      const [topic, group] = [`moves-${suffix}`, `moving-${suffix}`]
      await create(topic, 2)
      const old = consumer(group, '--topic', topic, '--command-property', 'group.protocol=classic')
      try {
        await produce(topic, numbers(1, 10))
        await old.lines(10)
        const next = consumer(group, '--topic', topic, ...NEW_PROTOCOL)
        try {
          await described(group, ['--members', '--verbose'], new RegExp(`(${topic}:[01]\\s[^]*){4}`))
        } finally {
          await next.stop()
        }
        await described(group, ['--members', '--verbose'], new RegExp(`${topic}(:0,1|\\(0,1\\))`))
        await produce(topic, numbers(11, 20))
        expect((await old.lines(20)).sort()).toEqual(numbers(1, 20).sort())
      } finally {
        await old.stop()
      }
    },
    3 * TOOL_TIMEOUT_MS,
  )
})

clientSuite('clients/java consumer of the new protocol over a restart', missingKafkaTools(), () => {
  test(
    'it goes on where it was',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'odradek-consumer-'))
      let broker = await BrokerProcess.start({ data: folder })
      const { bootstrapServers } = broker
      const port = Number(bootstrapServers.slice(bootstrapServers.lastIndexOf(':') + 1))
      const consumer = new RunningKafkaTool('kafka-console-consumer', [
        ...['--bootstrap-server', bootstrapServers, '--topic', 't', '--group', 'g', '--from-beginning'],
        ...NEW_PROTOCOL,
      ])
      const produce = (values: string[]) =>
        kafkaTool(
          'kafka-console-producer',
          ['--bootstrap-server', bootstrapServers, '--topic', 't'],
          `${values.join('\n')}\n`,
        )
      try {
        await produce(numbers(1, 5))
        await consumer.lines(5)
        await broker.stop()
        broker = await BrokerProcess.start({ data: folder, port })
        await produce(numbers(6, 10))
        expect(await consumer.lines(10)).toEqual(numbers(1, 10))
      } finally {
        await consumer.stop()
        await broker.stop()
        rmSync(folder, { recursive: true, force: true })
      }
    },
    3 * TOOL_TIMEOUT_MS,
  )
})

const installed = join(clientsFolder, 'python', 'bin', 'python')
const python = existsSync(installed) ? installed : 'python3'
const hasConfluent = succeeds(python, ['-c', 'import confluent_kafka'])

clientSuite(
  'clients/python confluent-kafka with the new protocol',
  hasConfluent ? undefined : 'no python3 with confluent_kafka',
  () => {
    const broker = sharedBroker()
    const program = join(import.meta.dirname, 'clients', 'python', 'consumer_protocol.py')
    test.each(['share', 'static', 'pattern', 'grow'])('%s', async (scenario) => {
      const environment = { env: { PYTHONDONTWRITEBYTECODE: '1' } }
      expect(await outputOf(python, [program, broker.bootstrapServers, scenario], environment)).toBe('')
    })
  },
)
