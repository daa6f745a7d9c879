import { DataDirectoryError } from '../log/data-directory.ts'
import type { Files } from '../platform/platform.ts'
import { buildBatch } from '../protocol/batch-builder.ts'
import { batchSizeInBytes, isCrcValid, magicOf, RECORD_BATCH_OVERHEAD } from '../protocol/record-batch.ts'
import { type ControlRecord, quorumRecords, snapshotFooter, snapshotHeader } from './control-record.ts'
import { imageRecords } from './image-records.ts'
import type { MetadataImage } from './metadata-image.ts'
import {
  decodeMetadataBatch,
  encodeMetadataRecords,
  type MetadataBatch,
  type MetadataRecord,
} from './metadata-record.ts'
import { recordsAtLevel } from './metadata-version.ts'

/** Offset at which the log goes on, epoch of the last record. */
const NAME = /^(\d{20})-(\d{10})\.checkpoint$/
/** Apache Kafka puts so many records into one batch of a snapshot. */
const RECORDS_PER_BATCH = 1024
/** More than the batch of a header takes, with a voter in it. */
const HEADER_READ_BYTES = 4096

/** A snapshot beside a metadata log: the metadata as it was at some offset, as records that bring it about (KIP-630). */
export interface SnapshotFile {
  readonly path: string
  /** Offset of the first record of the log that is not in it. */
  readonly endOffset: bigint
  /** Epoch of the last record that is in it. */
  readonly epoch: number
}

/** `00000000000000000042-0000000003.checkpoint`. */
export function snapshotName(endOffset: bigint, epoch: number): string {
  return `${endOffset.toString().padStart(20, '0')}-${epoch.toString().padStart(10, '0')}.checkpoint`
}

/** The snapshots beside a metadata log, oldest first. */
export function listSnapshots(files: Files, folder: string): SnapshotFile[] {
  return files
    .list(folder)
    .map(({ name }) => name)
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => {
      const [, endOffset, epoch] = NAME.exec(name)!
      return { path: `${folder}/${name}`, endOffset: BigInt(endOffset!), epoch: Number(epoch) }
    })
}

/** The batches of a snapshot. Throws `DataDirectoryError` when it is damaged or not complete. */
export function readSnapshot(files: Files, { path, endOffset, epoch }: SnapshotFile): MetadataBatch[] {
  const bytes = files.read(path)
  const batches: MetadataBatch[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = at + RECORD_BATCH_OVERHEAD <= bytes.length ? batchSizeInBytes(bytes, at) : 0
    if (size < RECORD_BATCH_OVERHEAD || at + size > bytes.length || !isWhole(bytes, at)) {
      throw new DataDirectoryError(`${path} is damaged at byte ${at}`)
    }
    const batch = decodeMetadataBatch(bytes.subarray(at, at + size))
    // A snapshot counts its records anew; they stand for all of the log up to its end.
    batches.push({ ...batch, baseOffset: endOffset - 1n, lastOffset: endOffset - 1n, leaderEpoch: epoch })
    at += size
  }
  if (batches[0]?.control?.snapshotTimestamp === undefined || !batches.at(-1)?.control?.isSnapshotFooter) {
    throw new DataDirectoryError(
      `${path} is not complete: it ends without a footer, or begins without a header`,
    )
  }
  return batches
}

/** Bytes of a snapshot, and the time of the last record that is in it, by its header. */
export function measureSnapshot(
  files: Files,
  { path }: SnapshotFile,
): { bytes: number; timestampMs: number } {
  const file = files.open(path, 'read')
  try {
    const head = Buffer.alloc(HEADER_READ_BYTES)
    const count = file.readSync(head, 0)
    const isThere = count > RECORD_BATCH_OVERHEAD && batchSizeInBytes(head, 0) <= count && isWhole(head, 0)
    const timestamp = isThere ? decodeMetadataBatch(head).control?.snapshotTimestamp : undefined
    return { bytes: file.size(), timestampMs: Number(timestamp ?? -1n) }
  } finally {
    file.close()
  }
}

function isWhole(bytes: Buffer, at: number): boolean {
  return magicOf(bytes, at) === 2 && isCrcValid(bytes, at)
}

/** The bytes of a snapshot of an image. `lastContainedTimestamp` is the time of the last record that the image has taken in. */
export function* encodeSnapshot(
  image: MetadataImage,
  lastContainedTimestamp: bigint,
  nowMs: number,
): Generator<Buffer> {
  const leaderEpoch = image.lastAppliedEpoch
  const timestamp = BigInt(nowMs)
  let baseOffset = 0n
  const batch = (records: readonly { key: Buffer | null; value: Buffer }[], isControl: boolean): Buffer => {
    const bytes = buildBatch({
      baseOffset,
      leaderEpoch,
      isControl,
      records: records.map(({ key, value }) => ({ key, value, headers: [], timestamp })),
    })
    baseOffset += BigInt(records.length)
    return bytes
  }
  const control = (...records: ControlRecord[]) => batch(records, true)
  const data = function* (records: readonly MetadataRecord[]) {
    const written = recordsAtLevel(records, image.metadataVersion)
    if (written.length === 0) return
    yield batch(
      encodeMetadataRecords(written).map((value) => ({ key: null, value })),
      false,
    )
  }
  const { kraftVersion, voters } = image.quorum
  const quorum = kraftVersion > 0 ? quorumRecords(kraftVersion, voters) : []
  yield control(snapshotHeader(lastContainedTimestamp), ...quorum)
  let records: MetadataRecord[] = []
  for (const record of imageRecords(image)) {
    records.push(record)
    if (records.length < RECORDS_PER_BATCH) continue
    yield* data(records)
    records = []
  }
  yield* data(records)
  yield control(snapshotFooter())
}
