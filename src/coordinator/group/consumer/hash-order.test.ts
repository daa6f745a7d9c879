import { expect, test } from 'vitest'
import { javaHash } from '../../../protocol/hash.ts'
import {
  compareUuids,
  HashMapOrder,
  hashSetOrder,
  numberHash,
  TimelineOrder,
  uuidHash,
} from './hash-order.ts'

test('keys in the order of their bins, and of their coming within one', () => {
  const order = new HashMapOrder(numberHash)
  for (const key of [17, 3, 1, 33]) order.put(key)
  expect([...order]).toEqual([17, 1, 33, 3])
  order.remove(1)
  order.put(1)
  expect([...order]).toEqual([17, 33, 1, 3])
})

test('what is computed comes first in its bin, and the table grows when the next one comes', () => {
  const order = new HashMapOrder(numberHash, 1)
  for (const key of [4, 8, 12]) order.compute(key)
  expect([...order]).toEqual([12, 8, 4])
  order.compute(4)
  expect([...order]).toEqual([12, 8, 4])
  for (const key of [1, 2]) order.compute(key)
  expect([...order]).toEqual([8, 1, 2, 12, 4])
})

test('a table that grows keeps keys apart that shared a bin', () => {
  const keys = [0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
  expect([...hashSetOrder(keys.slice(0, 3), numberHash, 3)]).toEqual([0, 16, 1])
  expect([...hashSetOrder(keys, numberHash, 3)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16])
})

test("hashes and order of Kafka's Uuid", () => {
  expect(uuidHash('Ogw9uQQ-SaeQalRmxTEOsQ')).toBe(1802055369)
  expect(uuidHash('R7Xvst35Qgi7i1QEDWWh7A')).toBe(748836946)
  expect(compareUuids('Ogw9uQQ-SaeQalRmxTEOsQ', 'R7Xvst35Qgi7i1QEDWWh7A')).toBe(-1)
  // The halves are signed.
  expect(compareUuids('865_Gjw6TNOM-x9-uC4FDg', 'Ogw9uQQ-SaeQalRmxTEOsQ')).toBe(-1)
  expect(compareUuids('Ogw9uQQ-SaeQalRmxTEOsQ', 'Ogw9uQQ-SaeQalRmxTEOsQ')).toBe(0)
})

test("keys in Kafka's own table", () => {
  expect([javaHash('uniform'), javaHash('range')]).toEqual([-286926412, 108280125])
  const order = new TimelineOrder()
  for (const name of ['range', 'uniform']) order.put(name)
  expect([...order]).toEqual(['uniform', 'range'])
  order.remove('uniform')
  expect([...order]).toEqual(['range'])
})
