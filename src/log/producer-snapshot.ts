import { crc32c } from '../protocol/crc32c.ts'
import { ProducerSnapshot } from '../protocol/generated/disk-files.ts'
import { Reader } from '../protocol/reader.ts'
import { Writer } from '../protocol/writer.ts'

/** A producer as a snapshot keeps it. */
export interface ProducerSnapshotEntry {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** -1 when it has written nothing but markers. */
  readonly lastSequence: number
  readonly lastOffset: bigint
  /** Last offset of its last batch less the first. */
  readonly offsetDelta: number
  readonly timestamp: bigint
  readonly coordinatorEpoch: number
  /** First offset of its open transaction; -1 when there is none. */
  readonly currentTxnFirstOffset: bigint
}

const VERSION_BYTES = 2
/** The checksum covers what lies behind it. */
const COVERED_FROM = VERSION_BYTES + 4

/** Reads a `.snapshot` file. Throws when it is damaged, or of a version that is not known. */
export function decodeProducerSnapshot(bytes: Buffer): ProducerSnapshotEntry[] {
  const reader = new Reader(bytes)
  const version = reader.int16('version')
  if (version !== ProducerSnapshot.maxVersion)
    throw new Error(`producer snapshots of version ${version} are not known`)
  const { crc, producerEntries } = ProducerSnapshot.decode(reader, version)
  if (crc !== crc32c(bytes.subarray(COVERED_FROM)))
    throw new Error('the checksum of the producer snapshot is wrong')
  return producerEntries.map(({ epoch, ...entry }) => ({ ...entry, producerEpoch: epoch }))
}

/** A whole `.snapshot` file, byte for byte as Kafka writes it. */
export function encodeProducerSnapshot(entries: readonly ProducerSnapshotEntry[]): Buffer {
  const writer = new Writer()
  writer.int16(ProducerSnapshot.maxVersion)
  const producerEntries = entries.map(({ producerEpoch, ...entry }) => ({ ...entry, epoch: producerEpoch }))
  ProducerSnapshot.encode(writer, { crc: 0, producerEntries }, ProducerSnapshot.maxVersion)
  const bytes = writer.finishCopy()
  bytes.writeUInt32BE(crc32c(bytes.subarray(COVERED_FROM)), VERSION_BYTES)
  return bytes
}
