import { runAll, type Steps } from '../steps.ts'
import { DecompressionError, tooLarge } from './decompression-error.ts'
import { claimedLength, gzipInSteps } from './gzip.ts'
import { lz4CompressInSteps, lz4DecompressInSteps } from './lz4.ts'
import type { Allocate } from './memory.ts'
import { snappyCompress, snappyDecompress } from './snappy.ts'
import { zlib } from './zlib.ts'
import { zstdDecompress, zstdStore } from './zstd.ts'

export { DecompressionError } from './decompression-error.ts'

/** Codecs in the order of their numbers in the attributes of a batch. */
export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type CompressionName = (typeof COMPRESSION_NAMES)[number]

export const ZSTD = 4

/** So much may always come out of a batch, however small it is. */
const MIN_LIMIT_BYTES = 64 * 1024 * 1024
/** Larger batches, which a topic must have allowed, may become so many times as large. */
const LIMIT_RATIO = 16
/** In pieces of this size, or larger ones, zlib gives what comes out. */
const SMALLEST_CHUNK_BYTES = 64 * 1024

/** Name of a codec by its number. Throws `DecompressionError` for one that Kafka does not have. */
export function compressionName(id: number): CompressionName {
  const name = COMPRESSION_NAMES[id]
  if (name === undefined) throw new DecompressionError(`there is no codec ${id}`)
  return name
}

/** What may come out of so many bytes before they are taken for a bomb. */
export function decompressionLimit(length: number): number {
  return Math.max(MIN_LIMIT_BYTES, LIMIT_RATIO * length)
}

/** Throws `DecompressionError`, without having allocated much more than `maxBytes`. */
export function decompress(codec: CompressionName, bytes: Buffer, maxBytes?: number): Buffer {
  return runAll(decompressInSteps(codec, bytes, maxBytes))
}

/** The same in steps, where the codec is ours. `allocate` gives the memory for what comes out, if it is. */
export function* decompressInSteps(
  codec: CompressionName,
  bytes: Buffer,
  maxBytes = decompressionLimit(bytes.length),
  allocate?: Allocate,
): Steps<Buffer> {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return unzip(maxBytes, claimedLength(bytes), (options) => zlib().gunzipSync(bytes, options))
    case 'snappy':
      return yield* snappyDecompress(bytes, maxBytes, allocate)
    case 'lz4':
      return yield* lz4DecompressInSteps(bytes, maxBytes, true, allocate)
    case 'zstd': {
      const native = zlib().zstdDecompressSync
      if (native) return unzip(maxBytes, 0, (options) => native(bytes, options))
      return yield* zstdDecompress(bytes, maxBytes, allocate)
    }
  }
}

/** `level`: as `compression.gzip.level` and `compression.zstd.level` have it; the codec's own default when it is left out. */
export function compress(codec: CompressionName, bytes: Buffer, level?: number): Buffer {
  return runAll(compressInSteps(codec, bytes, level))
}

/** The same in steps; all but zstd. `allocate` gives the memory for what comes out, where the codec is ours. */
export function* compressInSteps(
  codec: CompressionName,
  bytes: Buffer,
  level?: number,
  allocate?: Allocate,
): Steps<Buffer> {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return yield* gzipInSteps(bytes, level)
    case 'snappy':
      return yield* snappyCompress(bytes, allocate)
    case 'lz4':
      return yield* lz4CompressInSteps(bytes, false, allocate)
    case 'zstd':
      return compressZstd(bytes, level)
  }
}

function compressZstd(bytes: Buffer, level: number | undefined): Buffer {
  const { zstdCompressSync, constants } = zlib()
  if (!zstdCompressSync) return zstdStore(bytes)
  const { ZSTD_c_compressionLevel: key } = constants as unknown as { ZSTD_c_compressionLevel: number }
  return zstdCompressSync(bytes, level === undefined ? {} : { params: { [key]: level } })
}

/** Calls zlib, whose sync functions give up as soon as too much has come out, and names its errors. */
function unzip(
  maxBytes: number,
  expected: number,
  call: (options: { maxOutputLength: number; chunkSize: number }) => Buffer,
): Buffer {
  // One byte more: where the first piece of memory is filled zlib asks for another one.
  const chunkSize = Math.max(SMALLEST_CHUNK_BYTES, Math.min(maxBytes, expected) + 1)
  try {
    return call({ maxOutputLength: maxBytes, chunkSize })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
    throw new DecompressionError((error as Error).message)
  }
}
