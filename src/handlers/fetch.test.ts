import { describe, expect, test } from 'vitest'
import type { FetchedRecords } from '../log/partition-log.ts'
import { ZERO_UUID } from '../protocol/api.ts'
import { type BatchToBuild, buildBatch } from '../protocol/batch-builder.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import type { FetchRequest, FetchResponse } from '../protocol/generated/fetch.ts'
import { readLegacyRecords } from '../protocol/legacy-records.ts'
import { lastOffset, magicOf } from '../protocol/record-batch.ts'
import type { SessionRequest } from './fetch/fetch-sessions.ts'
import { fetch } from './fetch.ts'
import type { RequestContext } from './handler.ts'

/** A log that holds real batches. */
class FakeLog {
  readonly logStartOffset = 0n
  readonly batches: Buffer[] = []

  add(values: string[], more: Partial<BatchToBuild> = {}): void {
    const records = values.map((value, i) => ({
      key: Buffer.from(`k${value}`),
      value: Buffer.from(value),
      headers: [{ key: 'h', value: Buffer.from('x') }],
      timestamp: 1000n + BigInt(i),
    }))
    this.batches.push(buildBatch({ baseOffset: this.logEndOffset, leaderEpoch: 0, records, ...more }))
  }

  get logEndOffset() {
    const last = this.batches.at(-1)
    return last ? lastOffset(last, 0) + 1n : 0n
  }

  get highWatermark() {
    return this.logEndOffset
  }

  get lastStableOffset() {
    return 0n
  }

  sizeBetween() {
    return 1000
  }

  read(offset: bigint, maxBytes: number, _: bigint, atLeastOneBatch: boolean): FetchedRecords {
    let sizeInBytes = 0
    const buffers: Buffer[] = []
    for (const batch of this.batches) {
      if (lastOffset(batch, 0) < offset) continue
      const isForced = atLeastOneBatch && buffers.length === 0
      if (sizeInBytes + batch.length > maxBytes && !isForced) break
      buffers.push(batch)
      sizeInBytes += batch.length
    }
    return { buffers, sizeInBytes, nextOffset: offset }
  }

  abortedTransactions() {
    return []
  }
}

function setUp(compressionType = 'producer') {
  const log = new FakeLog()
  const config = { 'compression.type': compressionType, 'max.message.bytes': 1_000_000 }
  const partition = { topic: 't', leaderEpoch: 0, log, config }
  const context = (apiVersion: number) =>
    ({
      broker: {
        config: { get: () => 1_000_000 },
        partitions: { get: (topic: string) => (topic === 't' ? partition : undefined) },
        fetchSessions: {
          begin: ({ targets }: SessionRequest) => ({ kind: 'sessionless', targets }),
        },
      },
      apiVersion,
    }) as unknown as RequestContext
  const rowAt = (apiVersion: number, fetchOffset: bigint, partitionMaxBytes = 100_000) => {
    const wanted = {
      partition: 0,
      fetchOffset,
      partitionMaxBytes,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
    }
    const request = {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 100_000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: 't', topicId: ZERO_UUID, partitions: [wanted] }],
      forgottenTopicsData: [],
    } as unknown as FetchRequest
    const response = fetch.handle(request, context(apiVersion)) as FetchResponse
    return response.responses[0]!.partitions[0]!
  }
  const bytesAt = (...args: Parameters<typeof rowAt>) => Buffer.concat(rowAt(...args).records as Buffer[])
  return { log, rowAt, bytesAt }
}

/** Format, offset and value of each whole record, with its time where the format has one; a cut message at the end is left out. */
function messages(bytes: Buffer): string[] {
  const found: string[] = []
  for (let at = 0; at + 12 <= bytes.length; ) {
    const end = at + 12 + bytes.readInt32BE(at + 8)
    if (end > bytes.length) break
    const message = bytes.subarray(at, end)
    for (const { offset, value, timestamp } of readLegacyRecords(message)) {
      const time = magicOf(message, 0) === 1 ? ` at ${timestamp}` : ''
      found.push(`${magicOf(message, 0)}: ${offset} ${value}${time}`)
    }
    at = end
  }
  return found
}

describe('Fetch before version 4', () => {
  test.each([
    [0, ['0: 0 a', '0: 1 b', '0: 2 c', '0: 3 d']],
    [1, ['0: 0 a', '0: 1 b', '0: 2 c', '0: 3 d']],
    [2, ['1: 0 a at 1000', '1: 1 b at 1001', '1: 2 c at 1000', '1: 3 d at 1001']],
    [3, ['1: 0 a at 1000', '1: 1 b at 1001', '1: 2 c at 1000', '1: 3 d at 1001']],
  ])('version %i gets the message format that it knows', (version, expected) => {
    const { log, bytesAt, rowAt } = setUp()
    log.add(['a', 'b'])
    log.add(['c', 'd'], { compression: 'gzip' })
    expect(messages(bytesAt(version, 0n))).toEqual(expected)
    expect(rowAt(version, 0n)).toMatchObject({ errorCode: 0, highWatermark: 4n })
    expect(rowAt(version, 4n)).toMatchObject({ errorCode: 0, records: [] })
    expect(rowAt(version, 5n)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, highWatermark: -1n })
  })

  test('version 4 gets what is stored', () => {
    const { log, bytesAt } = setUp()
    log.add(['a', 'b'])
    expect(bytesAt(4, 0n)).toEqual(log.batches[0])
  })

  test('records of transactions that are open or aborted are seen, their markers are not', () => {
    const { log, bytesAt } = setUp()
    log.add(['a'], { isTransactional: true, producerId: 1n, producerEpoch: 0, baseSequence: 0 })
    log.add(['marker'], { isTransactional: true, isControl: true, producerId: 1n, producerEpoch: 0 })
    log.add(['b'])
    expect(messages(bytesAt(0, 0n))).toEqual(['0: 0 a', '0: 2 b'])
    expect(messages(bytesAt(3, 1n))).toEqual(['1: 2 b at 1000'])
  })

  test('from within a batch: what is in front is left out where there is no compression', () => {
    const { log, bytesAt } = setUp()
    log.add(['a', 'b'])
    log.add(['c', 'd'], { compression: 'snappy' })
    expect(messages(bytesAt(1, 1n))).toEqual(['0: 1 b', '0: 2 c', '0: 3 d'])
    expect(messages(bytesAt(1, 3n))).toEqual(['0: 2 c', '0: 3 d'])
  })
})

describe('limits before version 4', () => {
  test('0 to 2: a message that is larger than the limit of its partition comes cut off', () => {
    const { log, bytesAt } = setUp()
    log.add(['x'.repeat(300)])
    for (const version of [0, 1, 2]) {
      const bytes = bytesAt(version, 0n, 100)
      expect([bytes.length, messages(bytes)]).toEqual([100, []])
      // Its length says how much there would be.
      expect(bytes.readInt32BE(8)).toBeGreaterThan(600)
    }
    expect(bytesAt(2, 0n, 0)).toHaveLength(0)
  })

  test('3: the first batch comes whole', () => {
    const { log, bytesAt } = setUp()
    log.add(['x'.repeat(300)])
    expect(messages(bytesAt(3, 0n, 100))).toHaveLength(1)
    expect(messages(bytesAt(3, 0n, 0))).toHaveLength(1)
  })

  test('what grows is cut off at the size that it had, but the first batch is whole', () => {
    const { log, bytesAt } = setUp()
    const letters = [...'abcdefghijklmnopqrst']
    log.add(letters)
    log.add(letters)
    const [first, second] = log.batches.map(({ length }) => length)
    const bytes = bytesAt(3, 0n)
    // 20 messages of format 1 take 740 bytes, as batches they were smaller.
    expect(first! + second!).toBeLessThan(1480)
    expect(bytes).toHaveLength(Math.max(first! + second!, 740))
    expect(messages(bytes).length).toBeGreaterThanOrEqual(20)
    expect(messages(bytesAt(3, 0n, first))).toHaveLength(20)
  })
})

describe('zstd', () => {
  test('a batch of it ends the records in front of it, and is refused as the first one', () => {
    const { log, bytesAt, rowAt } = setUp()
    log.add(['a'])
    log.add(['b'], { compression: 'zstd' })
    log.add(['c'])
    for (const version of [0, 3]) {
      expect(messages(bytesAt(version, 0n)).map((text) => text.slice(3, 6))).toEqual(['0 a'])
      expect(rowAt(version, 1n)).toMatchObject({
        errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
        highWatermark: -1n,
        records: null,
      })
      expect(messages(bytesAt(version, 2n)).map((text) => text.slice(3, 6))).toEqual(['2 c'])
    }
    expect(rowAt(9, 1n).errorCode).toBe(ErrorCode.NONE)
  })

  test.each([0, 3, 4, 9])('version %i is refused a topic that is kept in it', (version) => {
    const { log, rowAt } = setUp('zstd')
    const refused = { errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, highWatermark: -1n, records: null }
    expect(rowAt(version, 0n)).toMatchObject(refused)
    log.add(['a'], { compression: 'zstd' })
    expect(rowAt(version, 0n)).toMatchObject(refused)
    expect(rowAt(10, 0n)).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 1n })
  })

  test('a batch that cannot be read is corrupt', () => {
    const { log, rowAt } = setUp()
    log.add(['a', 'b'], { compression: 'gzip' })
    log.batches[0]!.fill(0, 61)
    expect(rowAt(2, 0n)).toMatchObject({ errorCode: ErrorCode.CORRUPT_MESSAGE, records: null })
  })
})
