import { expect, test } from 'vitest'
import { unpack } from '../behaviour/compression.ts'
import { BatchCheck } from './batch-check.ts'
import { compressLz4 } from './lz4.ts'
import { prepareBatches } from './workload.ts'

const workload = {
  recordBytes: 100,
  partitions: 1,
  codec: 'lz4',
  batchBytes: 1000,
  totalBytes: 100_000,
  timestampMs: 1_700_000_000_000,
} as const
const prepared = prepareBatches(workload)

/** Batches as a broker serves them, with their offsets. */
function served(...numbers: number[]): Buffer {
  return Buffer.concat(
    numbers.map((number) => {
      const batch = Buffer.from(prepared.batches[number % prepared.batches.length]!)
      batch.writeBigInt64BE(BigInt(number * prepared.recordsPerBatch))
      return batch
    }),
  )
}

test('batches that were sent are taken once, in order, and a last one that is cut off is not', () => {
  const check = new BatchCheck(prepared, 0)
  check.take(served(0, 1, 2).subarray(0, -1), 100)
  expect(check.nextBatch).toBe(2)
  check.take(served(2, 3), 100)
  expect(check.nextOffset).toBe(40n)
})

test('a batch that is lost, doubled or another one is found', () => {
  expect(() => new BatchCheck(prepared, 0).take(served(0, 2), 100)).toThrow('offset 20 where 10 must be')
  expect(() => new BatchCheck(prepared, 0).take(served(0, 0), 100)).toThrow('offset 0 where 10 must be')
  const exchanged = served(1)
  exchanged.writeBigInt64BE(0n)
  expect(() => new BatchCheck(prepared, 0).take(exchanged, 100)).toThrow('another batch')
})

test('a record with a changed byte is found', () => {
  const damaged = served(0)
  damaged[damaged.length - 1]! ^= 1
  expect(() => new BatchCheck(prepared, 0).take(damaged, 100)).toThrow('another batch')
})

test('what is compressed for the load opens again, and is smaller', () => {
  const plain = Buffer.concat(
    prepareBatches({ ...workload, codec: 'none', batchBytes: 150_000 }).batches.slice(0, 1),
  )
  const packed = compressLz4(plain)
  expect(unpack('lz4', packed)).toEqual(plain)
  expect(packed.length).toBeLessThan(plain.length * 0.8)
  expect(unpack('lz4', compressLz4(Buffer.from('short')))).toEqual(Buffer.from('short'))
})
