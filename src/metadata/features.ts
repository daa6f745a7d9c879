import { LATEST_METADATA_VERSION, METADATA_VERSION, OLDEST_METADATA_VERSION } from './metadata-version.ts'

/** A feature of the cluster, and which levels of it this software understands (KIP-584). */
export interface SupportedFeature {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
}

export const ELIGIBLE_LEADER_REPLICAS = 'eligible.leader.replicas.version'

/** Its level says whether voters can change (KIP-853). It stands in control records, where those need it that have no image yet. */
export const KRAFT_VERSION = 'kraft.version'

/** As Apache Kafka 4.3 tells them. */
export const supportedFeatures: readonly SupportedFeature[] = [
  { name: ELIGIBLE_LEADER_REPLICAS, minVersion: 0, maxVersion: 1 },
  { name: 'group.version', minVersion: 0, maxVersion: 1 },
  { name: KRAFT_VERSION, minVersion: 0, maxVersion: 1 },
  { name: METADATA_VERSION, minVersion: OLDEST_METADATA_VERSION, maxVersion: LATEST_METADATA_VERSION },
  { name: 'share.version', minVersion: 0, maxVersion: 1 },
  { name: 'streams.version', minVersion: 0, maxVersion: 1 },
  { name: 'transaction.version', minVersion: 0, maxVersion: 2 },
]

/** What a new cluster agrees on, in the order of its first records: `metadata.version` says how the others are written. No `kraft.version`: its voter stands in the configuration, as in Apache Kafka's image for Docker. */
export const initialFeatureLevels: readonly (readonly [name: string, level: number])[] = [
  [METADATA_VERSION, LATEST_METADATA_VERSION],
  [ELIGIBLE_LEADER_REPLICAS, 1],
  ['group.version', 1],
  ['share.version', 1],
  ['streams.version', 1],
  ['transaction.version', 2],
]
