import { describe, expect, test } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

const windows = { count: 11, sizeMs: 1000 }

describe('TokenBucket', () => {
  test('begins full, with as much as all windows bring, and may go into debt', () => {
    const bucket = new TokenBucket(windows)
    bucket.take(11, 1, 0)
    expect(bucket.throttleTimeMs(1, 0)).toBe(0)
    bucket.take(5, 1, 0)
    expect(bucket.throttleTimeMs(1, 0)).toBe(5000)
    expect(bucket.throttleTimeMs(1, 1500)).toBe(3500)
    expect(bucket.throttleTimeMs(1, 5000)).toBe(0)
  })

  test('does not grow beyond that', () => {
    const bucket = new TokenBucket(windows)
    bucket.take(1, 2, 0)
    expect(bucket.isFull(2, 499)).toBe(false)
    expect(bucket.isFull(2, 500)).toBe(true)
    bucket.take(23, 2, 1_000_000)
    expect(bucket.throttleTimeMs(2, 1_000_000)).toBe(500)
  })

  test('a debt is paid at the rate that holds now', () => {
    const bucket = new TokenBucket(windows)
    bucket.take(31, 1, 0)
    expect(bucket.throttleTimeMs(1, 0)).toBe(20_000)
    expect(bucket.throttleTimeMs(10, 0)).toBe(2000)
  })
})
