/**
 * The outside world, as interfaces: time, chance, files and sockets. A broker is handed one `Platform` and touches nothing else,
 * so that the same code runs on Node (`node-*.ts`), on in-memory files, and under a clock that a test moves.
 */

export interface Platform {
  readonly clock: Clock
  readonly random: Random
  readonly files: Files
  readonly network: Network
}

export interface Clock {
  /** Wall clock, whole milliseconds since the epoch. What records and checkpoints carry. */
  now(): number
  /** Milliseconds from an arbitrary start, never going back. For durations and deadlines. */
  elapsedMs(): number
  /** Runs `task` once, `delayMs` from now. A pending timer never keeps the process alive by itself. */
  schedule(delayMs: number, task: () => void): Timer
  /** Runs `task` after the events that are already waiting, before any timer. Lets other connections have their turn. */
  soon(task: () => void): void
}

export interface Timer {
  /** `Clock.elapsedMs` at which it is due. */
  readonly dueMs: number
  cancel(): void
}

export interface Random {
  /** Fresh random bytes. */
  bytes(length: number): Buffer
  /** A random UUID as Kafka writes topic ids, cluster ids and directory ids: 22 characters of base64url, never beginning with `-`. */
  uuid(): string
  /** A random UUID in the usual dashed form, as in member ids. */
  dashedUuid(): string
  /** A whole number from 0 to `below` - 1. */
  integer(below: number): number
}

/**
 * Files. Everything is synchronous but what really waits: `flush`, large reads and removals (design: an append hands its bytes to the operating
 * system on the spot; a failure is thrown where it belongs). Errors are Node's own, with `code` (`ENOENT`, `ENOSPC`, ...).
 */
export interface Files {
  /** Nothing outlives the process, so nobody has to wait for a flush. */
  readonly isVolatile: boolean
  /** `create`: makes the file when it is missing, and opens it for reading and writing. */
  open(path: string, mode: 'read' | 'write' | 'create'): OpenFile
  exists(path: string): boolean
  /** Names in a folder with their kind, unsorted; ENOENT when there is no such folder. */
  list(path: string): DirectoryEntry[]
  makeDirectory(path: string): void
  /** Removes one file; a missing one is no error. */
  remove(path: string): void
  /** Removes a folder and all in it, or a file, off the main thread: the larger a file, the longer that takes. A missing one is no error. */
  removeDirectory(path: string): Promise<void>
  rename(from: string, to: string): void
  /** A whole small file. */
  read(path: string): Buffer
  /** When a file was last written to, in milliseconds since the epoch; undefined where nobody keeps that. */
  modifiedMs(path: string): number | undefined
  /**
   * Resolves when the names in a folder are on the device: files that were made, renamed or removed may come back or be gone before that.
   * Off the main thread. A folder that is gone is no error, nor is a system where folders cannot be flushed.
   */
  flushDirectory(path: string): Promise<void>
  flushDirectorySync(path: string): void
  /**
   * Replaces a small file so that a crash leaves the old bytes or the new ones, never a mix: write beside it, flush, rename. When it
   * returns, the new ones are on the device.
   */
  replace(path: string, bytes: Buffer | string): void
  /** Takes the lock of a folder's `.lock` file, or throws `DirectoryLockedError`. */
  lock(path: string): DirectoryLock
  /** Bytes of the volume that holds `path`, for DescribeLogDirs; -1 when unknown. */
  space(path: string): { totalBytes: number; usableBytes: number }
}

export interface DirectoryEntry {
  readonly name: string
  readonly isDirectory: boolean
}

export interface OpenFile {
  readonly path: string
  /** Size in bytes. */
  size(): number
  /** Writes all bytes of all buffers one after the other from `position` on, or throws. */
  write(buffers: readonly Buffer[], position: number): void
  /** Fills `into` from `position` on; the count of bytes read, less than asked only at the end of the file. */
  readSync(into: Buffer, position: number): number
  /** The same off the main thread, for large reads. */
  read(into: Buffer, position: number): Promise<number>
  truncate(size: number): void
  /** Resolves when what was written is on the device (fsync), off the main thread. */
  flush(): Promise<void>
  flushSync(): void
  close(): void
}

export interface DirectoryLock {
  release(): void
}

export class DirectoryLockedError extends Error {
  override readonly name = 'DirectoryLockedError'
}

/** Sockets: just what `network/` needs of a TCP server. */
export interface Network {
  /** Resolves when the socket is bound; rejects with Node's error (`EADDRINUSE`, `EACCES`, ...). Port 0 takes a free one. */
  listen(options: ListenOptions, onConnection: (socket: Socket) => void): Promise<ListeningSocket>
}

export interface ListenOptions {
  /** Host to bind; undefined for all addresses, IPv6 and IPv4. */
  readonly host: string | undefined
  readonly port: number
  readonly backlog: number
}

export interface ListeningSocket {
  readonly host: string
  readonly port: number
  /** Stops accepting; resolves when the port is free. Open connections stay. */
  close(): Promise<void>
}

export interface Socket {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /**
   * Memory for the next bytes, never empty. Asked for before each read, so that a large frame arrives where it stays and idle
   * connections share one buffer. This and the other callbacks are set once, before any byte can arrive.
   */
  onSpace: () => Buffer
  /** So many bytes have arrived at the beginning of what `onSpace` gave last. */
  onBytes: (count: number) => void
  /** The peer closed, or an error ended it. Called once. */
  onClose: (error: Error | undefined) => void
  /** Sent bytes have drained after `write` returned false. */
  onDrain: () => void
  /**
   * Hands over buffers in order as one gathered write; false when the caller should wait for `onDrain`. `onWritten` is called once the
   * operating system has taken all of them, and never when the connection ends before that: until then the memory is the socket's.
   */
  write(buffers: readonly Buffer[], onWritten?: () => void): boolean
  /** Stops reading; the peer feels back-pressure. */
  pause(): void
  resume(): void
  /** Sends what was written, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}
