import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../platform/manual-clock.ts'
import type { Random } from '../../platform/platform.ts'
import { ZERO_UUID } from '../../protocol/api.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { type FetchContext, type FetchedRow, FetchSessions, type FetchTarget } from './fetch-sessions.ts'

function countingRandom(): Random {
  let next = 0
  return { bytes: Buffer.alloc, uuid: () => '', dashedUuid: () => '', integer: (below) => next++ % below }
}

function target(topic: string, partition = 0, fetchOffset = 0n): FetchTarget {
  return {
    topic,
    topicId: ZERO_UUID,
    partition,
    fetchOffset,
    maxBytes: 1000,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
  }
}

const quiet: FetchedRow = {
  errorCode: 0,
  highWatermark: 5n,
  logStartOffset: 0n,
  hasRecords: false,
  hasDivergingEpoch: false,
}

function setUp(slots = 10) {
  const clock = new ManualClock()
  const sessions = new FetchSessions(clock, countingRandom(), slots)
  const begin = (
    sessionId: number,
    sessionEpoch: number,
    targets: FetchTarget[] = [],
    forgotten: FetchTarget[] = [],
  ) => sessions.begin({ sessionId, sessionEpoch, usesTopicIds: false, targets, forgotten })
  const create = (targets: FetchTarget[], row = quiet) =>
    sessions.create(
      targets,
      targets.map(() => row),
      false,
    )
  return { clock, sessions, begin, create }
}

const names = (context: FetchContext) =>
  context.kind === 'error'
    ? context.errorCode
    : context.targets.map(({ topic, partition }) => `${topic}-${partition}`)

describe('FetchSessions', () => {
  test('a full fetch wants a session and gives up the one that it names', () => {
    const { sessions, begin, create } = setUp()
    const { id } = create([target('a')])!
    expect(begin(id, 0, [target('b')]).kind).toBe('full')
    expect(sessions.size).toBe(0)
    expect(begin(id, 1)).toEqual({ kind: 'error', errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND })
  })

  test('epoch -1 closes the session and stands alone', () => {
    const { sessions, begin, create } = setUp()
    const { id } = create([target('a')])!
    expect(begin(id, -1, [target('b')])).toMatchObject({ kind: 'sessionless' })
    expect(sessions.size).toBe(0)
  })

  test('an incremental fetch has the partitions of the session, with what it adds, changes and forgets', () => {
    const { begin, create } = setUp()
    const { id } = create([target('a'), target('b')])!
    const second = begin(id, 1, [target('c'), target('a', 0, 7n)], [target('b')])
    expect(names(second)).toEqual(['a-0', 'c-0'])
    expect(second).toMatchObject({ targets: [{ fetchOffset: 7n }, { fetchOffset: 0n }] })
    expect(names(begin(id, 2))).toEqual(['a-0', 'c-0'])
  })

  test('a wrong epoch is refused and changes nothing', () => {
    const { begin, create } = setUp()
    const { id } = create([target('a')])!
    expect(names(begin(id, 2, [target('x')]))).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    expect(names(begin(id, 1))).toEqual(['a-0'])
  })

  test('after the largest epoch comes 1', () => {
    const { begin, create } = setUp()
    const session = create([target('a')])!
    session.epoch = 0x7fffffff
    expect(begin(session.id, 0x7fffffff).kind).toBe('incremental')
    expect(begin(session.id, 1).kind).toBe('incremental')
  })

  test('a session of names cannot be asked with ids', () => {
    const { sessions, create } = setUp()
    const { id } = create([target('a')])!
    const context = sessions.begin({
      sessionId: id,
      sessionEpoch: 1,
      usesTopicIds: true,
      targets: [],
      forgotten: [],
    })
    expect(names(context)).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
  })

  test('a session that forgets all its partitions ends', () => {
    const { sessions, begin, create } = setUp()
    const { id } = create([target('a')])!
    const last = target('b')
    expect(begin(id, 1, [last], [target('a'), target('b')])).toEqual({ kind: 'sessionless', targets: [last] })
    expect(sessions.size).toBe(0)
  })

  test('only news is told: records, offsets that moved, errors, divergence', () => {
    const { begin, create } = setUp()
    const session = create([target('a')])!
    const { targets } = begin(session.id, 1) as { targets: FetchTarget[] }
    const told = (row: FetchedRow) => session.told(targets, [row])[0]
    expect(told(quiet)).toBe(false)
    expect(told({ ...quiet, hasRecords: true })).toBe(true)
    expect(told({ ...quiet, highWatermark: 6n })).toBe(true)
    expect(told({ ...quiet, highWatermark: 6n })).toBe(false)
    expect(told({ ...quiet, highWatermark: 6n, logStartOffset: 1n })).toBe(true)
    const failed = {
      ...quiet,
      errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      highWatermark: -1n,
      logStartOffset: -1n,
    }
    expect(told(failed)).toBe(true)
    expect(told(failed)).toBe(true)
    expect(told({ ...quiet, highWatermark: 6n, logStartOffset: 1n })).toBe(true)
    expect(told({ ...quiet, highWatermark: 6n, logStartOffset: 1n, hasDivergingEpoch: true })).toBe(true)
    expect(told({ ...quiet, highWatermark: 6n, logStartOffset: 1n })).toBe(true)
    expect(told({ ...quiet, highWatermark: 6n, logStartOffset: 1n })).toBe(false)
  })

  test('a partition that brought records goes to the end of the order', () => {
    const { begin, create } = setUp()
    const session = create([target('a'), target('b'), target('c')])!
    const { targets } = begin(session.id, 1) as { targets: FetchTarget[] }
    session.told(targets, [{ ...quiet, hasRecords: true }, quiet, quiet])
    expect(names(begin(session.id, 2))).toEqual(['b-0', 'c-0', 'a-0'])
  })

  test('without a free place there is no session, until one is stale', () => {
    const { clock, begin, create } = setUp(2)
    const first = create([target('a')])!
    const second = create([target('a')])!
    expect(create([target('a')])).toBeUndefined()
    clock.advance(100_000)
    begin(first.id, 1)
    clock.advance(21_000)
    expect(create([target('a')])).toBeDefined()
    expect(begin(second.id, 1).kind).toBe('error')
    expect(begin(first.id, 2).kind).toBe('incremental')
  })

  test('an old session in use gives way to a larger new one only', () => {
    const { clock, begin, create } = setUp(1)
    const { id } = create([target('a'), target('b')])!
    clock.advance(100_000)
    begin(id, 1)
    clock.advance(100_000)
    expect(create([target('a'), target('b')])).toBeUndefined()
    expect(create([target('a'), target('b'), target('c')])).toBeDefined()
  })

  test('no slots, no sessions', () => {
    expect(setUp(0).create([target('a')])).toBeUndefined()
  })
})
