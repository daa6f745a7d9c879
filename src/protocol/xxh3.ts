const MASK_64 = (1n << 64n) - 1n
const MASK_32 = 0xffffffffn
const PRIME32_1 = 0x9e3779b1n
const PRIME32_2 = 0x85ebca77n
const PRIME32_3 = 0xc2b2ae3dn
const PRIME64_1 = 0x9e3779b185ebca87n
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn
const PRIME64_3 = 0x165667b19e3779f9n
const PRIME64_4 = 0x85ebca77c2b2ae63n
const PRIME64_5 = 0x27d4eb2f165667c5n
const PRIME_MX1 = 0x165667919e3779f9n
const PRIME_MX2 = 0x9fb21c651e98df25n

/** The default secret of the algorithm: 192 bytes that its author drew. */
const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
    'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
    '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
)
const STRIPE = 64
const STRIPES_PER_BLOCK = (SECRET.length - STRIPE) / 8
const BLOCK = STRIPE * STRIPES_PER_BLOCK

/** XXH3 with 64 bits and seed 0, as an unsigned number. Made for small inputs: it calculates with bigints. */
export function xxh3(bytes: Buffer): bigint {
  const { length } = bytes
  if (length <= 16) return hashUpTo16(bytes)
  if (length <= 128) return hashUpTo128(bytes)
  if (length <= 240) return hashUpTo240(bytes)
  return hashLong(bytes)
}

function hashUpTo16(bytes: Buffer): bigint {
  const { length } = bytes
  if (length > 8) {
    const low = word(bytes, 0) ^ word(SECRET, 24) ^ word(SECRET, 32)
    const high = word(bytes, length - 8) ^ word(SECRET, 40) ^ word(SECRET, 48)
    return avalanche(BigInt(length) + swapBytes(low) + high + foldedProduct(low, high))
  }
  if (length >= 4) {
    const input = BigInt(bytes.readUInt32LE(length - 4)) | (BigInt(bytes.readUInt32LE(0)) << 32n)
    let hash = input ^ word(SECRET, 8) ^ word(SECRET, 16)
    hash ^= rotateLeft(hash, 49n) ^ rotateLeft(hash, 24n)
    hash = (hash * PRIME_MX2) & MASK_64
    hash ^= (hash >> 35n) + BigInt(length)
    hash = (hash * PRIME_MX2) & MASK_64
    return hash ^ (hash >> 28n)
  }
  if (length > 0) {
    const first = bytes[0]!
    const middle = bytes[length >> 1]!
    const last = bytes[length - 1]!
    const combined = ((first << 16) | (middle << 24) | last | (length << 8)) >>> 0
    const flip = (SECRET.readUInt32LE(0) ^ SECRET.readUInt32LE(4)) >>> 0
    return avalancheOf64(BigInt((combined ^ flip) >>> 0))
  }
  return avalancheOf64(word(SECRET, 56) ^ word(SECRET, 64))
}

function hashUpTo128(bytes: Buffer): bigint {
  const { length } = bytes
  let hash = BigInt(length) * PRIME64_1
  // From the outside in: pairs of 16 bytes, of which the ones in the middle may overlap.
  for (let pair = (length - 1) >> 5; pair >= 0; pair--) {
    hash += mix16(bytes, pair * 16, pair * 32)
    hash += mix16(bytes, length - (pair + 1) * 16, pair * 32 + 16)
  }
  return avalanche(hash)
}

function hashUpTo240(bytes: Buffer): bigint {
  const { length } = bytes
  let hash = BigInt(length) * PRIME64_1
  for (let round = 0; round < 8; round++) hash += mix16(bytes, round * 16, round * 16)
  hash = avalanche(hash)
  for (let round = 8; round < length >> 4; round++) hash += mix16(bytes, round * 16, (round - 8) * 16 + 3)
  return avalanche(hash + mix16(bytes, length - 16, 136 - 17))
}

function hashLong(bytes: Buffer): bigint {
  const { length } = bytes
  const lanes = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1]
  let at = 0
  for (let stripe = 0; at < length - STRIPE; at += STRIPE) {
    accumulate(lanes, bytes, at, stripe * 8)
    stripe++
    // The last byte of the input always belongs to the stripe after the last block.
    if (stripe === STRIPES_PER_BLOCK) {
      stripe = 0
      if (at + STRIPE <= BLOCK * Math.floor((length - 1) / BLOCK)) scramble(lanes)
    }
  }
  accumulate(lanes, bytes, length - STRIPE, SECRET.length - STRIPE - 7)
  let hash = BigInt(length) * PRIME64_1
  for (let i = 0; i < 8; i += 2) {
    hash += foldedProduct(lanes[i]! ^ word(SECRET, 11 + i * 8), lanes[i + 1]! ^ word(SECRET, 19 + i * 8))
  }
  return avalanche(hash)
}

function accumulate(lanes: bigint[], bytes: Buffer, at: number, secretAt: number): void {
  for (let i = 0; i < 8; i++) {
    const value = word(bytes, at + i * 8)
    const key = value ^ word(SECRET, secretAt + i * 8)
    lanes[i ^ 1] = (lanes[i ^ 1]! + value) & MASK_64
    lanes[i] = (lanes[i]! + (key & MASK_32) * (key >> 32n)) & MASK_64
  }
}

function scramble(lanes: bigint[]): void {
  for (const [i, lane] of lanes.entries()) {
    const mixed = lane ^ (lane >> 47n) ^ word(SECRET, SECRET.length - STRIPE + i * 8)
    lanes[i] = (mixed * PRIME32_1) & MASK_64
  }
}

function mix16(bytes: Buffer, at: number, secretAt: number): bigint {
  return foldedProduct(
    word(bytes, at) ^ word(SECRET, secretAt),
    word(bytes, at + 8) ^ word(SECRET, secretAt + 8),
  )
}

/** Both halves of the 128 bit product, over each other. */
function foldedProduct(a: bigint, b: bigint): bigint {
  const product = a * b
  return (product & MASK_64) ^ (product >> 64n)
}

function avalanche(sum: bigint): bigint {
  let hash = sum & MASK_64
  hash = ((hash ^ (hash >> 37n)) * PRIME_MX1) & MASK_64
  return hash ^ (hash >> 32n)
}

function avalancheOf64(value: bigint): bigint {
  let hash = ((value ^ (value >> 33n)) * PRIME64_2) & MASK_64
  hash = ((hash ^ (hash >> 29n)) * PRIME64_3) & MASK_64
  return hash ^ (hash >> 32n)
}

function rotateLeft(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK_64
}

function swapBytes(value: bigint): bigint {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigUInt64LE(value)
  return bytes.readBigUInt64BE()
}

function word(bytes: Buffer, at: number): bigint {
  return bytes.readBigUInt64LE(at)
}
