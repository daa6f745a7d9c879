import { MemoryFiles } from '../../platform/memory-files.ts'
import type { OpenFile } from '../../platform/platform.ts'

/** What becomes of a call that changes files or makes sure of them. */
type Verdict = 'done' | 'fails' | 'torn'

/**
 * In-memory files whose n-th changing call (write, truncate, create, rename, remove, replace, flush) fails, or is the last that is done:
 * a disk that is full or broken, or a process that is killed at that point.
 */
export class FaultyFiles extends MemoryFiles {
  /** Changing calls so far, as `open create log` or `rename snapshot`. */
  readonly calls: string[] = []
  #failFrom = Number.POSITIVE_INFINITY
  #failTo = Number.POSITIVE_INFINITY
  #isTorn = false

  /** From here on the n-th call (1 is the next one) fails, and `count` - 1 behind it. A torn write leaves half of its bytes. */
  failAt(n: number, count = Number.POSITIVE_INFINITY, isTorn = false): void {
    this.#failFrom = this.calls.length + n
    this.#failTo = this.#failFrom + count
    this.#isTorn = isTorn
  }

  /** The n-th call has come, and the fault has not passed. */
  get isFailing(): boolean {
    return this.calls.length >= this.#failFrom && this.calls.length < this.#failTo
  }

  #judge(call: string, path: string): Verdict {
    this.calls.push(`${call} ${path.slice(path.lastIndexOf('/') + 1)}`)
    const n = this.calls.length
    if (n < this.#failFrom || n >= this.#failTo) return 'done'
    return this.#isTorn ? 'torn' : 'fails'
  }

  #check(call: string, path: string): void {
    if (this.#judge(call, path) !== 'done') throw failure(call, path)
  }

  override open(path: string, mode: 'read' | 'write' | 'create'): OpenFile {
    if (mode === 'create' && !this.exists(path)) this.#check('open create', path)
    const file = super.open(path, mode)
    return {
      path,
      size: () => file.size(),
      readSync: (into, position) => file.readSync(into, position),
      read: (into, position) => file.read(into, position),
      close: () => file.close(),
      write: (buffers, position) => {
        const verdict = this.#judge('write', path)
        if (verdict === 'done') return file.write(buffers, position)
        if (verdict === 'torn') file.write([buffers[0]!.subarray(0, buffers[0]!.length / 2)], position)
        throw failure('write', path)
      },
      truncate: (size) => {
        this.#check('ftruncate', path)
        file.truncate(size)
      },
      flush: async () => this.#check('fdatasync', path),
      flushSync: () => this.#check('fdatasync', path),
    }
  }

  override makeDirectory(path: string): void {
    if (!this.exists(path)) this.#check('mkdir', path)
    super.makeDirectory(path)
  }

  override remove(path: string): void {
    if (this.exists(path)) this.#check('unlink', path)
    super.remove(path)
  }

  override rename(from: string, to: string): void {
    this.#check('rename', from)
    super.rename(from, to)
  }

  override replace(path: string, bytes: Buffer | string): void {
    this.#check('replace', path)
    super.replace(path, bytes)
  }
}

function failure(syscall: string, path: string): Error {
  return Object.assign(new Error(`EIO: i/o error, ${syscall} '${path}'`), { code: 'EIO', syscall, path })
}
