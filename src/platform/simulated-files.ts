import { FileTree, fileError } from './file-tree.ts'
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
import { SimulatedRandom } from './simulated-random.ts'

/** A change of names, not on the device yet. */
interface JournalEntry {
  readonly turn: number
  readonly apply: (tree: FileTree<SimulatedInode>) => void
}

/**
 * Files on a disk that may fail, fill up, and lose what was not flushed. A process sees what it wrote at once; the device has what was
 * flushed, and of the rest what chance left of it when power is lost.
 *
 * Bytes are lost, torn at a sector or reordered freely. Names (creations, renames, removals) follow the model of the journaling file
 * systems that brokers run on, ext4 and XFS: the journal has them in the order in which they were done, a loss of power costs the end of
 * it, and flushing any file carries all that the journal held before. POSIX promises less (a name is safe only after its folder was
 * flushed), but no file system in use goes that far; and names may be safe while the bytes that they name are not, as on XFS.
 */
export class SimulatedFiles implements Files {
  readonly faults = new SimulatedFaults()
  /** Bytes that fit on the disk. */
  capacityBytes = Number.POSITIVE_INFINITY
  /** How many files a process may have open (EMFILE). */
  openLimit = Number.POSITIVE_INFINITY
  /** Lets what goes on off the main thread end: in the next microtask, unless a simulation says when. */
  complete: (task: () => void) => void = queueMicrotask
  readonly #random: SimulatedRandom
  #tree = new FileTree<SimulatedInode>()
  /** The names as they are on the device. */
  #device = new FileTree<SimulatedInode>()
  #journal: JournalEntry[] = []
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
    const kept = random.integer(this.#journal.length + 1)
    for (const { apply } of this.#journal.slice(0, kept)) apply(this.#device)
    const loss = random.pick<LossOfChanges>(['all', 'tail', 'any', 'any'])
    const survivors = this.#device.map((inode) => new SimulatedInode(inode.afterPowerLoss(loss, random)))
    this.#tree = survivors
    this.#device = survivors.map((inode) => inode)
    this.#journal = []
    this.#usedBytes = 0
    for (const { current } of survivors.files()) this.#usedBytes += current.size
  }

  /** The operating system gets round to writing out what is old: the names, and the bytes of some files. */
  writeBack(): void {
    this.#commitJournal(this.#turn)
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
      this.#change((tree) => tree.enter(path, created, 'open'))
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

  makeDirectory(path: string): void {
    if (!this.exists(path)) this.#check('mkdir', path)
    this.#change((tree) => tree.makeDirectory(path))
  }

  remove(path: string): void {
    const inode = this.#tree.file(path, 'unlink')
    if (!inode) return
    this.#check('unlink', path)
    this.#unlink(inode)
    this.#change((tree) => tree.remove(path))
  }

  removeDirectory(path: string): void {
    if (!this.exists(path)) return
    this.#check('rmdir', path)
    for (const inode of this.#tree.files(path)) this.#unlink(inode)
    this.#change((tree) => tree.remove(path))
  }

  rename(from: string, to: string): void {
    this.#check('rename', from)
    const replaced = this.#tree.find(to)
    this.#change((tree) => tree.rename(from, to))
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
      this.#commitJournal(turn)
      inode.flush(turn)
    },
    now: () => this.#turn,
    complete: (task) => this.complete(task),
    closed: () => {
      this.#openCount--
    },
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

  #change(apply: (tree: FileTree<SimulatedInode>) => void): void {
    apply(this.#tree)
    this.#journal.push({ turn: ++this.#turn, apply })
  }

  #commitJournal(turn: number): void {
    let count = 0
    for (const entry of this.#journal) {
      if (entry.turn > turn) break
      entry.apply(this.#device)
      count++
    }
    this.#journal.splice(0, count)
  }
}

interface DiskCalls {
  write(inode: SimulatedInode, path: string, bytes: Buffer, position: number): void
  truncate(inode: SimulatedInode, path: string, size: number): void
  /** Everything up to `turn` goes to the device. */
  flush(inode: SimulatedInode, path: string, turn: number): void
  now(): number
  complete(task: () => void): void
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
    return new Promise((resolve) => this.#disk.complete(() => resolve(inode.current.read(into, position))))
  }

  truncate(size: number): void {
    this.#disk.truncate(this.#opened('write'), this.path, size)
  }

  flush(): Promise<void> {
    const turn = this.#disk.now()
    return new Promise((resolve, reject) => {
      const inode = this.#opened('fsync')
      this.#disk.complete(() => {
        try {
          this.#disk.flush(inode, this.path, turn)
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
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
