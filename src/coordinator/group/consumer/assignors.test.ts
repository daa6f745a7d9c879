import { describe, expect, test } from 'vitest'
import type { Assignor, MemberToAssign } from './assignor.ts'
import type { TargetPartitions } from './partitions.ts'
import { assignRanges } from './range-assignor.ts'
import { assignUniformly } from './uniform-assignor.ts'

/** Ids with the partitions of their topics. */
const topics = {
  t1: { id: '3uuUHgvWSoiQkOaGQTYVNw', count: 1 },
  t2: { id: '865_Gjw6TNOM-x9-uC4FDg', count: 2 },
  t3: { id: 'FFeMn1W0TRmxkj73oFsiYA', count: 3 },
  t16: { id: 'N20My0CsQs-NHGVEbSxqJw', count: 16 },
} as const
type TopicName = keyof typeof topics
type Assigned = Partial<Record<TopicName, number[]>>

const nameOf = (id: string) => (Object.keys(topics) as TopicName[]).find((name) => topics[name].id === id)!
const target = (assigned: Assigned): TargetPartitions =>
  new Map(
    Object.entries(assigned).map(([name, partitions]) => [topics[name as TopicName].id, new Set(partitions)]),
  )

/** What members get that had this before, and subscribe to these topics. */
function assign(
  assignor: Assignor,
  members: Record<string, { had?: Assigned; reads: TopicName[]; instanceId?: string }>,
): Record<string, Assigned> {
  const toAssign = Object.entries(members).map(
    ([memberId, { had = {}, reads, instanceId }]): MemberToAssign => ({
      memberId,
      instanceId: instanceId ?? null,
      topicIds: reads.map((name) => topics[name].id),
      target: target(had),
    }),
  )
  const reads = Object.values(members).map((member) => member.reads.join())
  const assignment = assignor({
    members: toAssign,
    isSameForAll: new Set(reads).size === 1,
    partitionCount: (id) => topics[nameOf(id)].count,
    isTargeted: (id, partition) => toAssign.some((member) => member.target.get(id)?.has(partition)),
  })
  return Object.fromEntries(
    Array.from(assignment, ([memberId, byTopic]) => [
      memberId,
      Object.fromEntries(
        Array.from(byTopic, ([id, partitions]) => [nameOf(id), [...partitions].sort((a, b) => a - b)]),
      ),
    ]),
  )
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('uniform, same topics for all', () => {
  const all: TopicName[] = ['t16', 't1', 't2', 't3']

  // As Apache Kafka 4.3.1 assigned in the same situation.
  test('a second member takes what the first has beyond its half, in the order of the first one', () => {
    const first = { t16: range(0, 15), t1: [0], t2: [0, 1], t3: [0, 1, 2] }
    expect(assign(assignUniformly, { a: { had: first, reads: all }, b: { reads: all } })).toEqual({
      a: { t16: range(0, 10) },
      b: { t16: range(11, 15), t1: [0], t2: [0, 1], t3: [0, 1, 2] },
    })
  })

  test('who has more than others keeps the odd one', () => {
    const reads: TopicName[] = ['t3']
    expect(
      assign(assignUniformly, {
        a: { had: { t3: [0] }, reads },
        b: { had: { t3: [1, 2] }, reads },
      }),
    ).toEqual({ a: { t3: [0] }, b: { t3: [1, 2] } })
  })

  test('partitions of a member that is gone fill up the others', () => {
    const reads: TopicName[] = ['t3', 't1']
    const given = assign(assignUniformly, {
      a: { had: { t3: [0] }, reads },
      b: { had: { t3: [2] }, reads },
    })
    expect(Object.values(given).map((assigned) => Object.values(assigned).flat().length)).toEqual([2, 2])
    expect(given.a!.t3).toContain(0)
    expect(given.b!.t3).toContain(2)
  })

  test('more members than partitions', () => {
    const reads: TopicName[] = ['t1']
    expect(assign(assignUniformly, { a: { had: { t1: [0] }, reads }, b: { reads } })).toEqual({
      a: { t1: [0] },
      b: {},
    })
  })

  test('no topics', () => {
    expect(assign(assignUniformly, { a: { had: { t1: [0] }, reads: [] } })).toEqual({})
  })
})

describe('uniform, different topics', () => {
  test('free partitions go to who has least of those that read the topic', () => {
    expect(assign(assignUniformly, { a: { reads: ['t3', 't2'] }, b: { reads: ['t2'] } })).toEqual({
      a: { t3: [0, 1, 2] },
      b: { t2: [0, 1] },
    })
  })

  test('from those that have most to those that have least, and no further than that', () => {
    expect(
      assign(assignUniformly, {
        a: { had: { t16: range(0, 15) }, reads: ['t16'] },
        b: { had: { t2: [0, 1] }, reads: ['t16', 't2'] },
      }),
    ).toEqual({ a: { t16: range(0, 8) }, b: { t16: range(9, 15), t2: [0, 1] } })
  })

  test('what is no longer read is taken', () => {
    expect(
      assign(assignUniformly, {
        a: { had: { t2: [0, 1], t1: [0] }, reads: ['t1'] },
        b: { reads: ['t2'] },
      }),
    ).toEqual({ a: { t1: [0] }, b: { t2: [0, 1] } })
  })
})

describe('range', () => {
  test('runs of each topic, one more for the first ones', () => {
    const reads: TopicName[] = ['t16', 't3']
    expect(assign(assignRanges, { c: { reads }, a: { reads }, b: { reads } })).toEqual({
      a: { t16: range(0, 5), t3: [0] },
      b: { t16: range(6, 10), t3: [1] },
      c: { t16: range(11, 15), t3: [2] },
    })
  })

  test('static members come first, by their instance id', () => {
    const reads: TopicName[] = ['t3']
    expect(
      assign(assignRanges, { a: { reads }, z: { reads, instanceId: '1' }, y: { reads, instanceId: '2' } }),
    ).toEqual({ z: { t3: [0] }, y: { t3: [1] }, a: { t3: [2] } })
  })

  test('only members that read a topic share it', () => {
    expect(
      assign(assignRanges, { a: { reads: ['t2', 't3'] }, b: { reads: ['t3'] }, c: { reads: [] } }),
    ).toEqual({
      a: { t2: [0, 1], t3: [0, 1] },
      b: { t3: [2] },
      c: {},
    })
  })
})
