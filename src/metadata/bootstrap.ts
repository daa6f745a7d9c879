import type { BrokerConfig } from '../config/broker-config.ts'
import type { DataDirectory } from '../log/data-directory.ts'
import {
  BeginTransactionRecord,
  EndTransactionRecord,
  FeatureLevelRecord,
} from '../protocol/generated/metadata-records.ts'
import { minInSyncReplicasOfCluster } from './cluster-min-isr.ts'
import { ELIGIBLE_LEADER_REPLICAS, initialFeatureLevels } from './features.ts'
import { MetadataImage } from './metadata-image.ts'
import { type MetadataBatch, type MetadataRecord, metadataRecord } from './metadata-record.ts'
import { readSnapshot } from './metadata-snapshot.ts'
import { recordsAtLevel } from './metadata-version.ts'

/** Beside the logs: what Apache Kafka's tool that formatted the directory was told of levels of features and users. */
const FILE = 'bootstrap.checkpoint'

/** What the directory of a cluster that has yet to be founded says about it. Throws `DataDirectoryError` when the file is damaged. */
export function readBootstrap({ files, path }: Pick<DataDirectory, 'files' | 'path'>): MetadataBatch[] {
  const file = `${path}/${FILE}`
  return files.exists(file) ? readSnapshot(files, { path: file, endOffset: 0n, epoch: 0 }) : []
}

/** The first records of a new cluster. They are a transaction (KIP-868), as Apache Kafka writes them. */
export function bootstrapRecords(
  formatted: readonly MetadataBatch[],
  config: BrokerConfig,
): readonly MetadataRecord[] {
  const given = formatted.flatMap(({ records }) => records)
  const records = given.length > 0 ? given : initialLevels()
  const image = new MetadataImage()
  image.replay({ baseOffset: 0n, lastOffset: 0n, leaderEpoch: 0, records })
  const needsMinIsr = (image.features.get(ELIGIBLE_LEADER_REPLICAS) ?? 0) > 0
  const all = [
    metadataRecord(BeginTransactionRecord, { name: 'Bootstrap records' }),
    ...records,
    ...(needsMinIsr ? minInSyncReplicasOfCluster(image, config) : []),
    metadataRecord(EndTransactionRecord, {}),
  ]
  return recordsAtLevel(all, image.metadataVersion)
}

function initialLevels(): MetadataRecord[] {
  return initialFeatureLevels.map(([name, featureLevel]) =>
    metadataRecord(FeatureLevelRecord, { name, featureLevel }),
  )
}
