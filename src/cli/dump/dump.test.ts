import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Kafka, startKafka } from '../../testing/start-kafka.ts'
import { run } from '../run.ts'
import { FakeHost } from '../test-support/fake-host.ts'

let folder = ''
let data = ''
let kafka: Kafka
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'odradek-dump-'))
  data = join(folder, 'data')
  kafka = await startKafka({ data, topics: { orders: 2 } })
  await kafka.produce('orders', [
    { key: 'a', value: { total: 42 }, partition: 0, timestamp: 1_700_000_000_000 },
    { key: 'b', value: Buffer.from([0xff, 0x00]), partition: 0, headers: { source: 'shop' } },
    { key: 'c', value: null, partition: 1 },
  ])
})
afterAll(async () => {
  await kafka.stop()
  await rm(folder, { recursive: true, force: true })
})

async function dump(...args: string[]) {
  const host = new FakeHost(['dump', ...args], { workingDirectory: folder })
  const exitCode = await run(host)
  return { exitCode, stdout: host.stdout, stderr: host.stderr, host }
}

describe('dump, while the broker runs', () => {
  test('a data directory: a line for each partition', async () => {
    const { exitCode, stdout } = await dump('data')
    expect(stdout).toMatch(/^cluster\.id: \S{22}$/m)
    expect(stdout).toMatch(/^TOPIC +PARTITION +SEGMENTS +START +END +BATCHES +RECORDS +BYTES +PROBLEMS/m)
    expect(stdout).toMatch(/^orders +0 +1 +0 +2 +\d +2 +\d+ +0$/m)
    expect(stdout).toMatch(/^__cluster_metadata +0 /m)
    expect(stdout).not.toContain('PROBLEM ')
    expect(exitCode).toBe(0)
  })

  test('a topic that is not there is told in one line', async () => {
    const { exitCode, stdout, stderr } = await dump('data', '--topic', 'nosuch')
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' })
    expect(stderr).toBe(
      'odradek: data: there is no folder of nosuch: no such topic, or nothing has been written to it yet\n',
    )
    expect((await dump('data', '--topic', 'orders', '--partition', '7')).stderr).toContain(
      'no folder of orders-7: ',
    )
  })

  test('the records of a partition', async () => {
    const { stdout } = await dump('data', '--topic', 'orders', '--partition', '0', '--print-data-log')
    expect(stdout).toContain('CreateTime: 1700000000000 keySize: 1 valueSize: 12')
    expect(stdout).toContain('key: a payload: {"total":42}\n')
    expect(stdout).toContain('headerKeys: [source] headers: [{"source":"shop"}] key: b payload: 0xff00\n')
    const short = await dump(
      'data',
      '--topic',
      'orders',
      '--offset',
      '1',
      '--records',
      '--skip-record-metadata',
    )
    expect(short.stdout).toContain('| key: b payload: 0xff00\n')
    expect(short.stdout).not.toContain('key: a')
  })

  test('as JSON, each line by itself', async () => {
    const { host } = await dump('data', '--topic', 'orders', '--partition', '0', '--records', '--json')
    expect(host.json).toContainEqual(
      expect.objectContaining({ item: 'record', offset: 1, key: 'b', payload: { $base64: '/wA=' } }),
    )
    expect(host.json).toContainEqual(expect.objectContaining({ item: 'batch', magic: 2, isvalid: true }))
    const { host: all } = await dump('data', '--json')
    expect(all.json).toContainEqual(
      expect.objectContaining({ item: 'partition', topic: 'orders', partition: 1, records: 1, problems: 0 }),
    )
  })

  test('the metadata, decoded', async () => {
    const { stdout, exitCode } = await dump('data', '--topic', '__cluster_metadata', '--records')
    expect(stdout).toMatch(/"name":"TopicRecord","version":0,"data":\{"name":"orders"/)
    expect(exitCode).toBe(0)
  })

  test('control characters are shown, never sent to the terminal', async () => {
    const bell = '\u001b]0;x\u0007\u009b31m'
    await kafka.createTopic('bells', { partitions: 1 })
    await kafka.produce('bells', { key: bell, value: bell, headers: { [bell]: bell } })
    await writeFile(join(folder, 'meta.properties'), `${bell}\nname${bell}=${bell}\n`)
    const records = await dump('data', '--topic', 'bells', '--records')
    const properties = await dump('meta.properties')
    expect(records.stdout).toContain(
      String.raw`key: \u001b]0;x\u0007\u009b31m payload: \u001b]0;x\u0007\u009b31m`,
    )
    expect(`${records.stdout}${properties.stdout}`.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })

  test('every file that the broker keeps is known', async () => {
    const names = await readdir(data, { recursive: true, withFileTypes: true })
    const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    expect(files.length).toBeGreaterThan(8)
    const { stdout, exitCode } = await dump(...files)
    expect(stdout).not.toContain('PROBLEM')
    expect(exitCode).toBe(0)
  })

  test('not more than was asked for', async () => {
    const { stdout } = await dump('data', '--topic', '__cluster_metadata', '--records', '--limit', '3')
    expect(stdout.match(/^\| /gm)).toHaveLength(3)
  })
})

describe('what is wrong', () => {
  test('a damaged file: the byte and the reason, exit code 1', async () => {
    const path = join(folder, '00000000000000000000.log')
    await writeFile(path, Buffer.alloc(100, 7))
    const { stdout, exitCode } = await dump(path)
    expect(stdout).toMatch(/^PROBLEM byte 0: here should be a batch, but its magic is 7/m)
    expect(exitCode).toBe(1)
  })

  test('usage and missing files', async () => {
    expect(await dump('nowhere')).toMatchObject({
      exitCode: 3,
      stderr: 'odradek: nowhere: there is no such file or folder\n',
    })
    for (const wrong of [
      ['--offset', 'x'],
      ['--offset', '9-3'],
      ['--partition', '0'],
      ['--limit', '0'],
    ])
      expect((await dump('data', ...wrong)).exitCode).toBe(2)
    const both = await dump('data', '--offsets-decoder', '--cluster-metadata-decoder')
    expect(both.stderr).toMatch(/exclude each other/)
    expect((await dump()).exitCode).toBe(2)
  })
})
