import type { Files } from '../platform/platform.ts'
import { batchSizeInBytes } from '../protocol/record-batch.ts'
import { decodeMetadataBatch, type MetadataBatch } from './metadata-record.ts'

/** Offset at which the log goes on, epoch of the last record. */
const NAME = /^(\d{20})-\d{10}\.checkpoint$/

/** The metadata as it was at some offset, as records that bring it about (KIP-630). */
export interface MetadataSnapshot {
  /** Offset of the first record of the log that is not in it. */
  readonly endOffset: bigint
  readonly batches: readonly MetadataBatch[]
}

/** The newest snapshot beside a metadata log; undefined when there is none. Apache Kafka writes them and cuts the log's beginning off. */
export function readSnapshot(files: Files, directory: string): MetadataSnapshot | undefined {
  const names = files.list(directory).flatMap(({ name }) => (NAME.test(name) ? [name] : []))
  const newest = names.sort().at(-1)
  if (newest === undefined) return undefined
  const bytes = files.read(`${directory}/${newest}`)
  const batches: MetadataBatch[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = batchSizeInBytes(bytes, at)
    batches.push(decodeMetadataBatch(bytes.subarray(at, at + size)))
    at += size
  }
  return { endOffset: BigInt(NAME.exec(newest)![1]!), batches }
}
