import { createRequire } from 'node:module'

type Checksum = (bytes: Uint8Array, seed?: number) => number

const load = createRequire(import.meta.url)
const { buf: portable } = load('crc-32/crc32c.js') as { buf: Checksum }

/** From here on calling into native code is worth its price (measured: equal at about 250 bytes; at 1 MiB native is eight times as fast). */
const NATIVE_FROM_BYTES = 256
/** The native module takes milliseconds to load: it is fetched for the first large input, not by a broker that has yet to start. */
const LOAD_NATIVE_FROM_BYTES = 4096
/** The polynomial of CRC-32C, its bits in reverse as in all reflected CRCs. */
const POLYNOMIAL = 0x82f63b78

/** `undefined`: has not been looked for; `null`: there is none for this machine. */
let native: Checksum | null | undefined

/** CRC-32C (Castagnoli) of the bytes; `seed` is the CRC of what lies before them. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  if (bytes.length >= NATIVE_FROM_BYTES) {
    if (native === undefined && bytes.length >= LOAD_NATIVE_FROM_BYTES) native = loadNative()
    if (native) return native(bytes, seed)
  }
  return portable(bytes, seed) >>> 0
}

/**
 * What becomes of the CRC of some bytes when a part of them, `before`, is replaced by `after` of the same length and `behind` bytes follow
 * it: they need not be looked at again. (A CRC is linear: the difference of two inputs alone decides the difference of their CRCs.)
 */
export function replaceInCrc32c(crc: number, before: Uint8Array, after: Uint8Array, behind: number): number {
  const difference = crc32c(before) ^ crc32c(after)
  return (crc ^ multiply(difference, powerOfX(8 * behind))) >>> 0
}

function loadNative(): Checksum | null {
  try {
    return (load('@node-rs/crc32') as { crc32c: Checksum }).crc32c
  } catch {
    return null
  }
}

/** x to the power of `exponent`, modulo the polynomial. */
function powerOfX(exponent: number): number {
  // In reversed bit order the highest bit is 1 and the one below it x.
  let power = 0x80000000
  let square = 0x40000000
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(power, square)
    square = multiply(square, square)
  }
  return power
}

/** Product of two polynomials over GF(2), modulo the polynomial. */
function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL
  }
  return product
}
