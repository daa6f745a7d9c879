import {
  AbortTransactionRecord,
  BeginTransactionRecord,
  BrokerRegistrationChangeRecord,
  EndTransactionRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
} from '../protocol/generated/metadata-records.ts'
import type { MetadataRecord } from './metadata-record.ts'

export const METADATA_VERSION = 'metadata.version'

/** Levels of `metadata.version` from which on something can be written, by the releases that brought them. */
export const MetadataVersion = {
  /** 3.4-IV0: brokers tell whether they still work with ZooKeeper (KIP-866). */
  ZK_MIGRATION: 8,
  /** 3.5-IV2 (KIP-900). */
  SCRAM: 11,
  /** 3.6-IV1 (KIP-868). */
  TRANSACTIONS: 13,
  /** 3.7-IV0 (KIP-919). */
  CONTROLLER_REGISTRATION: 15,
  /** 3.7-IV2 (KIP-858). */
  DIRECTORIES: 17,
  /** 4.0-IV1 (KIP-966). */
  ELIGIBLE_LEADER_REPLICAS: 23,
  /** 4.3-IV0 (KIP-1066). */
  CORDONED_DIRECTORIES: 30,
} as const

export const OLDEST_METADATA_VERSION = 7
export const LATEST_METADATA_VERSION = 30

/** Levels that brought something into the metadata log: going below one of them would lose it. */
const LEVELS_WITH_CHANGES: readonly number[] = [7, 8, 11, 13, 14, 15, 17, 23, 30]

/** Is there something in a log of level `from` that one of level `to`, which is lower, has no words for? */
export function isLossyDowngrade(from: number, to: number): boolean {
  return LEVELS_WITH_CHANGES.some((level) => to < level && level <= from)
}

type Form = (record: MetadataRecord, level: number) => MetadataRecord | undefined

/**
 * The records as a log of this level of `metadata.version` may hold them, so that brokers of that age can read it: in older versions, without
 * what these have no place for; those that did not exist yet are left out.
 */
export function recordsAtLevel(records: readonly MetadataRecord[], level: number): readonly MetadataRecord[] {
  if (level >= LATEST_METADATA_VERSION) return records
  return records.flatMap((record) => {
    const form = forms.get(record.codec.key)
    return (form ? form(record, level) : record) ?? []
  })
}

const forms: ReadonlyMap<number, Form> = new Map<number, Form>([
  [BeginTransactionRecord.key, from(MetadataVersion.TRANSACTIONS)],
  [EndTransactionRecord.key, from(MetadataVersion.TRANSACTIONS)],
  [AbortTransactionRecord.key, from(MetadataVersion.TRANSACTIONS)],
  [RegisterControllerRecord.key, from(MetadataVersion.CONTROLLER_REGISTRATION)],
  [RegisterBrokerRecord.key, registration],
  [BrokerRegistrationChangeRecord.key, registrationChange],
  [PartitionRecord.key, partition],
  [PartitionChangeRecord.key, partition],
])

function from(first: number): Form {
  return (record, level) => (level >= first ? record : undefined)
}

/** An older version of a record, with some fields as those who do not know them have them. */
function older(record: MetadataRecord, version: number, fields: object): MetadataRecord {
  const isNew = version >= record.version
  return isNew ? record : { ...record, version, message: { ...(record.message as object), ...fields } }
}

function registration(record: MetadataRecord, level: number): MetadataRecord {
  if (level >= MetadataVersion.DIRECTORIES) return older(record, 3, { cordonedLogDirs: null })
  const withoutDirectories = { cordonedLogDirs: null, logDirs: [] }
  return older(record, level >= MetadataVersion.ZK_MIGRATION ? 2 : 1, withoutDirectories)
}

/** Undefined when nothing would be left of the change. */
function registrationChange(record: MetadataRecord, level: number): MetadataRecord | undefined {
  const change = record.message as BrokerRegistrationChangeRecord
  const logDirs = level >= MetadataVersion.DIRECTORIES ? change.logDirs : []
  if (change.fenced === 0 && change.inControlledShutdown === 0 && logDirs.length === 0) return undefined
  const version = logDirs.length > 0 ? 2 : change.inControlledShutdown === 0 ? 0 : 1
  return older(record, version, { cordonedLogDirs: null, logDirs })
}

/** Of both records of a partition the versions count alike. */
function partition(record: MetadataRecord, level: number): MetadataRecord {
  if (level >= MetadataVersion.ELIGIBLE_LEADER_REPLICAS) return record
  const isPartition = record.codec.key === PartitionRecord.key
  const withoutEligible = { eligibleLeaderReplicas: null, lastKnownElr: null }
  if (level >= MetadataVersion.DIRECTORIES) return older(record, 1, withoutEligible)
  return older(record, 0, { ...withoutEligible, directories: isPartition ? [] : null })
}
