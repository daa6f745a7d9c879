import { expect, test } from 'vitest'
import { coordinatorPartition, javaHash, murmur2, murmur2Partition } from './hash.ts'

test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['abc', 479470107],
])('murmur2 of %s', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash)
  expect(murmur2Partition(Buffer.from(text), 7)).toBe((hash & 0x7fffffff) % 7)
})

test.each([
  ['my-group', 12],
  ['test', 48],
  ['test-group', 12],
  ['connect-cluster', 13],
  ['console-consumer-1', 24],
  ['my-txn', 45],
  ['', 0],
])('the coordinator of %j is that of partition %i', (id, partition) => {
  expect(coordinatorPartition(id, 50)).toBe(partition)
})

test('the hash that has no absolute value', () => {
  expect(javaHash('polygenelubricants')).toBe(-2147483648)
  expect(coordinatorPartition('polygenelubricants', 50)).toBe(0)
})
