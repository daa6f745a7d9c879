import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { MemoryFiles } from './memory-files.ts'
import { directoryUser } from './node-directory-lock.ts'
import { nodeFiles } from './node-files.ts'
import { DirectoryLockedError, type Files } from './platform.ts'
import { SimulatedFiles } from './simulated-files.ts'

const root = mkdtempSync(join(tmpdir(), 'odradek-files-'))
afterAll(() => rmSync(root, { recursive: true }))

const twins: [string, Files, string][] = [
  ['node', nodeFiles(), `${root}/twin`],
  ['memory', new MemoryFiles(), '/twin'],
  ['simulated', new SimulatedFiles(), '/twin'],
]

const missing = expect.objectContaining({ code: 'ENOENT' })

describe.each(twins)('files (%s)', (_, files, base) => {
  files.makeDirectory(base)

  test('are written anywhere, gathered, and read anywhere', async () => {
    const file = files.open(`${base}/a`, 'create')
    const big = Buffer.alloc(700_000, 'x')
    file.write([Buffer.from('head'), big, Buffer.from('tail')], 3)
    expect(file.size()).toBe(3 + 4 + big.length + 4)
    const into = Buffer.alloc(12)
    expect(file.readSync(into, 0)).toBe(12)
    expect(into.toString('latin1')).toBe('\0\0\0headxxxxx')
    expect(await file.read(into, file.size() - 6)).toBe(6)
    expect(into.subarray(0, 6).toString()).toBe('xxtail')
    file.write([Buffer.from('MID')], 300_000)
    expect(files.read(`${base}/a`).indexOf('MID')).toBe(300_000)
    file.truncate(5)
    file.write([Buffer.from('!')], 8)
    expect(files.read(`${base}/a`).toString('latin1')).toBe('\0\0\0he\0\0\0!')
    await file.flush()
    file.close()
  })

  test('folders can be flushed; one that is gone is no error', async () => {
    await files.flushDirectory(base)
    files.flushDirectorySync(base)
    await files.flushDirectory(`${base}/gone`)
    files.flushDirectorySync(`${base}/gone`)
  })

  test('what nobody wrote reads as zeros, also where something was before', () => {
    const file = files.open(`${base}/sparse`, 'create')
    const large = 1_000_000
    file.write([Buffer.from('before')], 0)
    file.write([Buffer.from('far')], large)
    file.truncate(3)
    file.truncate(large)
    file.write([Buffer.from('end')], large - 1)
    const bytes = Buffer.alloc(large + 2, 'x')
    expect(file.readSync(bytes, 0)).toBe(large + 2)
    expect(bytes.subarray(0, 3).toString()).toBe('bef')
    expect(bytes.subarray(3, large - 1).every((byte) => byte === 0)).toBe(true)
    expect(bytes.subarray(large - 1).toString()).toBe('end')
    file.close()
  })

  test('that are missing say so', async () => {
    expect(() => files.open(`${base}/none`, 'read')).toThrow(missing)
    expect(() => files.open(`${base}/none`, 'write')).toThrow(missing)
    expect(() => files.open(`${base}/none/a`, 'create')).toThrow(missing)
    expect(() => files.read(`${base}/none`)).toThrow(missing)
    expect(() => files.list(`${base}/none`)).toThrow(missing)
    expect(() => files.rename(`${base}/none`, `${base}/b`)).toThrow(missing)
    files.remove(`${base}/none`)
    await files.removeDirectory(`${base}/none`)
  })

  test('folders are made with their parents, renamed with all in them, and removed', async () => {
    files.makeDirectory(`${base}/d/e`)
    files.makeDirectory(`${base}/d/e`)
    files.replace(`${base}/d/e/f`, 'content')
    files.rename(`${base}/d`, `${base}/g`)
    expect(files.exists(`${base}/d`)).toBe(false)
    expect(files.read(`${base}/g/e/f`).toString()).toBe('content')
    expect(files.list(`${base}/g`)).toEqual([{ name: 'e', isDirectory: true }])
    files.replace(`${base}/g/e/f`, 'other')
    expect(files.list(`${base}/g/e`)).toEqual([{ name: 'f', isDirectory: false }])
    await files.removeDirectory(`${base}/g`)
    expect(files.exists(`${base}/g`)).toBe(false)
    files.replace(`${base}/single`, 'x')
    await files.removeDirectory(`${base}/single`)
    expect(files.exists(`${base}/single`)).toBe(false)
  })

  test('an open file survives being renamed and removed', () => {
    const file = files.open(`${base}/old`, 'create')
    file.write([Buffer.from('abc')], 0)
    files.rename(`${base}/old`, `${base}/new`)
    files.remove(`${base}/new`)
    const into = Buffer.alloc(3)
    file.readSync(into, 0)
    expect(into.toString()).toBe('abc')
    file.close()
  })

  test('a lock is held once, and leaves an empty file', () => {
    const lock = files.lock(`${base}/.lock`)
    expect(() => files.lock(`${base}/.lock`)).toThrow(DirectoryLockedError)
    lock.release()
    expect(files.read(`${base}/.lock`)).toHaveLength(0)
    files.lock(`${base}/.lock`).release()
  })
})

test.skipIf(process.platform === 'win32')('what a link leads to is not removed with it', async () => {
  const files = nodeFiles()
  files.makeDirectory(`${root}/elsewhere`)
  files.replace(`${root}/elsewhere/kept`, 'x')
  files.makeDirectory(`${root}/linking`)
  symlinkSync(`${root}/elsewhere`, `${root}/linking/link`)
  await files.removeDirectory(`${root}/linking`)
  expect(existsSync(`${root}/linking`)).toBe(false)
  expect(existsSync(`${root}/elsewhere/kept`)).toBe(true)
})

test('a link to a folder is listed as one: a partition may lie on another disk', () => {
  const files = nodeFiles()
  files.makeDirectory(`${root}/other-disk`)
  files.makeDirectory(`${root}/links`)
  files.replace(`${root}/other-disk/file`, 'x')
  symlinkSync(`${root}/other-disk`, `${root}/links/to-folder`)
  symlinkSync(`${root}/other-disk/file`, `${root}/links/to-file`)
  symlinkSync(`${root}/nowhere`, `${root}/links/to-nothing`)
  symlinkSync(`${root}/links/to-itself`, `${root}/links/to-itself`)
  expect(new Map(files.list(`${root}/links`).map(({ name, isDirectory }) => [name, isDirectory]))).toEqual(
    new Map([
      ['to-folder', true],
      ['to-file', false],
      ['to-nothing', false],
      ['to-itself', false],
    ]),
  )
})

test('a file tells when it was written last', () => {
  const files = nodeFiles()
  files.replace(`${root}/written`, 'x')
  utimesSync(`${root}/written`, 5, 1_700_000_000)
  expect(files.modifiedMs(`${root}/written`)).toBe(1_700_000_000_000)
  expect(files.modifiedMs(`${root}/never`)).toBeUndefined()
})

describe('the lock of a directory', () => {
  const path = `${root}/.lock`

  test('of a process that is gone, or whose id belongs to another process now, does not count', () => {
    // No process has the id 4194305: it is above what Linux gives out.
    for (const owner of [
      { pid: 4194305, startedAt: 'x' },
      { pid: process.pid, startedAt: 'ticks:1@boot' },
    ]) {
      if (process.platform !== 'linux' && owner.pid === process.pid) continue
      writeFileSync(path, JSON.stringify(owner))
      nodeFiles().lock(path).release()
    }
  })

  test('is not confused by what a crash left in the file', () => {
    writeFileSync(path, '{"pid":12')
    nodeFiles().lock(path).release()
  })

  test('of a process that lives counts', () => {
    writeFileSync(path, JSON.stringify({ pid: process.ppid, startedAt: 'elsewhere:1' }))
    expect(() => nodeFiles().lock(path)).toThrow(DirectoryLockedError)
    const before = readFileSync(path, 'utf8')
    expect(directoryUser(path)).toBe(`process ${process.ppid}`)
    expect(readFileSync(path, 'utf8')).toBe(before)
  })

  test('tells nobody when there is none', () => {
    writeFileSync(path, '')
    expect(directoryUser(path)).toBeUndefined()
    expect(directoryUser(`${root}/nowhere/.lock`)).toBeUndefined()
  })
})
