import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompressionTypes } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkajsSession, Seen } from './clients/kafkajs-session.ts'
import { BrokerProcess } from './support/broker-process.ts'
import { clientSuite } from './support/client-suite.ts'
import { kafkaTool, missingKafkaTools, TOOL_TIMEOUT_MS } from './support/kafka-tools.ts'
import { repositoryRoot } from './support/repository.ts'
import { runProgram } from './support/run-program.ts'

const DUMPED = /\.(log|index|timeindex|snapshot)$/
/** Which records lie in which folder. */
const decoders: readonly (readonly [RegExp, string])[] = [
  [/^__consumer_offsets-/, '--offsets-decoder'],
  [/^__cluster_metadata-/, '--cluster-metadata-decoder'],
]

async function fill(broker: BrokerProcess): Promise<void> {
  const session = new KafkajsSession([broker.bootstrapServers])
  try {
    const admin = await session.admin()
    const configEntries = [{ name: 'index.interval.bytes', value: '200' }]
    await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2, configEntries }] })
    const producer = await session.producer({ idempotent: true })
    for (let at = 0; at < 400; at += 20) {
      const messages = Array.from({ length: 20 }, (_, n) => ({
        key: `k${n}`,
        value: `order-${at + n}`,
        headers: { n: '1' },
      }))
      const compression = at % 40 === 0 ? CompressionTypes.GZIP : CompressionTypes.None
      await producer.send({ topic: 'orders', messages, compression })
    }
    const seen = new Seen()
    const consumer = session.consumer({ groupId: 'billing' })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    await consumer.run({ eachMessage: seen.eachMessage })
    await seen.count(400)
  } finally {
    await session.close()
  }
}

async function odradekDump(args: readonly string[]): Promise<string[]> {
  const { stdout } = await runProgram(
    process.execPath,
    [join(repositoryRoot, 'dist', 'main.js'), 'dump', ...args],
    {
      timeoutMs: TOOL_TIMEOUT_MS,
    },
  )
  return stdout.split('\n').filter((line) => line !== '' && !/^(note|total|\/)/.test(line))
}

/** The figures of a line: `name: value` in front of what the decoders say in words of their own. */
function figures(line: string): string[] {
  const head = line.split(/ payload: | key: | LeaderChange/)[0]!
  return (head.match(/\w+: \S+/g) ?? []).filter((figure) => !figure.endsWith('OptionalLong.empty'))
}

clientSuite('dump/what kafka-dump-log shows', missingKafkaTools(), () => {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-dump-'))
  beforeAll(async () => {
    const broker = await BrokerProcess.start({ data: folder })
    try {
      await fill(broker)
    } finally {
      await broker.stop()
    }
  }, TOOL_TIMEOUT_MS)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test(
    'line by line, in every file',
    async () => {
      const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
        (file) => DUMPED.test(file) && statSync(join(folder, file)).size > 0,
      )
      expect(files.length).toBeGreaterThan(8)
      let lines = 0
      for (const file of files) {
        const decoder = file.endsWith('.log')
          ? decoders.find(([pattern]) => pattern.test(file))?.[1]
          : undefined
        const args = [
          ...(file.endsWith('.log') ? ['--print-data-log'] : []),
          ...(decoder === undefined ? [] : [decoder]),
        ]
        const path = join(folder, file)
        const kafkas = (await kafkaTool('kafka-dump-log', ['--files', path, ...args]))
          .split('\n')
          .filter((line) => line !== '' && !/^(Dumping|Log starting|Snapshot)/.test(line))
        const ours = await odradekDump([path, ...args])
        expect(ours.length, file).toBe(kafkas.length)
        kafkas.forEach((line, at) => {
          const missing = figures(line).filter((figure) => !` ${ours[at]} `.includes(` ${figure} `))
          expect(missing, `${file}: ${line}\n${ours[at]}`).toEqual([])
        })
        lines += kafkas.length
      }
      expect(lines).toBeGreaterThan(500)
    },
    TOOL_TIMEOUT_MS,
  )
})
