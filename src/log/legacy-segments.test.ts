import { expect, test } from 'vitest'
import { MemoryFiles } from '../platform/memory-files.ts'
import { buildMessageSet, type PlacedRecord } from '../protocol/legacy-builder.ts'
import {
  append,
  batchOf,
  copyFiles,
  openStorage,
  readAll,
  topicConfig,
  values,
} from './test-support/storage.ts'

const LOG = '/data/t-0/00000000000000000000.log'
const TIME = 1_700_000_000_000n
const config = topicConfig({ 'index.interval.bytes': 100 })

const record = (offset: bigint): PlacedRecord => ({
  offset,
  timestamp: TIME + 10n * offset,
  key: null,
  value: Buffer.from(`v${offset}`),
})
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => record(BigInt(from + index)))

/** As a Kafka that was upgraded over the years leaves it: formats 0, 1 and 1 compressed, 12 records. */
const old = Buffer.concat([
  buildMessageSet({ magic: 0, records: range(0, 3), compression: 'none' }),
  buildMessageSet({ magic: 1, records: range(3, 6), compression: 'none' }),
  buildMessageSet({ magic: 1, records: range(6, 10), compression: 'gzip' }),
  buildMessageSet({ magic: 0, records: range(10, 12), compression: 'lz4' }),
])

/** A log that begins with the old formats, and was not closed. */
async function openOld(bytes = old) {
  const empty = await openStorage(config)
  append(empty.partition, 'x')
  const files = copyFiles(empty.files)
  files.replace(LOG, bytes)
  return openStorage(config, files)
}

test('messages of the older formats are read where they lie, and new batches follow them', async () => {
  const { partition } = await openOld()
  expect(partition.log.logEndOffset).toBe(12n)
  append(partition, 'new')
  const expected = [...range(0, 12).map(({ value }) => String(value)), 'new']
  for (const maxBytes of [1, 60, 1000])
    expect(values(await readAll(partition, 0n, maxBytes))).toEqual(expected)
  // An offset within a wrapper.
  expect(values(await readAll(partition, 8n))).toEqual(expected.slice(8))
})

test('and are found again by their times', async () => {
  const { partition } = await openOld()
  expect(partition.log.offsetForTimestamp(TIME + 35n)).toEqual({
    offset: 4n,
    timestamp: TIME + 40n,
    leaderEpoch: -1,
  })
  expect(partition.log.offsetForTimestamp(TIME + 75n)).toEqual({
    offset: 8n,
    timestamp: TIME + 80n,
    leaderEpoch: -1,
  })
  expect(partition.log.maxTimestampOffset()).toEqual({ offset: 9n, timestamp: TIME + 90n, leaderEpoch: -1 })
})

test('a file that is cut anywhere ends with the last whole message', async () => {
  const ends = [0, ...Array.from({ length: 12 }, (_, index) => index + 1)]
  for (let length = 0; length < old.length; length++) {
    const { partition, files } = await openOld(old.subarray(0, length))
    const kept = await readAll(partition)
    expect(ends).toContain(kept.length)
    expect(partition.log.logEndOffset).toBe(BigInt(kept.length))
    expect(files.read(LOG).length).toBeLessThanOrEqual(length)
  }
})

test('a message whose checksum is wrong ends the log', async () => {
  const damaged = Buffer.from(old)
  const second = buildMessageSet({ magic: 0, records: range(0, 1), compression: 'none' }).length
  damaged[second + 20]! ^= 1
  const { partition } = await openOld(damaged)
  expect(values(await readAll(partition))).toEqual(['v0'])
})

test('a producer may go on with the formats of its time', async () => {
  const { partition } = await openStorage(config, new MemoryFiles())
  const sent = buildMessageSet({ magic: 1, records: range(0, 3), compression: 'snappy' })
  const info = partition.append(sent, partition.leaderEpoch, 'client', { produceVersion: 2 })
  expect([info.baseOffset, info.lastOffset]).toEqual([0n, 2n])
  partition.append(batchOf([{ value: 'new' }]), partition.leaderEpoch, 'client', { produceVersion: 9 })
  expect((await readAll(partition)).map(({ offset, value }) => [offset, value])).toEqual([
    [0n, 'v0'],
    [1n, 'v1'],
    [2n, 'v2'],
    [3n, 'new'],
  ])
})
