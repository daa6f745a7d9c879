import { type Codec, type RecordCodec, ZERO_UUID } from '../protocol/api.ts'
import {
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
} from '../protocol/generated/control-records.ts'
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

/** Version of the frame around each record: type, version, then the record itself. */
const FRAME_VERSION = 1
/** Types of control records: each leader begins its epoch with the first; the others are of snapshots, but for the version of the quorum. */
const LEADER_CHANGE = 2
const SNAPSHOT_HEADER = 3
const SNAPSHOT_FOOTER = 4
const KRAFT_VERSION = 5

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
  /** Bytes of the batch, and the largest time of its records; left out where nobody asks. */
  readonly sizeInBytes?: number
  readonly timestamp?: bigint
  /** What else a batch that was read says. */
  readonly control?: ControlFacts | undefined
  /** Records of a type or a version that came after this software. */
  readonly unknownRecords?: readonly string[] | undefined
}

/** What control records say besides who leads. */
export interface ControlFacts {
  /** Who votes, by the last leader. */
  readonly voters?: readonly number[]
  /** Not 0 when voters can change (KIP-853). */
  readonly kraftVersion?: number
  /** Of the header of a snapshot: the time of the last record that is in it. */
  readonly snapshotTimestamp?: bigint
  readonly isSnapshotFooter?: boolean
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
  let newLeaderId: number | undefined
  for (const { key, value } of readRecords(batch)) {
    if (value === null) continue
    if (isControl) {
      const leader = leaderOf(key, value)
      if (leader) newLeaderId = leader.leaderId
      control = { ...control, ...(leader?.facts ?? controlFacts(key, value)) }
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
    newLeaderId,
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

function controlTypeOf(key: Buffer | null): number {
  return key === null || key.length < 4 ? -1 : key.readInt16BE(2)
}

function leaderOf(key: Buffer | null, value: Buffer): { leaderId: number; facts: ControlFacts } | undefined {
  if (controlTypeOf(key) !== LEADER_CHANGE) return undefined
  const version = Math.min(value.readInt16BE(0), LeaderChangeMessage.maxVersion)
  const { leaderId, voters } = LeaderChangeMessage.decode(new Reader(value), version)
  return { leaderId, facts: { voters: voters.map(({ voterId }) => voterId) } }
}

function controlFacts(key: Buffer | null, value: Buffer): ControlFacts {
  switch (controlTypeOf(key)) {
    case SNAPSHOT_HEADER:
      return {
        snapshotTimestamp: SnapshotHeaderRecord.decode(new Reader(value), 0).lastContainedLogTimestamp,
      }
    case SNAPSHOT_FOOTER:
      return { isSnapshotFooter: true }
    case KRAFT_VERSION:
      return { kraftVersion: KRaftVersionRecord.decode(new Reader(value), 0).kRaftVersion }
    default:
      return {}
  }
}

/** A control record as it is written. */
export interface ControlRecord {
  readonly key: Buffer
  readonly value: Buffer
}

function controlRecord<Message>(type: number, codec: Codec<Message>, message: Message): ControlRecord {
  const key = Buffer.alloc(4)
  key.writeInt16BE(type, 2)
  writer.reset()
  codec.encode(writer, message, 0)
  return { key, value: writer.finishCopy() }
}

/** Begins a snapshot; `lastContainedLogTimestamp` is the time of the last record that is in it. */
export function snapshotHeader(lastContainedLogTimestamp: bigint): ControlRecord {
  return controlRecord(SNAPSHOT_HEADER, SnapshotHeaderRecord, { version: 0, lastContainedLogTimestamp })
}

/** Ends a snapshot: one without it is not complete. */
export function snapshotFooter(): ControlRecord {
  return controlRecord(SNAPSHOT_FOOTER, SnapshotFooterRecord, { version: 0 })
}

/** The control record by which a leader that has no rivals begins its epoch. */
export function leaderChange(leaderId: number): ControlRecord {
  // Version 0, as without KIP-853 voters have no directories.
  const voters = [{ voterId: leaderId, voterDirectoryId: ZERO_UUID }]
  const message = { version: 0, leaderId, voters, grantingVoters: voters }
  return controlRecord(LEADER_CHANGE, LeaderChangeMessage, message)
}
