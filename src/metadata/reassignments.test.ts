import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../protocol/error-code.ts'
import type { PartitionRecord } from '../protocol/generated/metadata-records.ts'
import { alterReassignments, isReassigning } from './reassignments.ts'
import { clusterImage, directoryOf, replay } from './test-support/cluster-image.ts'

function setUp(partition: Partial<PartitionRecord>) {
  const image = clusterImage({ 1: 'alive', 2: 'alive', 3: 'fenced' }, [partition])
  const move = (replicas: readonly number[] | null, mayChangeReplicationFactor = true, index = 0) => {
    const topics = [{ name: 't', partitions: [{ partition: index, replicas }] }]
    const { records, outcomes } = alterReassignments(image, topics, mayChangeReplicationFactor)
    if (records.length > 0) replay(image, records)
    return outcomes[0]!.partitions[0]!.error?.code
  }
  return { move, partition: () => image.topic('t')!.partitions[0]!, image }
}

describe('alterReassignments', () => {
  test('to where it is: nothing happens', () => {
    const { move, partition } = setUp({ replicas: [1, 2] })
    expect(move([1, 2])).toBeUndefined()
    expect(partition()).toMatchObject({ partitionEpoch: 0 })
  })

  test('new replicas are added first; the move goes on until they are in sync, and can be taken back', () => {
    const { move, partition } = setUp({ replicas: [1] })
    expect(move([3])).toBeUndefined()
    expect(partition()).toMatchObject({
      replicas: [3, 1],
      addingReplicas: [3],
      removingReplicas: [1],
      isr: [1],
      leader: 1,
      leaderEpoch: 0,
      directories: [directoryOf(3), directoryOf(1)],
    })
    expect(isReassigning(partition())).toBe(true)
    expect(move(null)).toBeUndefined()
    expect(partition()).toMatchObject({ replicas: [1], addingReplicas: [], removingReplicas: [], isr: [1] })
    expect(move(null)).toBe(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
  })

  test('replicas that go are gone at once; another leads, in a new epoch', () => {
    const { move, partition } = setUp({ replicas: [1, 2] })
    expect(move([2])).toBeUndefined()
    expect(partition()).toMatchObject({ replicas: [2], isr: [2], leader: 2, leaderEpoch: 1 })
    expect(isReassigning(partition())).toBe(false)
  })

  test('another order makes another replica the preferred one', () => {
    const { move, partition } = setUp({ replicas: [1, 2] })
    expect(move([2, 1])).toBeUndefined()
    expect(partition()).toMatchObject({ replicas: [2, 1], leader: 1, leaderEpoch: 0 })
  })

  test('what cannot be is refused', () => {
    const { move, image } = setUp({ replicas: [1] })
    expect(move([])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(move([9])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(move([1, 1])).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT)
    expect(move([1, 2], false)).toBe(ErrorCode.INVALID_REPLICATION_FACTOR)
    expect(move([1], true, 5)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const unknown = [{ name: 'none', partitions: [{ partition: 0, replicas: null }] }]
    const [outcome] = alterReassignments(image, unknown, true).outcomes
    expect(outcome!.partitions[0]!.error!.code).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })
})
