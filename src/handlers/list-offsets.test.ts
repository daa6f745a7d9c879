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
      { baseOffset: 0n, maxTimestamp: 10n, sizeInBytes: 100 },
      { baseOffset: 6n, maxTimestamp: 20n, sizeInBytes: 100 },
      { baseOffset: 7n, maxTimestamp: 30n, sizeInBytes: 100 },
    ],
  }),
}

const NOW = 1000n

function list(
  version: number,
  wanted: Partial<ListOffsetsPartition>[],
  isolationLevel = 0,
  of: object = log,
) {
  const partition = { leaderEpoch: 3, log: of }
  const context = {
    broker: {
      clock: { now: () => Number(NOW) },
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

  describe('version 0 lists where segments begin, the newest first', () => {
    const rows = (wanted: Partial<ListOffsetsPartition>) =>
      list(0, [wanted]).map(({ errorCode, oldStyleOffsets }) => [errorCode, oldStyleOffsets])

    test.each<[string, bigint, bigint[]]>([
      ['latest', -1n, [8n, 7n, 6n, 5n]],
      ['earliest', -2n, [5n]],
      ['a time between segments', 25n, [6n, 5n]],
      ['a time before all', 5n, []],
      ['a time after the last record', NOW - 1n, [7n, 6n, 5n]],
      ['now', NOW, [8n, 7n, 6n, 5n]],
    ])('%s', (_, timestamp, expected) => {
      expect(rows({ timestamp, maxNumOffsets: 10 })).toEqual([[0, expected]])
      expect(rows({ timestamp, maxNumOffsets: 2 })).toEqual([[0, expected.slice(0, 2)]])
      expect(rows({ timestamp, maxNumOffsets: 0 })).toEqual([[0, []]])
    })

    test('what is not replicated is not shown', () => {
      const ahead = { ...log, highWatermark: 6n }
      expect(list(0, [{ maxNumOffsets: 10 }], 0, ahead)[0]!.oldStyleOffsets).toEqual([6n, 6n, 5n])
    })

    test('an empty partition begins where it ends', () => {
      const segments = [{ baseOffset: 0n, maxTimestamp: -1n, sizeInBytes: 0 }]
      const empty = {
        ...log,
        logStartOffset: 0n,
        logEndOffset: 0n,
        highWatermark: 0n,
        describe: () => ({ segments }),
      }
      for (const timestamp of [-1n, -2n, NOW, NOW - 1n]) {
        expect(list(0, [{ timestamp, maxNumOffsets: 10 }], 0, empty)[0]!.oldStyleOffsets).toEqual([0n])
      }
    })

    test('records without a time count as just written', () => {
      const segments = [{ baseOffset: 0n, maxTimestamp: -1n, sizeInBytes: 100 }]
      const timeless = { ...log, describe: () => ({ segments }) }
      const offsets = (timestamp: bigint) =>
        list(0, [{ timestamp, maxNumOffsets: 10 }], 0, timeless)[0]!.oldStyleOffsets
      expect(offsets(NOW - 1n)).toEqual([])
      expect(offsets(NOW)).toEqual([8n, 5n])
    })

    test('a negative count is an error', () => {
      expect(rows({ maxNumOffsets: -1 })).toEqual([[ErrorCode.UNKNOWN_SERVER_ERROR, []]])
      expect(rows({ timestamp: 5n, maxNumOffsets: -1 })).toEqual([[ErrorCode.UNKNOWN_SERVER_ERROR, []]])
    })

    test('every row is answered in its place, also twice', () => {
      const answers = list(0, [
        { maxNumOffsets: 1 },
        { partitionIndex: 4 },
        { timestamp: -2n, maxNumOffsets: 1 },
      ])
      expect(
        answers.map(({ partitionIndex, errorCode, oldStyleOffsets }) => [
          partitionIndex,
          errorCode,
          oldStyleOffsets,
        ]),
      ).toEqual([
        [0, 0, [8n]],
        [4, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, []],
        [0, 0, [5n]],
      ])
    })
  })
})
