import { describe, expect, test } from 'vitest'
import { InvalidRecordsError } from '../log/append-rules.ts'
import type { AppendInfo } from '../log/partition-log.ts'
import { ZERO_UUID } from '../protocol/api.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import type { ProduceRequest, ProduceResponse } from '../protocol/generated/produce.ts'
import { CloseConnectionError, NO_RESPONSE, type RequestContext } from './handler.ts'
import { produce } from './produce.ts'

/** A partition that keeps what it was given, and fails when told to. */
class FakePartition {
  readonly leaderEpoch = 4
  readonly replicas = [1]
  readonly isr = [1]
  readonly config = { 'min.insync.replicas': 2 }
  readonly log = { logStartOffset: 7n }
  readonly appended: Buffer[] = []
  error: Error | undefined

  append(records: Buffer): AppendInfo {
    if (this.error) throw this.error
    this.appended.push(records)
    const baseOffset = BigInt(this.appended.length - 1)
    return {
      baseOffset,
      lastOffset: baseOffset,
      logAppendTimeMs: -1n,
      logStartOffset: 7n,
      isDuplicate: false,
    }
  }
}

function batch(marker = 0, attributes = 0) {
  const bytes = Buffer.alloc(70, marker)
  bytes.writeInt32BE(58, 8)
  bytes[16] = 2
  bytes.writeInt16BE(attributes, 21)
  return bytes
}

function setUp(version = 9, clientId = 'test') {
  const partitions = [new FakePartition(), new FakePartition()]
  const context = {
    broker: {
      partitions: {
        get: (topic: string, index: number) => (topic === 'none' ? undefined : partitions[index]),
      },
      metadata: { topicById: (id: string) => (id === 'known' ? { name: 't' } : undefined) },
    },
    apiVersion: version,
    clientId,
  } as unknown as RequestContext
  const send = (topics: [string, [number, Buffer | null][]][], changes: Partial<ProduceRequest> = {}) => {
    const request: ProduceRequest = {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: topics.map(([name, rows]) => ({
        name: version >= 13 ? '' : name,
        topicId: version >= 13 ? name : ZERO_UUID,
        partitionData: rows.map(([index, records]) => ({ index, records })),
      })),
      ...changes,
    }
    return produce.handle(request, context) as ProduceResponse
  }
  return { partitions, send }
}

const codes = (response: ProduceResponse) =>
  response.responses.map(({ name, topicId, partitionResponses }) => [
    topicId === ZERO_UUID ? name : topicId,
    ...partitionResponses.map(({ index, errorCode }) => [index, errorCode]),
  ])

describe('Produce', () => {
  test('the bytes go to the log as they came', () => {
    const { partitions, send } = setUp()
    const bytes = batch()
    const response = send([['t', [[0, bytes]]]])
    expect(partitions[0]!.appended[0]).toBe(bytes)
    expect(response.responses[0]!.partitionResponses[0]).toMatchObject({
      errorCode: 0,
      baseOffset: 0n,
      logAppendTimeMs: -1n,
      logStartOffset: 7n,
      errorMessage: null,
    })
  })

  test('one failing partition does not touch the others', () => {
    const { send } = setUp()
    const response = send([
      [
        't',
        [
          [0, batch()],
          [5, batch()],
          [1, null],
        ],
      ],
      ['none', [[0, batch()]]],
    ])
    expect(codes(response)).toEqual([
      ['t', [5, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION], [1, ErrorCode.INVALID_RECORD], [0, 0]],
      ['none', [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
    ])
  })

  test('topic ids from version 13 on', () => {
    const { partitions, send } = setUp(13)
    expect(
      codes(
        send([
          ['known', [[0, batch()]]],
          ['other', [[0, batch()]]],
        ]),
      ),
    ).toEqual([
      ['other', [0, ErrorCode.UNKNOWN_TOPIC_ID]],
      ['known', [0, 0]],
    ])
    expect(partitions[0]!.appended).toHaveLength(1)
  })

  test('a partition that stands there twice gets one row, and its last records', () => {
    const { partitions, send } = setUp()
    expect(
      codes(
        send([
          [
            't',
            [
              [0, batch(1)],
              [0, batch(2)],
            ],
          ],
          ['t', [[1, batch(3)]]],
        ]),
      ),
    ).toEqual([['t', [0, 0], [1, 0]]])
    expect(partitions.map(({ appended }) => appended.map((bytes) => bytes[0]))).toEqual([[2], [3]])
  })

  test.each([
    [ErrorCode.CORRUPT_MESSAGE, -1n],
    [ErrorCode.MESSAGE_TOO_LARGE, -1n],
    [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, 7n],
    [ErrorCode.INVALID_TIMESTAMP, 7n],
  ])('error %i of the log comes with log start offset %i', (code, logStartOffset) => {
    const { partitions, send } = setUp()
    partitions[0]!.error = new ApiError(code)
    const [row] = send([['t', [[0, batch()]]]]).responses[0]!.partitionResponses
    expect(row).toMatchObject({
      errorCode: code,
      baseOffset: -1n,
      logStartOffset,
      recordErrors: [],
      errorMessage: null,
    })
  })

  test('nothing from an old client is no error, and has no offset', () => {
    const { partitions, send } = setUp(2)
    const [row] = send([['t', [[0, Buffer.alloc(0)]]]]).responses[0]!.partitionResponses
    expect(row).toMatchObject({ errorCode: 0, baseOffset: -1n, logAppendTimeMs: -1n, logStartOffset: 7n })
    expect(partitions[0]!.appended).toEqual([])
  })

  test('records at fault are named', () => {
    const { partitions, send } = setUp()
    const recordErrors = [{ batchIndex: 1, batchIndexErrorMessage: 'no key' }]
    partitions[0]!.error = new InvalidRecordsError(
      ErrorCode.INVALID_RECORD,
      recordErrors,
      'one record has no key',
    )
    const [row] = send([['t', [[0, batch()]]]]).responses[0]!.partitionResponses
    expect(row).toMatchObject({
      errorCode: 87,
      logStartOffset: 7n,
      recordErrors,
      errorMessage: 'one record has no key',
    })
  })

  test('acks must be -1, 0 or 1', () => {
    const { partitions, send } = setUp()
    expect(codes(send([['t', [[0, batch()]]]], { acks: 2 }))).toEqual([
      ['t', [0, ErrorCode.INVALID_REQUIRED_ACKS]],
    ])
    expect(partitions[0]!.appended).toEqual([])
  })

  test('what refuses a partition anyway is told before wrong acks', () => {
    const { send } = setUp()
    const rows: [number, Buffer | null][] = [
      [5, batch()],
      [1, null],
      [0, batch()],
    ]
    expect(codes(send([['t', rows]], { acks: 2 }))).toEqual([
      [
        't',
        [5, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
        [1, ErrorCode.INVALID_RECORD],
        [0, ErrorCode.INVALID_REQUIRED_ACKS],
      ],
    ])
  })

  test('a batch whose header makes no sense refuses the whole request', () => {
    const { partitions, send } = setUp()
    const unreadable = batch()
    unreadable[16] = 3
    const response = send([
      ['t', [[0, batch()]]],
      ['none', [[0, unreadable]]],
    ])
    expect(codes(response)).toEqual([
      ['t', [0, ErrorCode.CORRUPT_MESSAGE]],
      ['none', [0, ErrorCode.CORRUPT_MESSAGE]],
    ])
    expect(response.responses[0]!.partitionResponses[0]!.errorMessage).not.toBeNull()
    expect(partitions[0]!.appended).toEqual([])
  })

  test('of a partition that stands there twice the good records are appended and the error is told, once', () => {
    const { partitions, send } = setUp()
    const good = batch(1)
    for (const rows of [
      [null, good],
      [good, null],
    ] as const) {
      expect(codes(send([['t', rows.map((records) => [0, records])]]))).toEqual([
        ['t', [0, ErrorCode.INVALID_RECORD]],
      ])
    }
    expect(partitions[0]!.appended).toEqual([good, good])
    const none = send([
      ['none', [[0, good]]],
      ['none', [[0, good]]],
    ])
    expect(codes(none)).toEqual([['none', [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]]])
  })

  test('a transactional id that no coordinator knows', () => {
    const { send } = setUp()
    expect(codes(send([['t', [[0, batch(0, 0x10)]]]], { transactionalId: 'tx' }))).toEqual([
      ['t', [0, ErrorCode.INVALID_PRODUCER_ID_MAPPING]],
    ])
  })

  test('acks 0 is not answered; an error closes the connection', () => {
    const { partitions, send } = setUp()
    expect(send([['t', [[0, batch()]]]], { acks: 0 })).toBe(NO_RESPONSE)
    expect(partitions[0]!.appended).toHaveLength(1)
    expect(() => send([['t', [[5, batch()]]]], { acks: 0 })).toThrow(CloseConnectionError)
  })

  test('internal topics are written by the broker, or by the admin client', () => {
    const write = (clientId: string) =>
      codes(setUp(9, clientId).send([['__consumer_offsets', [[0, batch()]]]]))
    expect(write('test')[0]![1]).toEqual([0, ErrorCode.INVALID_TOPIC_EXCEPTION])
    expect(write('__admin_client')[0]![1]).toEqual([0, ErrorCode.NONE])
  })

  test('a transactional batch without a transactional id refuses the whole request', () => {
    const { partitions, send } = setUp()
    const refused = ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    expect(
      codes(
        send([
          [
            't',
            [
              [0, batch()],
              [1, batch(0, 0x10)],
            ],
          ],
        ]),
      ),
    ).toEqual([['t', [0, refused], [1, refused]]])
    expect(partitions[0]!.appended).toEqual([])
  })
})
