import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../protocol/error-code.ts'
import { CoordinatorHarness } from '../test-support/coordinator-harness.ts'

const DAY_MS = 24 * 3_600_000

/** A consumer's subscription, version 0. */
function subscription(...topics: string[]): string {
  const parts = [Buffer.from([0, 0, 0, 0, 0, topics.length])]
  for (const topic of topics) parts.push(Buffer.from([0, topic.length]), Buffer.from(topic))
  // Empty user data rather than none: the length -1 would not survive the text form of the harness.
  parts.push(Buffer.from([0, 0, 0, 0]))
  return Buffer.concat(parts).toString()
}

describe('who may commit', () => {
  test('a consumer without a group: while the group is unknown or empty', async () => {
    const group = new CoordinatorHarness()
    expect(group.commit('g', 5)).toBe(ErrorCode.NONE)
    expect(group.offset('g')).toBe(5n)
    expect(group.coordinator.group('g')).toMatchObject({ state: 'Empty', protocolType: null })
    expect(group.commit('', 6)).toBe(ErrorCode.NONE)
    expect(group.offset('', 't')).toBe(6n)
    const { leader, follower, generationId } = await group.stablePair('g')
    expect(group.offset('g')).toBe(5n)
    expect(group.commit('g', 7)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    group.leave('g', leader)
    group.leave('g', follower)
    await group.settle()
    expect(group.commit('g', 8)).toBe(ErrorCode.NONE)
    expect(group.commit('g', 9, { memberId: leader, generationId })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(group.offset('g')).toBe(8n)
  })

  test('a member of the current generation, not between join and sync', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g')
    const by = { memberId: leader, generationId }
    expect(group.commit('g', 1, by)).toBe(ErrorCode.NONE)
    expect(group.commit('g', 2, { ...by, generationId: generationId + 1 })).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(group.commit('g', 2, { ...by, memberId: 'nobody' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(group.commit('g', 2, { ...by, groupInstanceId: 'i' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    const rejoin = group.join('g', leader)
    expect(group.commit('g', 3, { memberId: follower, generationId })).toBe(ErrorCode.NONE)
    group.join('g', follower)
    await group.settle()
    expect(group.commit('g', 4, { memberId: leader, generationId: rejoin.value!.generationId })).toBe(
      ErrorCode.REBALANCE_IN_PROGRESS,
    )
    expect(group.offset('g')).toBe(3n)
  })

  test('a generation of an unknown group: 22, from version 9 on 69', () => {
    const group = new CoordinatorHarness()
    expect(group.commit('g', 1, { generationId: 3 })).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(group.commit('g', 1, { generationId: 3, apiVersion: 9 })).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
    expect(group.coordinator.group('g')).toBeUndefined()
  })

  test('a commit keeps the session', async () => {
    const group = new CoordinatorHarness()
    const { leader, generationId } = await group.stablePair('g')
    for (let i = 0; i < 3; i++) {
      await group.advance(9_000)
      const code = group.commit('g', i, { memberId: leader, generationId })
      expect([ErrorCode.NONE, ErrorCode.REBALANCE_IN_PROGRESS]).toContain(code)
    }
    expect(group.coordinator.group('g')!.members.has(leader)).toBe(true)
  })

  test('metadata has a limit', () => {
    const group = new CoordinatorHarness()
    expect(group.commit('g', 1, {}, { metadata: 'm'.repeat(4096) })).toBe(ErrorCode.NONE)
    expect(group.commit('g', 2, {}, { metadata: 'm'.repeat(4097) })).toBe(ErrorCode.OFFSET_METADATA_TOO_LARGE)
    expect(group.offset('g')).toBe(1n)
  })

  test("offsets of a topic that had the same name before are not found by its successor's id", () => {
    const group = new CoordinatorHarness()
    group.commit('g', 1)
    const committed = group.coordinator.offsetsOf('g')
    expect(committed.get('t', 0, 'AAAAAAAAAAAAAAAAAAAAAQ')?.offset).toBe(1n)
    expect(committed.get('t', 0, 'AAAAAAAAAAAAAAAAAAAAAg')).toBeUndefined()
  })
})

describe('deleting', () => {
  test('topics that members read stay', async () => {
    const group = new CoordinatorHarness()
    expect(() => group.coordinator.deleteOffsets('none', [])).toThrow()
    group.commit('g', 1)
    group.commit('g', 2, {}, { topic: 'o' })
    await group.stablePair('g', { protocols: { range: subscription('t') } })
    const codes = group.coordinator.deleteOffsets('g', [
      { name: 't', partitions: [0] },
      { name: 'o', partitions: [0, 1] },
    ])
    expect([...codes]).toEqual([
      ['t', ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC],
      ['o', ErrorCode.NONE],
    ])
    expect([group.offset('g', 't'), group.offset('g', 'o')]).toEqual([1n, undefined])
  })

  test('what members read is asked anew with each generation, not when they come or restart', async () => {
    const group = new CoordinatorHarness()
    const isRead = (topic: string) =>
      group.coordinator.deleteOffsets('g', [{ name: topic, partitions: [0] }]).get(topic) !== ErrorCode.NONE
    const read = (topic: string) => ({ protocols: { range: subscription(topic) } })
    const options = { groupInstanceId: 'i', ...read('t') }
    const { memberId, join } = await group.enter('g', options)
    group.sync('g', memberId || join.value!.memberId, 1, {}, { groupInstanceId: 'i' })
    await group.settle()
    const restarted = group.join('g', '', { groupInstanceId: 'i', ...read('o') })
    await group.settle()
    expect(restarted.value).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1 })
    expect([isRead('t'), isRead('o')]).toEqual([true, false])
    group.join('g', '', { apiVersion: 3, ...read('p') })
    await group.settle()
    expect(group.coordinator.group('g')!.state).toBe('PreparingRebalance')
    expect([isRead('t'), isRead('o'), isRead('p')]).toEqual([true, false, false])
    group.join('g', restarted.value!.memberId, { groupInstanceId: 'i', ...read('o') })
    await group.settle()
    expect([isRead('t'), isRead('o'), isRead('p')]).toEqual([false, true, true])
    group.restart()
    expect([isRead('t'), isRead('o')]).toEqual([false, true])
  })

  test('members that cannot be understood are taken to read everything; groups of other types refuse', async () => {
    const group = new CoordinatorHarness()
    await group.stablePair('g', { protocols: { range: 'nonsense' } })
    const codes = group.coordinator.deleteOffsets('g', [{ name: 't', partitions: [0] }])
    expect(codes.get('t')).toBe(ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC)
    await group.stablePair('h', { protocolType: 'connect' })
    expect(() => group.coordinator.deleteOffsets('h', [{ name: 't', partitions: [0] }])).toThrow(
      expect.objectContaining({ code: ErrorCode.NON_EMPTY_GROUP }),
    )
  })

  test('a group goes with its offsets once it is empty', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g')
    group.commit('g', 1, { memberId: leader, generationId })
    expect(group.coordinator.deleteGroup('g')).toBe(ErrorCode.NON_EMPTY_GROUP)
    group.leave('g', leader)
    group.leave('g', follower)
    await group.settle()
    expect(group.coordinator.deleteGroup('g')).toBe(ErrorCode.NONE)
    expect(group.coordinator.deleteGroup('g')).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
    expect(group.offset('g')).toBeUndefined()
    expect(group.coordinator.listGroups()).toEqual([])
    group.restart()
    expect(group.coordinator.listGroups()).toEqual([])
    expect(group.offset('g')).toBeUndefined()
  })

  test('offsets of deleted topics go, in every group', () => {
    const group = new CoordinatorHarness()
    for (const groupId of ['a', 'b', 'c', 'd']) {
      group.commit(groupId, 1)
      group.commit(groupId, 2, {}, { topic: 'kept' })
    }
    group.coordinator.onTopicsDeleted(['t'])
    for (const groupId of ['a', 'b', 'c', 'd']) {
      expect([group.offset(groupId), group.offset(groupId, 'kept')]).toEqual([undefined, 2n])
    }
  })
})

describe('expiry', () => {
  test('offsets without members: a retention time after their commit, and the group with the last', async () => {
    const group = new CoordinatorHarness()
    group.commit('g', 1)
    await group.advance(DAY_MS)
    group.commit('g', 2, {}, { partition: 1 })
    await group.advance(6 * DAY_MS)
    expect([group.offset('g'), group.offset('g', 't', 1)]).toEqual([undefined, 2n])
    await group.advance(DAY_MS)
    expect(group.coordinator.group('g')).toBeUndefined()
    expect(group.clock.pending()).toEqual([])
  })

  test('a group that was left: a retention time after it became empty', async () => {
    const group = new CoordinatorHarness()
    const { memberId } = await group.enter('g', { sessionTimeoutMs: 1_800_000 })
    group.sync('g', memberId, 1, {})
    group.commit('g', 1, { memberId, generationId: 1 })
    for (let i = 0; i < 8 * 24 * 4; i++) {
      await group.advance(900_000)
      expect(group.heartbeat('g', memberId, 1)).toBe(ErrorCode.NONE)
    }
    expect(group.offset('g')).toBe(1n)
    group.leave('g', memberId)
    await group.advance(7 * DAY_MS - 600_000)
    expect(group.offset('g')).toBe(1n)
    await group.advance(700_000)
    expect(group.offset('g')).toBeUndefined()
    expect(group.coordinator.group('g')).toBeUndefined()
  })

  test('a stable group loses the offsets of topics that it reads no more', async () => {
    const group = new CoordinatorHarness({ 'offsets.retention.minutes': '10' })
    const options = { protocols: { range: subscription('t') }, sessionTimeoutMs: 1_800_000 }
    const { memberId } = await group.enter('g', options)
    group.sync('g', memberId, 1, {})
    group.commit('g', 1, { memberId, generationId: 1 })
    group.commit('g', 2, { memberId, generationId: 1 }, { topic: 'o' })
    await group.advance(1_300_000)
    expect([group.offset('g'), group.offset('g', 'o')]).toEqual([1n, undefined])
  })

  test('a commit may bring its own time, up to version 4', async () => {
    const group = new CoordinatorHarness()
    group.commit('g', 1, {}, { expireTimestampMs: BigInt(group.clock.now() + 700_000) })
    group.restart()
    expect(group.offset('g')).toBe(1n)
    await group.advance(600_000)
    expect(group.offset('g')).toBe(1n)
    await group.advance(600_000)
    expect(group.offset('g')).toBeUndefined()
  })

  test('what an earlier run left expires though nobody asks', async () => {
    const group = new CoordinatorHarness()
    group.commit('g', 1)
    group.restart()
    await group.advance(7 * DAY_MS + 600_000)
    expect(group.coordinator.listGroups()).toEqual([])
  })
})
