import { createRequire } from 'node:module'

type Zlib = typeof import('node:zlib')

const load = createRequire(import.meta.url)
let zlib: Zlib | undefined

/** CRC-32 as in zip files, the checksum of message formats 0 and 1. The module is loaded by the first one: most brokers meet none. */
export function crc32(bytes: Uint8Array): number {
  zlib ??= load('node:zlib') as Zlib
  return zlib.crc32(bytes)
}
