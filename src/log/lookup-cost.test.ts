import { beforeAll, describe, expect, test } from 'vitest'
import type { Partition } from './partition.ts'
import { LargeLogFiles } from './test-support/large-log-files.ts'
import { append, DATA, openStorage, topicConfig } from './test-support/storage.ts'

const FIRST_TIMESTAMP = 1_700_000_000_000n
const PAGE = 4096

interface Cost {
  readonly reads: number
  readonly bytes: number
}

/** A broker that starts on a log of so many segments of a gibibyte, or smaller ones. */
async function start(segments: number, batchesPerSegment = 262_144) {
  const files = new LargeLogFiles()
  const before = await openStorage(topicConfig(), files)
  append(before.partition, 'a')
  await before.partitions.stop(1n)
  files.putLargeLog({
    folder: `${DATA}/t-0`,
    segments,
    batchesPerSegment,
    firstTimestamp: FIRST_TIMESTAMP,
  })
  const costOf = async <Result>(work: () => Result | Promise<Result>): Promise<Cost & { result: Result }> => {
    files.reads = 0
    files.bytesRead = 0
    const result = await work()
    return { reads: files.reads, bytes: files.bytesRead, result }
  }
  let partition: Partition | undefined
  const opening = await costOf(async () => {
    partition = (await openStorage(topicConfig(), files)).partition
    partition.log.describe()
  })
  return { log: partition!.log, costOf, opening, batches: segments * batchesPerSegment }
}

describe('a log of 10 GiB in 10 segments', () => {
  let large: Awaited<ReturnType<typeof start>>

  beforeAll(async () => {
    large = await start(10)
  })

  test('is looked up in a handful of pages', async () => {
    const { log, costOf, opening, batches } = large
    expect(log.logEndOffset).toBe(BigInt(batches))
    // Of each segment the ends of its indexes and a batch or two; of the last one the indexes whole, to append to.
    expect(opening.bytes).toBeLessThan(10 * 8 * PAGE + 2 * 1024 * 1024 + 1024 * 1024)
    for (const offset of [
      0n,
      1n,
      262_143n,
      262_144n,
      1_234_567n,
      BigInt(batches) - 2n,
      BigInt(batches) - 1n,
    ]) {
      const timestamp = FIRST_TIMESTAMP + offset
      const byTime = await costOf(() => log.offsetForTimestamp(timestamp))
      expect(byTime.result).toEqual({ offset, timestamp, leaderEpoch: 0 })
      expect(byTime.bytes).toBeLessThanOrEqual(8 * PAGE)
      // Two binary searches, the way from the index entry to the batch, and the batch.
      expect(byTime.reads).toBeLessThanOrEqual(2 * 18 + 6)
      const fetched = await costOf(() => log.read(offset, 1, BigInt(batches), true))
      expect(fetched.result.nextOffset).toBe(offset + 1n)
      expect(fetched.bytes).toBeLessThanOrEqual(8 * PAGE)
      expect(fetched.reads).toBeLessThanOrEqual(18 + 6)
    }
  })

  test('knows the largest timestamp, the epochs and what is not there without a search', async () => {
    const { log, costOf, batches } = large
    const latest = await costOf(() => log.maxTimestampOffset())
    expect(latest.result?.offset).toBe(BigInt(batches) - 1n)
    expect(latest.bytes).toBeLessThanOrEqual(8 * PAGE)
    const inMemory: (() => unknown)[] = [
      () => log.offsetForTimestamp(FIRST_TIMESTAMP + BigInt(batches)),
      () => log.endOffsetForEpoch(0),
      () => log.epochForOffset(5n),
    ]
    for (const ask of inMemory) {
      expect(await costOf(ask)).toMatchObject({ reads: 0, bytes: 0 })
    }
  })
})

test('a hundred times as many batches cost a few steps of a binary search more', async () => {
  const cost = async (batchesPerSegment: number) => {
    const { log, costOf, batches } = await start(4, batchesPerSegment)
    return costOf(() => log.offsetForTimestamp(FIRST_TIMESTAMP + BigInt(Math.floor(batches * 0.6))))
  }
  const [small, large] = [await cost(2000), await cost(200_000)]
  expect(large.reads - small.reads).toBeLessThanOrEqual(2 * 7)
  expect(large.bytes - small.bytes).toBeLessThanOrEqual(PAGE)
})

test('many segments cost the start a few reads each, and a lookup nothing', async () => {
  const { log, costOf, opening } = await start(500, 100)
  expect(opening.reads).toBeLessThanOrEqual(500 * 20)
  const { reads, bytes } = await costOf(() => log.offsetForTimestamp(FIRST_TIMESTAMP + 48_765n))
  expect(reads).toBeLessThanOrEqual(2 * 7 + 6)
  expect(bytes).toBeLessThanOrEqual(8 * PAGE)
})
