import { expect, test } from 'vitest'
import { nodeRandom } from './node-random.ts'

test('uuids are 22 characters of base64url, of version 4, and never begin with a dash', () => {
  const random = nodeRandom()
  const seen = new Set<string>()
  for (let i = 0; i < 2000; i++) {
    const uuid = random.uuid()
    seen.add(uuid)
    expect(uuid).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
    expect(Buffer.from(uuid, 'base64url')[6]! >> 4).toBe(4)
  }
  expect(seen.size).toBe(2000)
})

test('integers stay below their bound', () => {
  const random = nodeRandom()
  const drawn = new Set(Array.from({ length: 500 }, () => random.integer(3)))
  expect([...drawn].sort()).toEqual([0, 1, 2])
})
