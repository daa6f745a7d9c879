import { execFileSync } from 'node:child_process'
import zlib from 'node:zlib'

/** From Node 22.15 on. */
const native = (zlib as { zstdCompressSync?(bytes: Buffer): Buffer }).zstdCompressSync

/** A Zstandard frame, by Node or by the command `zstd`; undefined where there is neither. */
export function compressZstd(bytes: Buffer): Buffer | undefined {
  if (native) return native(bytes)
  try {
    return execFileSync('zstd', ['-q', '-c'], { input: bytes, maxBuffer: 2 * bytes.length + 1024 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
