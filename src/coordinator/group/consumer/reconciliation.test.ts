import { describe, expect, test } from 'vitest'
import { NOT_OWNED } from './consumer-group.ts'
import { type ConsumerMember, MemberState, newMember } from './consumer-member.ts'
import { type ReconciliationGoal, reconcile } from './reconciliation.ts'

const T = 'AAAAAAAAAAAAAAAAAAAAAQ'
const U = 'AAAAAAAAAAAAAAAAAAAAAg'

/** Partitions of T, each had since this epoch. */
const held = (...partitions: number[]) =>
  new Map(partitions.length > 0 ? [[T, new Map(partitions.map((partition) => [partition, 3]))]] : [])
const owns = (...partitions: number[]) => [{ topicId: T, partitions }]

const member = (changes: Partial<ConsumerMember>): ConsumerMember => ({
  ...newMember('m'),
  memberEpoch: 3,
  previousMemberEpoch: 2,
  ...changes,
})

const goal = (changes: Partial<ReconciliationGoal>): ReconciliationGoal => ({
  targetEpoch: 4,
  target: new Map([[T, new Set([1, 2])]]),
  isSubscribed: () => true,
  hasSubscriptionChanged: false,
  partitionEpoch: () => NOT_OWNED,
  owned: owns(),
  ...changes,
})

describe('a stable member', () => {
  test('stays as it is at the epoch of the target', () => {
    const stable = member({ assigned: held(1) })
    expect(reconcile(stable, goal({ targetEpoch: 3 }))).toBe(stable)
  })

  test('gives up first, at its old epoch, and gets nothing meanwhile', () => {
    expect(reconcile(member({ assigned: held(0, 1) }), goal({ owned: null }))).toMatchObject({
      state: MemberState.UNREVOKED_PARTITIONS,
      memberEpoch: 3,
      assigned: held(1),
      pendingRevocation: held(0),
    })
  })

  test('goes on at once when it does not have what it would give up', () => {
    expect(reconcile(member({ assigned: held(0, 1) }), goal({ owned: owns(1) }))).toMatchObject({
      state: MemberState.STABLE,
      memberEpoch: 4,
      previousMemberEpoch: 3,
      assigned: new Map([
        [
          T,
          new Map([
            [1, 3],
            [2, 4],
          ]),
        ],
      ]),
    })
  })

  test('waits for what others still have, and takes what is free', () => {
    const partitionEpoch = (_: string, partition: number) => (partition === 2 ? 3 : NOT_OWNED)
    expect(reconcile(member({}), goal({ partitionEpoch }))).toMatchObject({
      state: MemberState.UNRELEASED_PARTITIONS,
      memberEpoch: 4,
      assigned: new Map([[T, new Map([[1, 4]])]]),
    })
  })

  test('loses topics that it has ended its subscription to, before there is a new target', () => {
    const changed = { targetEpoch: 3, hasSubscriptionChanged: true, isSubscribed: (id: string) => id === U }
    expect(reconcile(member({ assigned: held(1) }), goal({ ...changed, owned: owns(1) }))).toMatchObject({
      state: MemberState.UNREVOKED_PARTITIONS,
      memberEpoch: 3,
      assigned: new Map(),
      pendingRevocation: held(1),
    })
    const after = reconcile(member({ assigned: held(1) }), goal({ ...changed, owned: owns() }))
    expect(after).toMatchObject({ state: MemberState.STABLE, assigned: new Map() })
  })
})

describe('a member that has partitions to give up', () => {
  const giving = member({
    state: MemberState.UNREVOKED_PARTITIONS,
    assigned: held(1),
    pendingRevocation: held(2),
  })

  test.each([['says that it has them', owns(2)] as const, ['says nothing', null] as const])(
    'and %s stays',
    (_, owned) => {
      expect(reconcile(giving, goal({ owned }))).toBe(giving)
    },
  )

  test('gets one back that the target gives it again', () => {
    expect(reconcile(giving, goal({ owned: owns(1), partitionEpoch: () => 3 }))).toMatchObject({
      state: MemberState.STABLE,
      memberEpoch: 4,
      pendingRevocation: new Map(),
    })
  })
})

test('a member in a state that is not known here begins anew', () => {
  const unknown = member({ state: MemberState.UNKNOWN })
  expect(() => reconcile(unknown, goal({ owned: owns(1) }))).toThrow(/must abandon all its partitions/)
  expect(reconcile(unknown, goal({ owned: [] }))).toMatchObject({ state: MemberState.STABLE, memberEpoch: 4 })
})
