import type { BrokerConfig } from '../config/broker-config.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { FeatureLevelRecord } from '../protocol/generated/metadata-records.ts'
import { resourceTypeOf } from './config-type.ts'
import { supportedFeatures } from './features.ts'
import type { MetadataImage } from './metadata-image.ts'
import { type MetadataRecord, metadataRecord } from './metadata-record.ts'
import { configRecord } from './topic-operations.ts'

/** How a client may move a level, as UpdateFeatures numbers it. */
export const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const

const METADATA_VERSION = 'metadata.version'
const ELIGIBLE_LEADER_REPLICAS = 'eligible.leader.replicas.version'
const MIN_IN_SYNC_REPLICAS = 'min.insync.replicas'
const DEFAULT_MIN_IN_SYNC_REPLICAS = '1'

/** Which level of a feature the cluster shall agree on. */
export interface FeatureUpdate {
  readonly feature: string
  readonly level: number
  readonly upgradeType: number
}

/** Decides on new levels of features (KIP-584): all of them or none. Throws INVALID_UPDATE_VERSION. */
export function updateFeatures(
  image: MetadataImage,
  config: BrokerConfig,
  controllerId: number,
  updates: readonly FeatureUpdate[],
): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const update of updates) {
    const { feature, level } = update
    const current = image.features.get(feature) ?? 0
    checkUpdate(update, current, controllerId)
    if (level === current) continue
    if (feature === METADATA_VERSION && level < current) throw refusedMetadataDowngrade(update, current)
    records.push(metadataRecord(FeatureLevelRecord, { name: feature, featureLevel: level }))
    if (feature === ELIGIBLE_LEADER_REPLICAS && level > 0) {
      for (const record of minInSyncReplicasOfCluster(image, config)) records.push(record)
    }
  }
  return records
}

function checkUpdate({ feature, level, upgradeType }: FeatureUpdate, current: number, controllerId: number) {
  const refuse = (reason: string) =>
    new ApiError(
      ErrorCode.INVALID_UPDATE_VERSION,
      `The update failed for all features since the following feature had an error: Invalid update version ${level} for feature ${feature}. ${reason}`,
    )
  const supported = supportedFeatures.find(({ name }) => name === feature)
  if (!Object.values<number>(UpgradeType).includes(upgradeType)) {
    throw refuse('The controller does not support the given upgrade type.')
  }
  if (level < 0) throw refuse('A feature version cannot be less than 0.')
  if (!supported) throw refuse(`Local controller ${controllerId} does not support this feature.`)
  const { minVersion, maxVersion } = supported
  if (level < minVersion || level > maxVersion) {
    throw refuse(`Local controller ${controllerId} only supports versions ${minVersion}-${maxVersion}`)
  }
  if (level < current && upgradeType === UpgradeType.UPGRADE) {
    throw refuse(
      "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    )
  }
}

/** A lower level would have no words for what the log holds. */
function refusedMetadataDowngrade({ level, upgradeType }: FeatureUpdate, current: number): ApiError {
  const reason =
    upgradeType === UpgradeType.SAFE_DOWNGRADE
      ? 'Refusing to perform the requested downgrade because it might delete metadata information.'
      : 'Unsafe metadata downgrade is not supported in this version.'
  return new ApiError(
    ErrorCode.INVALID_UPDATE_VERSION,
    `The update failed for all features since the following feature had an error: Unsupported ${METADATA_VERSION} downgrade from ${current} to ${level}. ${reason}`,
  )
}

/** With eligible leader replicas (KIP-966) this setting is the cluster's alone: it gets one, and brokers lose theirs. */
function minInSyncReplicasOfCluster(image: MetadataImage, config: BrokerConfig): MetadataRecord[] {
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
