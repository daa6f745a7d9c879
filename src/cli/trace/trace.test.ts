import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { nodeLocalSockets } from '../../platform/node-local-sockets.ts'
import { type Kafka, startKafka } from '../../testing/start-kafka.ts'
import { run } from '../run.ts'
import { FakeHost } from '../test-support/fake-host.ts'
import { attach } from './find-broker.ts'

describe('the command', () => {
  let kafka: Kafka
  let folder: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'trace-command-'))
    kafka = await startKafka({ topics: ['orders'], trace: true })
  })
  afterEach(async () => {
    await kafka.stop()
    rmSync(folder, { recursive: true })
  })

  /** A trace that is attached: it has shown the request that was sent for it. */
  async function begin(...args: string[]) {
    const host = new FakeHost(['trace', '--bootstrap', kafka.brokers[0]!, ...args])
    const ended = run(host)
    return { host, ended }
  }

  /** Sends hex as one connection and resolves when the broker has answered or ended it. */
  function talk(hex: string): Promise<void> {
    const [host = '', port] = kafka.brokers[0]!.split(':')
    return new Promise((resolve) => {
      const socket = connect(Number(port), host, () => socket.write(Buffer.from(hex, 'hex')))
      socket.on('data', () => socket.end())
      socket.on('close', () => resolve())
      socket.on('error', () => resolve())
    })
  }

  /** ApiVersions 3 of `me`, software `tool` 1. */
  const API_VERSIONS = '0000001a 0012 0003 00000001 0002 6d65 00 05 746f6f6c 02 31 00'.replaceAll(' ', '')
  const sized = (hex: string) => hex.replace(/^.{8}/, ((hex.length - 8) / 2).toString(16).padStart(8, '0'))
  const apiVersions = sized(API_VERSIONS)
  const unknownApi = sized('00000000 03e7 0000 00000002 0002 6d65'.replaceAll(' ', ''))

  /** Talks until the trace is attached and shows it. */
  async function untilShown(host: FakeHost, hex: string, text: string): Promise<void> {
    const shown = host.printed(text)
    let isShown = false
    void shown.then(() => {
      isShown = true
    })
    while (!isShown) await talk(hex)
  }

  test('lines, JSON and packets; Ctrl-C ends it with 0', async () => {
    const [out, pcap] = [join(folder, 'out.jsonl'), join(folder, 'out.pcap')]
    const { host, ended } = await begin('--out', out, '--pcap', pcap)
    await untilShown(host, apiVersions, 'ApiVersions')
    await untilShown(host, unknownApi, 'API 999')
    host.signal()
    expect(await ended).toBe(0)
    expect(host.stderr).toBe(`Tracing ${kafka.brokers[0]}; Ctrl-C ends it\n`)
    const [first] = host.stdout.split('\n')
    expect(first).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}#\d+ {2}me \(tool 1\) {2}ApiVersions v3 {2}25 -> \d+ B {2}[\d.]+ ms$/,
    )
    expect(host.stdout).toMatch(/ me {2}API 999 v0 {2}16 B {2}connection ended: API key 999 is not served\n/)
    const json = readFileSync(out, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as object)
    expect(json[0]).toMatchObject({ clientId: 'me', software: 'tool 1', api: 'ApiVersions', version: 3 })
    expect(json).toHaveLength(host.stdout.split('\n').filter((line) => line.includes(' B  ')).length)
    expect(readFileSync(pcap).readUInt32LE(0)).toBe(0xa1b2c3d4)
  })

  test('-vv prints the fields and the bytes below', async () => {
    const { host, ended } = await begin('-vv', '--api', 'ApiVersions')
    await untilShown(host, apiVersions, 'ApiVersions')
    host.signal()
    await ended
    expect(host.stdout).toMatch(/clientSoftwareName {2}"tool"/)
    expect(host.stdout).toMatch(/supportedFeatures/)
    expect(host.stdout).toContain('000000  00 12 00 03 00 00 00 01')
  })

  test('it ends with the broker', async () => {
    const { host, ended } = await begin('--errors')
    await untilShown(host, unknownApi, 'API 999')
    await kafka.stop()
    expect(await ended).toBe(0)
    expect(host.stdout).not.toContain('ApiVersions')
  })

  test('a second Ctrl-C does not wait for whoever reads the output', async () => {
    const { host, ended } = await begin()
    await untilShown(host, apiVersions, 'ApiVersions')
    host.signal()
    expect(host.exitCode).toBe(undefined)
    host.signal()
    expect(host.exitCode).toBe(130)
    await ended
  })

  test.runIf(existsSync('/dev/full'))('a full disk is told in one line', async () => {
    const { host, ended } = await begin('--out', '/dev/full')
    await untilShown(host, apiVersions, 'ApiVersions')
    expect(await ended).toBe(1)
    expect(host.stderr).toMatch(/\nodradek: cannot write \/dev\/full: ENOSPC: [^\n]*\n$/)
    expect(host.stderr).not.toContain(' at ')
  })

  test.each([
    [['--bootstrap-server', 'a:b'], 2, '--bootstrap is given more than once (see odradek trace --help)'],
    [['--api', 'nope'], 2, '--api: there is no API "nope"'],
    [['--out', '/nowhere/at/all'], 1, 'cannot write /nowhere/at/all: ENOENT'],
    [['--frobnicate'], 2, 'Unknown argument: frobnicate (see odradek trace --help)'],
  ])('%j ends with %i', async (args, code, message) => {
    const { host, ended } = await begin(...args)
    expect(await ended).toBe(code)
    expect(host.stderr).toContain(message)
    expect(host.stderr.trim().split('\n')).toHaveLength(1)
  })
})

test('--trace prints what a broker in this process does, also after another trace has come and gone', async () => {
  const host = new FakeHost(['--port', '0', '--memory', '--trace'], { workingDirectory: tmpdir() })
  const ended = run(host)
  await host.printed('data=')
  const port = /:(\d+) data=/.exec(host.stdout)![1]!
  const list = () => run(new FakeHost(['topic', 'list', '--bootstrap-server', `127.0.0.1:${port}`]))
  expect(await list()).toBe(0)
  await host.printed('Metadata v')
  const other = new FakeHost(['trace', '--bootstrap', `127.0.0.1:${port}`, '--api', 'Metadata'])
  const otherEnded = run(other)
  while (!other.stdout.includes('Metadata v')) expect(await list()).toBe(0)
  other.signal()
  expect(await otherEnded).toBe(0)
  const linesBefore = host.stdout.split('\n').length
  expect(await list()).toBe(0)
  host.signal()
  expect(await ended).toBe(0)
  expect(host.stdout.split('\n').length).toBeGreaterThan(linesBefore)
  expect(host.stdout).toMatch(/#1 {2}odradek-cli {2}ApiVersions v\d+ {2}\d+ -> \d+ B/)
})

describe('finding the broker', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'find-broker-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('the only one needs no name; of several one is chosen', async () => {
    const sockets = nodeLocalSockets(folder)
    await expect(attach(sockets, undefined)).rejects.toMatchObject({ exitCode: 3 })
    const first = await sockets.listen('9092', () => {})
    ;(await attach(sockets, undefined)).destroy()
    const second = await sockets.listen('9093', () => {})
    await expect(attach(sockets, undefined)).rejects.toMatchObject({
      exitCode: 2,
      message: 'several brokers run here: choose one with --bootstrap, out of localhost:9092, localhost:9093',
    })
    for (const address of ['localhost', '127.0.0.1:9093', '[::1]:9093'])
      (await attach(sockets, address)).destroy()
    await expect(attach(sockets, 'localhost:1')).rejects.toMatchObject({
      exitCode: 3,
      message:
        'no broker of this user to trace at port 1 of this machine; there are localhost:9092, localhost:9093',
    })
    await expect(attach(sockets, 'example.test:9092')).rejects.toMatchObject({ exitCode: 2 })
    await first.close()
    await second.close()
  })
})
