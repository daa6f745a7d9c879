import { InvalidRecordError } from './varint.ts'

/** What `surveyRecords` finds out about all records of a batch. */
export interface RecordSurvey {
  /** The smallest and the largest distance to the base timestamp, in milliseconds: exact up to 2 ** 52. */
  minTimestampDelta: number
  maxTimestampDelta: number
  hasNullKey: boolean
  /** Whether the records' places are numbered 0, 1, 2 and so on. */
  isConsecutive: boolean
}

/** Filled again with each survey: an append allocates nothing for it. */
const survey: RecordSurvey = {
  minTimestampDelta: 0,
  maxTimestampDelta: 0,
  hasNullKey: false,
  isConsecutive: true,
}

/** The number that `readVarint` or `readVarlong` has just read. */
let decoded = 0

/**
 * Checks that the bytes hold `count` records and nothing else, without making an object of any of them: this is the one loop that every
 * produced record goes through. Throws `InvalidRecordError`. The result is valid until the next call.
 */
export function surveyRecords(bytes: Buffer, count: number): RecordSurvey {
  let at = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let hasNullKey = false
  let isConsecutive = true
  for (let index = 0; index < count; index++) {
    at = readVarint(bytes, at)
    const size = decoded
    const start = at
    // Behind the attributes, which are not used.
    at = readVarlong(bytes, at + 1)
    if (decoded < min) min = decoded
    if (decoded > max) max = decoded
    at = readVarint(bytes, at)
    if (decoded !== index) isConsecutive = false
    at = readVarint(bytes, at)
    if (decoded < 0) hasNullKey = true
    else at += decoded
    at = readVarint(bytes, at)
    if (decoded > 0) at += decoded
    at = readVarint(bytes, at)
    if (decoded !== 0) at = skipHeaders(bytes, at, decoded)
    if (at - start !== size || at > bytes.length)
      throw new InvalidRecordError(`a record of ${size} bytes ends elsewhere`)
  }
  if (at < bytes.length)
    throw new InvalidRecordError(`${bytes.length - at} bytes are left behind the last record`)
  survey.minTimestampDelta = min
  survey.maxTimestampDelta = max
  survey.hasNullKey = hasNullKey
  survey.isConsecutive = isConsecutive
  return survey
}

function skipHeaders(bytes: Buffer, from: number, count: number): number {
  if (count < 0 || count > bytes.length - from) throw new InvalidRecordError(`a record has ${count} headers`)
  let at = from
  for (let left = count; left > 0; left--) {
    at = readVarint(bytes, at)
    if (decoded < 0) throw new InvalidRecordError('a header has no key')
    at = readVarint(bytes, at + decoded)
    if (decoded > 0) at += decoded
  }
  return at
}

/** Sets `decoded`; returns where the number ends. Most take one or two bytes. */
function readVarint(bytes: Buffer, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) {
    decoded = (first >>> 1) ^ -(first & 1)
    return at + 1
  }
  const second = bytes[at + 1]!
  if (second < 0x80) {
    const bits = (first & 0x7f) | (second << 7)
    decoded = (bits >>> 1) ^ -(bits & 1)
    return at + 2
  }
  return readLongVarint(bytes, at)
}

function readLongVarint(bytes: Buffer, from: number): number {
  let bits = 0
  for (let at = from, shift = 0; shift < 35; shift += 7) {
    // Beyond the end there is nothing, which is not below 128 either.
    const byte = bytes[at++] ?? 0xff
    bits |= (byte & 0x7f) << shift
    if (byte >= 0x80) continue
    decoded = (bits >>> 1) ^ -(bits & 1)
    return at
  }
  throw new InvalidRecordError('a varint is too long, or cut off')
}

/** The same for 64 bits, as a number. Within a batch times are seldom far apart: then it is a small one. */
function readVarlong(bytes: Buffer, from: number): number {
  if (bytes[from]! < 0x80 || bytes[from + 1]! < 0x80 || bytes[from + 2]! < 0x80)
    return readVarint(bytes, from)
  let bits = 0
  for (let at = from, factor = 1; factor <= 2 ** 63; factor *= 128) {
    const byte = bytes[at++] ?? 0xff
    bits += (byte & 0x7f) * factor
    if (byte >= 0x80) continue
    decoded = bits % 2 === 0 ? bits / 2 : -(bits + 1) / 2
    return at
  }
  throw new InvalidRecordError('a varlong is too long, or cut off')
}
