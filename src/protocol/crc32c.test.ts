import { expect, test } from 'vitest'
import { crc32c, replaceInCrc32c } from './crc32c.ts'

/** Bit by bit, as the definition has it. */
function slow(bytes: Uint8Array): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}

const sample = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 89) ^ (index >>> 5))

test('the check value of CRC-32C', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})

test.each([0, 1, 255, 256, 257, 4095, 4096, 100, 300, 70_000])('%i bytes', (length) => {
  expect(crc32c(sample(length))).toBe(slow(sample(length)))
})

test('goes on from the CRC of what lies before', () => {
  const bytes = sample(6000)
  for (const at of [0, 1, 300, 5000, 6000])
    expect(crc32c(bytes.subarray(at), crc32c(bytes.subarray(0, at)))).toBe(crc32c(bytes))
})

test('a part is replaced without looking at what follows it', () => {
  for (const behind of [0, 1, 7, 40, 1000, 65_536, 1_048_577]) {
    const bytes = sample(30 + behind)
    const before = bytes.slice(8, 30)
    const crc = crc32c(bytes)
    bytes.set(sample(90).subarray(60, 82), 8)
    expect(replaceInCrc32c(crc, before, bytes.subarray(8, 30), behind)).toBe(crc32c(bytes))
  }
})
