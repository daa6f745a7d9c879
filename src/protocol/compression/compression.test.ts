import { describe, expect, test } from 'vitest'
import { runAll, type Steps } from '../steps.ts'
import {
  COMPRESSION_NAMES,
  compress,
  compressInSteps,
  compressionName,
  DecompressionError,
  decompress,
  decompressInSteps,
} from './compression.ts'
import { lz4Decompress } from './lz4.ts'
import { snappyDecompress } from './snappy.ts'
import { xxHash32 } from './xxhash32.ts'
import { zstdDecompress, zstdStore } from './zstd.ts'

const MAX = 1024 * 1024
const codecs = COMPRESSION_NAMES.slice(1)
const text = 'as it was in the beginning, so it was in the end; '.repeat(20)

/** The text, as other programs compressed it. */
const foreign = {
  zstd: [
    ['one segment', 'KLUv/WToAnUBADQCYXMgaXQgd2FzIGluIHRoZSBiZWdpbm5pbmcsIHNvZW5kOyACALOrqrTfTSfsG6fw'],
    [
      'without a size, with a checksum',
      'KLUv/QRIdQEANAJhcyBpdCB3YXMgaW4gdGhlIGJlZ2lubmluZywgc29lbmQ7IAIAs6uqtN9NJ+wbp/A=',
    ],
    ['the smallest', 'KLUv/WDoAl0BADLCBw3QPcBEACWpAQYdyGwBD8rSPVhiJlrN6/iJX+kzfiUCALOrqrTfTSc='],
  ] as const,
  lz4: [
    [
      'with checksums of blocks and content',
      'BCJNGHRAvTYAAABwYXMgaXQgdwcA+wRuIHRoZSBiZWdpbm5pbmcsIHNvHABQZW5kOyArAA8yAP///51QZW5kOyB7zZEjAAAAAOU1RT0=',
    ],
    [
      'with a content size and large blocks',
      'BCJNGGxA6AMAAAAAAACWMwAAAHBhcyBpdCB3BwD7BG4gdGhlIGJlZ2lubmluZywgc28cAF9lbmQ7IDIA////oVBlbmQ7IAAAAADlNUU9',
    ],
  ] as const,
}

/** Noise: nothing in it repeats. */
function noise(length: number): Buffer {
  let state = 1
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return state >>> 16
    }),
  )
}

const contents: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('x')],
  ['text', Buffer.from(text)],
  ['one byte over and over', Buffer.alloc(200_000, 7)],
  ['noise', noise(150_000)],
  ['noise with repetitions', Buffer.concat([noise(5000), noise(3000), noise(70_000), noise(131_072)])],
]

describe.each(codecs)('%s', (codec) => {
  test.each(contents)('gives back %s', (_, bytes) => {
    expect(decompress(codec, compress(codec, bytes)).equals(bytes)).toBe(true)
  })

  test('refuses what becomes too long, before it is there', () => {
    const bomb = compress(codec, Buffer.alloc(MAX + 1))
    expect(() => decompress(codec, bomb, MAX)).toThrow(expect.objectContaining({ isTooLarge: true }))
    expect(decompress(codec, compress(codec, Buffer.alloc(MAX)), MAX)).toHaveLength(MAX)
  })

  test('damage is an error or other bytes, never anything else', () => {
    const whole = compress(codec, Buffer.from(text))
    let refused = 0
    for (let at = 0; at < whole.length; at++) {
      for (const bits of [1, 0x80, 0xff]) {
        const damaged = Buffer.from(whole)
        damaged[at]! ^= bits
        refused += refusals(() => decompress(codec, damaged, MAX))
      }
      refused += refusals(() => decompress(codec, whole.subarray(0, at), MAX))
    }
    expect(refused).toBeGreaterThan(0)
  })
})

function refusals(run: () => Buffer): number {
  try {
    run()
    return 0
  } catch (error) {
    expect(error).toBeInstanceOf(DecompressionError)
    return 1
  }
}

test('codecs that Kafka does not have', () => {
  expect(compressionName(4)).toBe('zstd')
  expect(() => compressionName(5)).toThrow(DecompressionError)
})

/** Steps of a piece of work, and what comes of it. */
function countSteps(steps: Steps<Buffer>): { count: number; result: Buffer } {
  for (let count = 0; ; count++) {
    const { done, value } = steps.next()
    if (done) return { count, result: value }
  }
}

describe('in steps of a block', () => {
  const blocks = 6
  const content = noise(blocks * 128 * 1024)

  test.each([
    ['lz4', 64],
    ['snappy', 32],
  ] as const)('%s', (codec, blockKib) => {
    const packed = countSteps(compressInSteps(codec, content))
    const unpacked = countSteps(decompressInSteps(codec, packed.result))
    expect([packed.count, unpacked.count]).toEqual([(blocks * 128) / blockKib, (blocks * 128) / blockKib])
    expect(unpacked.result.equals(content)).toBe(true)
  })

  test('zstd without the one of Node', () => {
    const { count, result } = countSteps(zstdDecompress(zstdStore(content), content.length))
    expect(count).toBe(blocks)
    expect(result.equals(content)).toBe(true)
  })
})

describe('zstd without the one of Node', () => {
  test.each(foreign.zstd)('%s', (_, base64) => {
    expect(runAll(zstdDecompress(Buffer.from(base64, 'base64'), MAX)).toString()).toBe(text)
  })

  test('frames in a row, and such as are to be skipped', () => {
    const skipped = Buffer.from('502a4d1803000000010203', 'hex')
    const frames = [zstdStore(Buffer.from('a')), skipped, zstdStore(Buffer.from('b'))]
    expect(runAll(zstdDecompress(Buffer.concat(frames), MAX)).toString()).toBe('ab')
  })

  test('a claimed size is not believed', () => {
    const frame = zstdStore(Buffer.from('abc'))
    frame.writeUInt32LE(4, 5)
    expect(() => runAll(zstdDecompress(frame, MAX))).toThrow(DecompressionError)
    frame.writeUInt32LE(0xffffffff, 5)
    expect(() => runAll(zstdDecompress(frame, MAX))).toThrow(expect.objectContaining({ isTooLarge: true }))
  })

  test('a thousand blocks of a few bytes each that grow', () => {
    const header = Buffer.from('28b52ffd0070', 'hex')
    // Not the last, the same byte 131072 times.
    const block = Buffer.from([0x02, 0x00, 0x10, 0x41])
    const bomb = Buffer.concat([header, ...Array<Buffer>(1000).fill(block)])
    expect(() => runAll(zstdDecompress(bomb, MAX))).toThrow(expect.objectContaining({ isTooLarge: true }))
  })
})

describe('snappy', () => {
  test('a block without the framing of Java', () => {
    // Length 9; a literal of three letters; six bytes from three before; by one and by two bytes.
    for (const copy of ['0903', '160300'])
      expect(runAll(snappyDecompress(Buffer.from(`0908616263${copy}`, 'hex'), MAX)).toString()).toBe(
        'abcabcabc',
      )
  })

  test('a length that so few bytes cannot have', () => {
    expect(() => runAll(snappyDecompress(Buffer.from('ffffffff0f00', 'hex'), 2 ** 33))).toThrow(
      DecompressionError,
    )
    expect(() => runAll(snappyDecompress(Buffer.from('ffffffff0f00', 'hex'), MAX))).toThrow(
      expect.objectContaining({ isTooLarge: true }),
    )
  })
})

describe('lz4', () => {
  test.each(foreign.lz4)('%s', (_, base64) => {
    expect(lz4Decompress(Buffer.from(base64, 'base64'), MAX).toString()).toBe(text)
  })

  test('blocks that depend on each other are refused, as by Kafka', () => {
    const frame = compress('lz4', Buffer.from(text))
    frame[4]! &= ~0x20
    frame[6] = (xxHash32(frame.subarray(4, 6)) >>> 8) & 0xff
    expect(() => lz4Decompress(frame, MAX)).toThrow('depend on each other')
  })
})

test('xxHash32', () => {
  expect(xxHash32(Buffer.alloc(0))).toBe(0x02cc5d05)
  expect(xxHash32(Buffer.from('a'))).toBe(0x550d7456)
  expect(xxHash32(Buffer.from('abc'))).toBe(0x32d153ff)
  expect(xxHash32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f)
})
