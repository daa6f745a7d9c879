import {
  ClientQuotaRecord,
  FeatureLevelRecord,
  PartitionRecord,
  ProducerIdsRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
  TopicRecord,
  UserScramCredentialRecord,
} from '../protocol/generated/metadata-records.ts'
import { type ConfigType, resourceTypeOf } from './config-type.ts'
import type { MetadataImage, PartitionImage, TopicImage } from './metadata-image.ts'
import { type MetadataRecord, metadataRecord } from './metadata-record.ts'
import { METADATA_VERSION } from './metadata-version.ts'
import { configRecord } from './topic-operations.ts'

const CONFIG_TYPES: readonly ConfigType[] = ['broker', 'topic', 'client-metrics', 'group']

/**
 * The records that bring an empty image to what this one is, in the order in which Apache Kafka has them in its snapshots. Replaying them
 * gives the same image but for its last offset.
 */
export function* imageRecords(image: MetadataImage): Generator<MetadataRecord> {
  yield* featureRecords(image)
  for (const registration of image.registrations.values()) {
    yield metadataRecord(RegisterBrokerRecord, registration)
  }
  const carried = image.carried.all()
  const isController = ({ codec }: MetadataRecord) => codec.key === RegisterControllerRecord.key
  yield* carried.filter(isController)
  for (const topic of image.topics.values()) yield* topicRecords(topic)
  for (const type of CONFIG_TYPES) {
    for (const name of image.configured(type)) {
      for (const [key, value] of image.configs(type, name)) {
        yield configRecord(resourceTypeOf(type), name, key, value)
      }
    }
  }
  yield* clientRecords(image)
  yield* carried.filter((record) => !isController(record))
}

function* featureRecords({ features }: MetadataImage): Generator<MetadataRecord> {
  // It says how the others are written, so it comes first.
  const metadataVersion = features.get(METADATA_VERSION)
  if (metadataVersion !== undefined) {
    yield metadataRecord(FeatureLevelRecord, { name: METADATA_VERSION, featureLevel: metadataVersion })
  }
  for (const [name, featureLevel] of features) {
    if (name !== METADATA_VERSION) yield metadataRecord(FeatureLevelRecord, { name, featureLevel })
  }
}

function* topicRecords({ name, topicId, partitions }: TopicImage): Generator<MetadataRecord> {
  yield metadataRecord(TopicRecord, { name, topicId })
  for (const partition of partitions) yield partitionRecord(topicId, partition)
}

function partitionRecord(topicId: string, image: PartitionImage): MetadataRecord {
  const { eligibleLeaderReplicas, lastKnownElr } = image
  return metadataRecord(PartitionRecord, {
    partitionId: image.partition,
    topicId,
    replicas: image.replicas,
    isr: image.isr,
    removingReplicas: image.removingReplicas,
    addingReplicas: image.addingReplicas,
    leader: image.leader,
    leaderRecoveryState: image.leaderRecoveryState,
    leaderEpoch: image.leaderEpoch,
    partitionEpoch: image.partitionEpoch,
    directories: image.directories,
    // Left out when there are none, as Apache Kafka does.
    eligibleLeaderReplicas: eligibleLeaderReplicas.length > 0 ? eligibleLeaderReplicas : null,
    lastKnownElr: lastKnownElr.length > 0 ? lastKnownElr : null,
  })
}

function* clientRecords(image: MetadataImage): Generator<MetadataRecord> {
  for (const { entity, values } of image.clientQuotas.all()) {
    const parts = Array.from(entity, ([entityType, entityName]) => ({ entityType, entityName }))
    for (const [key, value] of values) {
      yield metadataRecord(ClientQuotaRecord, { entity: parts, key, value, remove: false })
    }
  }
  if (image.nextProducerId > 0n) {
    const { nextProducerId } = image
    yield metadataRecord(ProducerIdsRecord, { brokerId: -1, brokerEpoch: -1n, nextProducerId })
  }
  for (const name of image.scramCredentials.users()) {
    for (const credential of image.scramCredentials.of(name)) {
      yield metadataRecord(UserScramCredentialRecord, { name, ...credential })
    }
  }
}
