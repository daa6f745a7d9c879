import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, test } from 'vitest'
import { directoryUser, lockDirectory } from './node-directory-lock.ts'

const root = mkdtempSync(join(tmpdir(), 'odradek-lock-'))
afterAll(() => rmSync(root, { recursive: true }))
const path = join(root, '.lock')

describe.skipIf(process.platform !== 'linux')('a lock of a process in another container', () => {
  // It has an id that another process has here.
  const owner = JSON.stringify({ pid: process.pid, startedAt: 'ticks:1@boot', space: 'pid:[1]@boot' })
  const stranger = 'a process in another container, or on another machine'

  test('counts while that one goes on giving signs of life', async () => {
    writeFileSync(path, owner)
    const alive = new Worker(
      `const { utimesSync } = require('node:fs')
      let turn = 0
      setInterval(() => utimesSync(${JSON.stringify(path)}, 5, Date.now() / 1000 - (++turn % 2)), 5)`,
      { eval: true },
    )
    await once(alive, 'online')
    expect(() => lockDirectory(path, 10_000)).toThrow(`is locked by ${stranger}: another broker uses`)
    expect(directoryUser(path)).toBe(stranger)
    await alive.terminate()
    expect(readFileSync(path, 'utf8')).toBe(owner)
  })

  test('counts no longer when that one is silent', () => {
    writeFileSync(path, owner)
    lockDirectory(path, 100).release()
    expect(readFileSync(path, 'utf8')).toBe('')
  })

  test('does not count, and nobody waits, when it was left long ago', () => {
    writeFileSync(path, owner)
    utimesSync(path, 5, Date.now() / 1000 - 3600)
    expect(directoryUser(path)).toBeUndefined()
    lockDirectory(path, 3_600_000).release()
  })
})

test('a lock gives signs of life while it is held', async () => {
  const lock = lockDirectory(path, 20)
  utimesSync(path, 5, 5)
  while (statSync(path).mtimeMs === 5000) await setImmediate()
  lock.release()
})
