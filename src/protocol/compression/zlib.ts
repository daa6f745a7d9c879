import { createRequire } from 'node:module'

type Zlib = typeof import('node:zlib') & {
  /** From Node 22.15 on. */
  zstdCompressSync?(bytes: Buffer, options?: object): Buffer
  zstdDecompressSync?(bytes: Buffer, options?: object): Buffer
}

const load = createRequire(import.meta.url)
let zlibModule: Zlib | undefined

/** Loaded by the first batch that needs it: most brokers never open one. */
export function zlib(): Zlib {
  zlibModule ??= load('node:zlib') as Zlib
  return zlibModule
}
