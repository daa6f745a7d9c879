import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../protocol/error-code.ts'
import { CoordinatorHarness } from '../test-support/coordinator-harness.ts'

describe('joining', () => {
  test('a new dynamic member is sent away with an id, joins with it and leads', async () => {
    const group = new CoordinatorHarness()
    const first = group.join('g', '')
    expect(first.value).toMatchObject({
      errorCode: ErrorCode.MEMBER_ID_REQUIRED,
      memberId: 'client-1',
      generationId: -1,
    })
    const join = group.join('g', 'client-1')
    await group.settle()
    expect(join.value).toMatchObject({
      errorCode: ErrorCode.NONE,
      generationId: 1,
      leader: 'client-1',
      protocolName: 'range',
      protocolType: 'consumer',
      members: [{ memberId: 'client-1', groupInstanceId: null, metadata: Buffer.from('m') }],
    })
  })

  test('before version 4 a member is in at once', async () => {
    const group = new CoordinatorHarness()
    const join = group.join('g', '', { apiVersion: 3 })
    await group.settle()
    expect(join.value).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1 })
  })

  test('refusals', async () => {
    const group = new CoordinatorHarness({ 'group.max.size': '2' })
    const refused = (answer: { value: { errorCode: number } | undefined }) => answer.value?.errorCode
    expect(refused(group.join('', ''))).toBe(ErrorCode.INVALID_GROUP_ID)
    expect(refused(group.join('g', '', { sessionTimeoutMs: 5_999 }))).toBe(ErrorCode.INVALID_SESSION_TIMEOUT)
    expect(refused(group.join('g', '', { sessionTimeoutMs: 1_800_001 }))).toBe(
      ErrorCode.INVALID_SESSION_TIMEOUT,
    )
    expect(refused(group.join('g', 'nobody'))).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(refused(group.join('g', '', { protocols: {} }))).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(refused(group.join('g', '', { protocolType: '' }))).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    await group.stablePair('g')
    expect(refused(group.join('g', 'client-1'))).toBe(undefined)
    expect(refused(group.join('g', 'nobody'))).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    group.join('g', 'client-2')
    await group.settle()
    expect(group.join('g', '').value).toMatchObject({
      errorCode: ErrorCode.GROUP_MAX_SIZE_REACHED,
      memberId: '',
    })
    group.logs.length = 0
    group.restart()
    expect(refused(group.join('g', ''))).toBe(ErrorCode.NOT_COORDINATOR)
  })

  test('a group takes no member of another type or without a common protocol', async () => {
    const group = new CoordinatorHarness()
    await group.stablePair('g', { protocols: { range: 'm', sticky: 'n' } })
    expect(group.join('g', '', { protocolType: 'connect' }).value?.errorCode).toBe(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    )
    expect(group.join('g', '', { protocols: { other: '' } }).value?.errorCode).toBe(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    )
    expect(group.join('g', '', { protocols: { sticky: '' } }).value?.errorCode).toBe(
      ErrorCode.MEMBER_ID_REQUIRED,
    )
  })

  test('the protocol is the one most members prefer among those that all can do', async () => {
    const group = new CoordinatorHarness()
    const a = group.join('g', '', { apiVersion: 3, protocols: { only: '', x: 'ax', y: 'ay' } })
    group.join('g', '', { apiVersion: 3, protocols: { y: 'by', x: 'bx' } })
    group.join('g', '', { apiVersion: 3, protocols: { y: 'cy', x: 'cx', other: '' } })
    await group.settle()
    expect(a.value).toMatchObject({ protocolName: 'y' })
    expect(a.value!.members.map(({ metadata }) => metadata.toString())).toEqual(['ay', 'by', 'cy'])
  })

  test('an id that was given out is forgotten after a session timeout, and holds up a rebalance until then', async () => {
    const group = new CoordinatorHarness()
    const { leader, generationId } = await group.stablePair('g')
    const pending = group.join('g', '').value!.memberId
    expect(group.heartbeat('g', leader, generationId)).toBe(ErrorCode.NONE)
    const rejoin = group.join('g', leader)
    const other = group.join('g', 'client-2')
    await group.settle()
    expect([rejoin.value, other.value]).toEqual([undefined, undefined])
    await group.advance(10_000)
    expect(rejoin.value).toMatchObject({ errorCode: ErrorCode.NONE, generationId: generationId + 1 })
    expect(group.join('g', pending).value?.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('an empty group waits for the initial delay, which begins again with each newcomer up to the rebalance timeout', async () => {
    const group = new CoordinatorHarness({ 'group.initial.rebalance.delay.ms': '3000' })
    const options = { apiVersion: 3, rebalanceTimeoutMs: 7_000 }
    const first = group.join('g', '', options)
    await group.advance(2_999)
    const second = group.join('g', '', options)
    await group.advance(2_999)
    const third = group.join('g', '', options)
    await group.advance(999)
    expect(first.value).toBeUndefined()
    group.join('g', '', options)
    await group.advance(2)
    expect(first.value).toBeUndefined()
    await group.advance(1)
    expect(first.value).toMatchObject({ generationId: 1, errorCode: ErrorCode.NONE })
    expect(first.value!.members).toHaveLength(4)
    expect([second.value!.members, third.value!.members]).toEqual([[], []])
  })

  test('without newcomers the initial delay is waited for once', async () => {
    const group = new CoordinatorHarness({ 'group.initial.rebalance.delay.ms': '3000' })
    const first = group.join('g', '', { apiVersion: 3 })
    await group.advance(2_999)
    expect(first.value).toBeUndefined()
    await group.advance(1)
    expect(first.value).toMatchObject({ errorCode: ErrorCode.NONE })
  })

  test('a join that is sent again over another connection answers the first one', async () => {
    const group = new CoordinatorHarness()
    const { leader } = await group.stablePair('g')
    const first = group.join('g', leader)
    const again = group.join('g', leader)
    await group.settle()
    expect(first.value?.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(again.value).toBeUndefined()
  })

  test('a new member whose client vanished does not hold up the group for ever', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g', { rebalanceTimeoutMs: 600_000 })
    const ghost = group.join('g', '', { apiVersion: 3 })
    for (let elapsed = 0; elapsed < 300_000; elapsed += 5_000) {
      expect(group.heartbeat('g', leader, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
      expect(group.heartbeat('g', follower, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
      await group.advance(5_000)
    }
    expect(ghost.value?.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })
})

describe('rebalancing', () => {
  test('members hear of a newcomer, join again, and all get the next generation', async () => {
    const group = new CoordinatorHarness()
    const pair = await group.stablePair('g')
    expect(pair.generationId).toBe(2)
    expect(pair.join.value).toMatchObject({ generationId: 2, leader: pair.leader, members: [] })
    expect(pair.rejoin.value!.members.map(({ memberId }) => memberId)).toEqual([pair.leader, pair.follower])
    expect(pair.leading.value!.assignment.toString()).toBe('a1')
    expect(pair.waiting.value!.assignment.toString()).toBe('a2')
    expect(group.coordinator.group('g')!.state).toBe('Stable')
  })

  test('dynamic members that do not join again in the rebalance timeout are out; the lead passes on', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g', { sessionTimeoutMs: 60_000 })
    const rejoin = group.join('g', follower, { protocols: { range: 'new' }, sessionTimeoutMs: 60_000 })
    await group.advance(29_999)
    expect(rejoin.value).toBeUndefined()
    expect(group.heartbeat('g', leader, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    await group.advance(1)
    expect(rejoin.value).toMatchObject({ leader: follower, generationId: generationId + 1 })
    expect(rejoin.value!.members).toHaveLength(1)
    expect(group.heartbeat('g', leader, generationId + 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('in a stable group an unchanged follower gets the generation that is, a leader or a change begins the next', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g')
    expect(group.join('g', follower).value).toMatchObject({
      errorCode: ErrorCode.NONE,
      generationId,
      members: [],
      leader,
    })
    expect(group.heartbeat('g', leader, generationId)).toBe(ErrorCode.NONE)
    const rejoin = group.join('g', leader)
    expect(group.heartbeat('g', follower, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    group.join('g', follower)
    await group.settle()
    expect(rejoin.value).toMatchObject({ generationId: generationId + 1, leader })
  })

  test('between join and sync an unchanged member gets the same answer again, a changed one the next generation', async () => {
    const group = new CoordinatorHarness()
    const { memberId } = await group.enter('g')
    expect(group.join('g', memberId).value).toMatchObject({
      generationId: 1,
      leader: memberId,
      members: [{ memberId }],
    })
    const changed = group.join('g', memberId, { protocols: { range: 'x' } })
    await group.settle()
    expect(changed.value).toMatchObject({
      generationId: 2,
      members: [{ memberId, metadata: Buffer.from('x') }],
    })
  })

  test('a leader that never syncs is out after the rebalance timeout, and the waiting follower hears of it', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g', { sessionTimeoutMs: 100_000 })
    const rejoin = group.join('g', leader, { sessionTimeoutMs: 100_000 })
    group.join('g', follower, { sessionTimeoutMs: 100_000 })
    await group.settle()
    expect(rejoin.value!.generationId).toBe(generationId + 1)
    const waiting = group.sync('g', follower, generationId + 1)
    await group.advance(29_999)
    expect(waiting.value).toBeUndefined()
    await group.advance(1)
    expect(waiting.value?.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(group.heartbeat('g', leader, generationId + 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('who the leader leaves out gets nothing; a stranger in its list is ignored', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g')
    const rejoin = group.join('g', leader)
    group.join('g', follower)
    await group.settle()
    group.sync('g', leader, rejoin.value!.generationId, { [leader]: 'all', stranger: 'x' })
    const left = group.sync('g', follower, generationId + 1)
    expect(left.value).toMatchObject({ errorCode: ErrorCode.NONE, assignment: Buffer.alloc(0) })
  })

  test('codes of SyncGroup', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g')
    const code = (...args: Parameters<typeof group.sync>) => group.sync(...args).value?.errorCode
    expect(code('', leader, generationId)).toBe(ErrorCode.INVALID_GROUP_ID)
    expect(code('none', leader, generationId)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(code('g', 'nobody', generationId)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(code('g', leader, generationId + 1)).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(code('g', leader, generationId, {}, { protocolName: 'sticky' })).toBe(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
    )
    expect(code('g', follower, generationId)).toBe(ErrorCode.NONE)
    group.join('g', leader)
    expect(code('g', follower, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  test('before the first generation any protocol may be named in SyncGroup: the group has none yet', async () => {
    const group = new CoordinatorHarness({ 'group.initial.rebalance.delay.ms': '3000' })
    const { memberId } = group.join('g', '').value!
    group.join('g', memberId)
    const sync = group.sync('g', memberId, 0, {}, { protocolName: 'range' })
    expect(sync.value!.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })
})

describe('sessions', () => {
  test('codes of Heartbeat', async () => {
    const group = new CoordinatorHarness()
    const { leader, generationId } = await group.stablePair('g')
    expect(group.heartbeat('g', leader, generationId)).toBe(ErrorCode.NONE)
    expect(group.heartbeat('', leader, generationId)).toBe(ErrorCode.INVALID_GROUP_ID)
    expect(group.heartbeat('none', leader, generationId)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(group.heartbeat('g', 'nobody', generationId)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(group.heartbeat('g', leader, generationId - 1)).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(group.heartbeat('g', leader, generationId, 'instance')).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('a member without heartbeats is out after its session; heartbeats set no timers', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g')
    const timers = group.clock.pending().length
    for (let i = 0; i < 10; i++) {
      await group.advance(999)
      expect(group.heartbeat('g', leader, generationId)).toBe(ErrorCode.NONE)
      expect(group.clock.pending()).toHaveLength(timers)
    }
    await group.advance(10)
    expect(group.heartbeat('g', leader, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(group.heartbeat('g', follower, generationId)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  test('a member whose request is parked here is alive', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g')
    const rejoin = group.join('g', leader)
    for (let i = 0; i < 5; i++) {
      await group.advance(5_000)
      expect(group.heartbeat('g', follower, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    }
    group.join('g', follower)
    await group.settle()
    expect(rejoin.value).toMatchObject({ errorCode: ErrorCode.NONE })
    expect(rejoin.value!.members).toHaveLength(2)
  })

  test('the last member to go leaves an empty group with the next generation', async () => {
    const group = new CoordinatorHarness()
    const { generationId } = await group.stablePair('g')
    await group.advance(100_000)
    expect(group.coordinator.group('g')).toMatchObject({
      state: 'Empty',
      generationId: generationId + 1,
      protocolName: null,
      leaderId: null,
      protocolType: 'consumer',
    })
  })
})

describe('leaving', () => {
  test('each member is answered for itself', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g')
    expect(group.leave('g', 'nobody')).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(group.leave('none', leader)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(() => group.leave('', leader)).toThrow()
    expect(group.leave('g', leader)).toBe(ErrorCode.NONE)
    expect(group.leave('g', leader)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(group.heartbeat('g', follower, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(group.leave('g', follower)).toBe(ErrorCode.NONE)
    await group.settle()
    expect(group.coordinator.group('g')!.state).toBe('Empty')
  })

  test('an id that was given out can be given back', async () => {
    const group = new CoordinatorHarness()
    const { leader, generationId } = await group.stablePair('g')
    const { memberId } = group.join('g', '').value!
    expect(group.leave('g', memberId)).toBe(ErrorCode.NONE)
    expect(group.join('g', memberId).value?.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    // Kafka begins a rebalance here though no member went.
    expect(group.heartbeat('g', leader, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  test('what a member that is taken out had parked is answered', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower } = await group.stablePair('g')
    const parkedJoin = group.join('g', leader)
    expect(group.leave('g', leader)).toBe(ErrorCode.NONE)
    await group.settle()
    expect(parkedJoin.value).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: '' })
    const rejoin = group.join('g', follower)
    const third = await group.enter('g')
    await group.settle()
    expect(rejoin.value!.leader).toBe(follower)
    const parkedSync = group.sync('g', third.memberId, rejoin.value!.generationId)
    group.leave('g', third.memberId)
    await group.settle()
    expect(parkedSync.value?.errorCode).not.toBe(ErrorCode.NONE)
  })
})

describe('static members', () => {
  const instance = { groupInstanceId: 'i1' }

  async function stableStatic(group: CoordinatorHarness) {
    const join = group.join('g', '', instance)
    await group.settle()
    const { memberId, generationId } = join.value!
    group.sync('g', memberId, generationId, { [memberId]: 'part' }, instance)
    return { memberId, generationId }
  }

  test('joins at once, restarts under a new id without a rebalance and keeps its part; the old id is fenced', async () => {
    const group = new CoordinatorHarness()
    const old = await stableStatic(group)
    expect(old.memberId).toBe('i1-1')
    const rejoin = group.join('g', '', instance)
    expect(rejoin.value).toMatchObject({
      errorCode: ErrorCode.NONE,
      memberId: 'i1-2',
      leader: 'i1-2',
      generationId: old.generationId,
      skipAssignment: true,
      members: [{ memberId: 'i1-2' }],
    })
    expect(group.sync('g', 'i1-2', old.generationId, {}, instance).value!.assignment.toString()).toBe('part')
    expect(group.heartbeat('g', old.memberId, old.generationId, 'i1')).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(group.heartbeat('g', 'i1-2', old.generationId, 'i1')).toBe(ErrorCode.NONE)
    expect(group.join('g', old.memberId, instance).value?.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(group.sync('g', old.memberId, old.generationId, {}, instance).value?.errorCode).toBe(
      ErrorCode.FENCED_INSTANCE_ID,
    )
    expect(
      group.commit('g', 1, { memberId: old.memberId, generationId: old.generationId, groupInstanceId: 'i1' }),
    ).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(group.leave('g', old.memberId, 'i1')).toBe(ErrorCode.FENCED_INSTANCE_ID)
  })

  test('before version 9 a leader that restarts is told the old leader, so that it does not assign', async () => {
    const group = new CoordinatorHarness()
    const old = await stableStatic(group)
    expect(group.join('g', '', { ...instance, apiVersion: 7 }).value).toMatchObject({
      leader: old.memberId,
      memberId: 'i1-2',
      skipAssignment: false,
      members: [],
    })
  })

  test('its place is kept until its session ends, not only until the rebalance timeout', async () => {
    const group = new CoordinatorHarness()
    const { generationId } = await stableStatic(group)
    const second = group.join('g', '', { groupInstanceId: 'i2', rebalanceTimeoutMs: 6_000 })
    await group.advance(9_999)
    expect(group.coordinator.group('g')!.members.size).toBe(2)
    await group.advance(1)
    expect(second.value).toMatchObject({ errorCode: ErrorCode.NONE, generationId: generationId + 1 })
    expect(second.value!.members).toHaveLength(1)
  })

  test('a restart begins a session as long as the old one; a new session timeout counts from the next request on', async () => {
    const group = new CoordinatorHarness()
    await stableStatic(group)
    const { value } = group.join('g', '', { ...instance, sessionTimeoutMs: 6_000 })
    const { memberId, generationId } = value!
    await group.advance(9_999)
    expect(group.heartbeat('g', memberId, generationId, 'i1')).toBe(ErrorCode.NONE)
    await group.advance(5_999)
    expect(group.coordinator.group('g')!.members.size).toBe(1)
    await group.advance(1)
    expect(group.coordinator.group('g')!.members.size).toBe(0)
  })

  test('a restart with another choice of protocol begins a rebalance', async () => {
    const group = new CoordinatorHarness()
    const first = group.join('g', '', { ...instance, protocols: { x: '', y: '' } })
    await group.settle()
    group.sync('g', 'i1-1', first.value!.generationId, {}, instance)
    const rejoin = group.join('g', '', { ...instance, protocols: { y: '', x: '' } })
    await group.settle()
    expect(rejoin.value).toMatchObject({ generationId: 2, protocolName: 'y', leader: 'i1-2' })
  })

  test('a restart between join and sync begins a rebalance and fences the sync that waits', async () => {
    const group = new CoordinatorHarness()
    group.join('g', '', instance)
    group.join('g', '', { groupInstanceId: 'i2' })
    await group.settle()
    const waiting = group.sync('g', 'i2-2', 1, {}, { groupInstanceId: 'i2' })
    const rejoin = group.join('g', '', { groupInstanceId: 'i2' })
    await group.settle()
    expect(waiting.value?.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(rejoin.value).toBeUndefined()
    expect(group.coordinator.group('g')!.state).toBe('PreparingRebalance')
  })

  test('is taken out by instance id', async () => {
    const group = new CoordinatorHarness()
    await stableStatic(group)
    expect(group.leave('g', '', 'unknown')).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(group.leave('g', 'wrong', 'i1')).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(group.leave('g', '', 'i1')).toBe(ErrorCode.NONE)
    await group.settle()
    expect(group.coordinator.group('g')!.state).toBe('Empty')
  })
})
