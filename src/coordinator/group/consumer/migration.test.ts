import { beforeEach, describe, expect, test } from 'vitest'
import type { Codec } from '../../../protocol/api.ts'
import { ErrorCode } from '../../../protocol/error-code.ts'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../../protocol/generated/group-blobs.ts'
import { Writer } from '../../../protocol/writer.ts'
import { CoordinatorHarness } from '../../test-support/coordinator-harness.ts'
import { readAssignment } from '../subscription.ts'

const BLOB_VERSION = 1

function blob<Blob>(codec: Codec<Blob>, value: Blob): Buffer {
  const writer = new Writer()
  writer.int16(BLOB_VERSION)
  codec.encode(writer, value, BLOB_VERSION)
  return writer.finishCopy()
}

const subscription = (partitions: number[] = [], userData: Buffer | null = null) =>
  blob(ConsumerProtocolSubscription, {
    topics: ['t'],
    userData,
    ownedPartitions: partitions.length > 0 ? [{ topic: 't', partitions }] : [],
    generationId: -1,
    rackId: null,
  })
const assignment = (partitions: number[], userData: Buffer | null = null) =>
  blob(ConsumerProtocolAssignment, { assignedPartitions: [{ topic: 't', partitions }], userData })
const partitionsIn = (bytes: Buffer) =>
  readAssignment(bytes)!.assignedPartitions.flatMap(({ partitions }) => [...partitions])

let group: CoordinatorHarness
const start = (properties: Record<string, string> = {}) => {
  group = new CoordinatorHarness({ 'group.consumer.assignment.interval.ms': '0', ...properties })
  group.topics.set('t', 4)
}
beforeEach(() => start())

const joinClassic = (memberId: string, partitions: number[] = [], more = {}) =>
  group.join('g', memberId, { protocols: { range: subscription(partitions) }, ...more }).value!
const syncClassic = (memberId: string, generationId: number) =>
  group.sync('g', memberId, generationId, {}, { protocolName: 'range' }).value!

/** A classic group with one member that has all partitions. */
async function classicGroup(given = assignment([0, 1, 2, 3])): Promise<string> {
  const { memberId, join } = await group.enter('g', { protocols: { range: subscription() } })
  group.sync('g', memberId, join.value!.generationId, { [memberId]: given })
  await group.settle()
  return memberId
}

describe('a member of the consumer protocol joins a classic group', () => {
  test('the group becomes a consumer group; its member hears of it, gives up and goes on', async () => {
    const classic = await classicGroup()
    const joined = group.beat('g', 'new', 0)
    expect(joined).toMatchObject({ errorCode: 0, memberEpoch: 2 })
    expect(group.assigned(joined)).toEqual({})
    expect(group.heartbeat('g', classic, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    const first = joinClassic(classic, [0, 1, 2, 3])
    expect(first).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range' })
    expect(partitionsIn(syncClassic(classic, 1).assignment)).toEqual([0, 1])
    expect(group.heartbeat('g', classic, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(joinClassic(classic, [0, 1])).toMatchObject({ errorCode: 0, generationId: 2 })
    expect(partitionsIn(syncClassic(classic, 2).assignment)).toEqual([0, 1])
    expect(group.heartbeat('g', classic, 2)).toBe(0)
    expect(group.assigned(group.beat('g', 'new', 2, { owned: {} }))).toEqual({ t: [2, 3] })
    expect(group.consumerGroup('g').state).toBe('Stable')
  })

  test('an empty classic group gives way; its offsets stay', () => {
    group.commit('g', 5)
    expect(group.beat('g', 'a', 0).memberEpoch).toBe(2)
    expect(group.offset('g')).toBe(5n)
  })

  test('whoever waits in a rebalance is sent to join again', async () => {
    await classicGroup()
    const { join } = await group.enter('g', { protocols: { range: subscription() } })
    expect(join.value).toBeUndefined()
    group.beat('g', 'new', 0)
    await group.settle()
    expect(join.value!.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  test.each<[string, Record<string, string>, Buffer | undefined, RegExp]>([
    [
      'the policy',
      { 'group.consumer.migration.policy': 'downgrade' },
      undefined,
      /online upgrade is disabled/,
    ],
    ['its size', { 'group.consumer.max.size': '1' }, undefined, /maximum capacity of 1 members/],
    ['data of an assignor', {}, assignment([0], Buffer.from('x')), /unsupported custom assignor/],
    ['bytes that are no assignment', {}, Buffer.from('x'), /embedded consumer protocol is malformed/],
  ])('not allowed by %s', async (_, properties, given, reason) => {
    start(properties)
    await classicGroup(given)
    const { errorCode, errorMessage } = group.beat('g', 'new', 0)
    expect([ErrorCode.GROUP_ID_NOT_FOUND, ErrorCode.GROUP_MAX_SIZE_REACHED]).toContain(errorCode)
    expect(errorMessage).toMatch(reason)
    expect(group.coordinator.group('g')?.type).toBe('classic')
  })

  test('a group of something else than consumers stays what it is', async () => {
    await group.enter('g', { protocolType: 'connect' })
    expect(group.beat('g', 'new', 0).errorMessage).toMatch(/does not use the consumer embedded protocol/)
  })
})

describe('a member of the classic protocol joins a consumer group', () => {
  test('it gets an id first, then its part, and may leave', async () => {
    group.beat('g', 'new', 0)
    const { memberId, errorCode } = joinClassic('')
    expect(errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED)
    expect(joinClassic(memberId)).toMatchObject({ errorCode: 0, generationId: 3, memberId, members: [] })
    expect(partitionsIn(syncClassic(memberId, 3).assignment)).toEqual([])
    expect(group.heartbeat('g', memberId, 3)).toBe(0)
    group.beat('g', 'new', 2, { owned: { t: [0, 1, 2, 3] } })
    group.beat('g', 'new', 2, { owned: { t: [0, 1] } })
    expect(group.heartbeat('g', memberId, 3)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    joinClassic(memberId)
    expect(partitionsIn(syncClassic(memberId, 3).assignment)).toEqual([2, 3])
    expect(group.heartbeat('g', memberId, 4)).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(group.leave('g', memberId)).toBe(0)
    expect([...group.consumerGroup('g').members.keys()]).toEqual(['new'])
  })

  test('its own session timeout counts, and that it syncs and joins in time', async () => {
    group.beat('g', 'new', 0)
    const { memberId } = joinClassic('')
    joinClassic(memberId, [], { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 3000 })
    await group.advance(3000)
    expect(group.consumerGroup('g').members.has(memberId)).toBe(false)
    joinClassic(memberId, [], { sessionTimeoutMs: 10_000 })
    syncClassic(memberId, group.consumerGroup('g').members.get(memberId)!.memberEpoch)
    await group.advance(10_000)
    expect(group.consumerGroup('g').members.has(memberId)).toBe(false)
  })

  test('not with another type or without a protocol that the others have', () => {
    group.beat('g', 'new', 0)
    const { memberId } = joinClassic('')
    joinClassic(memberId)
    const { INCONSISTENT_GROUP_PROTOCOL } = ErrorCode
    expect(joinClassic('', [], { protocolType: 'connect' }).errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL)
    const other = { protocols: { sticky: subscription() } }
    expect(group.join('g', '', other).value!.errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL)
    expect(group.heartbeat('g', 'new', 2)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('an empty consumer group gives way', async () => {
    group.beat('g', 'new', 0)
    group.beat('g', 'new', -1)
    await classicGroup()
    expect(group.coordinator.group('g')).toMatchObject({ type: 'classic', state: 'Stable' })
    group.restart()
    expect(group.coordinator.group('g')?.type).toBe('classic')
  })
})

describe('the last member of the consumer protocol goes', () => {
  test('the group becomes a classic group, and its members join again', async () => {
    const classic = await classicGroup()
    group.beat('g', 'new', 0)
    group.beat('g', 'new', -1)
    const made = group.coordinator.group('g')
    expect(made).toMatchObject({ type: 'classic', state: 'PreparingRebalance', generationId: 2 })
    expect(group.heartbeat('g', classic, 2)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    const again = group.join('g', classic, { protocols: { range: subscription() } })
    await group.settle()
    expect(again.value).toMatchObject({ errorCode: 0, generationId: 3, leader: classic })
  })

  test('the same after a restart, with the target as assignment', async () => {
    const classic = await classicGroup()
    group.beat('g', 'new', 0)
    group.beat('g', 'new', -1)
    group.restart()
    const made = group.coordinator.group('g')
    expect(made).toMatchObject({ type: 'classic', state: 'Stable', generationId: 2 })
    if (made?.type !== 'classic') return
    expect(partitionsIn(made.members.get(classic)!.assignment)).toEqual([0, 1])
  })

  test('a static member takes the place of the last one', async () => {
    group.beat('g', 'new', 0, { instanceId: 'i' })
    const joined = joinClassic('', [], { groupInstanceId: 'i' })
    expect(joined).toMatchObject({ errorCode: 0, generationId: 2 })
    const made = group.coordinator.group('g')
    expect(made).toMatchObject({ type: 'classic', state: 'Stable', generationId: 2 })
    if (made?.type !== 'classic') return
    expect(partitionsIn(made.members.get(joined.memberId)!.assignment)).toEqual([0, 1, 2, 3])
    expect(group.beat('g', 'new', 2, { instanceId: 'i' }).errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
  })

  test('not when the policy forbids it', async () => {
    start({ 'group.consumer.migration.policy': 'upgrade' })
    await classicGroup()
    group.beat('g', 'new', 0)
    group.beat('g', 'new', -1)
    expect(group.coordinator.group('g')?.type).toBe('consumer')
  })
})
