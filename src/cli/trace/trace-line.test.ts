import { expect, test } from 'vitest'
import type { TracedFrame } from '../../trace/trace-event.ts'
import type { DescribedExchange } from './described-exchange.ts'
import type { Exchange } from './exchanges.ts'
import { traceFilter } from './trace-filter.ts'
import { exchangeJson, exchangeLine, otherLine } from './trace-line.ts'

const connection = {
  id: 3,
  listenerName: 'PLAINTEXT',
  clientAddress: '10.0.0.7',
  clientPort: 50_000,
  localAddress: '10.0.0.1',
  localPort: 9092,
  clientSoftwareName: undefined,
  clientSoftwareVersion: undefined,
}
const timeMs = new Date(2026, 0, 2, 3, 4, 5, 6).getTime()
const frame = (text: string, atMs: number): TracedFrame => ({
  connectionId: 3,
  timeMs: atMs,
  frameBytes: text.length,
  secrets: 'none',
  bytes: Buffer.from(text),
})

function exchange(changes: Partial<Exchange> = {}): Exchange {
  return {
    kind: 'exchange',
    connection,
    request: frame('request', timeMs),
    response: frame('resp', timeMs + 1.25),
    outcome: 'answered',
    reason: '',
    ...changes,
  }
}

function described(changes: Partial<DescribedExchange> = {}): DescribedExchange {
  return {
    exchange: exchange(),
    head: { apiKey: 0, apiVersion: 7, correlationId: 42, clientId: 'shop', bodyAt: 10 },
    apiName: 'Produce',
    software: undefined,
    topics: ['orders'],
    errors: [],
    problem: undefined,
    ...changes,
  }
}

test('a line tells time, connection, client, API, topics, bytes, latency', () => {
  expect(exchangeLine(described())).toBe('03:04:05.006  #3  shop  Produce v7  orders  11 -> 8 B  1.3 ms')
})

test('software, many topics, and errors', () => {
  const line = exchangeLine(
    described({
      software: 'kafkajs 2.2.4',
      topics: ['a', 'b', 'c', 'd', 'e'],
      errors: ['NOT_LEADER_OR_FOLLOWER', 'INVALID_RECORD', 'MESSAGE_TOO_LARGE'],
    }),
  )
  expect(line).toContain('shop (kafkajs 2.2.4)  Produce v7  a,b,c,+2  11 -> 8 B')
  expect(line).toMatch(/NOT_LEADER_OR_FOLLOWER,INVALID_RECORD,\+1$/)
})

test.each([
  [{ response: undefined, outcome: 'wants no answer' }, '11 B, no answer wanted'],
  [{ response: undefined, outcome: 'connection ended' }, '11 B  connection ended by the client'],
  [{ response: undefined, outcome: 'connection ended', reason: 'bad' }, '11 B  connection ended: bad'],
  [{ response: undefined, outcome: 'answer not seen' }, '11 B  answer not seen'],
  [{ request: undefined }, '? -> 8 B'],
] as const)('%o', (changes, end) => {
  expect(exchangeLine(described({ exchange: exchange(changes) })).endsWith(end)).toBe(true)
})

test('what a client says cannot move the cursor', () => {
  const head = { apiKey: 0, apiVersion: 7, correlationId: 42, clientId: 'a\u001b[2J\nb', bodyAt: 10 }
  expect(exchangeLine(described({ head }))).toContain('  a?[2J?b  ')
})

test('lines of what is no exchange', () => {
  expect(otherLine({ kind: 'dropped', count: 12 })).toBe(
    '... 12 frames left out: this trace is slower than the broker',
  )
  expect(otherLine({ kind: 'closed', connection, timeMs, reason: 'a request of -1 bytes' })).toBe(
    '03:04:05.006  #3  connection ended: a request of -1 bytes',
  )
  expect(otherLine({ kind: 'closed', connection, timeMs, reason: '' })).toBeUndefined()
})

test('as an object, with the frames when they are asked for', () => {
  expect(exchangeJson(described({ errors: ['INVALID_RECORD'] }), false)).toEqual({
    time: new Date(timeMs).toISOString(),
    connection: 3,
    client: '10.0.0.7:50000',
    listener: 'PLAINTEXT',
    clientId: 'shop',
    software: null,
    api: 'Produce',
    apiKey: 0,
    version: 7,
    correlationId: 42,
    topics: ['orders'],
    requestBytes: 11,
    responseBytes: 8,
    latencyMs: 1.25,
    errors: ['INVALID_RECORD'],
    outcome: 'answered',
  })
  expect(exchangeJson(described(), true)).toMatchObject({ request: '72657175657374', response: '72657370' })
})

test.each([
  [{}, true],
  [{ api: ['fetch,PRODUCE'] }, true],
  [{ api: ['0'] }, true],
  [{ api: ['Fetch'] }, false],
  [{ topic: ['users', 'orders'] }, true],
  [{ topic: ['order'] }, false],
  [{ client: 'SHO' }, true],
  [{ client: '10.0.0.7:' }, true],
  [{ client: 'kafkajs' }, false],
  [{ errors: true }, false],
  [{ api: ['produce'], client: 'shop', topic: ['users'] }, false],
])('the filter %o lets it through: %s', (options, isShown) => {
  expect(traceFilter(options)(described())).toBe(isShown)
})

test('errors are error codes and connections that the broker ended', () => {
  const filter = traceFilter({ errors: true })
  expect(filter(described({ errors: ['INVALID_RECORD'] }))).toBe(true)
  expect(filter(described({ exchange: exchange({ outcome: 'connection ended', reason: 'bad' }) }))).toBe(true)
  expect(filter(described({ exchange: exchange({ outcome: 'connection ended' }) }))).toBe(false)
})

test('an API that does not exist is a usage error that tells what is near', () => {
  expect(() => traceFilter({ api: ['offset'] })).toThrow(
    expect.objectContaining({
      exitCode: 2,
      message: expect.stringContaining('OffsetCommit, OffsetFetch'),
    }),
  )
})
