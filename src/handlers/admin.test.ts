import { describe, expect, test } from 'vitest'
import { batchOf } from '../log/test-support/storage.ts'
import { ZERO_UUID } from '../protocol/api.ts'
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
  const update = async (
    ask: Ask,
    feature: string,
    maxVersionLevel: number,
    upgradeType = 1,
    validateOnly = false,
  ) =>
    (
      await ask(updateFeatures, 1, {
        timeoutMs: 1000,
        featureUpdates: [{ feature, maxVersionLevel, upgradeType, allowDowngrade: false }],
        validateOnly,
      })
    ).errorCode

  test('a level goes up by itself and down only with leave, and is kept', async () => {
    const first = await metadataBroker()
    expect(await update(first.ask, 'transaction.version', 1)).toBe(ErrorCode.INVALID_UPDATE_VERSION)
    expect(await update(first.ask, 'transaction.version', 1, 2, true)).toBe(0)
    expect(first.image.features.get('transaction.version')).toBe(2)
    expect(await update(first.ask, 'transaction.version', 1, 2)).toBe(0)
    expect(await update(first.ask, 'group.version', 0, 3)).toBe(0)
    await first.harness.stop()
    const { ask, image } = await metadataBroker(first.files)
    expect(image.features.get('transaction.version')).toBe(1)
    expect(image.features.has('group.version')).toBe(false)
    expect(await update(ask, 'transaction.version', 2)).toBe(0)
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
      ['kraft.version', 2, 1],
      ['kraft.version', 1, 2],
    ] as const) {
      const code = await update(ask, feature, level, upgradeType)
      expect([feature, level, code]).toEqual([feature, level, ErrorCode.INVALID_UPDATE_VERSION])
    }
    expect([...image.features]).toEqual(before)
  })

  test('version 0 says only whether a lower level is allowed', async () => {
    const { ask } = await metadataBroker()
    const code = async (allowDowngrade: boolean) =>
      (
        await ask(updateFeatures, 0, {
          timeoutMs: 1000,
          featureUpdates: [{ feature: 'share.version', maxVersionLevel: 0, upgradeType: 1, allowDowngrade }],
          validateOnly: false,
        })
      ).errorCode
    expect([await code(false), await code(true)]).toEqual([ErrorCode.INVALID_UPDATE_VERSION, 0])
  })

  test('eligible leader replicas make min.insync.replicas a setting of the cluster', async () => {
    const { ask, image, controller } = await metadataBroker()
    expect(await update(ask, 'eligible.leader.replicas.version', 0, 2)).toBe(0)
    controller.alterConfigs('broker', '', new Map([['min.insync.replicas', null]]))
    controller.alterConfigs('broker', '1', new Map([['min.insync.replicas', '2']]))
    expect(await update(ask, 'eligible.leader.replicas.version', 1)).toBe(0)
    expect(image.configs('broker', '').get('min.insync.replicas')).toBe('1')
    expect(image.configs('broker', '1').has('min.insync.replicas')).toBe(false)
  })
})

describe('partitions', () => {
  test('a leader that leads needs no election; an unknown kind of election, or no time, refuses all', async () => {
    const { ask, createTopic } = await metadataBroker()
    createTopic('t')
    const request = { electionType: 0, topicPartitions: [{ topic: 't', partitions: [0] }], timeoutMs: 1000 }
    const codes = async (apiVersion: number, rest: object) => {
      const { errorCode, replicaElectionResults } = await ask(electLeaders, apiVersion, {
        ...request,
        ...rest,
      })
      return [
        errorCode,
        ...replicaElectionResults.flatMap((row) => row.partitionResult.map((each) => each.errorCode)),
      ]
    }
    expect(await codes(2, {})).toEqual([0, ErrorCode.ELECTION_NOT_NEEDED])
    expect(await codes(2, { topicPartitions: null })).toEqual([0])
    expect(await codes(2, { electionType: 7 })).toEqual([
      ErrorCode.INVALID_REQUEST,
      ErrorCode.INVALID_REQUEST,
    ])
    expect(await codes(0, { electionType: 7 })).toEqual([0, ErrorCode.ELECTION_NOT_NEEDED])
    expect(await codes(1, { timeoutMs: 0 })).toEqual([
      ErrorCode.REQUEST_TIMED_OUT,
      ErrorCode.REQUEST_TIMED_OUT,
    ])
    expect(await codes(0, { timeoutMs: 0 })).toEqual([0, ErrorCode.REQUEST_TIMED_OUT])
  })

  test('moves: to where it is, to a broker that is not there, and none that goes on', async () => {
    const { ask, createTopic } = await metadataBroker()
    createTopic('t', 3)
    const answer = await ask(alterPartitionReassignments, 1, {
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
    expect((await ask(listPartitionReassignments, 0, { timeoutMs: 1000, topics: null })).topics).toEqual([])
    const late = await ask(alterPartitionReassignments, 0, {
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
    const { results } = await ask(alterReplicaLogDirs, 2, {
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
    const { topics } = await ask(describeProducers, 0, {
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
    const [topic] = (await ask(describeQuorum, 2, { topics: [of('__cluster_metadata', 0)] })).topics
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
      const answer = await ask(describeQuorum, 2, { topics })
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
    const add = async (rest: object) => (await ask(addRaftVoter, 1, { ...voter, ...rest })).errorCode
    expect(await add({ clusterId: 'other' })).toBe(ErrorCode.INCONSISTENT_CLUSTER_ID)
    expect(await add({ voterId: -1 })).toBe(ErrorCode.INVALID_REQUEST)
    expect(await add({ listeners: [] })).toBe(ErrorCode.INVALID_REQUEST)
    expect(await add({ clusterId: null })).toBe(ErrorCode.UNSUPPORTED_VERSION)
    expect((await ask(removeRaftVoter, 0, voter)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION)
  })

  test('voters that stand in the log are told with their directory, and stay one (KIP-853)', async () => {
    const { ask, harness, controller } = await metadataBroker()
    await controller.updateFeatures([{ feature: 'kraft.version', level: 1, upgradeType: 1 }])
    const { directoryId } = harness.directory
    const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
    const answer = await ask(describeQuorum, 2, { topics })
    expect(answer.topics[0]!.partitions[0]!.currentVoters).toMatchObject([
      { replicaId: 1, replicaDirectoryId: directoryId },
    ])
    expect(answer.nodes).toMatchObject([{ nodeId: 1, listeners: [{ name: 'CONTROLLER' }] }])
    // Older versions have no place for it.
    const old = await ask(describeQuorum, 1, { topics })
    expect(old.topics[0]!.partitions[0]!.currentVoters[0]!.replicaDirectoryId).toBe(ZERO_UUID)
    const voter = {
      clusterId: 'cluster',
      timeoutMs: 1000,
      voterId: 1,
      voterDirectoryId: directoryId,
      listeners: [{ name: 'CONTROLLER', host: 'localhost', port: 1 }],
    }
    const add = async (rest: object) => (await ask(addRaftVoter, 1, { ...voter, ...rest })).errorCode
    expect(await add({})).toBe(ErrorCode.DUPLICATE_VOTER)
    expect(await add({ voterDirectoryId: DIRECTORY_ID })).toBe(ErrorCode.DUPLICATE_VOTER)
    expect(await add({ voterId: 2 })).toBe(ErrorCode.REQUEST_TIMED_OUT)
    expect((await ask(removeRaftVoter, 0, voter)).errorCode).toBe(ErrorCode.VOTER_NOT_FOUND)
  })

  test('a broker that is forgotten serves nothing until it is started again', async () => {
    const { ask, createTopic, image, harness, files } = await metadataBroker()
    createTopic('t')
    expect((await ask(unregisterBroker, 0, { brokerId: 9 })).errorCode).toBe(
      ErrorCode.BROKER_ID_NOT_REGISTERED,
    )
    const { epoch } = image.brokers.get(1)!
    expect((await ask(unregisterBroker, 0, { brokerId: 1 })).errorCode).toBe(0)
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
    const list = async (apiVersion: number, ...resourceTypes: number[]) => {
      const { errorCode, configResources } = await ask(listConfigResources, apiVersion, { resourceTypes })
      return errorCode || configResources.map((each) => [each.resourceType, each.resourceName])
    }
    expect(await list(0)).toEqual([[16, 'm']])
    expect(await list(1)).toEqual([
      [2, 't'],
      [4, '1'],
      [8, '1'],
      [16, 'm'],
      [32, 'g'],
    ])
    expect(await list(1, 32, 16, 32)).toEqual([
      [32, 'g'],
      [16, 'm'],
    ])
    expect(await list(1, 16, 3)).toBe(ErrorCode.UNSUPPORTED_VERSION)
  })
})

describe('without security', () => {
  test('there are no access rules to read, write or remove', async () => {
    const { ask } = await metadataBroker()
    const filter = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 }
    const rule = { resourceType: 2, resourcePatternType: 3, operation: 3, permissionType: 3 }
    expect(await ask(describeAcls, 3, filter)).toMatchObject({
      errorCode: ErrorCode.SECURITY_DISABLED,
      resources: [],
    })
    expect((await ask(createAcls, 3, { creations: [rule, rule] })).results).toMatchObject([
      { errorCode: ErrorCode.SECURITY_DISABLED },
      { errorCode: ErrorCode.SECURITY_DISABLED },
    ])
    expect((await ask(deleteAcls, 3, { filters: [filter] })).filterResults).toMatchObject([
      { errorCode: ErrorCode.SECURITY_DISABLED, matchingAcls: [] },
    ])
  })

  test('a rule with UNKNOWN in it closes the connection', async () => {
    const { ask } = await metadataBroker()
    const unknown = { resourceTypeFilter: 0, patternTypeFilter: 1, operation: 1, permissionType: 1 }
    await expect(ask(describeAcls, 3, unknown)).rejects.toThrow('UNKNOWN')
    await expect(ask(deleteAcls, 3, { filters: [unknown] })).rejects.toThrow('UNKNOWN')
  })

  test('nobody authenticates, and nobody gets a token', async () => {
    const { ask } = await metadataBroker()
    expect((await ask(saslHandshake, 1, {})).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE)
    expect((await ask(saslAuthenticate, 2, {})).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE)
    const token = async (ownerPrincipalType: string | null, ownerPrincipalName: string | null) => {
      const answer = await ask(createDelegationToken, 3, { ownerPrincipalType, ownerPrincipalName })
      return [answer.errorCode, answer.principalType, answer.principalName]
    }
    const refused = ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED
    expect(await token(null, null)).toEqual([refused, 'User', 'ANONYMOUS'])
    expect(await token('User', 'bob')).toEqual([refused, 'User', 'bob'])
    expect(await token(null, 'bob')).toEqual([ErrorCode.UNKNOWN_SERVER_ERROR, 'User', 'ANONYMOUS'])
  })
})
