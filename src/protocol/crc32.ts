import { zlib } from './compression/zlib.ts'

/** CRC-32 as in zip files, the checksum of message formats 0 and 1, and of gzip. */
export function crc32(bytes: Uint8Array): number {
  return zlib().crc32(bytes)
}
