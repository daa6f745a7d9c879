import type { Files, OpenFile } from '../platform/platform.ts'
import { FlushedPath } from './flushed-path.ts'

const FIRST_CAPACITY_BYTES = 256

/**
 * What `.index` and `.timeindex` have in common: entries of a fixed size in rising order, some of all batches. The index of a segment
 * that is written to lives in memory and goes to its file in one piece now and then: a crash loses nothing that recovery does not
 * rebuild. The index of an older segment stays in its file, and a lookup reads the few entries that it compares.
 *
 * Apache Kafka allocates 10 MiB for each file beforehand and cuts them to size at roll and close; what is left then is the same.
 */
export abstract class SparseIndex {
  path: string
  readonly baseOffset: bigint
  readonly #entryBytes: number
  readonly #files: Files
  /** All entries; undefined when they are only in the file. */
  #bytes: Buffer | undefined
  /** Bytes of `#bytes` in use. */
  #length = 0
  /** How much of that is in the file; -1 when there is no file. */
  #lengthInFile: number
  /** Size of the file in whole entries while it is not in memory; -1 until somebody asks. */
  #countInFile = -1
  readonly #device: FlushedPath

  constructor(files: Files, path: string, baseOffset: bigint, entryBytes: number, isNew: boolean) {
    this.#files = files
    this.path = path
    this.baseOffset = baseOffset
    this.#entryBytes = entryBytes
    this.#device = new FlushedPath(files, () => this.path)
    this.#lengthInFile = isNew ? -1 : 0
    if (isNew) this.#bytes = Buffer.alloc(0)
  }

  get count(): number {
    if (this.#bytes) return this.#length / this.#entryBytes
    if (this.#countInFile < 0) {
      const file = this.#files.open(this.path, 'read')
      this.#countInFile = Math.floor(file.size() / this.#entryBytes)
      file.close()
    }
    return this.#countInFile
  }

  get sizeInBytes(): number {
    return this.count * this.#entryBytes
  }

  /** Lookups touch no file. */
  get isInMemory(): boolean {
    return this.#bytes !== undefined
  }

  /** Why the file cannot be right, or undefined. Looks at its size and its last entry, as Apache Kafka does. */
  problem(): string | undefined {
    if (this.#bytes) return undefined
    if (!this.#files.exists(this.path)) return 'missing'
    const file = this.#files.open(this.path, 'read')
    const size = file.size()
    file.close()
    if (size % this.#entryBytes !== 0) return `${size} bytes are no multiple of ${this.#entryBytes}`
    return undefined
  }

  /** Brings the entries into memory, to append to them. */
  load(): void {
    if (this.#bytes) return
    this.#bytes = this.#files.read(this.path)
    this.#length = this.#bytes.length - (this.#bytes.length % this.#entryBytes)
    this.#lengthInFile = this.#length
  }

  /** Writes out what is not in the file yet; makes the file also when there are no entries. */
  writeOut(): void {
    if (!this.#bytes || this.#lengthInFile === this.#length) return
    const file = this.#files.open(this.path, 'create')
    try {
      this.#writeTo(file)
    } finally {
      file.close()
    }
  }

  /** The same, and on to the device. */
  async flush(): Promise<void> {
    this.writeOut()
    await this.#device.flush()
  }

  /** The same on the main thread. */
  flushSync(): void {
    this.writeOut()
    this.#device.flushSync()
  }

  #writeTo(file: OpenFile): void {
    const from = Math.max(0, this.#lengthInFile)
    if (from < this.#length) {
      file.write([this.#bytes!.subarray(from, this.#length)], from)
      // An empty file needs no flush: one that gets lost is made again.
      this.#device.isFlushed = false
    }
    this.#lengthInFile = this.#length
  }

  /** Writes out and forgets the bytes in memory: the segment gets no more batches. */
  release(): void {
    this.writeOut()
    if (this.#bytes) this.#countInFile = this.#length / this.#entryBytes
    this.#bytes = undefined
  }

  /** Forgets all entries, to build them anew in memory. */
  clear(): void {
    this.#bytes ??= Buffer.alloc(0)
    this.#length = 0
    this.#lengthInFile = -1
    if (this.#files.exists(this.path)) this.#cutFile(0)
  }

  /** Makes room for one more entry at the end; the caller fills it in. */
  protected push(): { bytes: Buffer; at: number } {
    this.load()
    const bytes = this.#bytes!
    const at = this.#length
    if (at + this.#entryBytes > bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY_BYTES, bytes.length * 2))
      bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
    }
    this.#length = at + this.#entryBytes
    return { bytes: this.#bytes!, at }
  }

  protected keepFirst(count: number): void {
    this.load()
    const length = count * this.#entryBytes
    if (length >= this.#length) return
    this.#length = length
    if (this.#lengthInFile > length) this.#cutFile(length)
  }

  #cutFile(length: number): void {
    const file = this.#files.open(this.path, 'write')
    file.truncate(length)
    file.close()
    this.#device.isFlushed = false
    this.#lengthInFile = length
  }

  /** Index of the last entry for which `isAtMost` holds; -1 when there is none. */
  protected search(isAtMost: (bytes: Buffer, at: number) => boolean): number {
    let low = -1
    let high = this.count - 1
    if (high < 0) return -1
    const inFile = this.#bytes ? undefined : this.#files.open(this.path, 'read')
    try {
      while (low < high) {
        const middle = Math.ceil((low + high) / 2)
        const { bytes, at } = this.#entry(middle, inFile)
        if (isAtMost(bytes, at)) low = middle
        else high = middle - 1
      }
    } finally {
      inFile?.close()
    }
    return low
  }

  /** Where the bytes of an entry are, until the next call. */
  protected entry(index: number): { bytes: Buffer; at: number } {
    if (this.#bytes) return this.#entry(index, undefined)
    const file = this.#files.open(this.path, 'read')
    try {
      return this.#entry(index, file)
    } finally {
      file.close()
    }
  }

  #entry(index: number, inFile: OpenFile | undefined): { bytes: Buffer; at: number } {
    const at = index * this.#entryBytes
    if (!inFile) return { bytes: this.#bytes!, at }
    const bytes = Buffer.allocUnsafe(this.#entryBytes)
    inFile.readSync(bytes, at)
    return { bytes, at: 0 }
  }
}
