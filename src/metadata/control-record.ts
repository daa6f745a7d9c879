import { type Codec, ZERO_UUID } from '../protocol/api.ts'
import {
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '../protocol/generated/control-records.ts'
import { Reader } from '../protocol/reader.ts'
import { Writer } from '../protocol/writer.ts'

/** Types of control records: each leader begins its epoch with the first; a snapshot has the next two around it. */
const LEADER_CHANGE = 2
const SNAPSHOT_HEADER = 3
const SNAPSHOT_FOOTER = 4
/** Whether voters can change, and who they are (KIP-853): in a log and in each of its snapshots. */
const KRAFT_VERSION = 5
const VOTERS = 6

/** One of the controllers that vote about the metadata log. */
export type Voter = VotersRecord['voters'][number]

/** What the control records of a batch say. */
export interface ControlFacts {
  /** A leader begins its epoch: its id. */
  readonly leaderId?: number
  /** Ids of those who vote, by that leader. */
  readonly voterIds?: readonly number[]
  /** Not 0 when voters can change (KIP-853). */
  readonly kraftVersion?: number
  /** Who votes, when voters can change. */
  readonly voters?: readonly Voter[]
  /** Of the header of a snapshot: the time of the last record that is in it. */
  readonly snapshotTimestamp?: bigint
  readonly isSnapshotFooter?: boolean
  /** A record of a type or a version that came after this software. */
  readonly unknownRecord?: string
}

/** A control record as it is written. */
export interface ControlRecord {
  readonly key: Buffer
  readonly value: Buffer
}

const writer = new Writer()

/** Reads one control record. */
export function controlFacts(key: Buffer | null, value: Buffer): ControlFacts {
  const type = key === null || key.length < 4 ? -1 : key.readInt16BE(2)
  const version = value.length < 2 ? -1 : value.readInt16BE(0)
  const codec = codecs.get(type)
  if (codec === undefined || version < 0 || version > codec.maxVersion) {
    return { unknownRecord: `a control record of type ${type} version ${version}` }
  }
  return codec.read(new Reader(value), version)
}

interface ControlCodec {
  readonly maxVersion: number
  read(reader: Reader, version: number): ControlFacts
}

function codec<Message>(
  { maxVersion, decode }: Codec<Message>,
  facts: (message: Message) => ControlFacts,
): ControlCodec {
  return { maxVersion, read: (reader, version) => facts(decode(reader, version)) }
}

const codecs: ReadonlyMap<number, ControlCodec> = new Map([
  [
    LEADER_CHANGE,
    codec(LeaderChangeMessage, ({ leaderId, voters }) => ({
      leaderId,
      voterIds: voters.map(({ voterId }) => voterId),
    })),
  ],
  [
    SNAPSHOT_HEADER,
    codec(SnapshotHeaderRecord, ({ lastContainedLogTimestamp }) => ({
      snapshotTimestamp: lastContainedLogTimestamp,
    })),
  ],
  [SNAPSHOT_FOOTER, codec(SnapshotFooterRecord, () => ({ isSnapshotFooter: true }))],
  [KRAFT_VERSION, codec(KRaftVersionRecord, ({ kRaftVersion }) => ({ kraftVersion: kRaftVersion }))],
  [VOTERS, codec(VotersRecord, ({ voters }) => ({ voters }))],
])

function controlRecord<Message>(type: number, { encode }: Codec<Message>, message: Message): ControlRecord {
  const key = Buffer.alloc(4)
  key.writeInt16BE(type, 2)
  writer.reset()
  encode(writer, message, 0)
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
  // Version 0, which has no place for directories: Apache Kafka writes it whatever the kraft.version is.
  const voters = [{ voterId: leaderId, voterDirectoryId: ZERO_UUID }]
  const message = { version: 0, leaderId, voters, grantingVoters: voters }
  return controlRecord(LEADER_CHANGE, LeaderChangeMessage, message)
}

/** The two records that say that voters can change, and who they are. */
export function quorumRecords(kraftVersion: number, voters: readonly Voter[]): ControlRecord[] {
  return [
    controlRecord(KRAFT_VERSION, KRaftVersionRecord, { version: 0, kRaftVersion: kraftVersion }),
    controlRecord(VOTERS, VotersRecord, { version: 0, voters: [...voters] }),
  ]
}
