import { crc32 } from '../protocol/crc32.ts'
import { crc32c } from '../protocol/crc32c.ts'
import { hex } from './words.ts'

/** What a checksum should be, or what was done instead. */
export interface ChecksumFinding {
  readonly found: string
  readonly expected: string
  readonly cause: string
}

/** Which bytes a checksum covers, and the polynomial it is made with. */
interface Rule {
  readonly polynomial: 'CRC-32C' | 'CRC-32'
  readonly from: number
  readonly field: string
}

const functions = { 'CRC-32C': crc32c, 'CRC-32': crc32 }

const batchRule: Rule = { polynomial: 'CRC-32C', from: 21, field: 'the attributes' }
const messageRule: Rule = { polynomial: 'CRC-32', from: 16, field: 'the magic' }
const snapshotRule: Rule = { polynomial: 'CRC-32C', from: 6, field: 'the count of producers' }

/** Where else senders have been seen to begin. */
const batchStarts: readonly (readonly [number, string])[] = [
  [21, 'the attributes'],
  [0, 'the base offset'],
  [8, 'the batch length'],
  [12, 'the partition leader epoch'],
  [16, 'the magic'],
  [17, 'the crc field itself'],
  [23, 'the last offset delta'],
  [61, 'the records'],
]
const messageStarts: readonly (readonly [number, string])[] = [
  [16, 'the magic'],
  [0, 'the offset'],
  [8, 'the message size'],
  [12, 'the crc field itself'],
  [17, 'the attributes'],
]
const snapshotStarts: readonly (readonly [number, string])[] = [
  [6, 'the count of producers'],
  [0, 'the version'],
  [2, 'the crc field itself'],
]

/** Checks the CRC of a whole batch of magic 2; undefined when it is right. */
export function checkBatch(batch: Buffer): ChecksumFinding | undefined {
  return check(batch, 17, batchRule, batchStarts)
}

/** Checks the CRC of a whole message of magic 0 or 1. */
export function checkMessage(message: Buffer): ChecksumFinding | undefined {
  return check(message, 12, messageRule, messageStarts)
}

/** Checks the CRC of a whole producer snapshot. */
export function checkSnapshot(file: Buffer): ChecksumFinding | undefined {
  return check(file, 2, snapshotRule, snapshotStarts)
}

function check(
  bytes: Buffer,
  at: number,
  rule: Rule,
  starts: readonly (readonly [number, string])[],
): ChecksumFinding | undefined {
  const written = bytes.readUInt32BE(at)
  const due = functions[rule.polynomial](bytes.subarray(rule.from))
  if (written === due) return undefined
  const expected = `${hex(word(due))}, the ${rule.polynomial} from ${rule.field} to the end`
  const is = hex(bytes.subarray(at, at + 4))
  if (bytes.readUInt32LE(at) === due) {
    const cause = 'the checksum was written with its lowest byte first'
    return { found: `${is} is the right checksum backwards`, expected, cause }
  }
  const other = otherRule(bytes, at, written, rule, starts)
  if (other === undefined) {
    const cause = 'bytes were changed behind the checksum, or it was made before they were complete'
    return { found: `${is} fits no checksum of these bytes`, expected, cause }
  }
  const { polynomial, from, field } = other
  const found = `${is} is the ${polynomial} from ${field} to the end`
  const causes = [
    ...(polynomial === rule.polynomial
      ? []
      : [`the wrong polynomial (${polynomial} instead of ${rule.polynomial})`]),
    ...(from === rule.from ? [] : ['the checksum covers the wrong range']),
  ]
  return { found, expected, cause: causes.join(' and ') }
}

function otherRule(
  bytes: Buffer,
  at: number,
  written: number,
  { polynomial: right }: Rule,
  starts: readonly (readonly [number, string])[],
): Rule | undefined {
  const zeroed = Buffer.from(bytes)
  zeroed.fill(0, at, at + 4)
  const polynomials =
    right === 'CRC-32C' ? (['CRC-32C', 'CRC-32'] as const) : (['CRC-32', 'CRC-32C'] as const)
  for (const polynomial of polynomials) {
    for (const [from, field] of starts) {
      if (from > bytes.length) continue
      // Who covers the field itself had a zero in it at that time.
      if (functions[polynomial](zeroed.subarray(from)) === written) return { polynomial, from, field }
    }
  }
  return undefined
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
