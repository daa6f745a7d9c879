export function murmur2(b: Buffer): number {
  let h = 0x9747b28c ^ b.length
  const n = b.length & ~3
  for (let i = 0; i < n; i += 4) { let k = Math.imul(b.readInt32LE(i), 0x5bd1e995); k ^= k >>> 24; h = Math.imul(h, 0x5bd1e995) ^ Math.imul(k, 0x5bd1e995) }
  const r = b.length - n
  if (r >= 3) h ^= b[n + 2]! << 16
  if (r >= 2) h ^= b[n + 1]! << 8
  if (r >= 1) { h ^= b[n]!; h = Math.imul(h, 0x5bd1e995) }
  h ^= h >>> 13; h = Math.imul(h, 0x5bd1e995); return h ^ (h >>> 15)
}
export function murmur2Partition(key: Buffer, count: number): number { return (murmur2(key) & 0x7fffffff) % count }
export function coordinatorPartition(key: string, count: number): number {
  let h = 0
  for (let i = 0; i < key.length; i++) h = (Math.imul(31, h) + key.charCodeAt(i)) | 0
  return (h === -2147483648 ? 0 : Math.abs(h)) % count
}
