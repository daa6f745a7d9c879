import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BrokerProcess } from './support/broker-process.ts'
import { repositoryRoot } from './support/repository.ts'
import { type ProgramResult, runProgram } from './support/run-program.ts'

const main = join(repositoryRoot, 'dist', 'main.js')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'command-line-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function odradek(args: readonly string[], stdin = ''): Promise<ProgramResult> {
  return runProgram(process.execPath, [main, ...args], { stdin, cwd: folder })
}

describe('the process of a broker', () => {
  let child: ChildProcess | undefined
  afterEach(() => void child?.kill('SIGKILL'))

  /** Starts one and resolves with its line when it is ready. */
  async function start(
    ...args: string[]
  ): Promise<{ line: string; port: number; exited: Promise<unknown[]> }> {
    child = spawn(process.execPath, [main, '--port', '0', ...args], { cwd: folder })
    const exited = once(child, 'exit')
    const [line] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string]
    return { line, port: Number(/kafka=127\.0\.0\.1:(\d+) /.exec(line)?.[1]), exited }
  }

  test('says in one line where it is, and ends with 0', async () => {
    const { line, exited } = await start()
    expect(line).toMatch(/^Odradek ready in \d+ ms kafka=127\.0\.0\.1:\d+ data=\/.*\.odradek\n$/)
    child!.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  })

  test('Ctrl-C ends it, too, while clients are connected', async () => {
    const { port, exited } = await start('--memory')
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    child!.kill('SIGINT')
    expect(await exited).toEqual([0, null])
  })

  test('goes on when nobody reads its output', async () => {
    const { port, exited } = await start('--memory', '--log-level', 'trace')
    child!.stdout!.destroy()
    child!.stderr!.destroy()
    const listed = await odradek(['topic', 'list', '-b', `127.0.0.1:${port}`])
    expect(listed).toEqual({ code: 0, stdout: '', stderr: '' })
    child!.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  })

  test('a port that is taken, and a folder that is locked', async () => {
    const { port } = await start('--data', 'locked')
    const samePort = await odradek(['--port', String(port), '--data', 'other'])
    expect(samePort).toMatchObject({ code: 1, stdout: '' })
    expect(samePort.stderr).toMatch(new RegExp(`^odradek: port ${port} of 127.0.0.1 is in use[^\n]*\n$`))
    const sameFolder = await odradek(['--port', '0', '--data', 'locked'])
    expect(sameFolder).toMatchObject({ code: 1, stdout: '' })
    expect(sameFolder.stderr).toMatch(/^odradek: [^\n]* is locked by process \d+[^\n]*\n$/)
  })
})

test.each([
  [['--override', 'log.retention.ms=soon', '--memory'], 1, /^odradek: log\.retention\.ms="soon" [^\n]*\n$/],
  [['missing.properties'], 1, /^odradek: cannot read missing\.properties: there is no such file\n$/],
  [['--data', join(main, 'below')], 1, /^odradek: cannot use the folder [^\n]*\n$/],
  [['--nonsense'], 2, /^odradek: unknown option --nonsense [^\n]*\n$/],
  [['topic', 'list', '-b', '127.0.0.1:1'], 4, /^odradek: cannot reach a broker at 127\.0\.0\.1:1: [^\n]*\n$/],
])('%j ends with %d and one line', async (args, code, line) => {
  const ended = await odradek(args)
  expect(ended).toMatchObject({ code, stdout: '' })
  expect(ended.stderr).toMatch(line)
})

test.each(
  [['--help'], ['topic', '--help'], ['group', 'describe', '--help'], ['--version']].map((args) => [args]),
)('%j', async (args) => {
  const { code, stdout, stderr } = await odradek(args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(args[0] === '--version' ? /^\d+\.\d+\.\d+\n$/ : /--help/)
})

describe('topic and group', () => {
  let broker: BrokerProcess
  beforeAll(async () => {
    broker = await BrokerProcess.start({ properties: ['group.initial.rebalance.delay.ms=0'] })
  })
  afterAll(async () => expect(await broker.stop()).toBe(0))
  const ask = (args: readonly string[], stdin?: string) =>
    odradek([...args, '--bootstrap-server', broker.bootstrapServers], stdin)

  test('more records than a pipe or a batch holds go in and come out', async () => {
    const lines = Array.from({ length: 20_000 }, (_, n) =>
      JSON.stringify({ key: `k${n}`, value: `v${n}`.repeat(10) }),
    )
    await ask(['topic', 'create', 'many', '-p', '3'])
    const produced = await ask(['topic', 'produce', 'many'], lines.join('\n'))
    expect(produced).toEqual({ code: 0, stdout: '{"topic":"many","records":20000}\n', stderr: '' })
    const { stdout } = await ask(['topic', 'consume', 'many'])
    const keys = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { key: string }).key)
    expect(new Set(keys).size).toBe(20_000)
    expect(keys).toHaveLength(20_000)
  })

  test('a group with its members and lag', async () => {
    await ask(['topic', 'produce', 'read'], '{"value":"1"}\n{"value":"2"}\n{"value":"3"}\n')
    const kafka = new Kafka({
      clientId: 'app',
      brokers: [broker.bootstrapServers],
      logLevel: logLevel.NOTHING,
    })
    const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'read', fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async () => {
        await consumer.commitOffsets([{ topic: 'read', partition: 0, offset: '1' }])
        resolve()
      }
      consumer.run({ autoCommit: false, eachMessage }).catch(reject)
    })
    const described = await ask(['group', 'describe', 'readers'])
    expect(JSON.parse(described.stdout)).toMatchObject({
      group: 'readers',
      state: 'Stable',
      protocol: 'RoundRobinAssigner',
      members: [{ clientId: 'app', assignment: [{ topic: 'read', partitions: [0] }] }],
      offsets: [{ topic: 'read', partition: 0, committedOffset: 1, endOffset: 3, lag: 2 }],
    })
    const refused = await ask(['group', 'delete', 'readers'])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(/^odradek: group readers: NON_EMPTY_GROUP \(68\): it has members/)
    await consumer.disconnect()
    expect((await ask(['group', 'list'])).stdout).toContain('"group":"readers","state":"Empty"')
    expect((await ask(['group', 'delete', 'readers'])).code).toBe(0)
    expect((await ask(['group', 'list'])).stdout).toBe('')
  })
})
