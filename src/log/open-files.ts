import type { Files, OpenFile } from '../platform/platform.ts'

/**
 * The log files of a broker that are open at the moment. A file is opened when it is first read or written and stays open, but only
 * so many at once: thousands of partitions must not use up the descriptors that sockets need.
 */
export class OpenFiles {
  readonly files: Files
  readonly #limit: number
  readonly #open = new Set<LogFile>()

  constructor(files: Files, limit = 1000) {
    this.files = files
    this.#limit = limit
  }

  get count(): number {
    return this.#open.size
  }

  /** Called by a file that has just been opened. */
  add(file: LogFile): void {
    this.#open.add(file)
    if (this.#open.size > this.#limit) this.#closeSome()
  }

  remove(file: LogFile): void {
    this.#open.delete(file)
  }

  /** Closes a quarter, first those that nobody touched since the last time. */
  #closeSome(): void {
    const target = Math.floor((this.#limit * 3) / 4)
    for (const file of this.#open) {
      if (this.#open.size <= target) return
      if (!file.wasUsed) file.close()
      file.wasUsed = false
    }
    for (const file of this.#open) {
      if (this.#open.size <= target) return
      file.close()
    }
  }
}

/** An open descriptor, which must outlive the reads and flushes that are under way on it. */
class Descriptor {
  readonly file: OpenFile
  #pending = 0
  #isReleased = false

  constructor(file: OpenFile) {
    this.file = file
  }

  async during<Result>(work: Promise<Result>): Promise<Result> {
    this.#pending++
    try {
      return await work
    } finally {
      this.#pending--
      if (this.#isReleased && this.#pending === 0) this.file.close()
    }
  }

  release(): void {
    this.#isReleased = true
    if (this.#pending === 0) this.file.close()
  }
}

/** One file of a log, open only while it is in use. Knows no format. */
export class LogFile {
  path: string
  /** Touched since `OpenFiles` looked last. */
  wasUsed = false
  readonly #pool: OpenFiles
  #descriptor: Descriptor | undefined

  constructor(pool: OpenFiles, path: string) {
    this.#pool = pool
    this.path = path
  }

  /** Makes the file when it is missing. */
  create(): void {
    if (!this.#descriptor) this.#open('create')
  }

  size(): number {
    return this.#use().file.size()
  }

  write(bytes: Buffer, position: number): void {
    this.create()
    this.#use().file.write([bytes], position)
  }

  readSync(into: Buffer, position: number): number {
    return this.#use().file.readSync(into, position)
  }

  read(into: Buffer, position: number): Promise<number> {
    const descriptor = this.#use()
    return descriptor.during(descriptor.file.read(into, position))
  }

  truncate(size: number): void {
    this.#use().file.truncate(size)
  }

  flush(): Promise<void> {
    const descriptor = this.#use()
    return descriptor.during(descriptor.file.flush())
  }

  flushSync(): void {
    this.#use().file.flushSync()
  }

  /** Gives the descriptor back; what is under way ends first. Not final: the next use opens the file again. */
  close(): void {
    const descriptor = this.#descriptor
    if (!descriptor) return
    this.#descriptor = undefined
    this.#pool.remove(this)
    descriptor.release()
  }

  #use(): Descriptor {
    this.wasUsed = true
    return this.#descriptor ?? this.#open('write')
  }

  #open(mode: 'write' | 'create'): Descriptor {
    const descriptor = new Descriptor(this.#pool.files.open(this.path, mode))
    this.#descriptor = descriptor
    this.wasUsed = true
    this.#pool.add(this)
    return descriptor
  }
}
