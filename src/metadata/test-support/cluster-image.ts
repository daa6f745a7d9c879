import type { Uuid } from '../../protocol/api.ts'
import {
  FeatureLevelRecord,
  PartitionRecord,
  RegisterBrokerRecord,
  TopicRecord,
} from '../../protocol/generated/metadata-records.ts'
import { MetadataImage } from '../metadata-image.ts'
import { type MetadataRecord, metadataRecord } from '../metadata-record.ts'

const TOPIC_ID: Uuid = 'b8tRS7h4TJ2Vt43Dp85v2A'
const INCARNATION: Uuid = 'afL81KOKxsRDdoGjif-IIA'

/** Directory of a broker of `clusterImage`. */
export const directoryOf = (brokerId: number): Uuid => `${'A'.repeat(19)}E${brokerId}A`

/** An image of several brokers, and one topic `t`, without a log behind it. */
export function clusterImage(
  brokers: Readonly<Record<number, 'alive' | 'fenced'>>,
  partitions: readonly Partial<PartitionRecord>[],
): MetadataImage {
  const image = new MetadataImage()
  replay(image, [
    metadataRecord(FeatureLevelRecord, { name: 'eligible.leader.replicas.version', featureLevel: 1 }),
    ...Object.entries(brokers).map(([id, state]) => registration(Number(id), state === 'fenced')),
    metadataRecord(TopicRecord, { name: 't', topicId: TOPIC_ID }),
    ...partitions.map((each, partitionId) => partitionRecord({ partitionId, ...each })),
  ])
  return image
}

/** Has the image take in records as the next batch of a log. */
export function replay(image: MetadataImage, records: readonly MetadataRecord[]): void {
  const baseOffset = image.lastAppliedOffset + 1n
  const lastOffset = baseOffset + BigInt(records.length) - 1n
  image.replay({ baseOffset, lastOffset, leaderEpoch: 1, records })
}

function registration(brokerId: number, fenced: boolean): MetadataRecord {
  return metadataRecord(RegisterBrokerRecord, {
    brokerId,
    isMigratingZkBroker: false,
    incarnationId: INCARNATION,
    brokerEpoch: 1n,
    endPoints: [],
    features: [],
    rack: null,
    fenced,
    inControlledShutdown: false,
    logDirs: [directoryOf(brokerId)],
    cordonedLogDirs: null,
  })
}

function partitionRecord(rest: Partial<PartitionRecord>): MetadataRecord {
  const replicas = rest.replicas ?? [1]
  return metadataRecord(PartitionRecord, {
    partitionId: 0,
    topicId: TOPIC_ID,
    replicas,
    isr: replicas,
    removingReplicas: [],
    addingReplicas: [],
    leader: replicas[0]!,
    leaderRecoveryState: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: replicas.map(directoryOf),
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    ...rest,
  })
}
