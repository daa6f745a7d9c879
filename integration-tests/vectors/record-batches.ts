import { isDeepStrictEqual } from 'node:util'
import type { TopicConfig } from '../../src/config/topic-config.ts'
import { InvalidRecordsError } from '../../src/log/append-rules.ts'
import { validateBatches } from '../../src/log/append-validation.ts'
import { filterBatch, type RetentionFilter } from '../../src/log/cleaner/filter-batch.ts'
import { downConvert } from '../../src/protocol/down-convert.ts'
import { ApiError, errorName } from '../../src/protocol/error-code.ts'
import * as header from '../../src/protocol/record-batch.ts'
import {
  type DescribedBatch,
  type Description,
  describe,
  isExact,
  loosely,
  rebuild,
  split,
} from './batch-description.ts'
import { failed, type Outcome, PASSED, skipped } from './outcome.ts'
import type { Vector } from './read-vectors.ts'

/** What an append of the vectors goes by. */
interface Given {
  readonly nextOffset: string
  readonly leaderEpoch: number
  readonly timestampType: string
  readonly compression: string
  readonly compacted: boolean
  readonly timestampBeforeMaxMs: string
  readonly timestampAfterMaxMs: string
  readonly now: string
}

/** What a compaction of the vectors goes by. */
interface Compaction {
  readonly now: string
  readonly deleteRetentionMs: string
  readonly emptyBatch: string
  readonly keep: readonly string[]
}

/** Record batches of all formats: read and built again to the byte, what an append makes of them, an old fetch, and compaction. */
export function checkRecordBatchVector(vector: Vector): Outcome {
  switch (vector.kind) {
    case 'build':
      return checkBuild(vector)
    case 'append':
      return checkAppend(vector)
    case 'down-convert':
      return checkDownConvert(vector)
    case 'compact':
      return checkCompact(vector)
    default:
      return skipped(`RecordBatch ${vector.kind}: unknown`)
  }
}

function checkBuild(vector: Vector): Outcome {
  const batches = split(bytesOf(vector.hex))
  const expected = vector.batches as Description[]
  const described = batches.map(describe)
  if (!isDeepStrictEqual(described, expected)) return failed(difference(expected, described))
  for (const [index, batch] of batches.entries()) {
    if (!isExact(expected[index]!)) continue
    const rebuilt = rebuild(expected[index]!)
    if (!rebuilt.equals(batch)) return failed(`built ${rebuilt.toString('hex')}`)
  }
  return PASSED
}

function checkAppend(vector: Vector): Outcome {
  const input = bytesOf(vector.input)
  // The vectors leave out the check that a producer's batch begins at 0.
  for (const batch of split(input)) if (header.magicOf(batch, 0) === 2) batch.writeBigInt64BE(0n, 0)
  const given = vector.given as Given
  try {
    const { records } = validateBatches(input, {
      config: topicConfig(given),
      baseOffset: BigInt(given.nextOffset),
      leaderEpoch: given.leaderEpoch,
      nowMs: Number(given.now),
      produceVersion: undefined,
    })
    return checkStored(vector, records)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return checkError(vector, error)
  }
}

function checkStored(vector: Vector, records: Buffer): Outcome {
  if (vector.error !== undefined) return failed(`accepted, not ${JSON.stringify(vector.error)}`)
  const expected = vector.batches as DescribedBatch[]
  const { nextOffset, maxTimestampMs } = vector.result as { nextOffset: string; maxTimestampMs: string }
  if (String(header.lastOffset(records, 0) + 1n) !== nextOffset) return failed('the next offset differs')
  if (String(header.maxTimestamp(records, 0)) !== maxTimestampMs) return failed('the largest time differs')
  const isOwn = (vector.result as { inPlace: boolean }).inPlace || expected[0]!.compression === 'none'
  return compare(vector, records, isOwn)
}

function checkError(vector: Vector, error: ApiError): Outcome {
  const expected = vector.error as { code: number; recordErrors?: number[] } | undefined
  if (expected?.code !== error.code) return failed(`refused with ${error.code}: ${error.message}`)
  const recordErrors =
    error instanceof InvalidRecordsError ? error.recordErrors.map(({ batchIndex }) => batchIndex) : undefined
  if (isDeepStrictEqual(recordErrors, expected.recordErrors)) return PASSED
  return failed(`records at fault: ${recordErrors}, not ${expected.recordErrors}`)
}

function checkDownConvert(vector: Vector): Outcome {
  try {
    const converted = downConvert(
      bytesOf(vector.input),
      vector.toMagic as 0 | 1,
      BigInt(vector.firstOffset as string),
    )
    if (vector.error !== undefined) return failed(`converted, not ${vector.error}`)
    return compare(vector, converted)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return errorName(error.code) === vector.error ? PASSED : failed(`refused with ${error.message}`)
  }
}

function checkCompact(vector: Vector): Outcome {
  const given = vector.given as Compaction
  const keep = new Set(given.keep.map(Number))
  const fate = given.emptyBatch === 'retain' ? 'keep-when-empty' : 'delete-when-empty'
  const filter: RetentionFilter = {
    nowMs: Number(given.now),
    deleteRetentionMs: Number(given.deleteRetentionMs),
    retentionOf: () => ({ fate, isMarkerOfEmptyTransaction: false }),
    keeps: (_, offset) => keep.has(offset),
  }
  const left = split(bytesOf(vector.input)).map((batch) => filterBatch(batch, filter))
  return compare(vector, Buffer.concat(left.filter((batch) => batch !== undefined)))
}

/** Both as descriptions, and as bytes but for batches that another encoder compressed: those differ in their length, and so in their CRC. */
function compare(vector: Vector, actual: Buffer, isOwn = false): Outcome {
  const expected = vector.batches as Description[]
  const [theirs, ours] = [split(bytesOf(vector.hex)), split(actual)]
  const described = ours.map(describe)
  const forms = (batches: Description[]) =>
    batches.map((batch) => (isOwn || batch.compression === 'none' ? batch : loosely(batch)))
  if (!isDeepStrictEqual(forms(described), forms(expected)))
    return failed(difference(forms(expected), forms(described)))
  const differs = ours.findIndex(
    (batch, index) => (isOwn || expected[index]!.compression === 'none') && !batch.equals(theirs[index]!),
  )
  return differs < 0 ? PASSED : failed(`the bytes of batch ${differs} differ`)
}

function topicConfig(given: Given): TopicConfig {
  const codec = given.compression === 'none' ? 'uncompressed' : given.compression
  const config: Partial<TopicConfig> = {
    'cleanup.policy': [given.compacted ? 'compact' : 'delete'],
    'compression.type': codec as TopicConfig['compression.type'],
    'max.message.bytes': Number.MAX_SAFE_INTEGER,
    'message.timestamp.type': given.timestampType as TopicConfig['message.timestamp.type'],
    'message.timestamp.before.max.ms': Number(given.timestampBeforeMaxMs),
    'message.timestamp.after.max.ms': Number(given.timestampAfterMaxMs),
  }
  return config as TopicConfig
}

function bytesOf(hex: unknown): Buffer {
  return Buffer.from(hex as string, 'hex')
}

/** Both sides from the first place on where they differ. */
function difference(expected: unknown, actual: unknown): string {
  const [left, right] = [JSON.stringify(expected), JSON.stringify(actual)]
  let at = 0
  while (at < left.length && left[at] === right[at]) at++
  const around = (text: string) => text.slice(Math.max(0, at - 40), at + 60)
  return `expected ..${around(left)}.., got ..${around(right)}..`
}
