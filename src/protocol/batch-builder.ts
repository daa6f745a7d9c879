import { crc32c } from './crc32c.ts'
export interface BatchRecord { readonly key: Buffer | null; readonly value: Buffer | null; readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]; readonly timestamp: bigint }
export interface BatchToBuild { readonly baseOffset: bigint; readonly leaderEpoch: number; readonly records: readonly BatchRecord[]; readonly producerId?: bigint; readonly producerEpoch?: number; readonly baseSequence?: number; readonly isTransactional?: boolean; readonly isControl?: boolean }
function varint(n: bigint): Buffer { let v = BigInt.asUintN(64, (n << 1n) ^ (n >> 63n)); const out: number[] = []; while (v > 127n) { out.push(Number(v & 127n) | 128); v >>= 7n } out.push(Number(v)); return Buffer.from(out) }
const bytes = (b: Buffer | null) => b === null ? [varint(-1n)] : [varint(BigInt(b.length)), b]
export function buildBatch(b: BatchToBuild): Buffer {
  const base = b.records[0]?.timestamp ?? -1n
  let max = -1n
  const parts: Buffer[] = []
  b.records.forEach((r, i) => {
    if (r.timestamp > max) max = r.timestamp
    const body = Buffer.concat([Buffer.from([0]), varint(r.timestamp - base), varint(BigInt(i)), ...bytes(r.key), ...bytes(r.value), varint(BigInt(r.headers.length)), ...r.headers.flatMap((h) => [...bytes(Buffer.from(h.key)), ...bytes(h.value)])])
    parts.push(varint(BigInt(body.length)), body)
  })
  const records = Buffer.concat(parts)
  const out = Buffer.alloc(61 + records.length)
  out.writeBigInt64BE(b.baseOffset, 0); out.writeInt32BE(49 + records.length, 8); out.writeInt32BE(b.leaderEpoch, 12); out.writeInt8(2, 16)
  out.writeInt16BE((b.isTransactional ? 16 : 0) | (b.isControl ? 32 : 0), 21); out.writeInt32BE(b.records.length - 1, 23)
  out.writeBigInt64BE(base, 27); out.writeBigInt64BE(max, 35); out.writeBigInt64BE(b.producerId ?? -1n, 43); out.writeInt16BE(b.producerEpoch ?? -1, 51); out.writeInt32BE(b.baseSequence ?? -1, 53); out.writeInt32BE(b.records.length, 57)
  records.copy(out, 61)
  out.writeUInt32BE(crc32c(out.subarray(21)), 17)
  return out
}
