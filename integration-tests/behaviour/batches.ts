import crc32 from 'crc-32'
import crc32c from 'crc-32/crc32c.js'
import * as bytes from './bytes.ts'
import { ByteReader, varint } from './bytes.ts'
import { CODECS, type CodecName, pack, unpack } from './compression.ts'
import { isObject, type Json, type JsonObject } from './json.ts'

const HEADER_TO_CRC = 17
const CRC_COVERS_FROM = 21
const RECORDS_FROM = 61

/** Bytes of the record batches that a scenario describes, sound or broken on purpose. */
export function buildBatches(batches: Json): Buffer {
  return Buffer.concat((batches as JsonObject[]).map(buildBatch))
}

function buildBatch(batch: JsonObject): Buffer {
  if (typeof batch.hex === 'string') return Buffer.from(batch.hex, 'hex')
  return number(batch.magic, 2) < 2 ? buildLegacy(batch) : buildMagic2(batch)
}

const number = (value: Json | undefined, fallback: number) => (value === undefined ? fallback : Number(value))
const long = (value: Json | undefined, fallback: bigint) =>
  value === undefined ? fallback : BigInt(value as string | number)

function buildMagic2(batch: JsonObject): Buffer {
  const records = (batch.records ?? []) as JsonObject[]
  const baseTimestamp = long(records[0]?.ts, -1n)
  const timestamps = records.map(({ ts }) => long(ts, baseTimestamp))
  const maxTimestamp = timestamps.toSorted((a, b) => Number(a - b)).at(-1) ?? -1n
  const body = Buffer.concat(
    records.map((record, i) => buildRecord(record, timestamps[i]! - baseTimestamp, i)),
  )
  const codec = (batch.compression ?? 'none') as CodecName
  const covered = Buffer.concat([
    bytes.int16(number(batch.attributes, attributesOf(batch, codec))),
    bytes.int32(number(batch.lastOffsetDelta, Math.max(records.length - 1, 0))),
    bytes.int64(baseTimestamp),
    bytes.int64(maxTimestamp),
    bytes.int64(long(batch.producerId, -1n)),
    bytes.int16(number(batch.producerEpoch, -1)),
    bytes.int32(number(batch.baseSequence, -1)),
    bytes.int32(number(batch.count, records.length)),
    pack(codec, body),
  ])
  const whole = Buffer.concat([
    bytes.int64(long(batch.baseOffset, 0n)),
    bytes.int32(number(batch.batchLength, covered.length + 9)),
    bytes.int32(number(batch.leaderEpoch, -1)),
    bytes.int8(number(batch.magic, 2)),
    bytes.uint32((crc32c.buf(covered) ^ (batch.crc === 'bad' ? 1 : 0)) >>> 0),
    covered,
  ])
  return whole.subarray(0, whole.length - number(batch.cut, 0))
}

function attributesOf(batch: JsonObject, codec: CodecName): number {
  const flag = (name: string, bit: number) => (batch[name] ? bit : 0)
  return CODECS.indexOf(codec) | flag('logAppendTime', 8) | flag('transactional', 16) | flag('control', 32)
}

function buildRecord(record: JsonObject, timestampDelta: bigint, index: number): Buffer {
  const headers = (record.headers ?? []) as [string | null, Json][]
  const content = Buffer.concat([
    bytes.int8(0),
    varint(timestampDelta),
    varint(number(record.offsetDelta, index)),
    lengthAndBytes(chunk(record.key)),
    lengthAndBytes(chunk(record.value)),
    varint(headers.length),
    ...headers.flatMap(([key, value]) => [
      lengthAndBytes(Buffer.from(key ?? '')),
      lengthAndBytes(chunk(value)),
    ]),
  ])
  return lengthAndBytes(content)
}

function lengthAndBytes(content: Buffer | null): Buffer {
  return content === null ? varint(-1) : Buffer.concat([varint(content.length), content])
}

/** A key or value: text, `{"hex": ...}` or `{"fill": n}`. */
function chunk(value: Json | undefined): Buffer | null {
  if (value === undefined || value === null) return null
  if (!isObject(value)) return Buffer.from(String(value))
  if (typeof value.hex === 'string') return Buffer.from(value.hex, 'hex')
  return Buffer.alloc(Number(value.fill), typeof value.byte === 'string' ? value.byte : 'x')
}

/** A message set of the formats before 0.11 (magic 0 and 1). */
function buildLegacy(batch: JsonObject): Buffer {
  const magic = number(batch.magic, 1)
  const old = (content: Buffer | null) =>
    content === null ? bytes.int32(-1) : Buffer.concat([bytes.int32(content.length), content])
  const messages = (batch.records as JsonObject[]).map((record, i) => {
    const covered = Buffer.concat([
      Buffer.from([magic, 0]),
      ...(magic === 0 ? [] : [bytes.int64(long(record.ts, -1n))]),
      old(chunk(record.key)),
      old(chunk(record.value)),
    ])
    const checksum = (crc32.buf(covered) ^ (batch.crc === 'bad' ? 1 : 0)) >>> 0
    return Buffer.concat([bytes.int64(i), bytes.int32(covered.length + 4), bytes.uint32(checksum), covered])
  })
  return Buffer.concat(messages)
}

/** Fetched bytes as batches; what is at its default is left out, a batch cut off at the end is dropped, as clients do. */
export function describeBatches(fetched: Buffer): Json[] {
  const batches: Json[] = []
  for (let at = 0; at + HEADER_TO_CRC <= fetched.length; ) {
    const size = 12 + fetched.readInt32BE(at + 8)
    if (at + size > fetched.length) break
    try {
      batches.push(describeBatch(fetched.subarray(at, at + size)))
    } catch (error) {
      batches.push({ unreadable: String(error) })
    }
    if (size < HEADER_TO_CRC) break
    at += size
  }
  return batches
}

function describeBatch(batch: Buffer): JsonObject {
  const reader = new ByteReader(batch)
  const baseOffset = reader.int64()
  reader.int32()
  const leaderEpoch = reader.int32()
  const magic = reader.int8()
  if (magic !== 2) return { magic, baseOffset: Number(baseOffset) }
  const described: JsonObject = { baseOffset: Number(baseOffset) }
  if (reader.uint32() !== crc32c.buf(batch.subarray(CRC_COVERS_FROM)) >>> 0) described.crc = 'bad'
  const attributes = reader.int16()
  described.lastOffset = Number(baseOffset) + reader.int32()
  described.leaderEpoch = leaderEpoch
  const baseTimestamp = reader.int64()
  const maxTimestamp = reader.int64()
  described.maxTimestamp = String(maxTimestamp)
  describeAttributes(attributes, described)
  const [producerId, producerEpoch, baseSequence] = [reader.int64(), reader.int16(), reader.int32()]
  if (producerId !== -1n)
    Object.assign(described, { producerId: String(producerId), producerEpoch, baseSequence })
  const count = reader.int32()
  const body = unpack((described.compression ?? 'none') as CodecName, batch.subarray(RECORDS_FROM))
  if (body === undefined) return { ...described, count, records: '<not opened>' }
  const records = new ByteReader(body)
  described.records = Array.from({ length: count }, () =>
    describeRecord(new ByteReader(records.take(Number(records.varint()))), {
      baseOffset,
      isControl: (attributes & 32) !== 0,
      timestampOf: (delta) => String(attributes & 8 ? maxTimestamp : baseTimestamp + delta),
    }),
  )
  return described
}

function describeAttributes(attributes: number, described: JsonObject): void {
  if (attributes & 7) described.compression = CODECS[attributes & 7] ?? attributes & 7
  if (attributes & 8) described.timestampType = 'LogAppendTime'
  if (attributes & 16) described.transactional = true
  if (attributes & 32) described.control = true
  if (attributes & 64) described.deleteHorizon = true
}

interface BatchFacts {
  readonly baseOffset: bigint
  readonly isControl: boolean
  timestampOf(delta: bigint): string
}

function describeRecord(reader: ByteReader, batch: BatchFacts): JsonObject {
  reader.int8()
  const timestampDelta = reader.varint()
  const offset = Number(batch.baseOffset + reader.varint())
  const part = () => {
    const length = Number(reader.varint())
    return length < 0 ? null : reader.take(length)
  }
  const key = part()
  const value = part()
  const headers = Array.from({ length: Number(reader.varint()) }, () => [shown(part()), shown(part())])
  const record: JsonObject = { offset, ts: batch.timestampOf(timestampDelta) }
  if (batch.isControl && key) record.control = ['ABORT', 'COMMIT'][key.readInt16BE(2)] ?? key.toString('hex')
  else Object.assign(record, { key: shown(key), value: shown(value) })
  if (headers.length > 0) record.headers = headers
  return record
}

/** Bytes as they are printed: text where it is text, long ones short. */
function shown(content: Buffer | null): string | null {
  if (content === null) return null
  if (content.length > 400) {
    const checksum = (crc32.buf(content) >>> 0).toString(16).padStart(8, '0')
    return `<${content.length} bytes, crc32 ${checksum}>`
  }
  const text = content.toString('utf8')
  const isText =
    Buffer.from(text).equals(content) && /^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(text) && !/[^\S ]/u.test(text)
  return isText && !text.startsWith('hex:') && !text.startsWith('<') ? text : `hex:${content.toString('hex')}`
}
