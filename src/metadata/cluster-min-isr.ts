import type { BrokerConfig } from '../config/broker-config.ts'
import { resourceTypeOf } from './config-type.ts'
import type { MetadataImage } from './metadata-image.ts'
import type { MetadataRecord } from './metadata-record.ts'
import { configRecord } from './topic-operations.ts'

const MIN_IN_SYNC_REPLICAS = 'min.insync.replicas'
const DEFAULT_MIN_IN_SYNC_REPLICAS = '1'

/** With eligible leader replicas (KIP-966) this setting is the cluster's alone: it gets one, and brokers lose theirs. */
export function minInSyncReplicasOfCluster(image: MetadataImage, config: BrokerConfig): MetadataRecord[] {
  const type = resourceTypeOf('broker')
  const records: MetadataRecord[] = []
  if (!image.configs('broker', '').has(MIN_IN_SYNC_REPLICAS)) {
    const value = config.staticEntries.get(MIN_IN_SYNC_REPLICAS) ?? DEFAULT_MIN_IN_SYNC_REPLICAS
    records.push(configRecord(type, '', MIN_IN_SYNC_REPLICAS, value))
  }
  for (const id of image.brokers.keys()) {
    if (!image.configs('broker', String(id)).has(MIN_IN_SYNC_REPLICAS)) continue
    records.push(configRecord(type, String(id), MIN_IN_SYNC_REPLICAS, null))
  }
  return records
}
