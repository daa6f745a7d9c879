import { describe, expect, test } from 'vitest'
import { readRequestHeader } from './request-header.ts'

const fixed = [0, 18, 0, 3, 0, 0, 0, 7]
const bytes = (...rest: number[]) => Buffer.from([...fixed, ...rest])

describe('readRequestHeader', () => {
  test('version 0 has no client id', () => {
    expect(readRequestHeader(bytes(1, 2), 0)).toEqual({ clientId: null, bodyAt: 8 })
  })

  test('version 1 has one, which may be null or empty', () => {
    expect(readRequestHeader(bytes(0, 2, 0xc3, 0xa4, 9), 1)).toEqual({ clientId: 'ä', bodyAt: 12 })
    expect(readRequestHeader(bytes(0xff, 0xff), 1)).toEqual({ clientId: null, bodyAt: 10 })
    expect(readRequestHeader(bytes(0xff, 0xfe), 1)).toEqual({ clientId: null, bodyAt: 10 })
    expect(readRequestHeader(bytes(0, 0), 1)).toEqual({ clientId: '', bodyAt: 10 })
  })

  test('version 2 skips tagged fields that it does not know', () => {
    expect(readRequestHeader(bytes(0, 1, 65, 0), 2)).toEqual({ clientId: 'A', bodyAt: 12 })
    expect(readRequestHeader(bytes(0xff, 0xff, 2, 5, 1, 0xaa, 0x80, 0x01, 2, 0xbb, 0xcc, 1), 2)).toEqual({
      clientId: null,
      bodyAt: 19,
    })
  })

  test.each<[string, number[], 0 | 1 | 2]>([
    ['no length of the client id', [0], 1],
    ['a client id that ends early', [0, 3, 65, 66], 1],
    ['no tagged fields', [0, 1, 65], 2],
    ['a tagged field that ends early', [0xff, 0xff, 1, 0, 4, 1], 2],
    ['fewer tagged fields than claimed', [0xff, 0xff, 3, 0, 0], 2],
    ['a varint that does not end', [0xff, 0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0], 2],
    ['a claim of four billion tagged fields', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], 2],
  ])('%s is no header', (_, rest, version) => {
    expect(readRequestHeader(bytes(...rest), version)).toBeUndefined()
  })
})
