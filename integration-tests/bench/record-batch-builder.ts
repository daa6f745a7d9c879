import crc32c from 'crc-32/crc32c.js'
import { compressLz4 } from './lz4.ts'
import { compressZstd } from './zstd.ts'

const HEADER_BYTES = 61
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const CODEC_NUMBERS = { none: 0, lz4: 3, zstd: 4 } as const

export type BatchCodec = keyof typeof CODEC_NUMBERS

/** A batch (magic 2) of records, without keys unless they are given, all with the same time, of no producer. Independent of the broker's own code on purpose. */
export function buildRecordBatch(
  values: readonly Buffer[],
  codec: BatchCodec,
  timestampMs: number,
  keys?: readonly Buffer[],
): Buffer {
  const plain = Buffer.concat(values.flatMap((value, index) => recordOf(value, index, keys?.[index])))
  const records = compressed(plain, codec)
  const batch = Buffer.alloc(HEADER_BYTES + records.length)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12) // leader epoch
  batch.writeInt8(2, 16) // magic
  batch.writeInt16BE(CODEC_NUMBERS[codec], ATTRIBUTES_AT)
  batch.writeInt32BE(values.length - 1, 23) // last offset delta
  batch.writeBigInt64BE(BigInt(timestampMs), 27)
  batch.writeBigInt64BE(BigInt(timestampMs), 35)
  batch.writeBigInt64BE(-1n, 43) // producer id
  batch.writeInt16BE(-1, 51) // producer epoch
  batch.writeInt32BE(-1, 53) // base sequence
  batch.writeInt32BE(values.length, 57)
  records.copy(batch, HEADER_BYTES)
  batch.writeUInt32BE(crc32c.buf(batch.subarray(ATTRIBUTES_AT)) >>> 0, CRC_AT)
  return batch
}

function compressed(plain: Buffer, codec: BatchCodec): Buffer {
  if (codec === 'none') return plain
  if (codec === 'lz4') return compressLz4(plain)
  const bytes = compressZstd(plain)
  if (!bytes) throw new Error('there is no zstd here: it takes Node 22.15, or the command of that name')
  return bytes
}

function recordOf(value: Buffer, offsetDelta: number, key: Buffer | undefined): Buffer[] {
  const keyed = key === undefined ? varint(-1) : [...varint(key.length), ...key]
  const head = [0, ...varint(0), ...varint(offsetDelta), ...keyed, ...varint(value.length)]
  const size = varint(head.length + value.length + 1)
  return [Buffer.from([...size, ...head]), value, Buffer.from([0])]
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return bytes
}
