import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LocalSocket } from './local-sockets.ts'
import { localSocketPlace, nodeLocalSockets } from './node-local-sockets.ts'

let folder: string
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'sockets-')), 'mine')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true }))

/** A socket file whose process is gone. */
async function leaveSocket(path: string): Promise<void> {
  const program = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
  await once(spawn(process.execPath, ['-e', program, path]), 'exit')
  expect(existsSync(path)).toBe(true)
}

describe.skipIf(process.platform === 'win32')('local sockets', () => {
  test('the place is one of the user', () => {
    expect(localSocketPlace()).toBe(join(tmpdir(), `odradek-${process.getuid?.()}`))
  })

  test('two ends talk, in a folder that is closed to others', async () => {
    const sockets = nodeLocalSockets(folder)
    let accept: (socket: LocalSocket) => void = () => {}
    const accepted = new Promise<LocalSocket>((resolve) => {
      accept = resolve
    })
    const listener = await sockets.listen('9092', accept)
    const client = await sockets.connect('9092')
    const server = await accepted
    const got = new Promise<Buffer>((resolve) => client.onBytes(resolve))
    server.write(Buffer.from('hello'))
    expect((await got).toString()).toBe('hello')
    const closed = new Promise<void>((resolve) => client.onClose(resolve))
    server.end()
    await closed
    await listener.close()
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  test('a folder that others may enter is closed to them', async () => {
    const sockets = nodeLocalSockets(folder)
    await (await sockets.listen('1', () => {})).close()
    chmodSync(folder, 0o755)
    await (await sockets.listen('1', () => {})).close()
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  test('where there can be no folder, listening fails', async () => {
    writeFileSync(folder, '')
    await expect(nodeLocalSockets(folder).listen('1', () => {})).rejects.toThrow()
    await expect(nodeLocalSockets(folder).names()).resolves.toEqual([])
  })

  test('what dead processes have left is taken over, and removed when one looks', async () => {
    const sockets = nodeLocalSockets(folder)
    const first = await sockets.listen('1', () => {})
    await leaveSocket(join(folder, '2.sock'))
    await leaveSocket(join(folder, '3.sock'))
    const second = await sockets.listen('2', () => {})
    expect(await sockets.names()).toEqual(['1', '2'])
    expect(existsSync(join(folder, '3.sock'))).toBe(false)
    await expect(sockets.listen('1', () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await first.close()
    await second.close()
    expect(await sockets.names()).toEqual([])
    await expect(sockets.connect('1')).rejects.toThrow()
  })
})
