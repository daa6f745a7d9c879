import { expect, test } from 'vitest'
import type { TracedConnection, TraceEvent } from '../../trace/trace-event.ts'
import { Exchanges } from './exchanges.ts'

const connection = { id: 1 } as TracedConnection
const frame = (
  kind: 'request' | 'response',
  timeMs: number,
  frameBytes = 1,
): TraceEvent & { timeMs: number } => ({
  kind,
  connectionId: 1,
  timeMs,
  frameBytes,
  secrets: 'none',
  bytes: Buffer.alloc(Math.max(0, frameBytes)),
})

/** What comes of events on one connection, in short. */
function outcomes(...events: TraceEvent[]) {
  const exchanges = new Exchanges()
  return [{ kind: 'connection', connection } as TraceEvent, ...events]
    .flatMap((event) => exchanges.take(event))
    .map((item) =>
      item.kind === 'exchange'
        ? [item.outcome, item.request?.timeMs, item.response?.timeMs, item.reason]
        : item.kind,
    )
}

test('a request and its response are one exchange', () => {
  expect(outcomes(frame('request', 1), frame('response', 2))).toEqual([['answered', 1, 2, '']])
})

test('a request that wants no answer is complete at once', () => {
  expect(outcomes(frame('request', 1), frame('response', 2, -1))).toEqual([
    ['wants no answer', 1, undefined, ''],
  ])
})

test('a response whose request came before the trace stands alone', () => {
  expect(outcomes(frame('response', 2))).toEqual([['answered', undefined, 2, '']])
})

test('a request whose answer was left out is told when the next one comes', () => {
  const dropped: TraceEvent = { kind: 'dropped', count: 1 }
  expect(outcomes(frame('request', 1), dropped, frame('request', 3), frame('response', 4))).toEqual([
    'dropped',
    ['answer not seen', 1, undefined, ''],
    ['answered', 3, 4, ''],
  ])
})

test('the end of a connection ends its request', () => {
  const closed: TraceEvent = { kind: 'closed', connectionId: 1, timeMs: 5, reason: 'bad' }
  expect(outcomes(frame('request', 1), closed)).toEqual([['connection ended', 1, undefined, 'bad'], 'closed'])
  expect(outcomes(closed)).toEqual(['closed'])
})

test('frames of a connection that was not told are of no use', () => {
  expect(new Exchanges().take(frame('request', 1))).toEqual([])
  expect(new Exchanges().take(frame('response', 1))).toEqual([])
})
