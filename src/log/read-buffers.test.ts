import { expect, test } from 'vitest'
import { ReadBuffers } from './read-buffers.ts'

const LARGE = 512 * 1024
const isSameMemory = (a: Buffer, b: Buffer) => a.buffer === b.buffer

test('memory is used again once it came back, and not before', () => {
  const buffers = new ReadBuffers()
  const first = buffers.take(LARGE)
  const second = buffers.take(LARGE)
  expect(first).toHaveLength(LARGE)
  expect(isSameMemory(first, second)).toBe(false)
  buffers.giveBack(first)
  const third = buffers.take(1024 * 1024)
  expect(third).toHaveLength(1024 * 1024)
  expect(isSameMemory(third, first)).toBe(true)
  expect(isSameMemory(buffers.take(LARGE), third)).toBe(false)
})

test('a part stands for the whole, and two parts of one for one', () => {
  const buffers = new ReadBuffers()
  const taken = buffers.take(LARGE)
  expect(buffers.owns(taken.subarray(100, 200))).toBe(true)
  buffers.giveBack(taken.subarray(0, 100))
  buffers.giveBack(taken.subarray(100, 200))
  const [one, other] = [buffers.take(LARGE), buffers.take(LARGE)]
  expect(isSameMemory(one, taken)).toBe(true)
  expect(isSameMemory(other, taken)).toBe(false)
})

test('small and very large reads get memory of their own, and what is not of the pool is left alone', () => {
  const buffers = new ReadBuffers()
  for (const length of [0, 1, 1000, 100_000, 1024 * 1024 + 1]) {
    const taken = buffers.take(length)
    expect(taken).toHaveLength(length)
    expect(buffers.owns(taken)).toBe(false)
    buffers.giveBack(taken)
    expect(isSameMemory(buffers.take(LARGE), taken)).toBe(false)
  }
})

test('so many are kept, the rest is let go', () => {
  const buffers = new ReadBuffers()
  const taken = Array.from({ length: 40 }, () => buffers.take(LARGE))
  for (const bytes of taken) buffers.giveBack(bytes)
  const again = Array.from({ length: 40 }, () => buffers.take(LARGE))
  expect(again.filter((bytes) => taken.some((old) => isSameMemory(old, bytes)))).toHaveLength(16)
  expect(new Set(again.map((bytes) => bytes.buffer)).size).toBe(40)
})
