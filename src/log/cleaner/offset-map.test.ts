import { expect, test } from 'vitest'
import { seeded } from '../test-support/storage.ts'
import { OffsetMap } from './offset-map.ts'

const key = (n: number) => Buffer.from(`key-${n}`)

test('gives the last offset of each key, as a map of JavaScript would', () => {
  const map = new OffsetMap({ bytes: 24 * 1000, loadFactor: 0.9, maxKeys: 100_000 })
  const known = new Map<number, bigint>()
  const next = seeded(1)
  for (let offset = 0n; !map.isFull; offset += 1n + BigInt(next(3)) * 2n ** 31n) {
    const n = next(5000)
    map.put(key(n), offset)
    known.set(n, offset)
    expect(map.lastOffset).toBe(offset)
  }
  expect([map.size, map.capacity]).toEqual([900, 900])
  for (let n = 0; n < 5000; n++) expect(map.get(key(n))).toBe(known.get(n) ?? -1n)
})

test.each([1, 0.5, 0.01])('with a load factor of %d it takes that part of its slots', (loadFactor) => {
  const map = new OffsetMap({ bytes: 24 * 1000, loadFactor, maxKeys: 100_000 })
  while (!map.isFull) map.put(key(map.size), BigInt(map.size))
  expect(Math.abs(map.size - 1000 * loadFactor)).toBeLessThan(10)
  expect(map.get(key(0))).toBe(0n)
  expect(map.get(key(5000))).toBe(-1n)
})

test.each([1, 2, 10, 997])(
  'has room for %i keys when there are no more, and takes no more than it is given',
  (maxKeys) => {
    const map = new OffsetMap({ bytes: 134_217_728, loadFactor: 0.9, maxKeys })
    for (let n = 0; n < maxKeys; n++) {
      expect(map.isFull).toBe(false)
      map.put(key(n), BigInt(n))
    }
    for (let n = 0; n < maxKeys; n++) expect(map.get(key(n))).toBe(BigInt(n))
  },
)
