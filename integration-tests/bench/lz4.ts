/** Magic, independent blocks without checksums of at most 64 KiB, and the checksum of these two bytes. */
const FRAME_HEADER = Buffer.from('04224d18604082', 'hex')
const BLOCK_BYTES = 64 * 1024
const STORED = 0x80000000
const HASH_BITS = 14
const MIN_MATCH = 4
/** The format wants the last five bytes as they are, and no match that begins within the last twelve. */
const LAST_LITERALS = 5
const NO_MATCH_FROM_END = 12

/** An LZ4 frame as Kafka's clients write it. Greedy: quick to write rather than small. */
export function compressLz4(bytes: Buffer): Buffer {
  const parts: Buffer[] = [FRAME_HEADER]
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const plain = bytes.subarray(at, at + BLOCK_BYTES)
    const packed = compressBlock(plain)
    const size = Buffer.alloc(4)
    const isSmaller = packed.length < plain.length
    size.writeUInt32LE(isSmaller ? packed.length : plain.length + STORED)
    parts.push(size, isSmaller ? packed : plain)
  }
  parts.push(Buffer.alloc(4))
  return Buffer.concat(parts)
}

function compressBlock(bytes: Buffer): Buffer {
  const out: number[] = []
  const places = new Int32Array(1 << HASH_BITS).fill(-1)
  const lastMatch = bytes.length - NO_MATCH_FROM_END
  let literals = 0
  let at = 0
  while (at <= lastMatch) {
    const word = bytes.readUInt32LE(at)
    const slot = Math.imul(word, 2654435761) >>> (32 - HASH_BITS)
    const candidate = places[slot]!
    places[slot] = at
    if (candidate < 0 || bytes.readUInt32LE(candidate) !== word) {
      at++
      continue
    }
    let length = MIN_MATCH
    while (at + length < bytes.length - LAST_LITERALS && bytes[candidate + length] === bytes[at + length])
      length++
    sequence(out, bytes.subarray(literals, at), at - candidate, length)
    at += length
    literals = at
  }
  sequence(out, bytes.subarray(literals), 0, 0)
  return Buffer.from(out)
}

/** Literals and the match behind them; the last sequence of a block has no match (distance 0). */
function sequence(out: number[], literals: Buffer, distance: number, matchLength: number): void {
  const match = distance === 0 ? 0 : matchLength - MIN_MATCH
  out.push((Math.min(literals.length, 15) << 4) | Math.min(match, 15))
  longLength(out, literals.length)
  for (const byte of literals) out.push(byte)
  if (distance === 0) return
  out.push(distance & 0xff, distance >> 8)
  longLength(out, match)
}

function longLength(out: number[], length: number): void {
  if (length < 15) return
  let rest = length - 15
  for (; rest >= 255; rest -= 255) out.push(255)
  out.push(rest)
}
