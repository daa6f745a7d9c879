import { expect, test } from 'vitest'
import { encodeTraceEvent, type TraceEvent, TraceEventReader } from './trace-event.ts'

const events: TraceEvent[] = [
  { kind: 'hello', hello: { format: 1, addresses: ['127.0.0.1:9092'] } },
  {
    kind: 'connection',
    connection: {
      id: 3,
      listenerName: 'PLAINTEXT',
      clientAddress: '127.0.0.1',
      clientPort: 5,
      localAddress: '127.0.0.1',
      localPort: 9092,
      clientSoftwareName: 'kafkajs',
      clientSoftwareVersion: '2.2.4',
    },
  },
  {
    kind: 'request',
    connectionId: 3,
    timeMs: 1_700_000_000_000.25,
    frameBytes: 3,
    secrets: 'masked',
    bytes: Buffer.from('abc'),
  },
  {
    kind: 'response',
    connectionId: 3,
    timeMs: 1_700_000_000_001.5,
    frameBytes: -1,
    secrets: 'none',
    bytes: Buffer.alloc(0),
  },
  { kind: 'closed', connectionId: 3, timeMs: 1_700_000_000_002, reason: 'it is älter' },
  { kind: 'dropped', count: 70_000 },
]

test('events come out as they went in, wherever the stream is cut', () => {
  const bytes = Buffer.concat(events.map(encodeTraceEvent))
  expect(new TraceEventReader().read(bytes)).toEqual(events)
  const reader = new TraceEventReader()
  const one = Array.from(bytes, (byte) => reader.read(Buffer.from([byte]))).flat()
  expect(one).toEqual(events)
})

test('what is no such stream is told', () => {
  expect(() => new TraceEventReader().read(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow(TypeError)
  expect(() => new TraceEventReader().read(Buffer.from([0, 0, 0, 1, 99]))).toThrow(
    'an event of an unknown kind',
  )
})
