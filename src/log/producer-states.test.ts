import { describe, expect, test } from 'vitest'
import { ManualClock } from '../platform/manual-clock.ts'
import { MemoryFiles } from '../platform/memory-files.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import type { Partition } from './partition.ts'
import { batchOf, copyFiles, openStorage, topicConfig } from './test-support/storage.ts'

const MAX = 0x7fffffff

function send(
  partition: Partition,
  epoch: number,
  sequence: number,
  count = 1,
  timestamp = 1_700_000_000_000n,
) {
  const records = Array.from({ length: count }, () => ({ value: 'v', timestamp }))
  const producer = { producerId: 5n, producerEpoch: epoch, baseSequence: sequence }
  return partition.append(batchOf(records, producer), partition.leaderEpoch, 'client')
}

const code = (code: number) => expect.objectContaining({ code })

describe('idempotent producers', () => {
  test('the last five batches are known again, with their offset and timestamp', async () => {
    const { partition } = await openStorage()
    for (let i = 0; i < 7; i++) send(partition, 0, i * 2, 2, 1_700_000_000_000n + BigInt(i))
    for (let i = 2; i < 7; i++) {
      expect(send(partition, 0, i * 2, 2)).toMatchObject({
        baseOffset: BigInt(i * 2),
        lastOffset: BigInt(i * 2 + 1),
        logAppendTimeMs: 1_700_000_000_000n + BigInt(i),
        isDuplicate: true,
      })
    }
    expect(() => send(partition, 0, 2, 2)).toThrow(code(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    expect(partition.log.logEndOffset).toBe(14n)
  })

  test('the same first sequence with another count is no duplicate', async () => {
    const { partition } = await openStorage()
    send(partition, 0, 0, 3)
    expect(() => send(partition, 0, 0, 2)).toThrow(code(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
  })

  test('a gap is refused, a first sequence of an unknown producer is not', async () => {
    const { partition } = await openStorage()
    send(partition, 0, 100)
    expect(() => send(partition, 0, 102)).toThrow(code(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    send(partition, 0, 101)
  })

  test('an epoch below -1 is older than any', async () => {
    const { partition } = await openStorage()
    expect(() => send(partition, -2, 0)).toThrow(code(ErrorCode.INVALID_PRODUCER_EPOCH))
    send(partition, -1, 0)
  })

  test('sequences go on with 0 after 2147483647, also in the middle of a batch', async () => {
    const { partition } = await openStorage()
    send(partition, 0, MAX - 1, 2)
    send(partition, 0, 0)
    send(partition, 0, 1, 3)
    const wrapping = await openStorage()
    send(wrapping.partition, 0, MAX - 1, 4)
    expect(send(wrapping.partition, 0, MAX - 1, 4)).toMatchObject({ isDuplicate: true, baseOffset: 0n })
    send(wrapping.partition, 0, 2)
  })

  test('an older epoch is fenced, a newer one begins at 0', async () => {
    const { partition } = await openStorage()
    send(partition, 3, 0)
    expect(() => send(partition, 2, 1)).toThrow(code(ErrorCode.INVALID_PRODUCER_EPOCH))
    expect(() => send(partition, 4, 1)).toThrow(code(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    send(partition, 4, 0)
    expect(() => send(partition, 3, 1)).toThrow(code(ErrorCode.INVALID_PRODUCER_EPOCH))
  })

  test.each(['stop', 'crash'])('survive a %s', async (how) => {
    const config = topicConfig({ 'segment.bytes': 400 })
    const storage = await openStorage(config)
    for (let i = 0; i < 20; i++) send(storage.partition, 1, i)
    if (how === 'stop') await storage.partitions.stop(1n)
    const { partition } = await openStorage(config, copyFiles(storage.files), new ManualClock())
    expect(send(partition, 1, 19)).toMatchObject({ baseOffset: 19n, isDuplicate: true })
    expect(() => send(partition, 1, 21)).toThrow(code(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    send(partition, 1, 20)
  })

  test('are kept when retention removes their records, and forgotten after their time', async () => {
    const config = topicConfig({ 'segment.bytes': 100, 'retention.bytes': 0 })
    const { clock, partition, partitions } = await openStorage(config, new MemoryFiles())
    for (let i = 0; i < 3; i++) send(partition, 0, i, 1, BigInt(clock.now()))
    await partitions.enforceRetention()
    expect(partition.log.logStartOffset).toBe(3n)
    expect(() => send(partition, 0, 7)).toThrow(code(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER))
    clock.advance(86_400_000)
    await partitions.enforceRetention()
    send(partition, 0, 7)
  })
})
