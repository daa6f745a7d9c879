import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from './run.ts'
import { FakeHost } from './test-support/fake-host.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'start-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const READY = /^Odradek ready in 38 ms kafka=127\.0\.0\.1:(\d+) data=(.*)\n$/

function begin(...args: string[]) {
  const host = new FakeHost(args, { workingDirectory: folder })
  const ended = run(host)
  return { host, ended, ready: host.printed('data=') }
}

test('runs until a signal, and keeps its folder out of git', async () => {
  const { host, ended, ready } = begin('--port', '0', '--topics', 'orders:3')
  await ready
  expect(READY.exec(host.stdout)?.[2]).toBe(join(folder, '.odradek'))
  host.signal()
  expect(await ended).toBe(0)
  expect(host.stderr).toBe('')
  expect(readFileSync(join(folder, '.odradek', '.gitignore'), 'utf8')).toBe('*\n')
  expect(existsSync(join(folder, '.odradek', '.kafka_cleanshutdown'))).toBe(true)
})

test('a folder that was chosen gets no .gitignore, and --memory writes nothing', async () => {
  const chosen = begin('--port', '0', '--data', 'mine')
  await chosen.ready
  chosen.host.signal()
  await chosen.ended
  expect(readdirSync(join(folder, 'mine'))).not.toContain('.gitignore')
  const memory = begin('--port', '0', '--memory')
  await memory.ready
  expect(READY.exec(memory.host.stdout)?.[2]).toBe('memory')
  memory.host.signal()
  await memory.ended
  expect(readdirSync(folder)).toEqual(['mine'])
})

test('a second signal ends it at once', async () => {
  const { host, ended, ready } = begin('--port', '0', '--memory')
  await ready
  host.signal()
  host.signal()
  expect(host.exitCode).toBe(130)
  await ended
})

test('topics that are there already stay as they are', async () => {
  const first = begin('--port', '0', '--topics', 'orders:3')
  await first.ready
  first.host.signal()
  await first.ended
  const second = begin('--port', '0', '--topics', 'orders:4')
  await second.ready
  second.host.signal()
  expect(await second.ended).toBe(0)
  expect(second.host.stderr).toMatch(/"topic":"orders","partitions":3,"wanted":4.*stays as it is/)
})

test('a port that is taken, and a folder that another broker uses', async () => {
  const { host, ended, ready } = begin('--port', '0')
  await ready
  const port = READY.exec(host.stdout)![1]!
  const samePort = begin('--port', port, '--memory')
  expect(await samePort.ended).toBe(1)
  expect(samePort.host.stderr).toMatch(
    new RegExp(`^odradek: port ${port} of 127.0.0.1 is in use.*--port.*\\n$`),
  )
  const sameFolder = begin('--port', '0')
  expect(await sameFolder.ended).toBe(1)
  expect(sameFolder.host.stderr).toMatch(/^odradek: .* is locked by .*--data\n$/)
  host.signal()
  expect(await ended).toBe(0)
})

test('properties that are wrong stop it, those that have no effect are warned about', async () => {
  const bad = begin('--memory', '--override', 'num.partitions=x')
  expect(await bad.ended).toBe(1)
  expect(bad.host.stderr).toMatch(/^odradek: num\.partitions="x" is not allowed: .*\n$/)
  const unknown = begin('--memory', '--port', '0', '--override', 'foo.bar=1', '--log-format', 'pretty')
  await unknown.ready
  unknown.host.signal()
  expect(await unknown.ended).toBe(0)
  expect(unknown.host.stderr).toMatch(/^[\d:.]+ WARN {2}foo\.bar .*\n$/)
})

test('a person gets a banner', async () => {
  const host = new FakeHost(['--port', '0', '--memory'], { workingDirectory: folder, isTerminal: true })
  const ended = run(host)
  await host.printed('Ctrl-C')
  host.signal()
  await ended
  expect(host.stdout).toContain('in memory')
})
