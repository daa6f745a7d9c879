import type { RecordCodec } from '../protocol/api.ts'
import { metadataRecordCodecs } from '../protocol/generated/metadata-records.ts'
import { Reader } from '../protocol/reader.ts'
import { readRecords } from '../protocol/record.ts'
import {
  baseOffset,
  isControlBatch,
  lastOffset,
  maxTimestamp,
  partitionLeaderEpoch,
} from '../protocol/record-batch.ts'
import { Writer } from '../protocol/writer.ts'
import { type ControlFacts, controlFacts } from './control-record.ts'

/** Version of the frame around each record: type, version, then the record itself. */
const FRAME_VERSION = 1
/** One record of the metadata log: a message, and how it is written. */
export interface MetadataRecord<Message = unknown> {
  readonly codec: RecordCodec<Message>
  readonly version: number
  readonly message: Message
}

/** A batch of the metadata log, decoded. All of its records count, or none. */
export interface MetadataBatch {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** Epoch of the controller that wrote it. */
  readonly leaderEpoch: number
  readonly records: readonly MetadataRecord[]
  /** Bytes of the batch, and the largest time of its records; left out where nobody asks. */
  readonly sizeInBytes?: number
  readonly timestamp?: bigint
  /** What its control records say, if it has any. */
  readonly control?: ControlFacts | undefined
  /** Records of a type or a version that came after this software. */
  readonly unknownRecords?: readonly string[] | undefined
}

const codecs: ReadonlyMap<number, RecordCodec<unknown>> = new Map(
  metadataRecordCodecs.map((codec) => [codec.key, codec]),
)
const writer = new Writer()

/** Ties a message to its codec, so that one cannot be written as the other. */
export function metadataRecord<Message>(
  codec: RecordCodec<Message>,
  message: Message,
  version: number = codec.maxVersion,
): MetadataRecord {
  return { codec: codec as RecordCodec<unknown>, version, message }
}

/** The bytes of records, each as the value of a record of the log. They share one piece of memory. */
export function encodeMetadataRecords(records: readonly MetadataRecord[]): Buffer[] {
  writer.reset()
  const ends: number[] = []
  for (const { codec, version, message } of records) {
    writer.unsignedVarint(FRAME_VERSION)
    writer.unsignedVarint(codec.key)
    writer.unsignedVarint(version)
    codec.encode(writer, message, version)
    ends.push(writer.size)
  }
  const bytes = writer.finishCopy()
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end))
}

/**
 * A record from its bytes; undefined when it is of a type or a version that came after this broker: what is unknown is left alone.
 * Throws `MalformedMessageError` when the bytes are no record at all.
 */
export function decodeMetadataRecord(bytes: Buffer): MetadataRecord | undefined {
  const reader = new Reader(bytes)
  const frameVersion = reader.unsignedVarint('frameVersion')
  const type = reader.unsignedVarint('type')
  const version = reader.unsignedVarint('version')
  const codec = codecs.get(type)
  if (frameVersion !== FRAME_VERSION || codec === undefined || version > codec.maxVersion) return undefined
  return { codec, version, message: codec.decode(reader, version) }
}

/** Decodes one batch of the metadata log, or of a snapshot. */
export function decodeMetadataBatch(batch: Buffer): MetadataBatch {
  const isControl = isControlBatch(batch, 0)
  const records: MetadataRecord[] = []
  let unknownRecords: string[] | undefined
  let control: ControlFacts | undefined
  for (const { key, value } of readRecords(batch)) {
    if (value === null) continue
    if (isControl) {
      control = { ...control, ...controlFacts(key, value) }
      continue
    }
    const record = decodeMetadataRecord(value)
    if (record) records.push(record)
    else {
      unknownRecords ??= []
      unknownRecords.push(nameOfRecord(value))
    }
  }
  return {
    baseOffset: baseOffset(batch, 0),
    lastOffset: lastOffset(batch, 0),
    leaderEpoch: partitionLeaderEpoch(batch, 0),
    records,
    sizeInBytes: batch.length,
    timestamp: maxTimestamp(batch, 0),
    control,
    unknownRecords,
  }
}

/** A record that cannot be read, by its type and version. */
function nameOfRecord(bytes: Buffer): string {
  const reader = new Reader(bytes)
  const frame = reader.unsignedVarint('frameVersion')
  if (frame !== FRAME_VERSION) return `a record in a frame of version ${frame}`
  return `a record of type ${reader.unsignedVarint('type')} version ${reader.unsignedVarint('version')}`
}
