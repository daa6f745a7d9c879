import { createRequire } from 'node:module'
const portable = createRequire(import.meta.url)('crc-32/crc32c.js') as { buf(bytes: Uint8Array, seed?: number): number }
export function crc32c(bytes: Buffer): number {
  return portable.buf(bytes) >>> 0
}
