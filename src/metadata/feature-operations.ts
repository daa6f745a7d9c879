import type { BrokerConfig } from '../config/broker-config.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import { FeatureLevelRecord } from '../protocol/generated/metadata-records.ts'
import { minInSyncReplicasOfCluster } from './cluster-min-isr.ts'
import { ELIGIBLE_LEADER_REPLICAS, KRAFT_VERSION, supportedFeatures } from './features.ts'
import type { MetadataImage } from './metadata-image.ts'
import { type MetadataRecord, metadataRecord } from './metadata-record.ts'
import { isLossyDowngrade, METADATA_VERSION, MetadataVersion } from './metadata-version.ts'

/** How a client may move a level, as UpdateFeatures numbers it. */
export const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const

/** Which level of a feature the cluster shall agree on. */
export interface FeatureUpdate {
  readonly feature: string
  readonly level: number
  readonly upgradeType: number
}

/** What an update comes to. */
export interface FeatureDecision {
  readonly records: MetadataRecord[]
  /** From now on voters can change (KIP-853): it stands in control records. */
  readonly raisesKraftVersion: boolean
}

/** Decides on new levels of features (KIP-584): all of them or none. Throws INVALID_UPDATE_VERSION. */
export function updateFeatures(
  image: MetadataImage,
  config: BrokerConfig,
  controllerId: number,
  updates: readonly FeatureUpdate[],
): FeatureDecision {
  const records: MetadataRecord[] = []
  const proposed = new Map(image.features)
  for (const { feature, level } of updates) proposed.set(feature, level)
  let raisesKraftVersion = false
  for (const update of updates) {
    const { feature, level } = update
    const current = feature === KRAFT_VERSION ? image.quorum.kraftVersion : (image.features.get(feature) ?? 0)
    checkUpdate(update, current, controllerId)
    if (level === current) continue
    if (feature === METADATA_VERSION && isLossyDowngrade(current, level))
      throw refusedMetadataDowngrade(update, current)
    if (feature === KRAFT_VERSION) {
      if (level < current) throw refused(update, "Can't downgrade the version of this feature.")
      raisesKraftVersion = true
      continue
    }
    checkDependency(update, proposed)
    records.push(metadataRecord(FeatureLevelRecord, { name: feature, featureLevel: level }))
    if (feature === ELIGIBLE_LEADER_REPLICAS && level > 0) {
      for (const record of minInSyncReplicasOfCluster(image, config)) records.push(record)
    }
  }
  return { records, raisesKraftVersion }
}

function refused({ feature, level }: FeatureUpdate, reason: string): ApiError {
  return new ApiError(
    ErrorCode.INVALID_UPDATE_VERSION,
    `The update failed for all features since the following feature had an error: Invalid update version ${level} for feature ${feature}. ${reason}`,
  )
}

/** Partitions have no place for eligible replicas before. */
function checkDependency(update: FeatureUpdate, proposed: ReadonlyMap<string, number>): void {
  const { feature, level } = update
  const needed = MetadataVersion.ELIGIBLE_LEADER_REPLICAS
  if (feature !== ELIGIBLE_LEADER_REPLICAS || level === 0) return
  if ((proposed.get(METADATA_VERSION) ?? 0) >= needed) return
  throw refused(
    update,
    `${feature} could not be set to ${level} because it depends on ${METADATA_VERSION} level ${needed}`,
  )
}

function checkUpdate(update: FeatureUpdate, current: number, controllerId: number): void {
  const { feature, level, upgradeType } = update
  const refuse = (reason: string) => refused(update, reason)
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
  if (level > current && upgradeType !== UpgradeType.UPGRADE)
    throw refuse("Can't downgrade to a newer version.")
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
