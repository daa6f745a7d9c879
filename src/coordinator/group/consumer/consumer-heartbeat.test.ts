import { beforeEach, describe, expect, test } from 'vitest'
import { ErrorCode } from '../../../protocol/error-code.ts'
import { CoordinatorHarness } from '../../test-support/coordinator-harness.ts'

const harness = (properties: Record<string, string> = {}) => {
  const made = new CoordinatorHarness({ 'group.consumer.assignment.interval.ms': '0', ...properties })
  made.topics.set('t', 4)
  return made
}

let group: CoordinatorHarness
beforeEach(() => {
  group = harness()
})

describe('joining', () => {
  test('the first member gets everything, at epoch 2', () => {
    const answer = group.beat('g', 'a', 0)
    expect(answer).toMatchObject({ errorCode: 0, memberId: 'a', memberEpoch: 2, heartbeatIntervalMs: 5000 })
    expect(group.assigned(answer)).toEqual({ t: [0, 1, 2, 3] })
    expect(group.consumerGroup('g').state).toBe('Stable')
  })

  test('an assignment is told once, and again to who asks for all', () => {
    group.beat('g', 'a', 0)
    expect(group.beat('g', 'a', 2).assignment).toBeNull()
    const full = { rebalanceTimeoutMs: 1000, subscribedTopicNames: ['t'], owned: { t: [0, 1, 2, 3] } }
    expect(group.assigned(group.beat('g', 'a', 2, full))).toEqual({ t: [0, 1, 2, 3] })
  })

  test('a group that is full takes nobody more, but lets its members go on', () => {
    group = harness({ 'group.consumer.max.size': '1' })
    group.beat('g', 'a', 0)
    expect(group.beat('g', 'b', 0)).toMatchObject({
      errorCode: ErrorCode.GROUP_MAX_SIZE_REACHED,
      errorMessage: 'The consumer group has reached its maximum capacity of 1 members.',
    })
    expect(group.beat('g', 'a', 2).errorCode).toBe(0)
  })

  test('no group, another member, another epoch', () => {
    expect(group.beat('g', 'a', 3)).toMatchObject({
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
      errorMessage: 'Consumer group g not found.',
    })
    group.beat('g', 'a', 0)
    expect(group.beat('g', 'b', 3).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(group.beat('g', 'a', 3)).toMatchObject({
      errorCode: ErrorCode.FENCED_MEMBER_EPOCH,
      errorMessage:
        'The consumer group member has a greater member epoch (3) than the one known by the group coordinator (2). The member must abandon all its partitions and rejoin.',
    })
  })

  test('topics that do not exist are waited for', () => {
    expect(group.assigned(group.beat('g', 'a', 0, { subscribedTopicNames: ['later'] }))).toEqual({})
    group.topics.set('later', 2)
    group.coordinator.onTopicsChanged(['later'], true)
    expect(group.assigned(group.beat('g', 'a', 2))).toEqual({ later: [0, 1] })
  })
})

describe('handing over', () => {
  test('a partition goes to the next owner once the last one has shown that it gave it up', () => {
    group.beat('g', 'a', 0)
    const second = group.beat('g', 'b', 0)
    expect(second.memberEpoch).toBe(3)
    expect(group.assigned(second)).toEqual({})
    const asked = group.beat('g', 'a', 2, { owned: { t: [0, 1, 2, 3] } })
    expect(asked.memberEpoch).toBe(2)
    expect(group.assigned(asked)).toEqual({ t: [0, 1] })
    expect(group.beat('g', 'b', 3, { owned: {} }).assignment).toBeNull()
    expect(group.consumerGroup('g').state).toBe('Reconciling')
    expect(group.beat('g', 'a', 2, { owned: { t: [0, 1] } })).toMatchObject({ memberEpoch: 3 })
    expect(group.assigned(group.beat('g', 'b', 3, { owned: {} }))).toEqual({ t: [2, 3] })
    expect(group.consumerGroup('g').state).toBe('Stable')
  })

  test('a member that does not give up in its rebalance timeout is out', async () => {
    group.beat('g', 'a', 0, { rebalanceTimeoutMs: 1000 })
    group.beat('g', 'b', 0)
    group.beat('g', 'a', 2, { owned: { t: [0, 1, 2, 3] } })
    await group.advance(999)
    expect(group.consumerGroup('g').members.has('a')).toBe(true)
    await group.advance(1)
    expect(group.consumerGroup('g').members.has('a')).toBe(false)
    expect(group.assigned(group.beat('g', 'b', 3))).toEqual({ t: [0, 1, 2, 3] })
  })

  test('the answer with the next epoch may have been lost', () => {
    group.beat('g', 'a', 0)
    group.beat('g', 'b', 0)
    group.beat('g', 'a', 2, { owned: { t: [0, 1, 2, 3] } })
    group.beat('g', 'a', 2, { owned: { t: [0, 1] } })
    expect(group.beat('g', 'a', 2, { owned: { t: [0] } })).toMatchObject({ errorCode: 0, memberEpoch: 3 })
    expect(group.beat('g', 'a', 2, { owned: { t: [3] } }).errorCode).toBe(ErrorCode.FENCED_MEMBER_EPOCH)
    expect(group.beat('g', 'a', 2).errorCode).toBe(ErrorCode.FENCED_MEMBER_EPOCH)
  })

  test('assignments are no closer together than the interval', async () => {
    group = harness({ 'group.consumer.assignment.interval.ms': '1000' })
    group.beat('g', 'a', 0)
    expect(group.beat('g', 'b', 0).memberEpoch).toBe(2)
    expect(group.consumerGroup('g').state).toBe('Assigning')
    await group.advance(1000)
    expect(group.beat('g', 'b', 2).memberEpoch).toBe(3)
  })

  test('partitions that are added are given out', () => {
    group.beat('g', 'a', 0)
    group.topics.set('t', 5)
    group.coordinator.onTopicsChanged(['t'], false)
    expect(group.assigned(group.beat('g', 'a', 2))).toEqual({ t: [0, 1, 2, 3, 4] })
  })

  test('what a member no longer wants is taken at once', () => {
    group.topics.set('u', 1)
    group.beat('g', 'a', 0, { subscribedTopicNames: ['t', 'u'] })
    const answer = group.beat('g', 'a', 2, {
      subscribedTopicNames: ['u'],
      owned: { t: [0, 1, 2, 3], u: [0] },
    })
    expect(group.assigned(answer)).toEqual({ u: [0] })
  })
})

describe('leaving', () => {
  test('a member that leaves makes room at once', () => {
    group.beat('g', 'a', 0)
    group.beat('g', 'b', 0)
    expect(group.beat('g', 'a', -1)).toMatchObject({ errorCode: 0, memberEpoch: -1 })
    expect(group.assigned(group.beat('g', 'b', 3))).toEqual({ t: [0, 1, 2, 3] })
    group.beat('g', 'b', -1)
    expect(group.consumerGroup('g').state).toBe('Empty')
    expect(group.coordinator.deleteGroup('g')).toBe(0)
    expect(group.coordinator.group('g')).toBeUndefined()
  })

  test('a disk that is full when a session ends puts that off: it is tried until the log takes it', async () => {
    group.beat('g', 'a', 0)
    group.appendError = ErrorCode.KAFKA_STORAGE_ERROR
    await group.advance(60_000)
    expect(group.consumerGroup('g').members.size).toBe(1)
    group.appendError = undefined
    await group.advance(500)
    expect(group.consumerGroup('g').members.size).toBe(0)
  })

  test('a member that is heard of again before the log takes the end of its session stays', async () => {
    group.beat('g', 'a', 0)
    group.appendError = ErrorCode.KAFKA_STORAGE_ERROR
    await group.advance(45_100)
    group.appendError = undefined
    expect(group.beat('g', 'a', 2).errorCode).toBe(0)
    await group.advance(44_999)
    expect(group.consumerGroup('g').members.size).toBe(1)
  })

  test('a member that is silent for its session is out', async () => {
    group.beat('g', 'a', 0)
    await group.advance(44_999)
    group.beat('g', 'a', 2)
    await group.advance(44_999)
    expect(group.consumerGroup('g').members.size).toBe(1)
    await group.advance(1)
    expect(group.consumerGroup('g').state).toBe('Empty')
  })

  test("a group's own settings count, within the bounds of the broker", async () => {
    group = harness({ 'group.consumer.min.session.timeout.ms': '30000' })
    group.groupConfigs.set(
      'g',
      new Map([
        ['consumer.session.timeout.ms', '1000'],
        ['consumer.heartbeat.interval.ms', '7000'],
      ]),
    )
    expect(group.beat('g', 'a', 0).heartbeatIntervalMs).toBe(7000)
    await group.advance(29_999)
    expect(group.consumerGroup('g').members.size).toBe(1)
    await group.advance(1)
    expect(group.consumerGroup('g').members.size).toBe(0)
  })

  test('a static member that left for a while finds its partitions under a new id; its old id is fenced', () => {
    group.beat('g', 'a', 0, { instanceId: 'i' })
    expect(group.beat('g', 'b', 0, { instanceId: 'i' }).errorCode).toBe(ErrorCode.UNRELEASED_INSTANCE_ID)
    expect(group.beat('g', 'a', -2, { instanceId: 'i' }).memberEpoch).toBe(-2)
    const back = group.beat('g', 'b', 0, { instanceId: 'i' })
    expect(back).toMatchObject({ errorCode: 0, memberEpoch: 2 })
    expect(group.assigned(back)).toEqual({ t: [0, 1, 2, 3] })
    expect(group.beat('g', 'a', 2, { instanceId: 'i' }).errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(group.beat('g', 'a', 2, { instanceId: 'other' }).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })
})

describe('regular expressions', () => {
  test('topics are found after the answer, and new ones as they come', async () => {
    group.topics.set('orders-1', 1)
    const joined = group.beat('g', 'a', 0, { subscribedTopicRegex: 'orders-.*' })
    expect(group.assigned(joined)).toEqual({})
    await group.settle()
    expect(group.assigned(group.beat('g', 'a', joined.memberEpoch))).toEqual({ 'orders-1': [0] })
    await group.advance(10_001)
    group.topics.set('orders-2', 1)
    group.coordinator.onTopicsChanged(['orders-2'], true)
    const { memberEpoch } = group.beat('g', 'a', 2)
    await group.settle()
    expect(group.assigned(group.beat('g', 'a', memberEpoch))).toEqual({ 'orders-1': [0], 'orders-2': [0] })
    group.beat('g', 'a', -1)
    expect(group.consumerGroup('g').resolvedRegexes.size).toBe(0)
  })

  test('one that cannot be read', () => {
    expect(group.beat('g', 'a', 0, { subscribedTopicRegex: '(' })).toMatchObject({
      errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION,
      errorMessage: 'SubscribedTopicRegex `(` is not a valid regular expression: missing closing ).',
    })
    expect(group.coordinator.group('g')).toBeUndefined()
  })
})

describe('the log', () => {
  test('a restart knows what was answered', async () => {
    group.topics.set('u', 3)
    group.beat('g', 'a', 0, { serverAssignor: 'range', rackId: 'r' })
    group.beat('g', 'b', 0, { instanceId: 'i', subscribedTopicNames: ['t', 'u'] })
    group.beat('g', 'c', 0, { subscribedTopicRegex: 'u' })
    await group.settle()
    group.beat('g', 'a', 2, { owned: { t: [0, 1, 2, 3] } })
    const before = group.consumerGroup('g').describe()
    group.restart()
    expect(group.consumerGroup('g').describe()).toEqual(before)
    expect(group.beat('g', 'a', 2, { owned: { t: [0, 1] } }).errorCode).toBe(0)
    // Sessions begin anew with the restart.
    await group.advance(45_000)
    expect(group.consumerGroup('g').members.size).toBe(0)
  })

  test('what the log refuses has not happened', () => {
    group.beat('g', 'a', 0)
    group.appendError = ErrorCode.KAFKA_STORAGE_ERROR
    expect(group.beat('g', 'b', 0).errorCode).toBe(ErrorCode.NOT_COORDINATOR)
    expect(group.beat('g', 'a', -1).errorCode).toBe(ErrorCode.NOT_COORDINATOR)
    group.appendError = undefined
    expect([...group.consumerGroup('g').members.keys()]).toEqual(['a'])
    expect(group.beat('g', 'a', 2).errorCode).toBe(0)
  })
})

describe('offsets', () => {
  test('commits name the epoch; an older one is good for partitions that have been had since', () => {
    group.beat('g', 'a', 0)
    const by = { memberId: 'a', generationId: 2, apiVersion: 9 }
    const { topicId } = group.topics.byName('t')!
    expect(group.commit('g', 1, by)).toBe(0)
    expect(group.commit('g', 1, { ...by, apiVersion: 8 })).toBe(ErrorCode.UNSUPPORTED_VERSION)
    expect(group.commit('g', 1, { ...by, generationId: 3 })).toBe(ErrorCode.STALE_MEMBER_EPOCH)
    expect(group.commit('g', 1, { ...by, memberId: 'x' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    group.topics.set('u', 1)
    group.beat('g', 'a', 2, { subscribedTopicNames: ['t', 'u'] })
    expect(group.commit('g', 1, by, { topicId })).toBe(0)
    const u = { topic: 'u', topicId: group.topics.byName('u')!.topicId }
    expect(group.commit('g', 1, by, u)).toBe(ErrorCode.STALE_MEMBER_EPOCH)
    expect(group.commit('g', 1, { ...by, generationId: 3 }, u)).toBe(0)
  })

  test('a member reads them with its epoch, an administrator without', () => {
    group.beat('g', 'a', 0)
    group.commit('g', 7, { memberId: 'a', generationId: 2, apiVersion: 9 })
    expect(group.offset('g')).toBe(7n)
    expect(group.coordinator.offsetsOf('g', 'a', 2).get('t', 0)?.offset).toBe(7n)
    expect(() => group.coordinator.offsetsOf('g', 'a', 1)).toThrow('STALE_MEMBER_EPOCH')
    expect(() => group.coordinator.offsetsOf('g', 'x', 2)).toThrow('UNKNOWN_MEMBER_ID')
  })

  test('those of topics that members read stay', () => {
    group.beat('g', 'a', 0)
    const remove = (name: string) =>
      group.coordinator.deleteOffsets('g', [{ name, partitions: [0] }]).get(name)
    expect(remove('t')).toBe(ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC)
    expect(remove('u')).toBe(0)
  })
})
