import { BatchScanner } from '../log/batch-scanner.ts'
import { parseSegmentName } from '../log/segment-names.ts'
import type { Files } from '../platform/platform.ts'
import { isIntact } from '../protocol/any-batch.ts'
import { ShareGroupMetadataKey } from '../protocol/generated/share-group-records.ts'
import { StreamsGroupMetadataKey } from '../protocol/generated/streams-group-records.ts'
import { TransactionLogKey, TransactionLogValue } from '../protocol/generated/transaction-state-records.ts'
import { Reader } from '../protocol/reader.ts'
import { type LogRecord, readRecords, recordBytes } from '../protocol/record.ts'
import { magicOf } from '../protocol/record-batch.ts'
import { type KeyedRecord, RecordCursor } from '../protocol/record-cursor.ts'

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

/** A group of a kind that this broker has no coordinator for. */
export interface ForeignGroup {
  readonly groupId: string
  readonly kind: 'share' | 'streams'
}

/** The record that each such group has, and no more when it is gone. */
const FOREIGN_KINDS = [
  { kind: 'share', codec: ShareGroupMetadataKey },
  { kind: 'streams', codec: StreamsGroupMetadataKey },
] as const

/** A group of such a kind, by the records in the folder of a partition of `__consumer_offsets`. */
export function findForeignGroup(files: Files, folder: string): ForeignGroup | undefined {
  const groups = new Map<string, ForeignGroup>()
  for (const batch of batchesIn(files, folder)) {
    // Such groups came long after the older formats.
    if (magicOf(batch, 0) < 2) continue
    // Among all that is committed there are few, if any: no object is made of the others.
    const cursor = new RecordCursor(batch, recordBytes(batch))
    while (cursor.next()) {
      const group = foreignGroupAt(cursor)
      if (!group) continue
      if (cursor.isTombstone) groups.delete(group.groupId)
      else groups.set(group.groupId, group)
    }
  }
  for (const group of groups.values()) return group
  return undefined
}

function foreignGroupAt({ bytes, keyAt, keyLength }: KeyedRecord): ForeignGroup | undefined {
  const type = keyLength < 2 ? -1 : bytes.readInt16BE(keyAt)
  const foreign = FOREIGN_KINDS.find(({ codec }) => codec.key === type)
  if (!foreign) return undefined
  const { groupId } = foreign.codec.decode(new Reader(bytes.subarray(keyAt, keyAt + keyLength), 2), 0)
  return { groupId, kind: foreign.kind }
}

/** Is there the state of a share group in the folder of a partition of `__share_group_state`? */
export function hasShareState(files: Files, folder: string): boolean {
  const partitions = new Set<string>()
  for (const { key, value } of recordsIn(files, folder)) {
    // Behind the type. A tombstone of a snapshot ends the updates that follow it too.
    const sharePartition = key?.toString('latin1', 2) ?? ''
    if (value === null) partitions.delete(sharePartition)
    else partitions.add(sharePartition)
  }
  return partitions.size > 0
}

/** The records of a partition that nobody has opened yet. */
function* recordsIn(files: Files, folder: string): Generator<LogRecord> {
  for (const batch of batchesIn(files, folder)) yield* readRecords(batch)
}

/** A segment, or one that compaction wrote and a crash left in the midst of taking the place of others: they may be gone already. */
function holdsBatches(name: string): boolean {
  return parseSegmentName(name.replace(/\.swap$/, ''))?.suffix === '.log'
}

/** The batches of a partition that nobody has opened yet, up to the first that is not whole. Each is gone with the next. */
function* batchesIn(files: Files, folder: string): Generator<Buffer> {
  const names = files.list(folder).map(({ name }) => name)
  for (const name of names.filter(holdsBatches).sort()) {
    const file = files.open(`${folder}/${name}`, 'read')
    try {
      const scanner = new BatchScanner(file, file.size(), true)
      for (let found = scanner.moveTo(0); found; found = scanner.next()) {
        const { bytes, at, size } = scanner
        if (!isIntact(bytes, at)) return
        yield bytes.subarray(at, at + size)
      }
    } finally {
      file.close()
    }
  }
}
