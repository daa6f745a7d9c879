import type { Uuid } from '../protocol/api.ts'
import {
  AbortTransactionRecord,
  BrokerRegistrationChangeRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
} from '../protocol/generated/metadata-records.ts'
import { supportedFeatures } from './features.ts'
import type { BrokerEndpointImage, MetadataImage } from './metadata-image.ts'
import { type MetadataRecord, metadataRecord } from './metadata-record.ts'
import { MetadataVersion } from './metadata-version.ts'

/** A listener's protocol as the registrations number it. */
const PLAINTEXT = 0

/** How a broker introduces itself to the controller. */
export interface BrokerRegistration {
  readonly brokerId: number
  readonly incarnationId: Uuid
  readonly endpoints: readonly BrokerEndpointImage[]
  readonly rack: string | null
  readonly directoryId: Uuid
}

/** Ends what a controller that is no more had begun: its records do not count. */
export function abortRecord(): MetadataRecord {
  return metadataRecord(AbortTransactionRecord, { reason: 'The controller was started anew.' })
}

export function controllerRegistration(controllerId: number, incarnationId: Uuid): MetadataRecord {
  return metadataRecord(RegisterControllerRecord, {
    controllerId,
    incarnationId,
    zkMigrationReady: false,
    // Controller and broker talk inside the process: there is nothing to connect to.
    endPoints: [],
    features: featureRanges(),
  })
}

/** `brokerEpoch` has to be the offset that the record gets. */
export function brokerRegistration(broker: BrokerRegistration, brokerEpoch: bigint): MetadataRecord {
  return metadataRecord(RegisterBrokerRecord, {
    brokerId: broker.brokerId,
    isMigratingZkBroker: false,
    incarnationId: broker.incarnationId,
    brokerEpoch,
    endPoints: broker.endpoints.map(({ name, host, port }) => ({
      name,
      host,
      port,
      securityProtocol: PLAINTEXT,
    })),
    features: featureRanges(),
    rack: broker.rack,
    fenced: true,
    inControlledShutdown: false,
    logDirs: [broker.directoryId],
    cordonedLogDirs: null,
  })
}

function featureRanges() {
  return supportedFeatures.map(({ name, minVersion, maxVersion }) => ({
    name,
    minSupportedVersion: minVersion,
    maxSupportedVersion: maxVersion,
  }))
}

/** No directory of the broker refuses new partitions (KIP-1066). */
export function nothingCordoned(brokerId: number, brokerEpoch: bigint): MetadataRecord {
  const record = {
    brokerId,
    brokerEpoch,
    fenced: 0,
    inControlledShutdown: 0,
    logDirs: [],
    cordonedLogDirs: [],
  }
  return metadataRecord(BrokerRegistrationChangeRecord, record, 3)
}

export function unfenced(brokerId: number, brokerEpoch: bigint): MetadataRecord {
  const record = {
    brokerId,
    brokerEpoch,
    fenced: -1,
    inControlledShutdown: 0,
    logDirs: [],
    cordonedLogDirs: null,
  }
  // The lowest version that can say it, as Apache Kafka chooses it.
  return metadataRecord(BrokerRegistrationChangeRecord, record, 0)
}

/** What the node tells of itself, in a cluster whose `metadata.version` was `before`, now that there is room for it. */
export function registrationsAfterUpgrade(
  image: MetadataImage,
  before: number,
  { nodeId, incarnationId, directoryId }: { nodeId: number; incarnationId: Uuid; directoryId: Uuid },
): MetadataRecord[] {
  const has = (level: number) => before < level && image.metadataVersion >= level
  const broker = image.registrations.get(nodeId)
  const records: MetadataRecord[] = []
  if (broker && has(MetadataVersion.DIRECTORIES))
    records.push(metadataRecord(RegisterBrokerRecord, { ...broker, logDirs: [directoryId] }))
  if (has(MetadataVersion.CONTROLLER_REGISTRATION))
    records.push(controllerRegistration(nodeId, incarnationId))
  if (broker && has(MetadataVersion.CORDONED_DIRECTORIES))
    records.push(nothingCordoned(nodeId, broker.brokerEpoch))
  return records
}
