import { type RecordCodec, ZERO_UUID } from '../protocol/api.ts'
import { LeaderChangeMessage } from '../protocol/generated/control-records.ts'
import { metadataRecordCodecs } from '../protocol/generated/metadata-records.ts'
import { Reader } from '../protocol/reader.ts'
import { readRecords } from '../protocol/record.ts'
import { baseOffset, isControlBatch, lastOffset, partitionLeaderEpoch } from '../protocol/record-batch.ts'
import { Writer } from '../protocol/writer.ts'

/** Version of the frame around each record: type, version, then the record itself. */
const FRAME_VERSION = 1
/** Type of the control record with which each leader begins its epoch. */
const LEADER_CHANGE = 2

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
  /** Set in the control batch of a new leader: its id. */
  readonly newLeaderId: number | undefined
  readonly records: readonly MetadataRecord[]
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

/** Decodes one batch of the metadata log. */
export function decodeMetadataBatch(batch: Buffer): MetadataBatch {
  const isControl = isControlBatch(batch, 0)
  const records: MetadataRecord[] = []
  let newLeaderId: number | undefined
  for (const { key, value } of readRecords(batch)) {
    if (value === null) continue
    if (isControl) newLeaderId ??= leaderOf(key, value)
    else {
      const record = decodeMetadataRecord(value)
      if (record) records.push(record)
    }
  }
  return {
    baseOffset: baseOffset(batch, 0),
    lastOffset: lastOffset(batch, 0),
    leaderEpoch: partitionLeaderEpoch(batch, 0),
    newLeaderId,
    records,
  }
}

function leaderOf(key: Buffer | null, value: Buffer): number | undefined {
  if (key === null || key.length < 4 || key.readInt16BE(2) !== LEADER_CHANGE) return undefined
  const version = Math.min(value.readInt16BE(0), LeaderChangeMessage.maxVersion)
  return LeaderChangeMessage.decode(new Reader(value), version).leaderId
}

/** Key and value of the control record by which a leader that has no rivals begins its epoch. */
export function leaderChange(leaderId: number): { key: Buffer; value: Buffer } {
  const key = Buffer.alloc(4)
  key.writeInt16BE(LEADER_CHANGE, 2)
  // Version 0, as without KIP-853 voters have no directories.
  const voters = [{ voterId: leaderId, voterDirectoryId: ZERO_UUID }]
  writer.reset()
  LeaderChangeMessage.encode(writer, { version: 0, leaderId, voters, grantingVoters: voters }, 0)
  return { key, value: writer.finishCopy() }
}
