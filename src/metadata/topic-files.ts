import { BatchScanner } from '../log/batch-scanner.ts'
import { parseSegmentName } from '../log/segment-names.ts'
import type { Files } from '../platform/platform.ts'
import { isIntact } from '../protocol/any-batch.ts'
import { TransactionLogKey, TransactionLogValue } from '../protocol/generated/transaction-state-records.ts'
import { Reader } from '../protocol/reader.ts'
import { type LogRecord, readRecords } from '../protocol/record.ts'

/** States of a transaction that has yet to come to an end. */
const OPEN_STATES: ReadonlyMap<number, string> = new Map([
  [1, 'ongoing'],
  [2, 'about to commit'],
  [3, 'about to abort'],
])

export interface OpenTransaction {
  readonly transactionalId: string
  readonly status: string
}

/** A transaction that has not come to an end, by the records in the folder of a partition of `__transaction_state`. */
export function findOpenTransaction(files: Files, folder: string): OpenTransaction | undefined {
  const open = new Map<string, string>()
  for (const { key, value } of recordsIn(files, folder)) {
    if (key === null || key.readInt16BE(0) !== TransactionLogKey.key) continue
    const { transactionalId } = TransactionLogKey.decode(new Reader(key, 2), 0)
    const status = value === null ? undefined : OPEN_STATES.get(statusOf(value))
    if (status === undefined) open.delete(transactionalId)
    else open.set(transactionalId, status)
  }
  for (const [transactionalId, status] of open) return { transactionalId, status }
  return undefined
}

function statusOf(value: Buffer): number {
  const version = Math.min(value.readInt16BE(0), TransactionLogValue.maxVersion)
  return TransactionLogValue.decode(new Reader(value, 2), version).transactionStatus
}

/** Is there any record in the folder of a partition? */
export function hasRecords(files: Files, folder: string): boolean {
  for (const _ of recordsIn(files, folder)) return true
  return false
}

/** The records of a partition that nobody has opened yet, up to the first batch that is not whole. */
function* recordsIn(files: Files, folder: string): Generator<LogRecord> {
  const names = files.list(folder).map(({ name }) => name)
  for (const name of names.filter((each) => parseSegmentName(each)?.suffix === '.log').sort()) {
    const file = files.open(`${folder}/${name}`, 'read')
    try {
      const scanner = new BatchScanner(file, file.size(), true)
      for (let found = scanner.moveTo(0); found; found = scanner.next()) {
        const { bytes, at, size } = scanner
        if (!isIntact(bytes, at)) return
        yield* readRecords(bytes.subarray(at, at + size))
      }
    } finally {
      file.close()
    }
  }
}
