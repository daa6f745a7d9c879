import {
  type DirectoryEntry,
  type DirectoryLock,
  DirectoryLockedError,
  type Files,
  type OpenFile,
} from './platform.ts'

/** Growth step of a file. Its last chunk is allocated by doubling from `FIRST_CHUNK_BYTES`, so small files waste little. */
const CHUNK_BYTES = 256 * 1024
const FIRST_CHUNK_BYTES = 512

/** Files that live in this object and nowhere else: for `--memory`, and for tests that want to see or break what is "on disk". */
export class MemoryFiles implements Files {
  readonly #files = new Map<string, MemoryFile>()
  /** Names of the entries of each folder. */
  readonly #directories = new Map<string, Set<string>>([['/', new Set()]])
  readonly #locks = new Set<string>()

  open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
    const at = normalise(path)
    let file = this.#files.get(at)
    if (!file) {
      if (mode !== 'create') throw fileError('ENOENT', 'open', path)
      if (this.#directories.has(at)) throw fileError('EISDIR', 'open', path)
      file = new MemoryFile()
      this.#enter(at, 'open')
      this.#files.set(at, file)
    }
    return new OpenMemoryFile(path, file, mode !== 'read')
  }

  exists(path: string): boolean {
    const at = normalise(path)
    return this.#files.has(at) || this.#directories.has(at)
  }

  list(path: string): DirectoryEntry[] {
    const at = normalise(path)
    const names = this.#directories.get(at)
    if (!names) throw fileError('ENOENT', 'scandir', path)
    return Array.from(names, (name) => ({ name, isDirectory: this.#directories.has(join(at, name)) }))
  }

  makeDirectory(path: string): void {
    const at = normalise(path)
    if (this.#directories.has(at)) return
    if (this.#files.has(at)) throw fileError('EEXIST', 'mkdir', path)
    this.makeDirectory(parentOf(at))
    this.#enter(at, 'mkdir')
    this.#directories.set(at, new Set())
  }

  remove(path: string): void {
    const at = normalise(path)
    if (this.#directories.has(at)) throw fileError('EISDIR', 'unlink', path)
    if (this.#files.delete(at)) this.#directories.get(parentOf(at))?.delete(nameOf(at))
  }

  removeDirectory(path: string): void {
    const at = normalise(path)
    const names = this.#directories.get(at)
    if (!names) {
      this.remove(path)
      return
    }
    for (const name of names) {
      const child = join(at, name)
      if (this.#directories.has(child)) this.removeDirectory(child)
      else this.#files.delete(child)
    }
    this.#directories.delete(at)
    this.#directories.get(parentOf(at))?.delete(nameOf(at))
  }

  rename(from: string, to: string): void {
    const source = normalise(from)
    const target = normalise(to)
    const file = this.#files.get(source)
    const names = this.#directories.get(source)
    if (!file && !names) throw fileError('ENOENT', 'rename', from)
    if (names && this.#directories.get(target)?.size) throw fileError('ENOTEMPTY', 'rename', to)
    this.#directories.get(parentOf(source))?.delete(nameOf(source))
    this.#enter(target, 'rename')
    if (file) {
      this.#files.delete(source)
      this.#files.set(target, file)
    } else if (names) this.#moveDirectory(source, target, names)
  }

  #moveDirectory(source: string, target: string, names: Set<string>): void {
    this.#directories.delete(source)
    this.#directories.set(target, names)
    for (const name of names) {
      const child = join(source, name)
      const file = this.#files.get(child)
      const childNames = this.#directories.get(child)
      if (file) {
        this.#files.delete(child)
        this.#files.set(join(target, name), file)
      } else if (childNames) this.#moveDirectory(child, join(target, name), childNames)
    }
  }

  read(path: string): Buffer {
    const file = this.#files.get(normalise(path))
    if (!file) throw fileError('ENOENT', 'open', path)
    const bytes = Buffer.alloc(file.size)
    file.read(bytes, 0)
    return bytes
  }

  replace(path: string, bytes: Buffer | string): void {
    const at = normalise(path)
    const file = new MemoryFile()
    file.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, 0)
    this.#enter(at, 'open')
    this.#files.set(at, file)
  }

  lock(path: string): DirectoryLock {
    const at = normalise(path)
    if (this.#locks.has(at)) throw new DirectoryLockedError(`${path} is locked by another broker`)
    if (!this.#files.has(at)) this.replace(path, '')
    this.#locks.add(at)
    return { release: () => void this.#locks.delete(at) }
  }

  space(): { totalBytes: number; usableBytes: number } {
    return { totalBytes: -1, usableBytes: -1 }
  }

  #enter(at: string, call: string): void {
    const names = this.#directories.get(parentOf(at))
    if (!names) throw fileError('ENOENT', call, at)
    names.add(nameOf(at))
  }
}

/** The bytes of one file, in chunks so that growth copies little. */
class MemoryFile {
  size = 0
  readonly #chunks: Buffer[] = []

  write(bytes: Buffer, position: number): void {
    if (position > this.size) this.#zero(this.size, position)
    let done = 0
    while (done < bytes.length) {
      const at = position + done
      const within = at % CHUNK_BYTES
      const count = Math.min(CHUNK_BYTES - within, bytes.length - done)
      bytes.copy(this.#chunk(Math.floor(at / CHUNK_BYTES), within + count), within, done, done + count)
      done += count
    }
    this.size = Math.max(this.size, position + bytes.length)
  }

  read(into: Buffer, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.size - position))
    let done = 0
    while (done < count) {
      const at = position + done
      const within = at % CHUNK_BYTES
      const part = Math.min(CHUNK_BYTES - within, count - done)
      this.#chunks[Math.floor(at / CHUNK_BYTES)]!.copy(into, done, within, within + part)
      done += part
    }
    return count
  }

  truncate(size: number): void {
    if (size > this.size) this.#zero(this.size, size)
    else this.#chunks.length = Math.ceil(size / CHUNK_BYTES)
    this.size = size
  }

  #zero(from: number, to: number): void {
    for (let at = from; at < to; ) {
      const within = at % CHUNK_BYTES
      const count = Math.min(CHUNK_BYTES - within, to - at)
      this.#chunk(Math.floor(at / CHUNK_BYTES), within + count).fill(0, within, within + count)
      at += count
    }
  }

  /** The chunk, grown to hold at least `length` bytes. */
  #chunk(index: number, length: number): Buffer {
    const chunk = this.#chunks[index]
    if (chunk && chunk.length >= length) return chunk
    let capacity = index > 0 ? CHUNK_BYTES : Math.max(FIRST_CHUNK_BYTES, (chunk?.length ?? 0) * 2)
    while (capacity < length) capacity *= 2
    const grown = Buffer.allocUnsafeSlow(Math.min(capacity, CHUNK_BYTES))
    chunk?.copy(grown)
    this.#chunks[index] = grown
    return grown
  }
}

class OpenMemoryFile implements OpenFile {
  readonly path: string
  readonly #file: MemoryFile
  readonly #isWritable: boolean
  #isOpen = true

  constructor(path: string, file: MemoryFile, isWritable: boolean) {
    this.path = path
    this.#file = file
    this.#isWritable = isWritable
  }

  size(): number {
    return this.#opened('fstat').size
  }

  write(buffers: readonly Buffer[], position: number): void {
    const file = this.#opened('write')
    let at = position
    for (const buffer of buffers) {
      file.write(buffer, at)
      at += buffer.length
    }
  }

  readSync(into: Buffer, position: number): number {
    return this.#opened('read').read(into, position)
  }

  read(into: Buffer, position: number): Promise<number> {
    return new Promise((resolve) => resolve(this.readSync(into, position)))
  }

  truncate(size: number): void {
    this.#opened('write').truncate(size)
  }

  flush(): Promise<void> {
    return new Promise((resolve) => resolve(this.flushSync()))
  }

  flushSync(): void {
    this.#opened('fsync')
  }

  close(): void {
    this.#isOpen = false
  }

  #opened(call: string): MemoryFile {
    if (!this.#isOpen || (call === 'write' && !this.#isWritable)) throw fileError('EBADF', call, this.path)
    return this.#file
  }
}

function fileError(code: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path })
}

function normalise(path: string): string {
  const parts = path
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
  return `/${parts.join('/')}`
}

function join(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`
}

function parentOf(at: string): string {
  return at.slice(0, Math.max(1, at.lastIndexOf('/')))
}

function nameOf(at: string): string {
  return at.slice(at.lastIndexOf('/') + 1)
}
