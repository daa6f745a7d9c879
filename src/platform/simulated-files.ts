import { Folder, fileError } from './file-tree.ts'
import { entriesOf } from './memory-files.ts'
import {
  type DirectoryEntry,
  type DirectoryLock,
  DirectoryLockedError,
  type Files,
  type OpenFile,
} from './platform.ts'
import { type FaultOptions, SimulatedFaults } from './simulated-faults.ts'
import { type LossOfChanges, SimulatedInode } from './simulated-inode.ts'
import { SimulatedNames } from './simulated-names.ts'
import { SimulatedRandom } from './simulated-random.ts'

/**
 * Files on a disk that may fail, fill up, and lose what was not flushed. A process sees what it wrote at once; the device has what was
 * flushed, and of the rest what chance left of it when power is lost.
 *
 * Bytes are lost, torn at a sector or reordered freely. Names (creations, renames, removals) follow one of two models. With a journal, as
 * on ext4 and XFS, it has them in the order in which they were done, a loss of power costs the end of it, and flushing any file or folder
 * carries all that it held before. Without one, each folder has its own order, and only flushing the folder makes its names safe: that is
 * all that POSIX promises. In both, names may be safe while the bytes that they name are not, as on XFS.
 */
export class SimulatedFiles implements Files {
  readonly isVolatile = false
  readonly faults = new SimulatedFaults()
  /** Bytes that fit on the disk. */
  capacityBytes = Number.POSITIVE_INFINITY
  /** All names are in one journal; else each folder has to be flushed. */
  hasJournal = true
  /** How many files a process may have open (EMFILE). */
  openLimit = Number.POSITIVE_INFINITY
  /** Lets what goes on off the main thread end: in the next microtask, unless a simulation says when. */
  complete: (task: () => void) => void = queueMicrotask
  readonly #random: SimulatedRandom
  #names = new SimulatedNames()
  /** Numbers all changes. */
  #turn = 0
  #usedBytes = 0
  #openCount = 0
  readonly #locks = new Set<string>()

  constructor(random = new SimulatedRandom(1)) {
    this.#random = random
  }

  /** Fails the n-th changing call from here on; see `SimulatedFaults`. */
  failAt(n: number, options: FaultOptions = {}): void {
    this.faults.failAt(n, options)
  }

  get #tree() {
    return this.#names.tree
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** The process is gone; what it wrote is in the page cache. */
  endProcess(): void {
    this.#locks.clear()
    this.#openCount = 0
    this.complete = queueMicrotask
  }

  /** Power is lost: what was not flushed survives in part. All that was open is dead. */
  losePower(): void {
    this.endProcess()
    const random = this.#random
    const loss = random.pick<LossOfChanges>(['all', 'tail', 'any', 'any'])
    const survivorOf = (inode: SimulatedInode) => new SimulatedInode(inode.afterPowerLoss(loss, random))
    this.#names = this.#names.afterPowerLoss(this.hasJournal, random, survivorOf)
    this.#usedBytes = 0
    for (const { current } of this.#tree.files()) this.#usedBytes += current.size
  }

  /** The operating system gets round to writing out what is old: the names, and the bytes of some files. */
  writeBack(): void {
    this.#names.commit(this.#turn)
    for (const inode of this.#tree.files()) {
      if (inode.isDirty && this.#random.chance(50)) inode.flush(this.#turn)
    }
  }

  open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
    let inode = this.#tree.file(path, 'open')
    if (!inode && mode !== 'create') throw fileError('ENOENT', 'open', path)
    if (this.#openCount >= this.openLimit) throw fileError('EMFILE', 'open', path)
    if (!inode) {
      this.#check('open create', path)
      const created = new SimulatedInode()
      this.#names.enter(++this.#turn, path, created, 'open')
      inode = created
    }
    this.#openCount++
    return new SimulatedOpenFile(path, inode, mode !== 'read', this.#calls)
  }

  exists(path: string): boolean {
    return this.#tree.find(path) !== undefined
  }

  list(path: string): DirectoryEntry[] {
    return entriesOf(this.#tree.folder(path, 'scandir'))
  }

  modifiedMs(): undefined {}

  makeDirectory(path: string): void {
    if (this.#tree.find(path) instanceof Folder) return
    this.#check('mkdir', path)
    const above = parentOf(path)
    if (!this.exists(above)) this.makeDirectory(above)
    this.#names.makeDirectory(++this.#turn, path)
  }

  remove(path: string): void {
    const inode = this.#tree.file(path, 'unlink')
    if (!inode) return
    this.#check('unlink', path)
    this.#unlink(inode)
    this.#names.remove(++this.#turn, path)
  }

  removeDirectory(path: string): Promise<void> {
    return this.#completed(() => {
      if (!this.exists(path)) return
      this.#check('rmdir', path)
      for (const inode of this.#tree.files(path)) this.#unlink(inode)
      this.#names.remove(++this.#turn, path)
    })
  }

  rename(from: string, to: string): void {
    this.#check('rename', from)
    const replaced = this.#tree.find(to)
    this.#names.rename(++this.#turn, from, to)
    if (replaced instanceof SimulatedInode) this.#unlink(replaced)
  }

  read(path: string): Buffer {
    const inode = this.#tree.file(path, 'open')
    if (!inode) throw fileError('ENOENT', 'open', path)
    return inode.current.all()
  }

  /** In the steps of the real one, each of which may fail. */
  replace(path: string, bytes: Buffer | string): void {
    const beside = `${path}.tmp`
    const file = this.open(beside, 'create')
    try {
      if (file.size() > 0) file.truncate(0)
      file.write([typeof bytes === 'string' ? Buffer.from(bytes) : bytes], 0)
      file.flushSync()
    } finally {
      file.close()
    }
    this.rename(beside, path)
    this.flushDirectorySync(parentOf(path))
  }

  flushDirectory(path: string): Promise<void> {
    const turn = this.#turn
    return this.#completed(() => this.#flushDirectory(path, turn))
  }

  flushDirectorySync(path: string): void {
    this.#flushDirectory(path, this.#turn)
  }

  #flushDirectory(path: string, turn: number): void {
    if (!this.exists(path)) return
    this.#check('fsync', path)
    this.#names.commit(turn, this.hasJournal ? undefined : this.#tree.folder(path, 'open'))
  }

  lock(path: string): DirectoryLock {
    if (this.#locks.has(path)) throw new DirectoryLockedError(`${path} is locked by another broker`)
    if (!this.exists(path)) this.open(path, 'create').close()
    this.#locks.add(path)
    return { release: () => void this.#locks.delete(path) }
  }

  space(): { totalBytes: number; usableBytes: number } {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return { totalBytes: -1, usableBytes: -1 }
    const usableBytes = Math.max(0, this.capacityBytes - this.#usedBytes)
    return { totalBytes: this.capacityBytes, usableBytes }
  }

  /** What an open file asks of its disk. */
  readonly #calls: DiskCalls = {
    write: (inode, path, bytes, position) => {
      const verdict = this.faults.judge('write', path)
      const fitting = this.#fitting(inode, bytes.length, position)
      const length = verdict === 'torn' ? bytes.length >> 1 : verdict === 'fails' ? 0 : fitting
      if (length > 0)
        this.#resize(inode, () => inode.write(++this.#turn, bytes.subarray(0, length), position))
      if (verdict !== 'done') throw fileError(this.faults.code, 'write', path)
      if (length < bytes.length) throw fileError('ENOSPC', 'write', path)
    },
    truncate: (inode, path, size) => {
      this.#check('ftruncate', path)
      this.#resize(inode, () => inode.truncate(++this.#turn, size))
    },
    flush: (inode, path, turn) => {
      this.#check('fdatasync', path)
      if (this.hasJournal) this.#names.commit(turn)
      inode.flush(turn)
    },
    now: () => this.#turn,
    completed: (work) => this.#completed(work),
    closed: () => {
      this.#openCount--
    },
  }

  /** What `work` gives, once it gets its turn off the main thread. */
  #completed<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) =>
      this.complete(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      }),
    )
  }

  #fitting(inode: SimulatedInode, length: number, position: number): number {
    const within = Math.max(0, Math.min(length, inode.current.size - position))
    return Math.max(within, Math.min(length, within + this.capacityBytes - this.#usedBytes))
  }

  #resize(inode: SimulatedInode, change: () => void): void {
    const before = inode.current.size
    change()
    if (inode.isLinked) this.#usedBytes += inode.current.size - before
  }

  #unlink(inode: SimulatedInode): void {
    if (inode.isLinked) this.#usedBytes -= inode.current.size
    inode.isLinked = false
  }

  #check(call: string, path: string): void {
    if (this.faults.judge(call, path) !== 'done') throw fileError(this.faults.code, call, path)
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}

interface DiskCalls {
  write(inode: SimulatedInode, path: string, bytes: Buffer, position: number): void
  truncate(inode: SimulatedInode, path: string, size: number): void
  /** Everything up to `turn` goes to the device. */
  flush(inode: SimulatedInode, path: string, turn: number): void
  now(): number
  completed<Result>(work: () => Result): Promise<Result>
  closed(): void
}

class SimulatedOpenFile implements OpenFile {
  readonly path: string
  readonly #inode: SimulatedInode
  readonly #isWritable: boolean
  readonly #disk: DiskCalls
  #isOpen = true

  constructor(path: string, inode: SimulatedInode, isWritable: boolean, disk: DiskCalls) {
    this.path = path
    this.#inode = inode
    this.#isWritable = isWritable
    this.#disk = disk
  }

  size(): number {
    return this.#opened('fstat').current.size
  }

  write(buffers: readonly Buffer[], position: number): void {
    const bytes = buffers.length === 1 ? buffers[0]! : Buffer.concat(buffers)
    this.#disk.write(this.#opened('write'), this.path, bytes, position)
  }

  readSync(into: Buffer, position: number): number {
    return this.#opened('read').current.read(into, position)
  }

  read(into: Buffer, position: number): Promise<number> {
    const inode = this.#opened('read')
    return this.#disk.completed(() => inode.current.read(into, position))
  }

  truncate(size: number): void {
    this.#disk.truncate(this.#opened('write'), this.path, size)
  }

  async flush(): Promise<void> {
    const turn = this.#disk.now()
    const inode = this.#opened('fsync')
    await this.#disk.completed(() => this.#disk.flush(inode, this.path, turn))
  }

  flushSync(): void {
    this.#disk.flush(this.#opened('fsync'), this.path, this.#disk.now())
  }

  close(): void {
    if (this.#isOpen) this.#disk.closed()
    this.#isOpen = false
  }

  #opened(call: string): SimulatedInode {
    if (!this.#isOpen || (call === 'write' && !this.#isWritable)) throw fileError('EBADF', call, this.path)
    return this.#inode
  }
}
