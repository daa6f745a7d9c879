import type { FrameTap, TappedConnection } from '../network/tap.ts'
import type { Clock } from '../platform/platform.ts'
import { FrameSecrets } from './frame-secrets.ts'
import { encodeTraceEvent, TRACE_FORMAT, type TracedFrame, type TraceEvent } from './trace-event.ts'

const SIZE_BYTES = 4
/** Of a frame, what a reader gets. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024
/** A reader that is further behind than this misses what comes. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024

/** Whoever reads a trace. */
export interface TraceReader {
  /** Bytes that it was given and has not taken yet. */
  readonly queuedBytes: number
  /** Must not throw. */
  write(bytes: Buffer): void
}

/** What can be tapped: a broker. */
export interface Tappable {
  tap: FrameTap | undefined
  readonly listeners: readonly { readonly host: string; readonly port: number }[]
}

/**
 * Hands all frames of a broker to those who trace it, without secrets and otherwise as they are: decoding is the readers' work. Taps the broker
 * only while there is a reader. A reader never holds the broker up: what it does not take in time is left out for it, and counted.
 */
export class TraceHub implements FrameTap {
  readonly #tappable: Tappable
  readonly #clock: Clock
  readonly #readers = new Set<Attached>()
  /** What the wall clock said when the other one began: frames are told apart below the millisecond. */
  readonly #epochMs: number
  #secrets = new FrameSecrets()
  readonly #reasons = new Map<number, string>()

  constructor(tappable: Tappable, clock: Clock) {
    this.#tappable = tappable
    this.#clock = clock
    this.#epochMs = clock.now() - clock.elapsedMs()
  }

  /** Tells `reader` all from now on. Returns what ends that. */
  attach(reader: TraceReader): () => void {
    const attached = new Attached(reader)
    const addresses = this.#tappable.listeners.map(({ host, port }) => `${host}:${port}`)
    attached.tell({ kind: 'hello', hello: { format: TRACE_FORMAT, addresses } })
    if (this.#readers.size === 0) {
      this.#secrets = new FrameSecrets()
      this.#tappable.tap = this
    }
    this.#readers.add(attached)
    return () => {
      this.#readers.delete(attached)
      if (this.#readers.size === 0) this.#tappable.tap = undefined
    }
  }

  request(connection: TappedConnection, frame: Buffer): void {
    const { bytes, secrets } = this.#secrets.request(connection.id, frame)
    this.#tell(connection, 'request', bytes, frame.length, secrets)
  }

  response(connection: TappedConnection, buffers: readonly Buffer[] | null): void {
    if (buffers === null) {
      this.#tell(connection, 'response', Buffer.alloc(0), -1, 'none')
      return
    }
    const frameBytes = buffers.reduce((sum, { length }) => sum + length, -SIZE_BYTES)
    if (!this.#hasRoom(frameBytes)) {
      this.#secrets.answered(connection.id)
      for (const reader of this.#readers) reader.missed('response', connection.id)
      return
    }
    const frame = buffers.length === 1 ? buffers[0]! : Buffer.concat(buffers)
    const { bytes, secrets } = this.#secrets.response(connection.id, frame)
    this.#tell(connection, 'response', bytes, bytes.length, secrets)
  }

  closing(connection: TappedConnection, reason: string): void {
    this.#reasons.set(connection.id, reason)
  }

  closed({ id }: TappedConnection): void {
    const reason = this.#reasons.get(id) ?? ''
    this.#reasons.delete(id)
    this.#secrets.closed(id)
    const event: TraceEvent = { kind: 'closed', connectionId: id, timeMs: this.#now(), reason }
    for (const reader of this.#readers) reader.closed(event, id)
  }

  #tell(
    connection: TappedConnection,
    kind: 'request' | 'response',
    bytes: Buffer,
    frameBytes: number,
    secrets: TracedFrame['secrets'],
  ): void {
    const event: TraceEvent = {
      kind,
      connectionId: connection.id,
      timeMs: this.#now(),
      frameBytes,
      secrets,
      bytes: bytes.length > MAX_FRAME_BYTES ? bytes.subarray(0, MAX_FRAME_BYTES) : bytes,
    }
    for (const reader of this.#readers) reader.frame(event, connection)
  }

  /** Whether any reader would take such a frame. When none would, its pieces need not be put together. */
  #hasRoom(frameBytes: number): boolean {
    for (const reader of this.#readers) if (reader.hasRoom(Math.min(frameBytes, MAX_FRAME_BYTES))) return true
    return false
  }

  #now(): number {
    return this.#epochMs + this.#clock.elapsedMs()
  }
}

/** A reader with what it knows. */
class Attached {
  readonly #reader: TraceReader
  /** Connections that it was told of, with the software that was told. */
  readonly #introduced = new Map<number, string | undefined>()
  /** Connections whose request was left out: the response would mean nothing. */
  readonly #missed = new Set<number>()
  #droppedFrames = 0

  constructor(reader: TraceReader) {
    this.#reader = reader
  }

  frame(event: TraceEvent & { bytes: Buffer }, connection: TappedConnection): void {
    const { id, clientSoftwareName } = connection
    const isAnswerToMissed = this.#missed.delete(id) && event.kind === 'response'
    if (isAnswerToMissed || !this.hasRoom(event.bytes.length)) {
      this.missed(event.kind, id)
      return
    }
    this.#catchUp()
    if (!this.#introduced.has(id) || this.#introduced.get(id) !== clientSoftwareName) {
      this.#introduced.set(id, clientSoftwareName)
      this.tell({ kind: 'connection', connection: introduction(connection) })
    }
    this.tell(event)
  }

  hasRoom(bytes: number): boolean {
    return this.#reader.queuedBytes + bytes <= MAX_QUEUED_BYTES
  }

  missed(kind: TraceEvent['kind'], id: number): void {
    if (kind === 'request') this.#missed.add(id)
    else this.#missed.delete(id)
    this.#droppedFrames++
  }

  closed(event: TraceEvent, id: number): void {
    this.#missed.delete(id)
    // One that it never heard of may end unheard.
    if (!this.#introduced.delete(id)) return
    this.#catchUp()
    this.tell(event)
  }

  tell(event: TraceEvent): void {
    this.#reader.write(encodeTraceEvent(event))
  }

  #catchUp(): void {
    if (this.#droppedFrames === 0) return
    this.tell({ kind: 'dropped', count: this.#droppedFrames })
    this.#droppedFrames = 0
  }
}

function introduction({
  id,
  listenerName,
  clientAddress,
  clientPort,
  localAddress,
  localPort,
  clientSoftwareName,
  clientSoftwareVersion,
}: TappedConnection): TappedConnection {
  return {
    id,
    listenerName,
    clientAddress,
    clientPort,
    localAddress,
    localPort,
    clientSoftwareName,
    clientSoftwareVersion,
  }
}
