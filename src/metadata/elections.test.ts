import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../protocol/error-code.ts'
import { departures, ElectionType, electionsAtStart, electLeaders } from './elections.ts'
import { clusterImage, replay } from './test-support/cluster-image.ts'

const { PREFERRED, UNCLEAN } = ElectionType
const codes = (outcomes: ReturnType<typeof electLeaders>['outcomes']) =>
  outcomes.map(({ topic, partitions }) => [topic, partitions.map(({ error }) => error?.code)])

describe('electLeaders', () => {
  test('the preferred replica leads again, if it is alive and in sync', () => {
    const image = clusterImage({ 1: 'alive', 2: 'alive', 3: 'fenced' }, [
      { replicas: [1, 2], leader: 2 },
      { replicas: [1, 2], leader: 2, isr: [2] },
      { replicas: [3, 2], leader: 2 },
      { replicas: [1, 2] },
    ])
    const asked = [
      { topic: 't', partitions: [0, 1, 2, 3, 9] },
      { topic: 'none', partitions: [0] },
    ]
    const { records, outcomes } = electLeaders(image, PREFERRED, asked)
    expect(codes(outcomes)).toEqual([
      [
        't',
        [
          undefined,
          ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
          ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
          ErrorCode.ELECTION_NOT_NEEDED,
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ],
      ],
      ['none', [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
    ])
    replay(image, records)
    expect(image.topic('t')!.partitions[0]).toMatchObject({ leader: 1, leaderEpoch: 1, isr: [1, 2] })
    expect(image.topic('t')!.partitions[1]).toMatchObject({ leader: 2, leaderEpoch: 0 })
  })

  test('a replica that may lack records leads only when it is asked for and nobody else can', () => {
    const lost = { replicas: [3, 2], leader: -1, isr: [3] }
    const image = clusterImage({ 1: 'alive', 2: 'alive', 3: 'fenced' }, [
      lost,
      { replicas: [3], leader: -1, isr: [3] },
      { replicas: [2] },
    ])
    const asked = [{ topic: 't', partitions: [0, 1, 2] }]
    expect(codes(electLeaders(image, PREFERRED, asked).outcomes)[0]![1]![0]).toBe(
      ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
    )
    const { records, outcomes } = electLeaders(image, UNCLEAN, asked)
    expect(codes(outcomes)).toEqual([
      ['t', [undefined, ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, ErrorCode.ELECTION_NOT_NEEDED]],
    ])
    replay(image, records)
    expect(image.topic('t')!.partitions[0]).toMatchObject({ leader: 2, isr: [2], leaderEpoch: 1 })
  })

  test('all partitions: those that need none are left out, their topic is not', () => {
    const image = clusterImage({ 1: 'alive', 2: 'alive' }, [
      { replicas: [1, 2] },
      { replicas: [1, 2], leader: 2 },
    ])
    const { outcomes } = electLeaders(image, PREFERRED, null)
    expect(outcomes).toEqual([{ topic: 't', partitions: [{ partition: 1, error: undefined }] }])
  })
})

test('at a start the last known leader leads again when nobody else can, and is known to have lost records perhaps', () => {
  const lost = { replicas: [1], leader: -1, isr: [], lastKnownElr: [1] }
  const image = clusterImage({ 1: 'fenced' }, [
    lost,
    { ...lost, replicas: [1, 2], lastKnownElr: [2] },
    { ...lost, replicas: [1, 2], eligibleLeaderReplicas: [2] },
    { ...lost, replicas: [1, 2], lastKnownElr: [1, 2] },
  ])
  replay(image, electionsAtStart(image, 1, false))
  const { partitions } = image.topic('t')!
  const led = { leader: 1, isr: [1], leaderEpoch: 1, leaderRecoveryState: 1, lastKnownElr: [] }
  expect(partitions[0]).toMatchObject(led)
  expect(partitions.map(({ leader }) => leader)).toEqual([1, -1, -1, -1])
})

test('when a broker goes others lead, and what only it had waits for it', () => {
  const image = clusterImage({ 1: 'alive', 2: 'alive' }, [
    { replicas: [1, 2] },
    { replicas: [1] },
    { replicas: [2, 1] },
    { replicas: [2] },
  ])
  replay(image, departures(image, 1))
  expect(image.topic('t')!.partitions).toMatchObject([
    { leader: 2, isr: [2] },
    { leader: -1, isr: [], eligibleLeaderReplicas: [1] },
    { leader: 2, isr: [2], leaderEpoch: 0 },
    { leader: 2, partitionEpoch: 0 },
  ])
})
