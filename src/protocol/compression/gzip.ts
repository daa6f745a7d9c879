import { crc32 } from '../crc32.ts'
import type { Steps } from '../steps.ts'
import { zlib } from './zlib.ts'

/** So much is compressed in one step: what takes a millisecond. */
const PIECE_BYTES = 32 * 1024
/** Copies reach so far back. */
const WINDOW_BYTES = 32 * 1024
/** No operating system, no name, no time. */
const HEADER = Buffer.from('1f8b08000000000000ff', 'hex')
/** Checksum and length. */
const TRAILER_BYTES = 8
/** Nothing that is compressed this way can grow more. */
const MAX_GROWTH = 1032

/**
 * One gzip member, whose pieces are compressed one by one: each knows what lies before it, and ends on a byte. So it becomes about as small
 * as in one go. `level`: 1 to 9, or the usual one.
 */
export function* gzipInSteps(bytes: Buffer, level?: number): Steps<Buffer> {
  const { gzipSync, deflateRawSync, constants } = zlib()
  const options = level === undefined ? {} : { level }
  if (bytes.length <= PIECE_BYTES) return gzipSync(bytes, options)
  const parts: Buffer[] = [HEADER]
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const isLast = at + PIECE_BYTES >= bytes.length
    const window = bytes.subarray(Math.max(0, at - WINDOW_BYTES), at)
    const piece = deflateRawSync(bytes.subarray(at, at + PIECE_BYTES), {
      ...options,
      ...(at > 0 ? { dictionary: window } : {}),
      finishFlush: isLast ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
    })
    parts.push(piece)
    yield
  }
  const trailer = Buffer.alloc(TRAILER_BYTES)
  trailer.writeUInt32LE(crc32(bytes))
  trailer.writeUInt32LE(bytes.length % 2 ** 32, 4)
  parts.push(trailer)
  return Buffer.concat(parts)
}

/** What the end of a gzip member says about how long it becomes, as far as that can be. */
export function claimedLength(bytes: Buffer): number {
  if (bytes.length < TRAILER_BYTES) return 0
  return Math.min(bytes.readUInt32LE(bytes.length - 4), MAX_GROWTH * bytes.length)
}
