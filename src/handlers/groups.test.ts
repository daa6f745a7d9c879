import { describe, expect, test } from 'vitest'
import { CoordinatorHarness } from '../coordinator/test-support/coordinator-harness.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { Writer } from '../protocol/writer.ts'
import { deleteGroups } from './delete-groups.ts'
import { describeGroups } from './describe-groups.ts'
import { findCoordinator } from './find-coordinator.ts'
import type { AnyHandler, BrokerServices, Handler, RequestContext } from './handler.ts'
import { heartbeat } from './heartbeat.ts'
import { joinGroup } from './join-group.ts'
import { leaveGroup } from './leave-group.ts'
import { listGroups } from './list-groups.ts'
import { offsetCommit } from './offset-commit.ts'
import { offsetDelete } from './offset-delete.ts'
import { offsetFetch } from './offset-fetch.ts'

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
const STRANGE_ID = 'AAAAAAAAAAAAAAAAAAAnaQ'

function setUp() {
  const group = new CoordinatorHarness()
  const topic = { name: 't', topicId: TOPIC_ID, partitions: [{}, {}] }
  const ensured: string[] = []
  const broker = {
    nodeId: 1,
    clock: group.clock,
    groups: group.coordinator,
    logger: { warn: () => {} },
    metadata: {
      topic: (name: string) => (name === 't' ? topic : undefined),
      topicById: (id: string) => (id === TOPIC_ID ? topic : undefined),
    },
    controller: { ensureInternalTopic: (name: string) => ensured.push(name) },
    advertisedEndpoint: () => ({ host: 'localhost', port: 9092 }),
  } as unknown as BrokerServices
  const context = (apiVersion: number) =>
    ({
      broker,
      apiVersion,
      clientId: null,
      connection: { clientAddress: '127.0.0.1' },
    }) as unknown as RequestContext
  const ask = <Request, Response>(
    handler: Handler<Request, Response>,
    apiVersion: number,
    request: object,
  ) => {
    const response = (handler as AnyHandler).handle(request, context(apiVersion)) as Response
    // Throws for a value that this version cannot carry.
    if (!(response instanceof Promise)) handler.api.response.encode(new Writer(), response, apiVersion)
    return response
  }
  const commit = (apiVersion: number, topics: object[], rest: object = {}) =>
    ask(offsetCommit, apiVersion, {
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1n,
      topics,
      ...rest,
    })
  return { group, ask, commit, broker, ensured }
}

function toCommit(partitionIndex: number, offset: number, committedMetadata: string | null = '') {
  return {
    partitionIndex,
    committedOffset: BigInt(offset),
    committedLeaderEpoch: -1,
    commitTimestamp: -1n,
    committedMetadata,
  }
}

describe('FindCoordinator', () => {
  const found = { nodeId: 1, host: 'localhost', port: 9092, errorCode: ErrorCode.NONE }
  const refused = { nodeId: -1, host: '', port: -1 }

  test('makes the internal topic and answers with this broker', async () => {
    const { ask, ensured } = setUp()
    expect(await ask(findCoordinator, 0, { key: 'g', keyType: 0, coordinatorKeys: [] })).toMatchObject(found)
    expect(await ask(findCoordinator, 4, { key: '', keyType: 1, coordinatorKeys: ['x', 'y'] })).toMatchObject(
      {
        coordinators: [
          { key: 'x', ...found },
          { key: 'y', ...found },
        ],
      },
    )
    expect(ensured).toEqual(['__consumer_offsets', '__transaction_state', '__transaction_state'])
  })

  test('refuses kinds of keys that it does not know', async () => {
    const { ask } = setUp()
    expect(await ask(findCoordinator, 1, { key: 'g', keyType: 9, coordinatorKeys: [] })).toMatchObject({
      ...refused,
      errorCode: ErrorCode.INVALID_REQUEST,
    })
    const share = async (version: number, key: string) => {
      const request = { key: '', keyType: 2, coordinatorKeys: [key] }
      return (await ask(findCoordinator, version, request)).coordinators[0]?.errorCode
    }
    expect(await share(5, `g:${TOPIC_ID}:0`)).toBe(ErrorCode.INVALID_REQUEST)
    expect(await share(6, 'g')).toBe(ErrorCode.INVALID_REQUEST)
    for (const key of [
      'g::0',
      `${TOPIC_ID}:0`,
      ` :${TOPIC_ID}:0`,
      `g:${TOPIC_ID}:x`,
      `g:${TOPIC_ID}:2147483648`,
    ])
      expect(await share(6, key), key).toBe(ErrorCode.INVALID_REQUEST)
    for (const key of [`g:${TOPIC_ID}:0`, `a:b:${TOPIC_ID}:-1`, `g:${TOPIC_ID}:+1:`])
      expect(await share(6, key), key).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  })

  test('a topic that cannot be made means that there is no coordinator yet', async () => {
    const { ask, broker } = setUp()
    broker.controller.ensureInternalTopic = async () => {
      throw new ApiError(ErrorCode.INVALID_REPLICATION_FACTOR)
    }
    expect(await ask(findCoordinator, 0, { key: 'g', keyType: 0, coordinatorKeys: [] })).toMatchObject({
      ...refused,
      errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    })
  })
})

describe('members', () => {
  test('JoinGroup: a null protocol name is the empty one before version 7; a null client id too', () => {
    const { ask } = setUp()
    const request = {
      groupId: 'g',
      sessionTimeoutMs: 6_000,
      memberId: '',
      groupInstanceId: null,
      reason: null,
    }
    const join = (version: number) =>
      ask(joinGroup, version, {
        ...request,
        rebalanceTimeoutMs: -1,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from('m') }],
      })
    expect(join(4)).toMatchObject({
      protocolName: '',
      memberId: '-1',
      errorCode: ErrorCode.MEMBER_ID_REQUIRED,
    })
    expect(join(7)).toMatchObject({ protocolName: null, memberId: '-2' })
  })

  test('JoinGroup: a protocol that is called nothing is null from version 7 on', async () => {
    const { ask, group } = setUp()
    const request = {
      groupId: 'g',
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 6_000,
      groupInstanceId: null,
      reason: null,
      protocolType: 'consumer',
      protocols: [{ name: '', metadata: Buffer.from('m') }],
    }
    const joined = ask(joinGroup, 3, { ...request, memberId: '' })
    group.clock.advance(0)
    const { memberId, protocolName } = await joined
    expect(protocolName).toBe('')
    expect(await ask(joinGroup, 7, { ...request, memberId })).toMatchObject({ protocolName: null, memberId })
  })

  test('JoinGroup: only version 0 has one timeout for both; a negative one of later versions is over at once', async () => {
    const stateAfter = async (version: number) => {
      const { ask, group } = setUp()
      const joined = ask(joinGroup, version, {
        groupId: 'g',
        sessionTimeoutMs: 6_000,
        rebalanceTimeoutMs: -1,
        memberId: '',
        groupInstanceId: null,
        reason: null,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from('m') }],
      })
      group.clock.advance(0)
      expect(await joined).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1 })
      group.clock.advance(1)
      return group.coordinator.group('g')!.state
    }
    expect(await stateAfter(0)).toBe('CompletingRebalance')
    expect(await stateAfter(1)).toBe('Empty')
  })

  test('LeaveGroup: one code for all up to version 2, one for each member after that', async () => {
    const { ask, group } = setUp()
    const { leader, follower } = await group.stablePair('g')
    const leave = (version: number, rest: object) =>
      ask(leaveGroup, version, { groupId: 'g', memberId: '', members: [], ...rest })
    expect(leave(2, { memberId: 'nobody' })).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
      members: [],
    })
    expect(leave(2, { memberId: leader })).toMatchObject({ errorCode: ErrorCode.NONE, members: [] })
    expect(
      leave(3, {
        members: [
          { memberId: leader, groupInstanceId: null, reason: null },
          { memberId: follower, groupInstanceId: null, reason: 'done' },
        ],
      }),
    ).toEqual({
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      members: [
        { memberId: leader, groupInstanceId: null, errorCode: ErrorCode.UNKNOWN_MEMBER_ID },
        { memberId: follower, groupInstanceId: null, errorCode: ErrorCode.NONE },
      ],
    })
    expect(leave(3, { groupId: '' })).toMatchObject({ errorCode: ErrorCode.INVALID_GROUP_ID, members: [] })
    expect(
      ask(heartbeat, 0, { groupId: 'g', memberId: leader, generationId: 1, groupInstanceId: null }),
    ).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
    })
  })
})

describe('offsets', () => {
  test('OffsetCommit: known and unknown topics and partitions in one request', () => {
    const { commit } = setUp()
    const codes = (version: number, topics: object[], rest?: object) =>
      commit(version, topics, rest).topics.map(({ partitions }) =>
        partitions.map(({ errorCode }) => errorCode),
      )
    const topics = [
      { name: 'none', topicId: STRANGE_ID, partitions: [toCommit(0, 1)] },
      {
        name: 't',
        topicId: TOPIC_ID,
        partitions: [toCommit(9, 1), toCommit(0, 5, null), toCommit(1, 6, 'm'.repeat(5000))],
      },
      { name: 't', topicId: TOPIC_ID, partitions: [] },
    ]
    const known = [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.NONE, ErrorCode.OFFSET_METADATA_TOO_LARGE]
    expect(codes(8, topics)).toEqual([[ErrorCode.UNKNOWN_TOPIC_OR_PARTITION], known])
    expect(codes(10, topics)).toEqual([[ErrorCode.UNKNOWN_TOPIC_ID], known])
    const wrong = ErrorCode.ILLEGAL_GENERATION
    expect(codes(8, topics, { groupId: 'h', generationIdOrMemberEpoch: 3 })).toEqual([
      [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, wrong, wrong],
    ])
    expect(codes(8, [])).toEqual([])
  })

  test('OffsetCommit: a topic that is there twice gets one row when something is refused, else two', () => {
    const { commit } = setUp()
    const rows = (version: number, topics: object[]) =>
      commit(version, topics).topics.map(({ name, topicId, partitions }) => [
        version < 10 ? name : topicId,
        ...partitions.map(({ partitionIndex }) => partitionIndex),
      ])
    const known = (...partitions: number[]) => ({
      name: 't',
      topicId: TOPIC_ID,
      partitions: partitions.map((partition) => toCommit(partition, 1)),
    })
    const unknown = (...partitions: number[]) => ({
      ...known(...partitions),
      name: 'none',
      topicId: STRANGE_ID,
    })
    expect(rows(8, [known(0), known(), known(1)])).toEqual([
      ['t', 0],
      ['t', 1],
    ])
    expect(rows(8, [known(0), unknown(), known(1), unknown(2)])).toEqual([
      ['none', 2],
      ['t', 0, 1],
    ])
    expect(rows(10, [unknown(4), known(9, 0), unknown(5), known(1)])).toEqual([
      [STRANGE_ID, 4, 5],
      [TOPIC_ID, 9, 0, 1],
    ])
    expect(rows(9, [unknown()])).toEqual([['none']])
  })

  test('OffsetFetch: one group or several, all or some, by name or by id', () => {
    const { ask, commit } = setUp()
    commit(8, [{ name: 't', topicId: '', partitions: [toCommit(0, 5, 'note')] }])
    const five = {
      partitionIndex: 0,
      committedOffset: 5n,
      committedLeaderEpoch: -1,
      metadata: 'note',
      errorCode: 0,
    }
    const none = {
      partitionIndex: 1,
      committedOffset: -1n,
      committedLeaderEpoch: -1,
      metadata: '',
      errorCode: 0,
    }
    const one = (version: number, topics: object[] | null) =>
      ask(offsetFetch, version, { groupId: 'g', topics, groups: [], requireStable: false })
    expect(one(5, [{ name: 't', partitionIndexes: [0, 1] }])).toMatchObject({
      errorCode: 0,
      topics: [{ name: 't', partitions: [five, none] }],
    })
    expect(one(5, null)).toMatchObject({ topics: [{ name: 't', partitions: [five] }] })
    expect(one(5, [{ name: 'unknown', partitionIndexes: [1] }])).toMatchObject({
      topics: [{ partitions: [none] }],
    })
    expect(one(0, [{ name: 't', partitionIndexes: [1] }])).toMatchObject({
      topics: [{ partitions: [{ ...none, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }] }],
    })
    const several = (version: number, groups: object[]) =>
      ask(offsetFetch, version, { groupId: '', topics: null, groups, requireStable: false }).groups
    const asking = { memberId: null, memberEpoch: -1 }
    expect(
      several(10, [
        { groupId: 'g', ...asking, topics: [{ name: '', topicId: TOPIC_ID, partitionIndexes: [0] }] },
        { groupId: 'g', ...asking, topics: [{ name: '', topicId: STRANGE_ID, partitionIndexes: [0] }] },
        { groupId: 'g', ...asking, topics: null },
        { groupId: 'h', ...asking, topics: null },
      ]),
    ).toMatchObject([
      { groupId: 'g', errorCode: 0, topics: [{ topicId: TOPIC_ID, partitions: [five] }] },
      {
        topics: [
          {
            topicId: STRANGE_ID,
            partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID, committedOffset: -1n }],
          },
        ],
      },
      { topics: [{ topicId: TOPIC_ID, partitions: [five] }] },
      { groupId: 'h', topics: [], errorCode: 0 },
    ])
  })

  test('OffsetFetch without a coordinator: the code where the version has a place for it', () => {
    const { ask, group } = setUp()
    group.logs.length = 0
    const request = { groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }], requireStable: false }
    const groups = [{ groupId: 'g', memberId: null, memberEpoch: -1, topics: null }]
    const code = ErrorCode.NOT_COORDINATOR
    expect(ask(offsetFetch, 1, { ...request, groups })).toMatchObject({
      topics: [{ partitions: [{ errorCode: code }] }],
    })
    expect(ask(offsetFetch, 5, { ...request, groups })).toMatchObject({ errorCode: code, topics: [] })
    expect(ask(offsetFetch, 8, { ...request, groups })).toMatchObject({
      groups: [{ errorCode: code, topics: [] }],
    })
  })

  test('OffsetDelete', () => {
    const { ask, commit } = setUp()
    commit(8, [{ name: 't', topicId: '', partitions: [toCommit(0, 5)] }])
    const remove = (groupId: string) =>
      ask(offsetDelete, 0, {
        groupId,
        topics: [
          { name: 't', partitions: [{ partitionIndex: 0 }, { partitionIndex: 7 }] },
          { name: 'none', partitions: [{ partitionIndex: 0 }] },
        ],
      })
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    expect(remove('g').topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode))).toEqual([
      [unknown, ErrorCode.NONE],
      [unknown],
    ])
    const rows = (...topics: object[]) =>
      ask(offsetDelete, 0, { groupId: 'g', topics }).topics.map(({ name, partitions }) => [
        name,
        ...partitions.map(({ partitionIndex }) => partitionIndex),
      ])
    const row = (name: string, ...indexes: number[]) => ({
      name,
      partitions: indexes.map((partitionIndex) => ({ partitionIndex })),
    })
    expect(rows(row('t'), row('none'))).toEqual([['none']])
    expect(rows(row('t', 0), row('t', 1))).toEqual([
      ['t', 0],
      ['t', 1],
    ])
    expect(rows(row('t', 0), row('none', 0), row('t', 9), row('none', 0))).toEqual([
      ['none', 0, 0],
      ['t', 9, 0],
    ])
    expect(remove('h')).toMatchObject({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND, topics: [] })
    expect(remove('')).toMatchObject({ errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] })
  })
})

describe('administration', () => {
  test('DescribeGroups: stable groups in full; unknown ones are Dead, and from version 6 on not found', async () => {
    const { ask, group } = setUp()
    const { leader } = await group.stablePair('g')
    const describe_ = (version: number, includeAuthorizedOperations = false) =>
      ask(describeGroups, version, { groups: ['g', 'none'], includeAuthorizedOperations }).groups
    const [stable, dead] = describe_(5)
    expect(stable).toMatchObject({
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      errorCode: 0,
    })
    expect(stable!.members[0]).toMatchObject({
      memberId: leader,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      memberMetadata: Buffer.from('m'),
      memberAssignment: Buffer.from('a1'),
    })
    expect(dead).toMatchObject({ groupState: 'Dead', errorCode: 0, protocolType: '', members: [] })
    expect(describe_(6)[1]).toMatchObject({ groupState: 'Dead', errorCode: ErrorCode.GROUP_ID_NOT_FOUND })
    expect(describe_(5, true).map(({ authorizedOperations }) => authorizedOperations)).toEqual([3400, 3400])
    expect(describe_(6, true).map(({ authorizedOperations }) => authorizedOperations)).toEqual([
      3400,
      -(2 ** 31),
    ])
    group.join('g', leader)
    const [preparing] = describe_(5)
    expect(preparing).toMatchObject({ groupState: 'PreparingRebalance', protocolData: '' })
    expect(preparing!.members[0]).toMatchObject({
      memberMetadata: Buffer.alloc(0),
      memberAssignment: Buffer.from('a1'),
    })
  })

  test('ListGroups filters by state and type, in any case of letters; blanks around a state do not count', async () => {
    const { ask, group, commit } = setUp()
    await group.stablePair('members')
    commit(8, [{ name: 't', topicId: '', partitions: [toCommit(0, 5)] }])
    const list = (statesFilter: string[], typesFilter: string[] = []) =>
      ask(listGroups, 5, { statesFilter, typesFilter }).groups.map(({ groupId }) => groupId)
    expect(list([]).sort()).toEqual(['g', 'members'])
    expect(list(['stable'], ['Classic'])).toEqual(['members'])
    expect(list([' stable\t'])).toEqual(['members'])
    expect(list([], [' classic'])).toEqual([])
    expect(list(['Empty'])).toEqual(['g'])
    expect(list([], ['consumer'])).toEqual([])
  })

  test('DeleteGroups', async () => {
    const { ask, group, commit } = setUp()
    await group.stablePair('members')
    commit(8, [{ name: 't', topicId: '', partitions: [toCommit(0, 5)] }])
    expect(ask(deleteGroups, 2, { groupsNames: ['g', 'members', 'none', 'g'] }).results).toEqual([
      { groupId: 'g', errorCode: ErrorCode.NONE },
      { groupId: 'members', errorCode: ErrorCode.NON_EMPTY_GROUP },
      { groupId: 'none', errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
    ])
  })
})
