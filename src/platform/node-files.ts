import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { lockDirectory } from './node-directory-lock.ts'
import type { DirectoryEntry, Files, OpenFile } from './platform.ts'

/** The machine's own file system. */
export function nodeFiles(): Files {
  return {
    isVolatile: false,
    open,
    exists: fs.existsSync,
    list,
    makeDirectory,
    remove: (path) => fs.rmSync(path, { force: true }),
    removeDirectory,
    rename: fs.renameSync,
    read: (path) => fs.readFileSync(path),
    modifiedMs: (path) => fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs,
    flushDirectory,
    flushDirectorySync,
    replace,
    lock: (path) => lockDirectory(path),
    space,
  }
}

/** Step by step: Node's own recursive way never ends where a parent exists and still takes no entries, as below /proc. */
function makeDirectory(path: string): void {
  try {
    fs.mkdirSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const parent = dirname(path)
    if (code === 'ENOENT' && parent !== path) {
      makeDirectory(parent)
      fs.mkdirSync(path)
    } else if (code !== 'EEXIST' || !fs.statSync(path).isDirectory()) throw error
  }
}

function open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
  const { O_RDONLY, O_RDWR, O_CREAT } = fs.constants
  const flags = mode === 'read' ? O_RDONLY : mode === 'write' ? O_RDWR : O_RDWR | O_CREAT
  return new NodeFile(path, fs.openSync(path, flags, 0o644))
}

function list(path: string): DirectoryEntry[] {
  return fs.readdirSync(path, { withFileTypes: true }).map((entry) => ({
    name: entry.name,
    isDirectory: entry.isDirectory() || (entry.isSymbolicLink() && leadsToFolder(join(path, entry.name))),
  }))
}

/** Who has put a partition on another disk has left a link to its folder. */
function leadsToFolder(link: string): boolean {
  try {
    return fs.statSync(link).isDirectory()
  } catch {
    // To nowhere, or in a circle: whoever opens it is told.
    return false
  }
}

/** One file after the other: flushes and reads need threads too while large ones go. What a link leads to stays. */
async function removeDirectory(path: string): Promise<void> {
  const found = await fs.promises.lstat(path).catch(() => undefined)
  if (found?.isDirectory())
    for (const name of await fs.promises.readdir(path)) await removeDirectory(join(path, name))
  await fs.promises.rm(path, { recursive: true, force: true })
}

function replace(path: string, bytes: Buffer | string): void {
  const beside = `${path}.tmp`
  const descriptor = fs.openSync(beside, 'w', 0o644)
  try {
    fs.writeFileSync(descriptor, bytes)
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
  fs.renameSync(beside, path)
  flushDirectorySync(dirname(path))
}

/** Windows opens no folders (EPERM, EISDIR), and some file systems cannot flush one (EINVAL): there names are safe at once, or never. */
const UNFLUSHABLE = new Set(['ENOENT', 'EPERM', 'EISDIR', 'EINVAL', 'EACCES', 'ENOTSUP'])

async function flushDirectory(path: string): Promise<void> {
  try {
    const folder = await fs.promises.open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (error) {
    if (!UNFLUSHABLE.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

function flushDirectorySync(path: string): void {
  try {
    const descriptor = fs.openSync(path, 'r')
    try {
      fs.fsyncSync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
  } catch (error) {
    if (!UNFLUSHABLE.has((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

function space(path: string): { totalBytes: number; usableBytes: number } {
  try {
    const { bsize, blocks, bavail } = fs.statfsSync(path)
    return { totalBytes: bsize * blocks, usableBytes: bsize * bavail }
  } catch {
    return { totalBytes: -1, usableBytes: -1 }
  }
}

class NodeFile implements OpenFile {
  readonly path: string
  readonly #descriptor: number

  constructor(path: string, descriptor: number) {
    this.path = path
    this.#descriptor = descriptor
  }

  size(): number {
    return fs.fstatSync(this.#descriptor).size
  }

  write(buffers: readonly Buffer[], position: number): void {
    const [first] = buffers
    if (first === undefined) return
    if (buffers.length === 1) {
      this.#writeRest(first, 0, position)
      return
    }
    // The kernel may take less than it was offered: what is left over goes buffer by buffer.
    let taken = fs.writevSync(this.#descriptor, buffers, position)
    let at = position
    for (const buffer of buffers) {
      if (taken < buffer.length) this.#writeRest(buffer, taken, at + taken)
      taken = Math.max(0, taken - buffer.length)
      at += buffer.length
    }
  }

  #writeRest(buffer: Buffer, from: number, position: number): void {
    let done = from
    while (done < buffer.length) {
      const count = fs.writeSync(this.#descriptor, buffer, done, buffer.length - done, position + done - from)
      if (count === 0) throw Object.assign(new Error(`EIO: nothing written to ${this.path}`), { code: 'EIO' })
      done += count
    }
  }

  readSync(into: Buffer, position: number): number {
    let done = 0
    while (done < into.length) {
      const count = fs.readSync(this.#descriptor, into, done, into.length - done, position + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  read(into: Buffer, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const readFrom = (done: number): void => {
        fs.read(this.#descriptor, into, done, into.length - done, position + done, (error, count) => {
          if (error) reject(error)
          else if (count === 0 || done + count === into.length) resolve(done + count)
          else readFrom(done + count)
        })
      }
      readFrom(0)
    })
  }

  truncate(size: number): void {
    fs.ftruncateSync(this.#descriptor, size)
  }

  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      // The bytes and the size are what must survive; times need not.
      fs.fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()))
    })
  }

  flushSync(): void {
    fs.fdatasyncSync(this.#descriptor)
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }
}
