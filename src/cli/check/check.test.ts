import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { append, DATA } from '../../log/test-support/storage.ts'
import { MetadataHarness, newTopic } from '../../metadata/test-support/metadata-harness.ts'
import type { Files } from '../../platform/platform.ts'
import { run } from '../run.ts'
import { FakeHost } from '../test-support/fake-host.ts'

let folder: string

/** A data directory with one topic, on disk. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'odradek-check-'))
  const { controller, partitions, files, ...harness } = await started()
  controller.createTopic(newTopic('orders'))
  append(partitions.get('orders', 0)!, 'a', 'b')
  await harness.stop()
  store(files, DATA, folder)
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function started() {
  const harness = await MetadataHarness.start()
  const { controller, partitions, files } = harness
  return { controller, partitions, files, stop: () => harness.stop() }
}

function store(files: Files, from: string, to: string): void {
  for (const { name, isDirectory } of files.list(from)) {
    if (isDirectory) {
      mkdirSync(join(to, name))
      store(files, `${from}/${name}`, join(to, name))
    } else writeFileSync(join(to, name), files.read(`${from}/${name}`))
  }
}

async function checked(...args: string[]) {
  const host = new FakeHost(['check', ...args])
  const code = await run(host)
  return { code, stdout: host.stdout, stderr: host.stderr }
}

test('a directory that is as it should be: one line, exit code 0', async () => {
  writeFileSync(join(folder, '.gitignore'), '*\n')
  const { code, stdout, stderr } = await checked(folder)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^2 partitions, 2 segments, \d+ records, \d+ bytes: nothing is wrong\n$/)
})

test('what is wrong: a line for each with its place, exit code 1', async () => {
  const log = join(folder, 'orders-0', `${'0'.repeat(20)}.log`)
  const bytes = readFileSync(log)
  bytes[70]! ^= 1
  writeFileSync(log, bytes)
  writeFileSync(join(folder, 'notes.txt'), 'x')
  const { code, stdout } = await checked(folder)
  expect(code).toBe(1)
  expect(stdout.split('\n').slice(0, 2)).toEqual([
    `note ${folder}/notes.txt: no file of a data directory has such a name`,
    `PROBLEM ${log}, byte 0: the checksum of the batch does not fit its bytes`,
  ])
  expect(stdout).toMatch(/: 1 problem\n$/)
  const quiet = await checked(folder, '--quiet')
  expect(quiet.stdout).not.toContain('note ')
  const lines = (await checked(folder, '--json')).stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object)
  expect(lines).toEqual([
    { kind: 'note', path: `${folder}/notes.txt`, message: expect.any(String) },
    { kind: 'problem', path: log, position: 0, message: expect.any(String) },
    {
      kind: 'summary',
      partitions: 2,
      segments: 2,
      records: expect.any(Number),
      bytes: expect.any(Number),
      problems: 1,
    },
  ])
})

test('what is no data directory is told so, with what to do instead', async () => {
  const file = join(folder, 'meta.properties')
  expect(await checked(file)).toEqual({
    code: 1,
    stdout: '',
    stderr: `odradek: ${file} is a file, and no data directory: odradek dump shows what is in a file\n`,
  })
  const partition = join(folder, 'orders-0')
  expect(await checked(partition)).toEqual({
    code: 1,
    stdout: '',
    stderr: `odradek: ${partition} is the folder of one partition: check the data directory that it is in\n`,
  })
  expect(await checked('')).toMatchObject({ code: 3, stdout: '' })
})

test('no such folder: exit code 3', async () => {
  const { code, stderr } = await checked(join(folder, 'nowhere'))
  expect(code).toBe(3)
  expect(stderr).toMatch(/: there is no such folder\n$/)
})
