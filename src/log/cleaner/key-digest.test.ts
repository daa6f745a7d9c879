import { expect, test } from 'vitest'
import { halfSipHash, KeyDigest } from './key-digest.ts'

const counting = Buffer.from(Array.from({ length: 200 }, (_, index) => index))

test.each([
  [0, '218d1f59b9b83cc8'],
  [1, 'be552412f8387315'],
  [2, '064f39ef7c50eb57'],
  [3, 'ce0f1a45f7060679'],
  [4, 'd5e78a175be52ea1'],
  [5, 'cb9d7c3f2f3db580'],
  [16, '7336aad25f7bf3b5'],
])('HalfSipHash-2-4 of %i bytes, as its authors publish it', (length, expected) => {
  const into = new Int32Array(3)
  halfSipHash(counting, 0, length, counting.readInt32LE(0), counting.readInt32LE(4), into, 1)
  expect(Buffer.from(into.buffer, 4).toString('hex')).toBe(expected)
})

test('a digest is of the bytes of a key and no others, and of the secret while keys are short', () => {
  const digestOf = (bytes: Buffer, at: number, length: number, secret = Buffer.alloc(16, 7)) => {
    const digest = new KeyDigest(secret)
    digest.look(bytes, at, length)
    return Buffer.from(digest.words.buffer).toString('hex')
  }
  const seen = new Set<string>()
  for (let length = 0; length < 150; length++) {
    const alone = digestOf(Buffer.from(counting.subarray(9, 9 + length)), 0, length)
    expect(digestOf(counting, 9, length)).toBe(alone)
    seen.add(alone)
  }
  expect(seen.size).toBe(150)
  expect(digestOf(counting, 0, 8, Buffer.alloc(16, 8))).not.toBe(digestOf(counting, 0, 8))
})
