import { supportedFeatures } from '../metadata/features.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { ApiVersions, type ApiVersionsResponse } from '../protocol/generated/api-versions.ts'
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
  return {
    ...emptyResponse(ErrorCode.NONE),
    apiKeys: broker.apis.map(rowOf),
    supportedFeatures:
      apiVersion >= 4 ? supportedFeatures : supportedFeatures.filter(({ minVersion }) => minVersion > 0),
    finalizedFeaturesEpoch: broker.metadata.lastAppliedOffset,
    finalizedFeatures: [...broker.metadata.features].map(([name, level]) => ({
      name,
      maxVersionLevel: level,
      minVersionLevel: level,
    })),
  }
})

/** The answer to a version that we do not have: in version 0, with the range that we do have, so that the client can ask again (KIP-511). */
export function unsupportedApiVersions(entry: ApiEntry): ApiVersionsResponse {
  return { ...emptyResponse(ErrorCode.UNSUPPORTED_VERSION), apiKeys: [rowOf(entry)] }
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
