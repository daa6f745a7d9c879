import { expect, test } from 'vitest'
import { seeded } from '../test-support/storage.ts'
import { OffsetMap, type OffsetMapOptions } from './offset-map.ts'

const mapOf = (options: Omit<OffsetMapOptions, 'secret'>) =>
  new OffsetMap({ ...options, secret: Buffer.alloc(16, 's') })
/** Every seventh one is long. */
const keyOf = (n: number) => Buffer.from(`key-${n}${n % 7 === 0 ? '-long'.repeat(20) : ''}`)
const put = (map: OffsetMap, n: number, offset: number) => map.put(keyOf(n), 0, keyOf(n).length, offset)
const get = (map: OffsetMap, n: number) => map.get(keyOf(n), 0, keyOf(n).length)

test('gives the last offset of each key, as a map of JavaScript would', () => {
  const map = mapOf({ bytes: 24 * 1000, loadFactor: 0.9, maxKeys: 100_000 })
  const known = new Map<number, number>()
  const next = seeded(1)
  for (let offset = 0; !map.isFull; offset += 1 + next(3) * 2 ** 31) {
    const n = next(5000)
    put(map, n, offset)
    known.set(n, offset)
    expect(map.lastOffset).toBe(offset)
  }
  expect([map.size, map.capacity]).toEqual([900, 900])
  for (let n = 0; n < 5000; n++) expect(get(map, n)).toBe(known.get(n) ?? -1)
})

test.each([1, 0.5, 0.01])('with a load factor of %d it takes that part of its slots', (loadFactor) => {
  const map = mapOf({ bytes: 24 * 1000, loadFactor, maxKeys: 100_000 })
  while (!map.isFull) put(map, map.size, map.size)
  expect(Math.abs(map.size - 1000 * loadFactor)).toBeLessThan(10)
  expect(get(map, 0)).toBe(0)
  expect(get(map, 5000)).toBe(-1)
})

test.each([1, 2, 10, 997])(
  'has room for %i keys when there are no more, and takes no more than it is given',
  (maxKeys) => {
    const map = mapOf({ bytes: 134_217_728, loadFactor: 0.9, maxKeys })
    for (let n = 0; n < maxKeys; n++) {
      expect(map.isFull).toBe(false)
      put(map, n, n)
    }
    for (let n = 0; n < maxKeys; n++) expect(get(map, n)).toBe(n)
  },
)
