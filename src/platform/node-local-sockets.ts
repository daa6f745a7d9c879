import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { LocalListener, LocalSocket, LocalSockets } from './local-sockets.ts'

const SUFFIX = '.sock'
/** How long a client of a broker that ends may take to read the rest. */
const END_GRACE_MS = 1000

/** Where the sockets of this user are: a folder that nobody else may enter; on Windows the beginning of the pipes' names. */
export function localSocketPlace(): string {
  if (process.platform === 'win32') {
    return `\\\\.\\pipe\\odradek-${userInfo().username.replaceAll(/[^\w.-]/g, '_')}-`
  }
  return join(tmpdir(), `odradek-${ownId()}`)
}

/** Unix domain sockets, or named pipes on Windows. */
export function nodeLocalSockets(place = localSocketPlace()): LocalSockets {
  return process.platform === 'win32' ? pipes(place) : unixSockets(place)
}

function unixSockets(folder: string): LocalSockets {
  const pathOf = (name: string) => join(folder, `${name}${SUFFIX}`)
  return {
    async listen(name, onConnection) {
      makePrivate(folder)
      const path = pathOf(name)
      if (!(await isAlive(path))) rmSync(path, { force: true })
      return listen(path, onConnection)
    },
    connect: (name) => connect(pathOf(name)),
    async names() {
      const names: string[] = []
      for (const file of filesIn(folder)) {
        if (!file.endsWith(SUFFIX)) continue
        const name = file.slice(0, -SUFFIX.length)
        if (await isAlive(pathOf(name))) names.push(name)
        else rmSync(pathOf(name), { force: true })
      }
      return names.sort()
    },
  }
}

/** A pipe is gone with its process. Other users may at most read from it, never write. */
function pipes(prefix: string): LocalSockets {
  const root = '\\\\.\\pipe\\'
  return {
    listen: (name, onConnection) => listen(`${prefix}${name}`, onConnection),
    connect: (name) => connect(`${prefix}${name}`),
    names: async () =>
      filesIn(root)
        .map((file) => `${root}${file}`)
        .filter((path) => path.startsWith(prefix))
        .map((path) => path.slice(prefix.length))
        .sort(),
  }
}

/** A container may run as a user who has no name. */
function ownId(): number | undefined {
  return process.getuid?.()
}

/** Throws when the folder is somebody else's: who may enter it could listen to what brokers and clients say. */
function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const stat = lstatSync(folder)
  if (!stat.isDirectory() || stat.uid !== ownId()) throw new Error(`${folder} is not a folder of this user`)
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700)
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

async function isAlive(path: string): Promise<boolean> {
  try {
    const socket = await connect(path)
    socket.destroy()
    return true
  } catch {
    return false
  }
}

function listen(path: string, onConnection: (socket: LocalSocket) => void): Promise<LocalListener> {
  const server = net.createServer((socket) => onConnection(new NodeLocalSocket(socket)))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      server.on('error', () => {})
      // Whether somebody may trace is no reason for a process to go on.
      server.unref()
      resolve({
        close: () =>
          new Promise((closed) => {
            server.close()
            setImmediate(closed)
          }),
      })
    })
  })
}

function connect(path: string): Promise<LocalSocket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(new NodeLocalSocket(socket))
    })
  })
}

class NodeLocalSocket implements LocalSocket {
  readonly #socket: net.Socket

  constructor(socket: net.Socket) {
    this.#socket = socket
    socket.on('error', () => {})
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  write(bytes: Buffer): void {
    if (!this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.write(bytes)
  }

  onBytes(listener: (bytes: Buffer) => void): void {
    this.#socket.on('data', listener)
  }

  onClose(listener: () => void): void {
    if (this.#socket.closed) listener()
    else this.#socket.once('close', () => listener())
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
    setTimeout(() => this.#socket.destroy(), END_GRACE_MS).unref()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
