import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import type { SyncGroupResponse } from '../../protocol/generated/sync-group.ts'
import { type Answer, CoordinatorHarness } from '../test-support/coordinator-harness.ts'

describe('a restart', () => {
  test('brings back groups, members with their assignments, and offsets', async () => {
    const group = new CoordinatorHarness()
    const { leader, generationId } = await group.stablePair('g')
    group.commit('g', 5, { memberId: leader, generationId })
    group.commit('simple', 6)
    const joined = group.join('static', '', { groupInstanceId: 'i1' })
    await group.settle()
    group.sync(
      'static',
      joined.value!.memberId,
      1,
      { [joined.value!.memberId]: 'part' },
      { groupInstanceId: 'i1' },
    )
    group.join('static', '', { groupInstanceId: 'i1' })
    const left = await group.stablePair('left')
    group.leave('left', left.leader)
    group.leave('left', left.follower)
    await group.settle()
    const groupIds = ['g', 'simple', 'static', 'left', 'never']
    const before = group.durable(groupIds)
    group.restart()
    expect(group.durable(groupIds)).toEqual(before)
  })

  test('members go on where they were, and have a whole session to come back', async () => {
    const group = new CoordinatorHarness()
    const { leader, follower, generationId } = await group.stablePair('g')
    group.restart()
    await group.advance(9_000)
    expect(group.heartbeat('g', leader, generationId)).toBe(ErrorCode.NONE)
    expect(group.sync('g', follower, generationId).value!.assignment.toString()).toBe('a2')
    await group.advance(9_999)
    expect(group.heartbeat('g', leader, generationId)).toBe(ErrorCode.NONE)
    await group.advance(1)
    expect(group.heartbeat('g', leader, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  test('what waits is answered when the coordinator stops', async () => {
    const group = new CoordinatorHarness()
    const { leader } = await group.stablePair('g')
    const parked = group.join('g', leader)
    group.coordinator.stop()
    await group.settle()
    expect(parked.value?.errorCode).toBe(ErrorCode.NOT_COORDINATOR)
    expect(group.clock.pending()).toEqual([])
  })

  test('a group that grew larger than allowed begins a rebalance', async () => {
    const small = new CoordinatorHarness({ 'group.max.size': '1' })
    const group = new CoordinatorHarness()
    const { leader, generationId } = await group.stablePair('g')
    for (const [i, log] of group.logs.entries()) small.logs[i]!.push(...log)
    expect(small.heartbeat('g', leader, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })
})

describe('a log that refuses', () => {
  test('nothing is changed, and the client is told to look for its coordinator again', async () => {
    const group = new CoordinatorHarness()
    const { leader, generationId } = await group.stablePair('g')
    group.commit('g', 1, { memberId: leader, generationId })
    const before = group.durable(['g', 'h'])
    group.appendError = ErrorCode.KAFKA_STORAGE_ERROR
    expect(group.commit('g', 2, { memberId: leader, generationId })).toBe(ErrorCode.NOT_COORDINATOR)
    expect(group.join('h', '').value?.errorCode).toBe(ErrorCode.NOT_COORDINATOR)
    expect(group.commit('h', 1)).toBe(ErrorCode.NOT_COORDINATOR)
    expect(group.durable(['g', 'h'])).toEqual(before)
    group.appendError = ErrorCode.NOT_ENOUGH_REPLICAS
    expect(group.commit('g', 2, { memberId: leader, generationId })).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    group.appendError = undefined
    expect(group.commit('g', 3, { memberId: leader, generationId })).toBe(ErrorCode.NONE)
  })

  test("an assignment that is not in the log is nobody's: the group joins again", async () => {
    const group = new CoordinatorHarness()
    const { memberId } = await group.enter('g')
    group.appendError = ErrorCode.KAFKA_STORAGE_ERROR
    const sync = group.sync('g', memberId, 1, { [memberId]: 'part' })
    expect(sync.value).toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR, assignment: Buffer.alloc(0) })
    expect(group.heartbeat('g', memberId, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    group.appendError = undefined
    const rejoin = group.join('g', memberId)
    await group.settle()
    expect(rejoin.value?.generationId).toBe(2)
    expect(group.sync('g', memberId, 2, { [memberId]: 'part' }).value!.assignment.toString()).toBe('part')
  })

  test('a static member whose restart cannot be written stays who it was', async () => {
    const group = new CoordinatorHarness()
    const join = group.join('g', '', { groupInstanceId: 'i1' })
    await group.settle()
    const { memberId } = join.value!
    group.sync('g', memberId, 1, {}, { groupInstanceId: 'i1' })
    group.appendError = ErrorCode.KAFKA_STORAGE_ERROR
    expect(group.join('g', '', { groupInstanceId: 'i1' }).value?.errorCode).toBe(ErrorCode.NOT_COORDINATOR)
    expect(group.heartbeat('g', memberId, 1, 'i1')).toBe(ErrorCode.NONE)
  })

  test('members that went are gone all the same', async () => {
    const group = new CoordinatorHarness()
    const { memberId } = await group.enter('g')
    group.appendError = ErrorCode.KAFKA_STORAGE_ERROR
    expect(group.leave('g', memberId)).toBe(ErrorCode.NONE)
    await group.settle()
    expect(group.coordinator.group('g')).toMatchObject({ state: 'Empty', generationId: 2 })
  })
})

/** A small, seeded generator (mulberry32). */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** A scripted member: joins, syncs, beats, commits, leaves or falls silent as chance has it, and keeps to what it is told. */
class Client {
  readonly instance: string | null
  memberId = ''
  generationId = -1
  leads = false
  members: string[] = []
  join: Answer<JoinGroupResponse> | undefined
  sync: Answer<SyncGroupResponse> | undefined
  assignment = ''

  constructor(instance: string | null) {
    this.instance = instance
  }

  reset(): void {
    this.memberId = ''
    this.join = undefined
    this.sync = undefined
    this.assignment = ''
    this.generationId = -1
  }
}

async function randomRun(seed: number): Promise<void> {
  const next = seeded(seed)
  const group = new CoordinatorHarness({
    'group.initial.rebalance.delay.ms': String(next(3) * 500),
    'group.max.size': '5',
  })
  const clients = Array.from({ length: 6 }, (_, i) => new Client(i < 2 ? `i${i}` : null))
  /** Who was told to own what in which generation: nobody else may be. */
  const owners = new Map<string, string>()
  let generation = 0

  const take = (client: Client) => {
    const joined = client.join?.value
    if (joined) {
      client.join = undefined
      if (joined.errorCode === ErrorCode.NONE) {
        expect(joined.generationId).toBeGreaterThanOrEqual(generation)
        generation = joined.generationId
        Object.assign(client, {
          memberId: joined.memberId,
          generationId: joined.generationId,
          assignment: '',
        })
        client.leads = joined.leader === joined.memberId && !joined.skipAssignment
        client.members = joined.members.map(({ memberId }) => memberId)
        const rest = client.instance ? { groupInstanceId: client.instance } : {}
        const assignments = Object.fromEntries(
          client.members.map((id, i) => [id, `${joined.generationId}/${i}`]),
        )
        client.sync = group.sync(
          'g',
          client.memberId,
          client.generationId,
          client.leads ? assignments : {},
          rest,
        )
      } else if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) client.memberId = joined.memberId
      else client.reset()
    }
    const synced = client.sync?.value
    if (!synced) return
    client.sync = undefined
    if (synced.errorCode !== ErrorCode.NONE) return
    client.assignment = synced.assignment.toString()
    if (client.assignment === '') return
    // A static member that restarted owns what it owned: by its instance, not by its id.
    const name = client.instance ?? client.memberId
    expect(owners.get(client.assignment) ?? name).toBe(name)
    owners.set(client.assignment, name)
  }

  for (let step = 0; step < 300; step++) {
    const client = clients[next(clients.length)]!
    const waits = client.join || client.sync
    const action = next(100)
    if (action < 30 && !waits) {
      client.join = group.join('g', client.memberId, {
        apiVersion: 5 + next(5),
        groupInstanceId: client.instance,
        rebalanceTimeoutMs: 6_000,
        sessionTimeoutMs: 6_000,
        protocols: next(10) === 0 ? { range: `m${step}` } : { range: 'm', sticky: 'm' },
      })
    } else if (action < 60 && client.generationId > 0 && !waits) {
      const code = group.heartbeat('g', client.memberId, client.generationId, client.instance)
      if (code === ErrorCode.UNKNOWN_MEMBER_ID || code === ErrorCode.FENCED_INSTANCE_ID) client.reset()
    } else if (action < 70 && client.assignment !== '' && !waits) {
      const by = { memberId: client.memberId, generationId: client.generationId }
      group.commit('g', step, client.instance ? { ...by, groupInstanceId: client.instance } : by)
    } else if (action < 75 && client.memberId && !waits) {
      group.leave('g', client.memberId, client.instance)
      client.reset()
    } else if (action < 78 && client.instance) {
      client.reset()
    } else if (action < 80) {
      group.appendError = group.appendError === undefined ? ErrorCode.KAFKA_STORAGE_ERROR : undefined
    } else await group.advance(next(1_500))
    await group.settle()
    for (const each of clients) take(each)

    const state = group.coordinator.group('g')
    if (state?.type !== 'classic') continue
    expect(state.generationId).toBeGreaterThanOrEqual(generation)
    expect(state.members.size).toBeLessThanOrEqual(6)
    if (state.members.size > 0) expect(state.members.has(state.leaderId!)).toBe(true)
    if (state.state === 'Empty') expect(state.members.size).toBe(0)
    // Nobody waits in a state in which nothing can wake it.
    for (const member of state.members.values()) {
      if (member.awaitingJoin) expect(state.state).toBe('PreparingRebalance')
      if (member.awaitingSync) expect(state.state).toBe('CompletingRebalance')
      expect(member.sessionTimer !== undefined || member.isAliveWhileWaiting).toBe(true)
    }
    if (state.state === 'PreparingRebalance') expect(state.joinTimer).toBeDefined()
    if (state.state === 'CompletingRebalance') expect(state.syncTimer).toBeDefined()
  }

  // Whatever happened: once the log takes records again and all have gone, the group comes to rest, and a restart knows the same.
  group.appendError = undefined
  await group.advance(60_000)
  expect(group.coordinator.group('g')?.members.size ?? 0).toBe(0)
  expect(clients.every(({ join, sync }) => (!join || join.value) && (!sync || sync.value))).toBe(true)
  const last = await group.stablePair('g')
  group.commit('g', seed, { memberId: last.leader, generationId: last.generationId })
  const before = group.durable(['g'])
  group.restart()
  expect(group.durable(['g'])).toEqual(before)
}

test.each(Array.from({ length: 40 }, (_, i) => i + 1))(
  'whatever members do, seed %i: one owner each, generations only grow, all waits end',
  randomRun,
)
