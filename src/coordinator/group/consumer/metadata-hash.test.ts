import { expect, test } from 'vitest'
import { groupMetadataHash, TopicHashes, topicMetadataHash } from './metadata-hash.ts'
import type { GroupTopic, GroupTopics } from './topics.ts'

const topic = (name: string, id: string, partitionCount: number, racks: string[]): GroupTopic => ({
  name,
  topicId: Buffer.from(id, 'hex').toString('base64url'),
  partitionCount,
  racks: () => racks,
})

// Numbers of Apache Kafka's own hash over the same topics.
test.each([
  [topic('orders', '0102030405060708090a0b0c0d0e0f10', 3, []), 3653115502262934565n],
  [topic('orders', '0102030405060708090a0b0c0d0e0f10', 2, ['b', 'a']), -8853466283080133101n],
  [topic('bücher', '8102030405060708890a0b0c0d0e0f10', 50, ['rack-1']), 525298974101836280n],
])('the hash of a topic', (hashed, hash) => {
  expect(topicMetadataHash(hashed)).toBe(hash)
})

test('the hash of a group does not depend on the order of its topics', () => {
  const hashes: [string, bigint][] = [
    ['topic-375', -4125200578178873788n],
    ['topic-397', -4436977545557828564n],
  ]
  expect(groupMetadataHash(new Map(hashes))).toBe(-7379722496305793791n)
  expect(groupMetadataHash(new Map(hashes.reverse()))).toBe(-7379722496305793791n)
  expect(groupMetadataHash(new Map())).toBe(0n)
})

test('a topic is hashed again only when it is said to have changed', () => {
  let partitionCount = 1
  const topics: GroupTopics = {
    byName: (name) => (name === 't' ? topic('t', '00'.repeat(16), partitionCount, []) : undefined),
    byId: () => undefined,
    names: () => ['t'],
    version: () => 0n,
  }
  const hashes = new TopicHashes(topics)
  const before = hashes.ofGroup(['t', 'not there'])
  partitionCount = 2
  expect(hashes.ofGroup(['t'])).toBe(before)
  hashes.forget('t')
  expect(hashes.ofGroup(['t'])).not.toBe(before)
  expect(hashes.ofGroup(['not there'])).toBe(0n)
})
