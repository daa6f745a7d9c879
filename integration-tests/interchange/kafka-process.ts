import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Metadata } from '../../src/protocol/generated/metadata.ts'
import { ApiConnection } from '../client/api-connection.ts'
import { repositoryRoot } from '../support/repository.ts'

const script = join(repositoryRoot, 'integration-tests', 'oracle', 'kafka.sh')
const START_TIMEOUT_MS = 90_000

/**
 * What it says whoever wrote its directory: at its start, when it stops, when a topic gets more partitions, when it is asked
 * twice for a coordinator before its topic is there, and when the machine has no time for it.
 */
const ALWAYS_SAID = new RegExp(
  [
    'Performing controller activation',
    '^Bootstrap metadata: ',
    '^Formatting metadata directory',
    'Overriding internal.metadata.log.segment.bytes is only supported for testing',
    'Attempting to close NetworkClient that has already been closed',
    'Expected partition \\S+ with topic id \\S+ to exist, but it was missing. Creating',
    "Auto topic creation failed for __\\w+ with error 'TOPIC_ALREADY_EXISTS'",
    'Exceptionally slow controller event',
    'Unexpected error handling request [^]*NotControllerException: The active controller appears to be node 1',
    'Stopped loading records from \\S+ because the partition is not online or is no longer the leader',
  ].join('|'),
)

/** An exception and where it was thrown. */
const OF_THE_LINE_BEFORE = /^(\s|Caused by: |[\w.$]+(Exception|Error)\b)/

/** Apache Kafka, one node that is broker and controller, on the data directory `FOLDER/data`. */
export class KafkaProcess {
  readonly bootstrapServers: string
  readonly #child: ChildProcess
  readonly #output: { text: string }

  private constructor(child: ChildProcess, output: { text: string }, bootstrapServers: string) {
    this.#child = child
    this.#output = output
    this.bootstrapServers = bootstrapServers
  }

  /** Formats `FOLDER/data` when it is new. Resolves when every partition that there is has a leader; rejects with what it printed. */
  static async start(folder: string, properties: readonly string[] = []): Promise<KafkaProcess> {
    const port = await twoFreePorts()
    const child = spawn('bash', [script, 'broker', String(port), folder, ...properties], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, KAFKA_OPTS: '-Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1' },
    })
    const endWithThisProcess = () => child.kill('SIGKILL')
    process.on('exit', endWithThisProcess)
    child.on('exit', () => process.off('exit', endWithThisProcess))
    const output = { text: '' }
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output.text += text
      })
    }
    const broker = new KafkaProcess(child, output, `127.0.0.1:${port}`)
    const deadline = performance.now() + START_TIMEOUT_MS
    while (!(await isServing(broker.bootstrapServers))) {
      if (child.exitCode !== null || child.signalCode !== null) {
        // Somebody else was given the port meanwhile.
        if (/Address already in use/.test(output.text)) return KafkaProcess.start(folder, properties)
        throw new Error(`Apache Kafka ended\n${output.text}`)
      }
      if (performance.now() > deadline) {
        child.kill('SIGKILL')
        throw new Error(`Apache Kafka was not ready in ${START_TIMEOUT_MS} ms\n${output.text}`)
      }
      await delay(200)
    }
    return broker
  }

  /** Its warnings and errors, each with its stack trace, but for what it always says. */
  get complaints(): string[] {
    return entriesOf(this.#output.text).filter((entry) => !ALWAYS_SAID.test(entry))
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    this.#child.kill(signal)
    await closed
  }
}

function entriesOf(log: string): string[] {
  const entries: string[] = []
  for (const line of log.split('\n')) {
    if (line === '') continue
    if (entries.length > 0 && OF_THE_LINE_BEFORE.test(line)) entries.push(`${entries.pop()}\n${line}`)
    else entries.push(line)
  }
  return entries
}

async function isServing(bootstrapServers: string): Promise<boolean> {
  let connection: ApiConnection | undefined
  try {
    connection = await ApiConnection.open(bootstrapServers)
    const { brokers, topics } = await connection.ask(Metadata, 12, {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    return (
      brokers.length === 1 &&
      topics.every(({ partitions }) => partitions.every(({ leaderId }) => leaderId >= 0))
    )
  } catch {
    return false
  } finally {
    connection?.close()
  }
}

/** A port that is free, with the one behind it. */
async function twoFreePorts(): Promise<number> {
  for (;;) {
    const port = await listenOnce(0)
    if (port < 65_535 && (await listenOnce(port + 1).catch(() => 0)) > 0) return port
  }
}

async function listenOnce(port: number): Promise<number> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return bound.port
}
