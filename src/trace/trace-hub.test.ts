import { expect, test } from 'vitest'
import type { TappedConnection } from '../network/tap.ts'
import { ManualClock } from '../platform/manual-clock.ts'
import { type TraceEvent, TraceEventReader } from './trace-event.ts'
import { type Tappable, TraceHub, type TraceReader } from './trace-hub.ts'

const MEGABYTE = 1024 * 1024

const connection: TappedConnection = {
  id: 1,
  listenerName: 'PLAINTEXT',
  clientAddress: '127.0.0.1',
  clientPort: 5000,
  localAddress: '127.0.0.1',
  localPort: 9092,
  clientSoftwareName: undefined,
  clientSoftwareVersion: undefined,
}

class MemoryReader implements TraceReader {
  queuedBytes = 0
  readonly events: TraceEvent[] = []
  readonly #reader = new TraceEventReader()

  write(bytes: Buffer): void {
    this.events.push(...this.#reader.read(bytes))
  }

  get kinds(): string[] {
    return this.events.map(({ kind }) => kind)
  }
}

/** A request of Metadata 12 with so many bytes behind its header, and its response. */
const request = (bytes = 0) =>
  Buffer.concat([Buffer.from([0, 3, 0, 12, 0, 0, 0, 7, 0xff, 0xff, 0]), Buffer.alloc(bytes)])
const response = [Buffer.from([0, 0, 0, 6, 0, 0]), Buffer.from([0, 7, 0, 1])]

function setUp() {
  const broker: Tappable = { tap: undefined, listeners: [{ host: '127.0.0.1', port: 9092 }] }
  const clock = new ManualClock()
  const hub = new TraceHub(broker, clock)
  return { broker, clock, hub }
}

test('taps the broker while there is a reader, and only then', () => {
  const { broker, hub } = setUp()
  expect(broker.tap).toBeUndefined()
  const [one, two] = [hub.attach(new MemoryReader()), hub.attach(new MemoryReader())]
  one()
  expect(broker.tap).toBe(hub)
  two()
  expect(broker.tap).toBeUndefined()
})

test('every reader is told all frames with their times, each connection before its first frame', () => {
  const { clock, hub } = setUp()
  const [early, late] = [new MemoryReader(), new MemoryReader()]
  hub.attach(early)
  hub.request(connection, request())
  clock.advance(5)
  hub.response(connection, response)
  hub.attach(late)
  hub.request(connection, request())
  hub.response(connection, null)
  hub.closing(connection, 'no reason')
  hub.closed(connection)
  expect(early.kinds).toEqual(['hello', 'connection', 'request', 'response', 'request', 'response', 'closed'])
  expect(late.kinds).toEqual(['hello', 'connection', 'request', 'response', 'closed'])
  const [hello, introduction, asked, answered, , unanswered, closed] = early.events
  expect(hello).toEqual({ kind: 'hello', hello: { format: 1, addresses: ['127.0.0.1:9092'] } })
  expect(introduction).toMatchObject({ connection: { id: 1, clientPort: 5000 } })
  expect(asked).toMatchObject({ bytes: request(), frameBytes: 11, secrets: 'none' })
  expect(answered).toMatchObject({ bytes: Buffer.concat(response).subarray(4), frameBytes: 6 })
  const timeOf = (event: TraceEvent | undefined) => (event && 'timeMs' in event ? event.timeMs : Number.NaN)
  expect(timeOf(answered) - timeOf(asked)).toBeCloseTo(5)
  expect(unanswered).toMatchObject({ frameBytes: -1 })
  expect(closed).toMatchObject({ kind: 'closed', reason: 'no reason' })
})

test('a connection is told anew when its client has said what software it is', () => {
  const { hub } = setUp()
  const reader = new MemoryReader()
  hub.attach(reader)
  hub.request(connection, request())
  hub.request({ ...connection, clientSoftwareName: 'kafkajs', clientSoftwareVersion: '2' }, request())
  expect(reader.kinds).toEqual(['hello', 'connection', 'request', 'connection', 'request'])
})

test('what a slow reader does not take is left out and counted; others miss nothing', () => {
  const { hub } = setUp()
  const [slow, quick] = [new MemoryReader(), new MemoryReader()]
  hub.attach(slow)
  hub.attach(quick)
  hub.request(connection, request())
  slow.queuedBytes = 16 * MEGABYTE
  hub.response(connection, response)
  hub.request(connection, request())
  hub.response(connection, response)
  slow.queuedBytes = 15 * MEGABYTE
  hub.request(connection, request(2 * MEGABYTE))
  // There is room for this one; without its request it says nothing.
  hub.response(connection, response)
  hub.request(connection, request())
  expect(slow.kinds).toEqual(['hello', 'connection', 'request', 'dropped', 'request'])
  expect(slow.events[3]).toEqual({ kind: 'dropped', count: 5 })
  expect(quick.kinds.filter((kind) => kind === 'request')).toHaveLength(4)
  expect(quick.kinds.filter((kind) => kind === 'response')).toHaveLength(3)
})

test('of a huge frame the beginning is told, and its length', () => {
  const { hub } = setUp()
  const reader = new MemoryReader()
  hub.attach(reader)
  hub.request(connection, request(10 * MEGABYTE))
  expect(reader.events[2]).toMatchObject({ frameBytes: 11 + 10 * MEGABYTE })
  expect((reader.events[2] as { bytes: Buffer }).bytes).toHaveLength(4 * MEGABYTE)
})

test('a response whose memory is used again is told as it was', () => {
  const { hub } = setUp()
  const reader = new MemoryReader()
  hub.attach(reader)
  hub.request(connection, request())
  const lent = Buffer.concat(response)
  hub.response(connection, [lent])
  lent.fill(0xee)
  expect(reader.events[3]).toMatchObject({ bytes: Buffer.concat(response).subarray(4) })
})
