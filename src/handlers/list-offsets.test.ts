import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../protocol/error-code.ts'
import type { ListOffsetsPartition, ListOffsetsResponse } from '../protocol/generated/list-offsets.ts'
import type { RequestContext } from './handler.ts'
import { listOffsets } from './list-offsets.ts'

/** Records at 10, 20 and 30 ms with offsets 5, 6, 7; the last one is not committed. */
const log = {
  logStartOffset: 5n,
  logEndOffset: 8n,
  highWatermark: 8n,
  lastStableOffset: 7n,
  epochForOffset: () => 2,
  maxTimestampOffset: () => ({ timestamp: 30n, offset: 7n, leaderEpoch: 3 }),
  offsetForTimestamp: (timestamp: bigint) =>
    [10n, 20n, 30n]
      .map((at, i) => ({ timestamp: at, offset: BigInt(5 + i), leaderEpoch: 3 }))
      .find((record) => record.timestamp >= timestamp),
  describe: () => ({
    segments: [
      { baseOffset: 0n, maxTimestamp: 10n },
      { baseOffset: 6n, maxTimestamp: 20n },
      { baseOffset: 7n, maxTimestamp: 30n },
    ],
  }),
}

function list(version: number, wanted: Partial<ListOffsetsPartition>[], isolationLevel = 0) {
  const partition = { leaderEpoch: 3, log }
  const context = {
    broker: {
      partitions: {
        get: (topic: string, index: number) => (topic === 't' && index === 0 ? partition : undefined),
      },
    },
    apiVersion: version,
  } as unknown as RequestContext
  const partitions = wanted.map((one) => ({
    partitionIndex: 0,
    currentLeaderEpoch: -1,
    timestamp: -1n,
    maxNumOffsets: 1,
    ...one,
  }))
  const request = { replicaId: -1, isolationLevel, topics: [{ name: 't', partitions }], timeoutMs: 0 }
  return (listOffsets.handle(request, context) as ListOffsetsResponse).topics[0]!.partitions
}

const one = (version: number, wanted: Partial<ListOffsetsPartition>, isolationLevel = 0) => {
  const { errorCode, timestamp, offset, leaderEpoch } = list(version, [wanted], isolationLevel)[0]!
  return [errorCode, timestamp, offset, leaderEpoch]
}

describe('ListOffsets', () => {
  test.each<[string, bigint, number, unknown[]]>([
    ['latest', -1n, 0, [0, -1n, 8n, 3]],
    ['latest that is committed', -1n, 1, [0, -1n, 7n, 3]],
    ['earliest', -2n, 0, [0, -1n, 5n, 2]],
    ['largest timestamp', -3n, 0, [0, 30n, 7n, 3]],
    ['earliest local', -4n, 0, [0, -1n, 5n, 2]],
    ['latest tiered', -5n, 0, [0, -1n, -1n, -1]],
    ['earliest pending upload', -6n, 0, [0, -1n, -1n, -1]],
    ['a time', 11n, 0, [0, 20n, 6n, 3]],
    ['a time after all', 31n, 0, [0, -1n, -1n, -1]],
    ['a time that is not committed', 21n, 1, [0, -1n, -1n, -1]],
    ['no such special time', -7n, 0, [ErrorCode.UNSUPPORTED_VERSION, -1n, -1n, -1]],
    ['no such isolation level', -1n, 7, [ErrorCode.UNKNOWN_SERVER_ERROR, -1n, -1n, -1]],
  ])('%s', (_, timestamp, isolationLevel, expected) => {
    expect(one(11, { timestamp }, isolationLevel)).toEqual(expected)
  })

  test.each([
    [-3n, 7],
    [-4n, 8],
    [-5n, 9],
    [-6n, 11],
  ])('%i is understood from version %i on', (timestamp, version) => {
    expect(one(version, { timestamp })[0]).toBe(ErrorCode.NONE)
    expect(one(version - 1, { timestamp })[0]).toBe(ErrorCode.UNSUPPORTED_VERSION)
  })

  test('unknown partitions, epochs, repetition', () => {
    expect(one(7, { partitionIndex: 1 })[0]).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(one(7, { currentLeaderEpoch: 2 })[0]).toBe(ErrorCode.FENCED_LEADER_EPOCH)
    expect(one(7, { currentLeaderEpoch: 4 })[0]).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH)
    expect(list(7, [{ timestamp: -1n }, { timestamp: -2n }]).map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.INVALID_REQUEST,
    ])
  })

  test('a topic has one entry, and a partition one row', () => {
    const rows = list(7, [{}, { partitionIndex: 1 }, {}])
    expect(rows.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])).toEqual([
      [0, ErrorCode.INVALID_REQUEST],
      [1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ])
    expect(list(7, [{ partitionIndex: 1, timestamp: -9n }])[0]!.errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION)
    expect(one(7, { currentLeaderEpoch: -2 })[0]).toBe(ErrorCode.FENCED_LEADER_EPOCH)
  })

  test('version 0 lists where segments begin, the newest first', () => {
    const offsets = (wanted: Partial<ListOffsetsPartition>) => list(0, [wanted])[0]!.oldStyleOffsets
    expect(offsets({ maxNumOffsets: 10 })).toEqual([8n, 7n, 6n, 5n])
    expect(offsets({ maxNumOffsets: 2 })).toEqual([8n, 7n])
    expect(offsets({ timestamp: -2n, maxNumOffsets: 10 })).toEqual([5n])
    expect(offsets({ timestamp: 25n, maxNumOffsets: 10 })).toEqual([6n, 5n])
    expect(offsets({ timestamp: 5n, maxNumOffsets: 10 })).toEqual([])
  })
})
