import { KRAFT_VERSION, type SupportedFeature, supportedFeatures } from '../metadata/features.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { ApiVersions, type ApiVersionsResponse } from '../protocol/generated/api-versions.ts'
import type { Release } from '../protocol/release.ts'
import { type ApiEntry, handler } from './handler.ts'

/** What a name or version of a client's software may look like (KIP-511). */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/**
 * ApiVersions (key 18): what this broker serves, and its features. 3 carries the client's name and answers features (KIP-511, KIP-584);
 * below 4 clients do not understand a feature whose lowest level is 0.
 */
export const apiVersions = handler(ApiVersions, (request, { broker, connection, apiVersion }) => {
  if (apiVersion >= 3) {
    const { clientSoftwareName, clientSoftwareVersion } = request
    if (!SOFTWARE.test(clientSoftwareName) || !SOFTWARE.test(clientSoftwareVersion)) {
      return emptyResponse(ErrorCode.INVALID_REQUEST)
    }
    connection.clientSoftwareName = clientSoftwareName
    connection.clientSoftwareVersion = clientSoftwareVersion
  }
  const supported = broker.emulated ? featuresOf(broker.emulated) : supportedFeatures
  return {
    ...emptyResponse(ErrorCode.NONE),
    apiKeys: broker.apis.map(rowOf),
    supportedFeatures: apiVersion >= 4 ? supported : supported.filter(({ minVersion }) => minVersion > 0),
    ...finalizedFeatures(broker.metadata, broker.emulated),
  }
})

/**
 * The answer to a version that we do not have: in version 0, with the range that we do have, so that the client can ask again. Brokers
 * of a release before version 3 leave it at the error (KIP-511).
 */
export function unsupportedApiVersions(entry: ApiEntry): ApiVersionsResponse {
  return {
    ...emptyResponse(ErrorCode.UNSUPPORTED_VERSION),
    apiKeys: entry.maxVersion >= 3 ? [rowOf(entry)] : [],
  }
}

function featuresOf({ features }: Release): SupportedFeature[] {
  return features.map(([name, minVersion, maxVersion]) => ({ name, minVersion, maxVersion }))
}

/** What the cluster has agreed on; of an emulated release, as far as that knows it. */
function finalizedFeatures(
  { features, quorum, lastAppliedOffset }: MetadataImage,
  release: Release | undefined,
): Pick<ApiVersionsResponse, 'finalizedFeatures' | 'finalizedFeaturesEpoch'> {
  if (release?.finalizedFeatures === 'untold') return { finalizedFeaturesEpoch: -1n, finalizedFeatures: [] }
  if (release && release.finalizedFeatures !== 'own') {
    return { finalizedFeaturesEpoch: release.finalizedFeatures.epoch, finalizedFeatures: [] }
  }
  const kraftVersion: [string, number][] =
    quorum.kraftVersion > 0 ? [[KRAFT_VERSION, quorum.kraftVersion]] : []
  return {
    finalizedFeaturesEpoch: lastAppliedOffset,
    finalizedFeatures: [...features, ...kraftVersion].flatMap(([name, level]) => {
      const highest = release ? (release.features.find((each) => each[0] === name)?.[3] ?? 0) : level
      const told = Math.min(level, highest)
      return told > 0 || !release ? [{ name, maxVersionLevel: told, minVersionLevel: told }] : []
    }),
  }
}

function rowOf({ key, minVersion, maxVersion }: ApiEntry) {
  return { apiKey: key, minVersion, maxVersion }
}

function emptyResponse(errorCode: number): ApiVersionsResponse {
  return {
    errorCode,
    apiKeys: [],
    throttleTimeMs: 0,
    supportedFeatures: [],
    finalizedFeaturesEpoch: -1n,
    finalizedFeatures: [],
    zkMigrationReady: false,
  }
}
