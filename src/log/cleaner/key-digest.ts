import { hash } from 'node:crypto'

export const SECRET_BYTES = 16
/** Of longer keys a SHA-256 is quicker, though it makes garbage. */
const SHORT_KEY_BYTES = 64

/**
 * Stands for a key in a table: 128 bits, which nobody who does not know the secret can make equal for two keys, not even on purpose. Of keys
 * as they usually are it is computed without making any object: collecting millions of those would hold up everybody.
 */
export class KeyDigest {
  /** Of the key that was looked at last. */
  readonly words = new Int32Array(4)
  readonly #secret: Int32Array

  /** `secret`: `SECRET_BYTES` of chance. */
  constructor(secret: Buffer) {
    this.#secret = Int32Array.from({ length: 4 }, (_, word) => secret.readInt32LE(4 * word))
  }

  /** Looks at a key in the middle of other bytes. */
  look(bytes: Buffer, at: number, length: number): void {
    const secret = this.#secret
    if (length > SHORT_KEY_BYTES) this.#lookAtLong(bytes.subarray(at, at + length))
    else {
      halfSipHash(bytes, at, length, secret[0]!, secret[1]!, this.words, 0)
      halfSipHash(bytes, at, length, secret[2]!, secret[3]!, this.words, 2)
    }
  }

  #lookAtLong(key: Buffer): void {
    // As characters: a buffer for each would take three times as long.
    const text = hash('sha256', key, 'binary')
    for (let word = 0, at = 0; word < 4; word++, at += 4) {
      this.words[word] =
        (text.charCodeAt(at) << 24) |
        (text.charCodeAt(at + 1) << 16) |
        (text.charCodeAt(at + 2) << 8) |
        text.charCodeAt(at + 3)
    }
  }
}

/** HalfSipHash-2-4 with 64 bits of output: a hash with a secret whose words are as large as JavaScript's. Writes two words. */
export function halfSipHash(
  bytes: Buffer,
  from: number,
  length: number,
  secret0: number,
  secret1: number,
  into: Int32Array,
  at: number,
): void {
  let v0 = secret0
  let v1 = secret1 ^ 0xee
  let v2 = secret0 ^ 0x6c796765
  let v3 = secret1 ^ 0x74656462
  const wholeEnd = from + (length & ~3)
  const last = lastWord(bytes, wholeEnd, length)
  // Two rounds after each word. Then four, twice, which have nothing to take in.
  for (let next = from, more = 2; ; next += 4) {
    const isLast = next >= wholeEnd
    const word = more < 2 ? 0 : isLast ? last : wordAt(bytes, next)
    const rounds = more < 2 ? 4 : 2
    v3 ^= word
    for (let round = 0; round < rounds; round++) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    v0 ^= word
    if (more === 2) {
      if (isLast) {
        v2 ^= 0xee
        more = 1
      }
    } else if (more === 1) {
      into[at] = v1 ^ v3
      v1 ^= 0xdd
      more = 0
    } else {
      into[at + 1] = v1 ^ v3
      return
    }
  }
}

function wordAt(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** The bytes that are left over, and the length. */
function lastWord(bytes: Buffer, at: number, length: number): number {
  let word = length << 24
  for (let index = 0; index < (length & 3); index++) word |= bytes[at + index]! << (8 * index)
  return word
}
