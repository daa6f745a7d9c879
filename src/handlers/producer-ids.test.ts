import { expect, test } from 'vitest'
import { ProducerIds } from './producer-ids.ts'

test('ids come from blocks; a new block is taken when one is used up', () => {
  let block = 0
  const ids = new ProducerIds(() => ({ firstProducerId: BigInt(1000 * block++), count: 3 }))
  expect(block).toBe(0)
  expect([ids.next(), ids.next(), ids.next(), ids.next()]).toEqual([0n, 1n, 2n, 1000n])
  expect(block).toBe(2)
})
