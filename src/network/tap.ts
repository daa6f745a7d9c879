/** What a tap may know of a connection. */
export interface TappedConnection {
  readonly id: number
  readonly listenerName: string
  readonly clientAddress: string
  readonly clientPort: number
  readonly localAddress: string
  readonly localPort: number
  readonly clientSoftwareName: string | undefined
  readonly clientSoftwareVersion: string | undefined
}

/**
 * Sees every frame go by. There is none as a rule, which costs a comparison for each frame. It must not throw, and it must not wait: it
 * is called in the middle of serving.
 */
export interface FrameTap {
  /** A request is about to be served; the frame is without its size. One at a time is served on a connection. */
  request(connection: TappedConnection, frame: Buffer): void
  /** Its response, with its size; null for a request that gets none. The memory is only lent: who keeps bytes copies them. */
  response(connection: TappedConnection, buffers: readonly Buffer[] | null): void
  /** The broker is about to end the connection, and why. */
  closing(connection: TappedConnection, reason: string): void
  /** The connection is no more. */
  closed(connection: TappedConnection): void
}
