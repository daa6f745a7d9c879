import { FileTree, Folder, fileError } from './file-tree.ts'
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
  readonly isVolatile = true
  readonly #tree = new FileTree<FileBytes>()
  readonly #locks = new Set<string>()

  open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
    let file = this.#tree.file(path, 'open')
    if (!file) {
      if (mode !== 'create') throw fileError('ENOENT', 'open', path)
      file = new FileBytes()
      this.#tree.enter(path, file, 'open')
    }
    return new OpenMemoryFile(path, file, mode !== 'read')
  }

  exists(path: string): boolean {
    return this.#tree.find(path) !== undefined
  }

  list(path: string): DirectoryEntry[] {
    return entriesOf(this.#tree.folder(path, 'scandir'))
  }

  makeDirectory(path: string): void {
    this.#tree.makeDirectory(path)
  }

  remove(path: string): void {
    if (this.#tree.file(path, 'unlink')) this.#tree.remove(path)
  }

  async removeDirectory(path: string): Promise<void> {
    this.#tree.remove(path)
  }

  rename(from: string, to: string): void {
    this.#tree.rename(from, to)
  }

  read(path: string): Buffer {
    const file = this.#tree.file(path, 'open')
    if (!file) throw fileError('ENOENT', 'open', path)
    return file.all()
  }

  modifiedMs(): undefined {}

  async flushDirectory(): Promise<void> {}

  flushDirectorySync(): void {}

  replace(path: string, bytes: Buffer | string): void {
    const file = new FileBytes()
    file.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, 0)
    this.#tree.enter(path, file, 'open')
  }

  lock(path: string): DirectoryLock {
    if (this.#locks.has(path)) throw new DirectoryLockedError(`${path} is locked by another broker`)
    if (!this.exists(path)) this.replace(path, '')
    this.#locks.add(path)
    return { release: () => void this.#locks.delete(path) }
  }

  space(): { totalBytes: number; usableBytes: number } {
    return { totalBytes: -1, usableBytes: -1 }
  }
}

/** A folder as `Files.list` shows it. */
export function entriesOf<File>(folder: Folder<File>): DirectoryEntry[] {
  return Array.from(folder.entries, ([name, entry]) => ({ name, isDirectory: entry instanceof Folder }))
}

/** The bytes of one file, in chunks so that growth copies little. */
export class FileBytes {
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
      const chunk = this.#chunks[Math.floor(at / CHUNK_BYTES)]
      const copied = chunk && chunk.length > within ? chunk.copy(into, done, within, within + part) : 0
      into.fill(0, done + copied, done + part)
      done += part
    }
    return count
  }

  all(): Buffer {
    const bytes = Buffer.alloc(this.size)
    this.read(bytes, 0)
    return bytes
  }

  truncate(size: number): void {
    if (size > this.size) this.#zero(this.size, size)
    else this.#chunks.length = Math.ceil(size / CHUNK_BYTES)
    this.size = size
  }

  /** What a file never had counts as zeros without memory of its own: some are made as large as they may become. */
  #zero(from: number, to: number): void {
    const within = from % CHUNK_BYTES
    const chunk = this.#chunks[Math.floor(from / CHUNK_BYTES)]
    if (chunk && within < chunk.length) chunk.fill(0, within, Math.min(within + to - from, chunk.length))
  }

  /** The chunk, grown to hold at least `length` bytes. */
  #chunk(index: number, length: number): Buffer {
    const chunk = this.#chunks[index]
    if (chunk && chunk.length >= length) return chunk
    let capacity = index > 0 ? CHUNK_BYTES : Math.max(FIRST_CHUNK_BYTES, (chunk?.length ?? 0) * 2)
    while (capacity < length) capacity *= 2
    // Not `Buffer.alloc`, which asks the operating system for the smallest files too.
    const grown = Buffer.allocUnsafe(Math.min(capacity, CHUNK_BYTES)).fill(0)
    chunk?.copy(grown)
    this.#chunks[index] = grown
    return grown
  }
}

class OpenMemoryFile implements OpenFile {
  readonly path: string
  readonly #file: FileBytes
  readonly #isWritable: boolean
  #isOpen = true

  constructor(path: string, file: FileBytes, isWritable: boolean) {
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

  #opened(call: string): FileBytes {
    if (!this.#isOpen || (call === 'write' && !this.#isWritable)) throw fileError('EBADF', call, this.path)
    return this.#file
  }
}
