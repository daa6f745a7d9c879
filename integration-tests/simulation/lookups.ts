import type { SegmentedLog } from '../../src/log/segmented-log.ts'
import { lastOffset } from '../../src/protocol/any-batch.ts'
import { baseOffset } from '../../src/protocol/record-batch.ts'
import type { FoundLog, FoundRecord } from './partition-ledger.ts'
import { Violation } from './violation.ts'

/** So many offsets and times of each log are looked up. */
const SAMPLES = 24

/** Looks things up by the indexes, and compares with what reading everything gives. */
export function verifyLookups(log: SegmentedLog, found: FoundLog, where: string): void {
  const records = found.records.filter(({ offset }) => offset >= found.logStartOffset)
  for (const { offset } of sampled(records)) verifyOffset(log, offset, where)
  for (const { timestamp } of sampled(records)) verifyTime(log, records, timestamp, where)
  // As in Apache Kafka a batch that compaction has emptied hides what is latest.
  if (!found.hasEmptyBatches) verifyLatest(log, records, where)
}

function verifyOffset(log: SegmentedLog, offset: number, where: string): void {
  const read = log.read(BigInt(offset), 1, log.logEndOffset, true)
  // A large one comes from another thread; there are small ones enough.
  if (read instanceof Promise) {
    read.catch(() => {})
    return
  }
  const [batch] = read.buffers
  if (!batch || baseOffset(batch, 0) > offset || lastOffset(batch, 0) < offset)
    throw new Violation(
      'the indexes lead to the records',
      `${where} offset ${offset}: ${batch ? `a batch from ${baseOffset(batch, 0)} to ${lastOffset(batch, 0)}` : 'nothing'}`,
    )
}

function verifyTime(
  log: SegmentedLog,
  records: readonly FoundRecord[],
  timestamp: number,
  where: string,
): void {
  const first = records.find((record) => record.timestamp >= timestamp)
  const found = log.offsetForTimestamp(BigInt(timestamp))
  if (!found && first && isHidden(log, first.offset, timestamp)) return
  if (Number(found?.offset ?? -1) !== (first?.offset ?? -1))
    throw new Violation(
      'the indexes lead to the records',
      `${where} time ${timestamp}: offset ${found?.offset}, expected ${first?.offset}`,
    )
}

/** As in Apache Kafka: a segment in front of it promises such a time, and its record was deleted or compacted away. */
function isHidden(log: SegmentedLog, offset: number, timestamp: number): boolean {
  const { segments } = log
  const holding = segments.findLastIndex((segment) => segment.baseOffset <= offset)
  return segments.slice(0, holding).some((segment) => segment.maxTimestamp.timestamp >= timestamp)
}

function verifyLatest(log: SegmentedLog, records: readonly FoundRecord[], where: string): void {
  let latest: FoundRecord | undefined
  for (const record of records) if (!latest || record.timestamp > latest.timestamp) latest = record
  const found = log.maxTimestampOffset()
  // Records below the start may be found too: they are in a segment that is still there.
  if (latest && (found === undefined || Number(found.timestamp) < latest.timestamp))
    throw new Violation(
      'the indexes lead to the records',
      `${where} latest: offset ${found?.offset} of ${found?.timestamp}, expected ${latest.offset} of ${latest.timestamp}`,
    )
}

function sampled<Item>(items: readonly Item[]): Item[] {
  const step = Math.max(1, items.length / SAMPLES)
  const picked: Item[] = []
  for (let at = 0; at < items.length; at += step) picked.push(items[Math.floor(at)]!)
  return picked
}
