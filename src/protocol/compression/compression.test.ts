import zlib, { gunzipSync } from 'node:zlib'
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
import { ReusedMemory } from './memory.ts'
import { snappyDecompress } from './snappy.ts'
import { xxHash32 } from './xxhash32.ts'
import { zstdDecompress, zstdStore } from './zstd.ts'

const MAX = 1024 * 1024
const nativeZstd = (zlib as { zstdCompressSync?(bytes: Buffer, options: object): Buffer }).zstdCompressSync
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

/** `table`, as zstd -19 compressed it. */
const tableFrame =
  'KLUv/QBofQ4AVlYyEqAnbdbaU6q6GXITiezu+F/dQy0ALAAtADjEY256s8A2cE1PDpimv3HAYzEA58DYCzJ6cn2NC7Y+TXD1Njb1Mx48PXGxCP1ZWD/OYTCajCL4qi8XbFVcBVP1OdWTy1mKkXpBPOjIikzUI/VEUE8F5/TpOYxk4DFu9GYbBhcNgWf0wxajz+sPyY3iO1tdbzrPCSycONaT9Wiz3mV9kY0FvXDBiWmSHmmm7D1ZLLJHOxHR42zYjyL0IDpJT0bSp0sx8REj/blMpB8kgIOocIrVzCSFNAYwxBBSaR0gEMraBt/42bgEEekF/gDjbtOy4WhrPpxFffY3pY+btD64vo4GlHD4YtXni4WaokDV59DctO1PdlR5rl4UrxDGHVWAd8P50cQ/BMRmCig56nqeGR/lej3oHzEOnY4T682S6bQSRFFV0WYJD4XPlCVmYMyiponovPp7+Gus82zRpbwPVa+3k8kR3BAD27fY8bJdrbs2Z9T43KONH4s01+VFXWWLsGQ6ZrShlFuxCe7vSbs/WLTC2f4CIoHZh+6MwigP61AiC64RBjRk6SboeZZwcfw+evBQEXsUPjrCdwEdn8YLHBLn7u806vWOxz/TnYPrAw=='

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

/** Lines of a few columns. */
function table(): string {
  let state = 1
  const lines = Array.from({ length: 100 }, (_, line) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return `${line},${'abcdefgh'[state >>> 29]!.repeat((state >>> 20) & 7)},${(state >>> 12) & 15};\n`
  })
  return lines.join('')
}

/** Pieces of all lengths, which come again from near and far. */
function repetitions(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  const source = noise(length)
  let state = 7
  const random = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  for (let at = 0; at < length; ) {
    const end = Math.min(length, at + 1 + random([8, 40, 90, 700][random(4)]!))
    const distance = 1 + random(Math.min(at, [3, 20, 300, 70_000][random(4)]!))
    for (const isNew = at === 0 || random(3) === 0; at < end; at++)
      bytes[at] = isNew ? source[at]! & 0x3f : bytes[at - distance]!
  }
  return bytes
}

const contents: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('x')],
  ['text', Buffer.from(text)],
  ['one byte over and over', Buffer.alloc(200_000, 7)],
  ['noise', noise(150_000)],
  ['repetitions', repetitions(400_000)],
  ['noise with repetitions', Buffer.concat([noise(5000), noise(3000), noise(70_000), noise(131_072)])],
]

describe.each(codecs)('%s', (codec) => {
  test.each(contents)('gives back %s', (_, bytes) => {
    expect(decompress(codec, compress(codec, bytes)).equals(bytes)).toBe(true)
  })

  test.each(contents)('works in the same memory again with %s', (_, bytes) => {
    const { take } = new ReusedMemory()
    const other = repetitions(bytes.length + 1000)
    for (const content of [other, bytes, other]) {
      const packed = Buffer.from(runAll(compressInSteps(codec, content, undefined, take)))
      expect(runAll(decompressInSteps(codec, packed, 2 * MAX, take)).equals(content)).toBe(true)
    }
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

  test('lz4, also when the blocks are large', () => {
    const whole = repetitions(600_000)
    const frame = compress('lz4', whole.subarray(0, 60_000))
    // Blocks of up to 4 MiB; what is in one block of 64 KiB may be all of it.
    frame[5] = 0x70
    frame[6] = (xxHash32(frame.subarray(4, 6)) >>> 8) & 0xff
    expect(decompress('lz4', frame).equals(whole.subarray(0, 60_000))).toBe(true)
    // A token, and lengths in bytes of 255: one byte, which is repeated a million times.
    const long = Buffer.alloc(4000, 255)
    const block = Buffer.concat([
      Buffer.from('1f78', 'hex'),
      Buffer.from([1, 0]),
      long,
      Buffer.from([0, 0x50]),
    ])
    const size = Buffer.alloc(4)
    size.writeUInt32LE(block.length + 5)
    const bomb = Buffer.concat([frame.subarray(0, 7), size, block, Buffer.from('tails'), Buffer.alloc(4)])
    const { count, result } = countSteps(decompressInSteps('lz4', bomb))
    expect(result.length).toBe(1 + 15 + 4 + 4000 * 255 + 5)
    expect(count).toBe(2)
  })

  test('snappy, also when it is one block', () => {
    const content = repetitions(32 * 1024)
    const block = compress('snappy', content).subarray(20)
    // The same elements six times: all distances are within the first 32 KiB before.
    const elements = block.subarray(3)
    const length = Buffer.from([0x80, 0x80, 0x0c])
    const { count, result } = countSteps(
      decompressInSteps('snappy', Buffer.concat([length, ...Array<Buffer>(6).fill(elements)])),
    )
    expect(result.equals(Buffer.concat(Array<Buffer>(6).fill(content)))).toBe(true)
    expect(count).toBe(6)
  })

  test('gzip, when it compresses', () => {
    const bytes = repetitions(400_000)
    for (const level of [undefined, -1, 1, 9]) {
      const { count, result } = countSteps(compressInSteps('gzip', bytes, level))
      expect(count).toBe(Math.ceil(bytes.length / 32 / 1024))
      expect(gunzipSync(result).equals(bytes)).toBe(true)
      const whole = zlib.gzipSync(bytes, level === undefined ? {} : { level })
      expect(result.length).toBeLessThan(1.01 * whole.length)
    }
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

  const levels = [-5, 1, 3, 9, 19]
  const unless = nativeZstd ? '' : ' did not run: this release of Node compresses nothing with zstd'
  if (unless) console.log(`what Node compresses with zstd${unless}`)
  test.each(nativeZstd ? levels : [])('what Node compresses on level %i', (level) => {
    const { ZSTD_c_compressionLevel: key } = zlib.constants as unknown as { ZSTD_c_compressionLevel: number }
    for (const [, bytes] of contents) {
      const frame = nativeZstd!(bytes, { params: { [key]: level } })
      expect(runAll(zstdDecompress(frame, MAX)).equals(bytes)).toBe(true)
      for (let at = 0; at < frame.length; at += 1 + (frame.length >> 6)) {
        const damaged = Buffer.from(frame)
        damaged[at]! ^= 1 << (at & 7)
        refusals(() => runAll(zstdDecompress(damaged, MAX)))
      }
    }
  })

  test('sequences that go back to recent distances', () => {
    expect(runAll(zstdDecompress(Buffer.from(tableFrame, 'base64'), MAX)).toString()).toBe(table())
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
