/**
 * Sockets between the processes of one user on one machine, each listener under a name. They are no part of a `Platform`: a broker works
 * without them.
 */
export interface LocalSockets {
  /** Takes a name over from a process that is gone. Rejects when another listens under it, or when there can be no such socket here. */
  listen(name: string, onConnection: (socket: LocalSocket) => void): Promise<LocalListener>
  /** Rejects with `ENOENT` or `ECONNREFUSED` when nobody listens. */
  connect(name: string): Promise<LocalSocket>
  /** The names under which somebody listens, in order. What processes that are gone have left behind is removed. */
  names(): Promise<string[]>
}

export interface LocalListener {
  /** Resolves when nobody can connect any more. Open connections stay. */
  close(): Promise<void>
}

export interface LocalSocket {
  /** Bytes that were written and that the peer's side has not taken yet. */
  readonly queuedBytes: number
  write(bytes: Buffer): void
  /** What comes before this is set is kept. */
  onBytes(listener: (bytes: Buffer) => void): void
  /** Called once, at once if it is closed already. */
  onClose(listener: () => void): void
  /** Stops reading; the peer's queue grows. */
  pause(): void
  resume(): void
  /** Sends what was written, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}
