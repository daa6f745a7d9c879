/**
 * What a broker tells those who trace it: a stream of events, each its length (4 bytes), its kind (1 byte) and its content. A reader is of
 * the same release as the broker or refuses: `hello` comes first and says which form the rest has.
 */
export type TraceEvent =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'connection'; readonly connection: TracedConnection }
  | ({ readonly kind: 'request' | 'response' } & TracedFrame)
  | {
      readonly kind: 'closed'
      readonly connectionId: number
      readonly timeMs: number
      /** Why the broker ended the connection; empty when the client did. */
      readonly reason: string
    }
  /** So many frames were left out here, because the reader was too slow. */
  | { readonly kind: 'dropped'; readonly count: number }

export const TRACE_FORMAT = 1

/** What a reader says first: who connects and says nothing only looks whether there is a broker. */
export const TRACE_REQUEST = Buffer.from('trace')

export interface Hello {
  readonly format: number
  /** Where clients reach the broker. */
  readonly addresses: readonly string[]
}

/** Told before the first frame of a connection, and again when the client has told its software. */
export interface TracedConnection {
  readonly id: number
  readonly listenerName: string
  readonly clientAddress: string
  readonly clientPort: number
  readonly localAddress: string
  readonly localPort: number
  readonly clientSoftwareName: string | undefined
  readonly clientSoftwareVersion: string | undefined
}

export interface TracedFrame {
  readonly connectionId: number
  /** Milliseconds since the epoch, with a fraction. */
  readonly timeMs: number
  /** The frame without its size; less when it is cut, none when a request gets no response. */
  readonly bytes: Buffer
  /** Length of the frame without its size; -1: there is no response. */
  readonly frameBytes: number
  /** What was done about secrets: nothing, they were overwritten, or all behind the header was. */
  readonly secrets: Secrets
}

export const secretsKinds = ['none', 'masked', 'withheld'] as const
export type Secrets = (typeof secretsKinds)[number]

const kinds = ['hello', 'connection', 'request', 'response', 'closed', 'dropped'] as const
const HEADER_BYTES = 5
const FRAME_FIXED_BYTES = 17
const CLOSED_FIXED_BYTES = 12
/** Nothing that a broker tells is longer. */
const MAX_EVENT_BYTES = 64 * 1024 * 1024

export function encodeTraceEvent(event: TraceEvent): Buffer {
  switch (event.kind) {
    case 'hello':
      return framed('hello', Buffer.from(JSON.stringify(event.hello)))
    case 'connection':
      return framed('connection', Buffer.from(JSON.stringify(event.connection)))
    case 'request':
    case 'response': {
      const fixed = Buffer.allocUnsafe(FRAME_FIXED_BYTES)
      fixed.writeUInt32BE(event.connectionId)
      fixed.writeDoubleBE(event.timeMs, 4)
      fixed.writeInt32BE(event.frameBytes, 12)
      fixed[16] = secretsKinds.indexOf(event.secrets)
      return framed(event.kind, fixed, event.bytes)
    }
    case 'closed': {
      const fixed = Buffer.allocUnsafe(CLOSED_FIXED_BYTES)
      fixed.writeUInt32BE(event.connectionId)
      fixed.writeDoubleBE(event.timeMs, 4)
      return framed('closed', fixed, Buffer.from(event.reason))
    }
    case 'dropped': {
      const fixed = Buffer.allocUnsafe(4)
      fixed.writeUInt32BE(event.count)
      return framed('dropped', fixed)
    }
  }
}

function framed(kind: (typeof kinds)[number], ...parts: Buffer[]): Buffer {
  const length = parts.reduce((sum, { length }) => sum + length, 1)
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header.writeUInt32BE(length)
  header[4] = kinds.indexOf(kind)
  return Buffer.concat([header, ...parts])
}

/** Cuts the bytes of a stream into events. */
export class TraceEventReader {
  #rest: Buffer = Buffer.alloc(0)

  /** The events that `bytes` complete. Throws `TypeError` when this is no such stream. */
  read(bytes: Buffer): TraceEvent[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const events: TraceEvent[] = []
    let at = 0
    while (all.length - at >= HEADER_BYTES) {
      const length = all.readUInt32BE(at)
      if (length < 1 || length > MAX_EVENT_BYTES) throw new TypeError(`an event of ${length} bytes`)
      if (all.length - at - 4 < length) break
      events.push(decode(kinds[all[at + 4]!], all.subarray(at + HEADER_BYTES, at + 4 + length)))
      at += 4 + length
    }
    this.#rest = all.subarray(at)
    return events
  }
}

function decode(kind: (typeof kinds)[number] | undefined, content: Buffer): TraceEvent {
  switch (kind) {
    case 'hello':
      return { kind, hello: JSON.parse(content.toString()) as Hello }
    case 'connection':
      return { kind, connection: JSON.parse(content.toString()) as TracedConnection }
    case 'request':
    case 'response':
      return {
        kind,
        connectionId: content.readUInt32BE(0),
        timeMs: content.readDoubleBE(4),
        frameBytes: content.readInt32BE(12),
        secrets: secretsKinds[content[16]!] ?? 'withheld',
        bytes: content.subarray(FRAME_FIXED_BYTES),
      }
    case 'closed':
      return {
        kind,
        connectionId: content.readUInt32BE(0),
        timeMs: content.readDoubleBE(4),
        reason: content.toString('utf8', CLOSED_FIXED_BYTES),
      }
    case 'dropped':
      return { kind, count: content.readUInt32BE(0) }
    case undefined:
      throw new TypeError('an event of an unknown kind')
  }
}
