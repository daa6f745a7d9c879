import { expect, test } from 'vitest'
import { ProducerIds } from './producer-ids.ts'

test('ids come from blocks; a new block is taken when one is used up', async () => {
  let block = 0
  const ids = new ProducerIds(async () => ({ firstProducerId: BigInt(1000 * block++), count: 3 }))
  expect(block).toBe(0)
  expect([await ids.next(), await ids.next(), await ids.next(), await ids.next()]).toEqual([
    0n,
    1n,
    2n,
    1000n,
  ])
  expect(block).toBe(2)
})

test('those that wait for a block get different ids, and another block when one is too small for all', async () => {
  let block = 0
  const ids = new ProducerIds(async () => ({ firstProducerId: BigInt(1000 * block++), count: 2 }))
  const given = await Promise.all([1, 2, 3, 4, 5].map(() => ids.next()))
  expect(new Set(given)).toEqual(new Set([0n, 1n, 1000n, 1001n, 2000n]))
})

test('a block that could not be had is asked for again', async () => {
  let attempts = 0
  const ids = new ProducerIds(async () => {
    if (attempts++ === 0) throw new Error('no')
    return { firstProducerId: 5n, count: 1 }
  })
  await expect(ids.next()).rejects.toThrow('no')
  expect(await ids.next()).toBe(5n)
})
