import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { run } from '../run.ts'
import { FakeHost } from '../test-support/fake-host.ts'

const folder = mkdtempSync(join(tmpdir(), 'explain-'))
afterAll(() => rmSync(folder, { recursive: true }))

const request = '0000001d00120003000000070003636c6900086f64726164656b06302e312e3000'
const response = '000000100000000700000000000100120000 0004'.replaceAll(' ', '')

async function explain(args: readonly string[], options: ConstructorParameters<typeof FakeHost>[1] = {}) {
  const host = new FakeHost(['explain', ...args], { workingDirectory: folder, ...options })
  const exitCode = await run(host)
  return { exitCode, stdout: host.stdout, stderr: host.stderr, host }
}

function file(name: string, bytes: Buffer | string): string {
  writeFileSync(join(folder, name), bytes)
  return name
}

describe('where the bytes come from', () => {
  test.each([
    ['one word', [request]],
    ['several words', request.match(/../g)!],
    ['a file of bytes', [file('request.bin', Buffer.from(request, 'hex'))]],
    ['a file of hex', [file('request.txt', request)]],
  ])('%s', async (_, args) => {
    const { exitCode, stdout, stderr } = await explain(args)
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      /^Request ApiVersions 3 \(key 18\)\n\(a request: its header says which, and all of it fits\)\n\n {4}0 {2}00 00 00 1d /,
    )
  })

  test.each([[[]], [['-']]])('standard input: %j', async (args) => {
    const { exitCode, stdout } = await explain(args, { stdin: request })
    expect([exitCode, stdout.split('\n')[0]]).toEqual([0, 'Request ApiVersions 3 (key 18)'])
  })
})

test('several frames: the response is known by its request', async () => {
  const v0 = '0000000d00120000000000070003636c69'
  const { exitCode, stdout } = await explain([v0 + response])
  expect(exitCode).toBe(0)
  expect(stdout).toContain(
    'Response ApiVersions 0 (key 18)\n(the response to the request with correlation id 7 above)\n',
  )
  expect(stdout).toContain('20  00 00 00 07                correlationId  7\n'.replace('20', '21'))
})

test('a pcap file: each direction of each connection by itself', async () => {
  const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000065000000', 'hex')
  const packet = (from: number, to: number, payload: string) => {
    const ip = Buffer.from(
      `4500000000004000400600000a00000${from > 9000 ? 2 : 1}0a00000${from > 9000 ? 1 : 2}`,
      'hex',
    )
    const tcp = Buffer.from('0000000000000001000000005018ffff00000000', 'hex')
    tcp.writeUInt16BE(from, 0)
    tcp.writeUInt16BE(to, 2)
    const bytes = Buffer.concat([ip, tcp, Buffer.from(payload, 'hex')])
    bytes.writeUInt16BE(bytes.length, 2)
    const head = Buffer.alloc(16)
    head.writeUInt32LE(bytes.length, 8)
    return Buffer.concat([head, bytes])
  }
  const heartbeat = '00000019000c0001000000070003636c690002673100000005 00026d31'.replace(' ', '')
  // Two connections whose requests have the same correlation id.
  const packets = [
    packet(1001, 9092, '0000000d00120000000000070003636c69'),
    packet(1002, 9092, heartbeat),
    packet(9092, 1001, response),
    packet(9092, 1002, '0000000a00000007000000000000'),
  ]
  const { exitCode, stdout } = await explain([file('frames.pcap', Buffer.concat([header, ...packets]))])
  expect(stdout.match(/^(Request|Response).*/gm)).toEqual([
    'Request ApiVersions 0 (key 18), 10.0.0.1:1001 > 10.0.0.2:9092',
    'Request Heartbeat 1 (key 12), 10.0.0.1:1002 > 10.0.0.2:9092',
    'Response ApiVersions 0 (key 18), 10.0.0.2:9092 > 10.0.0.1:1001',
    'Response Heartbeat 1 (key 12), 10.0.0.2:9092 > 10.0.0.1:1002',
  ])
  expect(exitCode).toBe(0)
})

test('a response that is told what it is', async () => {
  const { exitCode, stdout } = await explain([
    response,
    '--api',
    'apiversions',
    '--version',
    '0',
    '--response',
  ])
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^Response ApiVersions 0 \(key 18\)\n\(a response, as you said\)/)
})

test('wrong bytes: exit code 1, the caret and the sentence', async () => {
  const { exitCode, stdout } = await explain([request.replace('0003636c69', '04636c69').replace('1d', '1c')])
  expect(exitCode).toBe(1)
  expect(stdout).toContain(
    '\n       ^^\n       Byte 12 (header.clientId): 04 is a compact length; expected 00 03, an int16.',
  )
})

describe('forms of the output', () => {
  test('colours on a terminal, unless they are not wanted', async () => {
    const coloured = async (args: readonly string[], options: object) =>
      (await explain([request, ...args], options)).stdout.includes('\u001b[')
    expect(await coloured([], { isTerminal: true })).toBe(true)
    expect(await coloured([], { isTerminal: true, environment: { NO_COLOR: '1' } })).toBe(false)
    expect(await coloured(['--no-color'], { isTerminal: true })).toBe(false)
    expect(await coloured([], {})).toBe(false)
    expect(await coloured(['--color'], {})).toBe(true)
  })

  test('JSON', async () => {
    const { stdout } = await explain([request.replace('1d', '21'), '--json'])
    const { form, sections } = JSON.parse(stdout) as { form: string; sections: { parts: object[] }[] }
    expect([form, sections.length]).toEqual(['hex', 1])
    expect(sections[0]!.parts[0]).toMatchObject({
      title: 'Request ApiVersions 3 (key 18)',
      problem: {
        kind: 'size',
        position: 0,
        length: 4,
        path: 'size',
        expected: '00 00 00 1d, for 29 bytes follow',
      },
      tree: { kind: 'struct', position: 0 },
    })
  })

  test('a page', async () => {
    const { exitCode, stdout } = await explain([request, '--html', 'page.html'])
    expect([exitCode, stdout]).toEqual([0, 'page.html written\n'])
    expect(readFileSync(join(folder, 'page.html'), 'utf8')).toContain(
      'data-d="clientSoftwareName: byte 18, 8 bytes',
    )
  })

  test('a page that cannot be written', async () => {
    const { exitCode, stderr } = await explain([request, '--html', 'no/such/page.html'])
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('cannot be written')])
  })
})

describe('bad input is told in one line', () => {
  test.each([
    ['nothing', [], 1, 'there is nothing to explain: the input is empty'],
    ['an empty file', [file('empty.bin', '')], 1, 'there is nothing to explain: the file is empty'],
    ['no such file', ['missing.log'], 3, 'missing.log: there is no such file'],
    ['a folder', ['.'], 1, '. is a folder; explain takes a file, odradek dump takes folders'],
    [
      'half a byte',
      ['00', '12', '0'],
      1,
      'the hex has 5 digits: a byte has two, so one is missing or one is too many',
    ],
    [
      'a skip beyond the end',
      [request, '--skip', '99'],
      1,
      'there is nothing to explain: hex without bytes from 99 on',
    ],
    ['an unknown API', [request, '--api', 'Nothing'], 2, 'there is no API Nothing'],
    [
      'an unknown version',
      [request, '--api', 'Fetch', '--version', '99'],
      2,
      'Fetch has versions 0 to 18, not 99',
    ],
    [
      'both directions',
      [request, '--request', '--response'],
      2,
      '--request and --response exclude each other',
    ],
    ['a limit', [request, '--limit', '0'], 2, '--limit is a whole number from 1 on'],
  ])('%s', async (_, args, exitCode, message) => {
    expect(await explain(args)).toMatchObject({ exitCode, stdout: '', stderr: `odradek: ${message}\n` })
  })

  test('garbage is said to be nothing of Kafka', async () => {
    const garbage = Buffer.from(Array.from({ length: 999 }, (_, index) => (index * 7919 + 31) % 251))
    const { exitCode, stdout } = await explain([file('garbage.bin', garbage)])
    expect(exitCode).toBe(1)
    expect(stdout).toContain('begins nothing that Kafka writes')
    expect(stdout.split('\n').length).toBeLessThan(12)
  })

  test('a frame cut anywhere', async () => {
    for (let length = 1; length < request.length / 2; length += 5) {
      const { exitCode, stdout, stderr } = await explain([request.slice(0, 2 * length)])
      expect([exitCode, stderr]).toEqual([1, ''])
      expect(stdout).toContain('^^')
    }
  })

  test('a large file: a part of it, and where to go on', async () => {
    const entries = Buffer.alloc(20 * 1024 * 1024)
    for (let at = 0; at < entries.length; at += 8) {
      entries.writeInt32BE(at / 8 + 1, at)
      entries.writeInt32BE(at, at + 4)
    }
    const name = file('00000000000000000000.index', entries)
    const { exitCode, stdout } = await explain([name, '--limit', '2'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('... 2097150 more left out')
    expect(stdout).toContain(
      'Left out: 4194304 bytes, from byte 16777216 on (--skip 16777216 goes on there).',
    )
    const rest = await explain([name, '--limit', '1', '--skip', '16777216'])
    expect(rest.stdout).toContain(
      '16777216  00 20 00 01                relativeOffset  2097153  offset 2097153',
    )
  })

  test('an empty file of a new partition is right', async () => {
    const { exitCode, stdout } = await explain([file('00000000000000000007.timeindex', '')])
    expect([exitCode, stdout]).toEqual([0, 'The file is empty, as a new time index may be.\n'])
  })
})
