import { describe, expect, test } from 'vitest'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  append,
  batchOf,
  copyFiles,
  openStorage,
  readAll,
  settle,
  topicConfig,
  values,
} from './test-support/storage.ts'

const small = { 'segment.bytes': 100 }

describe('retention', () => {
  test('by size keeps at least as much as asked for, in whole segments', async () => {
    const { files, clock, partition, partitions } = await openStorage(
      topicConfig({ ...small, 'retention.bytes': 200 }),
    )
    for (const value of ['a', 'b', 'c', 'd', 'e']) append(partition, value)
    const { sizeInBytes } = partition.log.describe().segments[0]!
    await partitions.enforceRetention()
    const kept = Math.ceil(200 / sizeInBytes)
    expect(values(await readAll(partition))).toEqual(['a', 'b', 'c', 'd', 'e'].slice(-kept))
    expect(partition.log.logStartOffset).toBe(BigInt(5 - kept))
    const deleted = () => files.list('/data/t-0').filter(({ name }) => name.endsWith('.deleted')).length
    expect(deleted()).toBeGreaterThan(0)
    clock.advance(60_000)
    await settle()
    expect(deleted()).toBe(0)
    const after = await openStorage(topicConfig(small), copyFiles(files))
    expect(after.partition.log.describe().segments).toEqual(partition.log.describe().segments)
  })

  test('by time goes by the youngest record of a segment, on the broker timer, and takes the last segment too', async () => {
    const { clock, files, partition } = await openStorage(
      topicConfig({ ...small, 'retention.ms': 1_000_000 }),
    )
    const now = BigInt(clock.now())
    partition.append(batchOf([{ value: 'old', timestamp: now - 999_000n }]))
    partition.append(batchOf([{ value: 'young', timestamp: now }]))
    clock.advance(30_000)
    await new Promise((resolve) => setImmediate(resolve))
    expect(values(await readAll(partition))).toEqual(['young'])
    for (let i = 0; i < 4; i++) {
      clock.advance(300_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await readAll(partition)).toEqual([])
    expect([partition.log.logStartOffset, partition.log.logEndOffset]).toEqual([2n, 2n])
    append(partition, 'next')
    const after = await openStorage(topicConfig(small), copyFiles(files))
    expect(await readAll(after.partition)).toMatchObject([{ offset: 2n, value: 'next' }])
  })

  test('an emptied log knows its end after a restart', async () => {
    const config = topicConfig({ ...small, 'retention.bytes': 0 })
    const { files, partition, partitions } = await openStorage(config)
    append(partition, 'a', 'b')
    await partitions.enforceRetention()
    for (const stop of [false, true]) {
      if (stop) await partitions.stop(1n)
      const { log } = (await openStorage(config, copyFiles(files))).partition
      expect([log.logStartOffset, log.logEndOffset]).toEqual([2n, 2n])
    }
  })

  test('new settings hold at the next pass', async () => {
    const { partition, partitions } = await openStorage(topicConfig(small))
    for (const value of ['a', 'b', 'c']) append(partition, value)
    await partitions.enforceRetention()
    expect(await readAll(partition)).toHaveLength(3)
    partitions.updateConfig('t', topicConfig({ ...small, 'retention.bytes': 1 }))
    await partitions.enforceRetention()
    expect(values(await readAll(partition))).toEqual(['c'])
  })

  test.each([
    ['compact', 2],
    ['', 3],
    ['compact,delete', 0],
  ])('with the policy "%s" %i segments stay', async (policy, left) => {
    const config = topicConfig({ ...small, 'retention.bytes': 0, 'cleanup.policy': policy })
    const { partition, partitions } = await openStorage(config)
    for (const value of ['a', 'b', 'c']) append(partition, value)
    await partitions.enforceRetention()
    if (policy.includes('compact')) expect(await readAll(partition)).toHaveLength(3)
    await partitions.cleanDue()
    expect(await readAll(partition)).toHaveLength(left)
  })

  test('deleting records leaves alone what only retention would remove', async () => {
    const { partition } = await openStorage(topicConfig({ ...small, 'retention.bytes': 0 }))
    for (const value of ['a', 'b', 'c']) append(partition, value)
    expect(partition.log.deleteRecordsBefore(1n)).toBe(1n)
    expect(values(await readAll(partition))).toEqual(['b', 'c'])
  })

  test('deleting records removes the segments below, at once', async () => {
    const { partition } = await openStorage(topicConfig(small))
    for (const value of ['a', 'b', 'c']) append(partition, value)
    expect(partition.log.deleteRecordsBefore(2n)).toBe(2n)
    expect(partition.log.describe().segments).toHaveLength(1)
    expect(partition.log.deleteRecordsBefore(1n)).toBe(2n)
    expect(() => partition.log.deleteRecordsBefore(4n)).toThrow(
      expect.objectContaining({ code: ErrorCode.OFFSET_OUT_OF_RANGE }),
    )
  })
})
