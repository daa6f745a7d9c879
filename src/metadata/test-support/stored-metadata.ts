import { DATA } from '../../log/test-support/storage.ts'
import type { Files } from '../../platform/platform.ts'
import { buildBatch } from '../../protocol/batch-builder.ts'
import {
  AccessControlEntryRecord,
  ClientQuotaRecord,
  DelegationTokenRecord,
  ProducerIdsRecord,
  RemoveAccessControlEntryRecord,
  UserScramCredentialRecord,
} from '../../protocol/generated/metadata-records.ts'
import { resourceTypeOf } from '../config-type.ts'
import type { MetadataImage } from '../metadata-image.ts'
import { encodeMetadataRecords, type MetadataRecord, metadataRecord } from '../metadata-record.ts'
import { partitionChange } from '../partition-change.ts'
import { configRecord } from '../topic-operations.ts'

const RULE_ID = 'afL81KOKxsRDdoGjif-IIA'
const GONE_RULE_ID = 'afL81KOKxsRDdoGjif-IIg'

const LOG = `${DATA}/__cluster_metadata-0/${'0'.repeat(20)}.log`

/** Adds a batch to a metadata log that nobody has open, and whose records `image` has taken in. */
export function appendRecords(
  files: Files,
  image: MetadataImage,
  records: readonly MetadataRecord[],
  timestamp?: bigint,
): void {
  appendToMetadata(files, image, encodeMetadataRecords(records), timestamp)
}

/** The same with records as bytes. */
export function appendToMetadata(
  files: Files,
  image: MetadataImage,
  values: readonly Buffer[],
  timestamp = 9n,
): void {
  const batch = buildBatch({
    baseOffset: image.lastAppliedOffset + 1n,
    leaderEpoch: image.lastAppliedEpoch,
    records: values.map((value) => ({ key: null, value, headers: [], timestamp })),
  })
  files.replace(LOG, Buffer.concat([files.read(LOG), batch]))
}

/** Records of every kind that an image is made of, beside those that a controller writes at its start and for topics. */
export function everyKindOfRecord(topicId: string): MetadataRecord[] {
  return [
    configRecord(resourceTypeOf('broker'), '1', 'log.retention.ms', '77'),
    configRecord(resourceTypeOf('group'), 'g', 'consumer.session.timeout.ms', '50000'),
    configRecord(resourceTypeOf('client-metrics'), 'm', 'interval.ms', '1000'),
    quota([['user', 'alice']], 'producer_byte_rate', 1000),
    quota(
      [
        ['user', null],
        ['client-id', 'app'],
      ],
      'consumer_byte_rate',
      5.5,
    ),
    metadataRecord(ProducerIdsRecord, { brokerId: 1, brokerEpoch: 3n, nextProducerId: 4000n }),
    scram('alice', 1),
    scram('alice', 2),
    rule(RULE_ID),
    rule(GONE_RULE_ID),
    metadataRecord(RemoveAccessControlEntryRecord, { id: GONE_RULE_ID }),
    metadataRecord(DelegationTokenRecord, {
      owner: 'User:alice',
      requester: 'User:alice',
      renewers: ['User:bob'],
      issueTimestamp: 1n,
      maxTimestamp: 9n,
      expirationTimestamp: 5n,
      tokenId: 'token',
    }),
    partitionChange(topicId, 0, {
      leader: 1,
      eligibleLeaderReplicas: [1],
      lastKnownElr: [1],
      leaderRecoveryState: 1,
    }),
  ]
}

function quota(
  entity: readonly (readonly [string, string | null])[],
  key: string,
  value: number,
): MetadataRecord {
  const rows = entity.map(([entityType, entityName]) => ({ entityType, entityName }))
  return metadataRecord(ClientQuotaRecord, { entity: rows, key, value, remove: false })
}

function scram(name: string, mechanism: number): MetadataRecord {
  const bytes = Buffer.from(`${name} ${mechanism}`)
  const credential = { salt: bytes, storedKey: bytes, serverKey: bytes, iterations: 4096 }
  return metadataRecord(UserScramCredentialRecord, { name, mechanism, ...credential })
}

function rule(id: string): MetadataRecord {
  return metadataRecord(AccessControlEntryRecord, {
    id,
    resourceType: 2,
    resourceName: 'orders',
    patternType: 3,
    principal: 'User:alice',
    host: '*',
    operation: 3,
    permissionType: 3,
  })
}
