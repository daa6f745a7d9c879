import { describe, expect, test } from 'vitest'
import { batchOf } from '../log/test-support/storage.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { addRaftVoter } from './add-raft-voter.ts'
import { alterPartitionReassignments } from './alter-partition-reassignments.ts'
import { alterReplicaLogDirs } from './alter-replica-log-dirs.ts'
import { createAcls } from './create-acls.ts'
import { createDelegationToken } from './create-delegation-token.ts'
import { deleteAcls } from './delete-acls.ts'
import { describeAcls } from './describe-acls.ts'
import { describeProducers } from './describe-producers.ts'
import { describeQuorum } from './describe-quorum.ts'
import { electLeaders } from './elect-leaders.ts'
import { listConfigResources } from './list-config-resources.ts'
import { listPartitionReassignments } from './list-partition-reassignments.ts'
import { removeRaftVoter } from './remove-raft-voter.ts'
import { saslAuthenticate } from './sasl-authenticate.ts'
import { saslHandshake } from './sasl-handshake.ts'
import { type Ask, metadataBroker } from './test-support/metadata-broker.ts'
import { unregisterBroker } from './unregister-broker.ts'
import { updateFeatures } from './update-features.ts'

const DIRECTORY_ID = 'AAAAAAAAAAAAAAAAAAAnaQ'

describe('features', () => {
  const update = (
    ask: Ask,
    feature: string,
    maxVersionLevel: number,
    upgradeType = 1,
    validateOnly = false,
  ) =>
    ask(updateFeatures, 1, {
      timeoutMs: 1000,
      featureUpdates: [{ feature, maxVersionLevel, upgradeType, allowDowngrade: false }],
      validateOnly,
    }).errorCode

  test('a level goes up by itself and down only with leave, and is kept', async () => {
    const first = await metadataBroker()
    expect(update(first.ask, 'transaction.version', 1)).toBe(ErrorCode.INVALID_UPDATE_VERSION)
    expect(update(first.ask, 'transaction.version', 1, 2, true)).toBe(0)
    expect(first.image.features.get('transaction.version')).toBe(2)
    expect(update(first.ask, 'transaction.version', 1, 2)).toBe(0)
    expect(update(first.ask, 'group.version', 0, 3)).toBe(0)
    await first.harness.stop()
    const { ask, image } = await metadataBroker(first.files)
    expect(image.features.get('transaction.version')).toBe(1)
    expect(image.features.has('group.version')).toBe(false)
    expect(update(ask, 'transaction.version', 2)).toBe(0)
    expect(image.features.get('transaction.version')).toBe(2)
  })

  test('levels that there are not, and those that would lose something', async () => {
    const { ask, image } = await metadataBroker()
    const before = [...image.features]
    for (const [feature, level, upgradeType] of [
      ['no.such.feature', 1, 1],
      ['metadata.version', 99, 1],
      ['metadata.version', 29, 2],
      ['metadata.version', -1, 1],
      ['group.version', 1, 9],
      // Voters that change need a quorum.
      ['kraft.version', 1, 1],
    ] as const) {
      const code = update(ask, feature, level, upgradeType)
      expect([feature, level, code]).toEqual([feature, level, ErrorCode.INVALID_UPDATE_VERSION])
    }
    expect([...image.features]).toEqual(before)
  })

  test('version 0 says only whether a lower level is allowed', async () => {
    const { ask } = await metadataBroker()
    const code = (allowDowngrade: boolean) =>
      ask(updateFeatures, 0, {
        timeoutMs: 1000,
        featureUpdates: [{ feature: 'share.version', maxVersionLevel: 0, upgradeType: 1, allowDowngrade }],
        validateOnly: false,
      }).errorCode
    expect([code(false), code(true)]).toEqual([ErrorCode.INVALID_UPDATE_VERSION, 0])
  })

  test('eligible leader replicas make min.insync.replicas a setting of the cluster', async () => {
    const { ask, image, controller } = await metadataBroker()
    expect(update(ask, 'eligible.leader.replicas.version', 0, 2)).toBe(0)
    controller.alterConfigs('broker', '', new Map([['min.insync.replicas', null]]))
    controller.alterConfigs('broker', '1', new Map([['min.insync.replicas', '2']]))
    expect(update(ask, 'eligible.leader.replicas.version', 1)).toBe(0)
    expect(image.configs('broker', '').get('min.insync.replicas')).toBe('1')
    expect(image.configs('broker', '1').has('min.insync.replicas')).toBe(false)
  })
})

describe('partitions', () => {
  test('a leader that leads needs no election; an unknown kind of election, or no time, refuses all', async () => {
    const { ask, createTopic } = await metadataBroker()
    createTopic('t')
    const request = { electionType: 0, topicPartitions: [{ topic: 't', partitions: [0] }], timeoutMs: 1000 }
    const codes = (apiVersion: number, rest: object) => {
      const { errorCode, replicaElectionResults } = ask(electLeaders, apiVersion, { ...request, ...rest })
      return [
        errorCode,
        ...replicaElectionResults.flatMap((row) => row.partitionResult.map((each) => each.errorCode)),
      ]
    }
    expect(codes(2, {})).toEqual([0, ErrorCode.ELECTION_NOT_NEEDED])
    expect(codes(2, { topicPartitions: null })).toEqual([0])
    expect(codes(2, { electionType: 7 })).toEqual([ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST])
    expect(codes(0, { electionType: 7 })).toEqual([0, ErrorCode.ELECTION_NOT_NEEDED])
    expect(codes(1, { timeoutMs: 0 })).toEqual([ErrorCode.REQUEST_TIMED_OUT, ErrorCode.REQUEST_TIMED_OUT])
    expect(codes(0, { timeoutMs: 0 })).toEqual([0, ErrorCode.REQUEST_TIMED_OUT])
  })

  test('moves: to where it is, to a broker that is not there, and none that goes on', async () => {
    const { ask, createTopic } = await metadataBroker()
    createTopic('t', 3)
    const answer = ask(alterPartitionReassignments, 1, {
      timeoutMs: 1000,
      allowReplicationFactorChange: true,
      topics: [
        {
          name: 't',
          partitions: [[1], [2], null].map((replicas, partitionIndex) => ({ partitionIndex, replicas })),
        },
      ],
    })
    expect(answer.responses[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([
      0,
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
    ])
    expect(ask(listPartitionReassignments, 0, { timeoutMs: 1000, topics: null }).topics).toEqual([])
    const late = ask(alterPartitionReassignments, 0, {
      timeoutMs: 0,
      topics: [{ name: 't', partitions: [] }],
    })
    expect(late.errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT)
  })

  test('directories: the one that there is, and others', async () => {
    const { ask, createTopic, harness } = await metadataBroker()
    createTopic('t')
    const { path } = harness.partitions.describeDirectory()
    const to = (directory: string, name: string, ...partitions: number[]) => ({
      path: directory,
      topics: [{ name, partitions }],
    })
    const { results } = ask(alterReplicaLogDirs, 2, {
      dirs: [to('/other', 't', 0), to(path, 't', 0, 1), to('/other', 'none', 0)],
    })
    expect(results).toEqual([
      {
        topicName: 't',
        partitions: [
          { partitionIndex: 0, errorCode: 0 },
          { partitionIndex: 1, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
        ],
      },
      { topicName: 'none', partitions: [{ partitionIndex: 0, errorCode: ErrorCode.LOG_DIR_NOT_FOUND }] },
    ])
  })

  test('producers that a partition knows', async () => {
    const { ask, createTopic, harness } = await metadataBroker()
    createTopic('t')
    const partition = harness.partitions.get('t', 0)!
    const batch = batchOf([{ value: 'a' }, { value: 'b' }], {
      producerId: 7n,
      producerEpoch: 1,
      baseSequence: 0,
    })
    partition.append(batch, partition.leaderEpoch, 'client', { produceVersion: 9 })
    const { topics } = ask(describeProducers, 0, {
      topics: [
        { name: 't', partitionIndexes: [0, 1] },
        { name: 'bad name', partitionIndexes: [0] },
      ],
    })
    const [first, second] = topics[0]!.partitions
    expect(first!.activeProducers).toMatchObject([
      { producerId: 7n, producerEpoch: 1, lastSequence: 1, coordinatorEpoch: -1, currentTxnStartOffset: -1n },
    ])
    expect(second!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(topics[1]!.partitions[0]!.errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
  })
})

describe('the cluster', () => {
  test('one controller is the quorum; only its partition is known', async () => {
    const { ask, image } = await metadataBroker()
    const of = (topicName: string, ...indexes: number[]) => ({
      topicName,
      partitions: indexes.map((partitionIndex) => ({ partitionIndex })),
    })
    const [topic] = ask(describeQuorum, 2, { topics: [of('__cluster_metadata', 0)] }).topics
    expect(topic!.partitions[0]).toMatchObject({
      errorCode: 0,
      leaderId: 1,
      leaderEpoch: 1,
      highWatermark: image.lastAppliedOffset + 1n,
      currentVoters: [{ replicaId: 1, logEndOffset: image.lastAppliedOffset + 1n }],
    })
    for (const topics of [
      [of('t', 0)],
      [of('__cluster_metadata', 0, 1)],
      [of('__cluster_metadata', 0), of('t', 0)],
    ]) {
      const answer = ask(describeQuorum, 2, { topics })
      expect(answer.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      expect(answer.nodes).toEqual([])
    }
  })

  test('its voters cannot be changed', async () => {
    const { ask } = await metadataBroker()
    const voter = {
      clusterId: 'cluster',
      timeoutMs: 1000,
      voterId: 2,
      voterDirectoryId: DIRECTORY_ID,
      listeners: [{ name: 'CONTROLLER', host: 'localhost', port: 1 }],
    }
    const add = (rest: object) => ask(addRaftVoter, 1, { ...voter, ...rest }).errorCode
    expect(add({ clusterId: 'other' })).toBe(ErrorCode.INCONSISTENT_CLUSTER_ID)
    expect(add({ voterId: -1 })).toBe(ErrorCode.INVALID_REQUEST)
    expect(add({ listeners: [] })).toBe(ErrorCode.INVALID_REQUEST)
    expect(add({ clusterId: null })).toBe(ErrorCode.UNSUPPORTED_VERSION)
    expect(ask(removeRaftVoter, 0, voter).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION)
  })

  test('a broker that is forgotten serves nothing until it is started again', async () => {
    const { ask, createTopic, image, harness, files } = await metadataBroker()
    createTopic('t')
    expect(ask(unregisterBroker, 0, { brokerId: 9 }).errorCode).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED)
    const { epoch } = image.brokers.get(1)!
    expect(ask(unregisterBroker, 0, { brokerId: 1 }).errorCode).toBe(0)
    expect(image.brokers.size).toBe(0)
    expect(image.topic('t')!.partitions[0]).toMatchObject({
      leader: -1,
      isr: [],
      eligibleLeaderReplicas: [1],
    })
    await harness.partitions.stop(epoch)
    const again = await metadataBroker(files)
    expect(again.image.topic('t')!.partitions[0]).toMatchObject({ leader: 1, isr: [1] })
  })

  test('what has settings', async () => {
    const { ask, createTopic, controller } = await metadataBroker()
    createTopic('t')
    controller.alterConfigs('group', 'g', new Map([['consumer.session.timeout.ms', '50000']]))
    controller.alterConfigs('client-metrics', 'm', new Map([['interval.ms', '1000']]))
    const list = (apiVersion: number, ...resourceTypes: number[]) => {
      const { errorCode, configResources } = ask(listConfigResources, apiVersion, { resourceTypes })
      return errorCode || configResources.map((each) => [each.resourceType, each.resourceName])
    }
    expect(list(0)).toEqual([[16, 'm']])
    expect(list(1)).toEqual([
      [2, 't'],
      [4, '1'],
      [8, '1'],
      [16, 'm'],
      [32, 'g'],
    ])
    expect(list(1, 32, 16, 32)).toEqual([
      [32, 'g'],
      [16, 'm'],
    ])
    expect(list(1, 16, 3)).toBe(ErrorCode.UNSUPPORTED_VERSION)
  })
})

describe('without security', () => {
  test('there are no access rules to read, write or remove', async () => {
    const { ask } = await metadataBroker()
    const filter = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 }
    const rule = { resourceType: 2, resourcePatternType: 3, operation: 3, permissionType: 3 }
    expect(ask(describeAcls, 3, filter)).toMatchObject({
      errorCode: ErrorCode.SECURITY_DISABLED,
      resources: [],
    })
    expect(ask(createAcls, 3, { creations: [rule, rule] }).results).toMatchObject([
      { errorCode: ErrorCode.SECURITY_DISABLED },
      { errorCode: ErrorCode.SECURITY_DISABLED },
    ])
    expect(ask(deleteAcls, 3, { filters: [filter] }).filterResults).toMatchObject([
      { errorCode: ErrorCode.SECURITY_DISABLED, matchingAcls: [] },
    ])
  })

  test('a rule with UNKNOWN in it closes the connection', async () => {
    const { ask } = await metadataBroker()
    const unknown = { resourceTypeFilter: 0, patternTypeFilter: 1, operation: 1, permissionType: 1 }
    expect(() => ask(describeAcls, 3, unknown)).toThrow('UNKNOWN')
    expect(() => ask(deleteAcls, 3, { filters: [unknown] })).toThrow('UNKNOWN')
  })

  test('nobody authenticates, and nobody gets a token', async () => {
    const { ask } = await metadataBroker()
    expect(ask(saslHandshake, 1, {}).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE)
    expect(ask(saslAuthenticate, 2, {}).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE)
    const token = (ownerPrincipalType: string | null, ownerPrincipalName: string | null) => {
      const answer = ask(createDelegationToken, 3, { ownerPrincipalType, ownerPrincipalName })
      return [answer.errorCode, answer.principalType, answer.principalName]
    }
    const refused = ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
    expect(token(null, null)).toEqual([refused, 'User', 'ANONYMOUS'])
    expect(token('User', 'bob')).toEqual([refused, 'User', 'bob'])
    expect(token(null, 'bob')).toEqual([ErrorCode.UNKNOWN_SERVER_ERROR, 'User', 'ANONYMOUS'])
  })
})
