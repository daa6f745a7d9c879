import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Kafka, startKafka } from '../testing/start-kafka.ts'
import { run } from './run.ts'
import { FakeHost } from './test-support/fake-host.ts'

let kafka: Kafka
beforeAll(async () => {
  kafka = await startKafka()
})
afterAll(() => kafka.stop())

/** Runs a command against the broker of these tests. */
async function odradek(args: string[], options: { stdin?: string; isTerminal?: boolean } = {}) {
  const host = new FakeHost([...args, '--bootstrap-server', kafka.bootstrapServers], options)
  const exitCode = await run(host)
  const json = exitCode === 0 && !options.isTerminal ? host.json : []
  return { exitCode, stdout: host.stdout, stderr: host.stderr, json }
}

describe('topic', () => {
  test('create, list, describe, delete', async () => {
    const created = await odradek(['topic', 'create', 'a', 'b', '-p', '2', '-c', 'retention.ms=60000'])
    expect(created.json).toEqual([
      { topic: 'a', isNew: true, partitions: 2 },
      { topic: 'b', isNew: true, partitions: 2 },
    ])
    const listed = await odradek(['topic', 'list'])
    expect(listed.json).toContainEqual({ topic: 'a', partitions: 2, replicationFactor: 1, isInternal: false })
    const described = await odradek(['topic', 'describe', 'a'])
    expect(described.json).toMatchObject([
      {
        topic: 'a',
        partitions: [
          { partition: 0, leader: 1, beginningOffset: 0, endOffset: 0 },
          { partition: 1, leader: 1, beginningOffset: 0, endOffset: 0 },
        ],
        configs: [{ name: 'retention.ms', value: '60000', source: 'topic' }],
        notes: [],
      },
    ])
    const deleted = await odradek(['topic', 'delete', 'a', 'b'])
    expect(deleted.json).toEqual([
      { topic: 'a', isDeleted: true },
      { topic: 'b', isDeleted: true },
    ])
  })

  test('describe says what is set but has no effect', async () => {
    const settings = ['-c', 'cleanup.policy=compact', '-c', 'local.retention.ms=1000']
    await odradek(['topic', 'create', 'tiered', ...settings])
    const { stdout } = await odradek(['topic', 'describe', 'tiered'], { isTerminal: true })
    expect(stdout).toMatch(/cleanup\.policy=compact +\(topic\)/)
    expect(stdout).toMatch(/note: local\.retention\.ms=1000: .*does not honour it yet/)
    expect(stdout).not.toMatch(/note: cleanup/)
  })

  test('a failure is a line each, and what can be done is done', async () => {
    await odradek(['topic', 'create', 'there'])
    const { exitCode, stdout, stderr } = await odradek(['topic', 'create', 'there', 'new'])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^odradek: topic there: TOPIC_ALREADY_EXISTS \(36\): .*\n$/)
    expect(stdout).toBe('{"topic":"new","isNew":true,"partitions":1}\n')
    expect((await odradek(['topic', 'create', 'there', '--if-not-exists'])).exitCode).toBe(0)
  })

  test('consume gives what produce was given, and produce makes the same of it', async () => {
    const lines = [
      '{"key":"a","value":{"total":42},"headers":{"source":"shop"},"timestamp":1700000000000}',
      '{"key":{"$base64":"AP8="},"value":null,"timestamp":"2026-01-01T00:00:00Z"}',
      '',
      '{"value":"plain","partition":0,"timestamp":1,"headers":[["h","1"],["h",null]]}',
    ]
    expect((await odradek(['topic', 'produce', 'in'], { stdin: lines.join('\n') })).json).toEqual([
      { topic: 'in', records: 3 },
    ])
    const first = await odradek(['topic', 'consume', 'in'])
    expect(first.json).toEqual([
      expect.objectContaining({ offset: 0, key: 'a', value: { total: 42 }, headers: { source: 'shop' } }),
      expect.objectContaining({ offset: 1, key: { $base64: 'AP8=' }, value: null, timestamp: 1767225600000 }),
      expect.objectContaining({
        offset: 2,
        key: null,
        value: 'plain',
        headers: [
          ['h', '1'],
          ['h', null],
        ],
      }),
    ])
    await odradek(['topic', 'produce', 'copy'], { stdin: first.stdout })
    const second = await odradek(['topic', 'consume', 'copy'])
    expect(second.stdout.replaceAll('"topic":"copy"', '"topic":"in"')).toBe(first.stdout)
  })

  test("keys go where Kafka's own producer sends them", async () => {
    await odradek(['topic', 'create', 'keyed', '-p', '6'])
    const keys = ['21', 'foobar', 'a-little-bit-long-string', 'abc']
    const stdin = keys.map((key) => JSON.stringify({ key })).join('\n')
    await odradek(['topic', 'produce', 'keyed'], { stdin })
    const { json } = await odradek(['topic', 'consume', 'keyed'])
    const found = Object.fromEntries(
      (json as { key: string; partition: number }[]).map(({ key, partition }) => [key, partition]),
    )
    // murmur2 of Kafka's Utils: -973932308, -790332482, -985981536, 479470107; without the sign, modulo 6.
    const hashes = [-973932308, -790332482, -985981536, 479470107]
    expect(found).toEqual(Object.fromEntries(keys.map((key, i) => [key, (hashes[i]! & 0x7fffffff) % 6])))
  })

  test('consume begins and ends where it is told', async () => {
    const stdin = [1, 2, 3, 4].map((n) => `{"value":"${n}","timestamp":${n}000}`).join('\n')
    await odradek(['topic', 'produce', 'numbers'], { stdin })
    const values = async (...args: string[]) =>
      (await odradek(['topic', 'consume', 'numbers', ...args])).json.map(
        (each) => (each as { value: string }).value,
      )
    expect(await values('--from', '2')).toEqual(['3', '4'])
    expect(await values('--from', '-1')).toEqual(['4'])
    expect(await values('--from', '@2000')).toEqual(['2', '3', '4'])
    expect(await values('--from', '@1970-01-01T00:00:02.001Z')).toEqual(['3', '4'])
    expect(await values('--from', 'end')).toEqual([])
    expect(await values('--count', '2')).toEqual(['1', '2'])
    expect(await values('--follow', '--count', '4')).toEqual(['1', '2', '3', '4'])
    expect((await odradek(['topic', 'consume', 'numbers', '--partition', '1'])).stderr).toContain(
      'no partition 1',
    )
  })

  test('a line that cannot be read ends it, and is told with its number', async () => {
    const stdin = '{"value":"1"}\n{"value":"2"}\n{"vale":"3"}\n{"value":"4"}\n'
    const { exitCode, stderr } = await odradek(['topic', 'produce', 'broken'], { stdin })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^odradek: line 3: unknown field "vale".*the 2 records before it are written.*\n$/)
    expect((await odradek(['topic', 'consume', 'broken'])).json).toHaveLength(2)
  })

  test('what is not there has an exit code of its own', async () => {
    expect(await odradek(['topic', 'describe', 'nope'])).toMatchObject({
      exitCode: 3,
      stderr: 'odradek: topic nope: UNKNOWN_TOPIC_OR_PARTITION (3)\n',
    })
    expect((await odradek(['topic', 'delete', 'nope'])).exitCode).toBe(3)
    expect((await odradek(['topic', 'delete', 'nope', '--if-exists'])).exitCode).toBe(0)
    expect((await odradek(['group', 'describe', 'nope'])).exitCode).toBe(3)
    expect((await odradek(['group', 'delete', 'nope'])).exitCode).toBe(3)
  })
})

describe('usage errors', () => {
  test.each([
    [['topic'], 'topic needs a command: list, create'],
    [['topic', 'lst'], 'Did you mean list? (see odradek topic --help)'],
    [['topic', 'list', '--bogus'], 'bogus (see odradek topic list --help)'],
    [['topic', 'list', '-b'], '-b needs a value (see odradek topic list --help)'],
    [['trace', '--client'], '--client needs a value (see odradek trace --help)'],
    [
      ['topic', 'list', '--timeout', '1', '--timeout', '2'],
      '--timeout is given more than once (see odradek topic list --help)',
    ],
    [['topic', 'rm'], 'topic delete lacks its <names..> (see odradek topic delete --help)'],
    [['topic', 'create', 'x', '-p', '0'], '--partitions is a whole number above 0'],
    [['topic', 'create', 'x', '-c', 'nonsense'], '--config takes name=value'],
    [['topic', 'consume', 'x', '--from', 'somewhere'], '--from takes beginning'],
    [['topic', 'list', '-o', 'xml'], 'Invalid values'],
  ])('%j', async (args, message) => {
    const { exitCode, stdout, stderr } = await odradek(args)
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^odradek: [^\n]*\n$/)
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
  })
})

test.each([
  [['--help'], 'odradek [properties]'],
  [['-h'], '--log-level'],
  [['help', 'topic'], 'odradek topic consume <topic>'],
  [['topic', '--help'], 'odradek topic consume <topic>'],
  [['topic', 'consume', '--help'], '--from'],
  [['group', '--help'], 'odradek group describe'],
])('%j prints help', async (args, text) => {
  const host = new FakeHost(args)
  expect(await run(host)).toBe(0)
  expect(host.stdout).toContain(text)
  expect(host.stderr).toBe('')
})

test.each([
  [undefined, 110],
  [200, 110],
  [60, 60],
  [10, 40],
])('help on a terminal of %j columns is %d wide', async (columns, width) => {
  const host = new FakeHost(['topic', 'consume', '--help'], columns === undefined ? {} : { columns })
  await run(host)
  const widest = Math.max(...host.stdout.split('\n').map((line) => line.length))
  expect(widest).toBeLessThanOrEqual(width)
  expect(widest).toBeGreaterThan(width - 15)
})

describe('nobody to talk to', () => {
  let server: Server
  beforeAll(async () => {
    server = createServer((socket) => socket.on('error', () => {}))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => void server.close())

  test('a server that does not answer is told after the timeout', async () => {
    const { port } = server.address() as AddressInfo
    const host = new FakeHost(['topic', 'list', '-b', `127.0.0.1:${port}`, '--timeout', '0.05'])
    expect(await run(host)).toBe(4)
    expect(host.stderr).toBe(`odradek: 127.0.0.1:${port} did not answer ApiVersions in 0.1 s\n`)
  })

  test('a closed port is told at once, and the next bootstrap server is tried', async () => {
    const host = new FakeHost(['topic', 'list', '-b', '127.0.0.1:1'])
    expect(await run(host)).toBe(4)
    expect(host.stderr).toMatch(/^odradek: cannot reach a broker at 127\.0\.0\.1:1: .*ECONNREFUSED/)
    const second = new FakeHost(['topic', 'list', '-b', `127.0.0.1:1,${kafka.bootstrapServers}`])
    expect(await run(second)).toBe(0)
  })
})
