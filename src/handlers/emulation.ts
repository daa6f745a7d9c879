import type { Release } from '../protocol/release.ts'
import type { ApiEntry } from './handler.ts'

/**
 * What of `apis` a broker of this release would serve, in the versions that both have. What the release has and `apis` lacks is left out: it could not be
 * answered.
 */
export function emulatedApis(apis: readonly ApiEntry[], release: Release): ApiEntry[] {
  return apis.flatMap((entry) => {
    const row = release.apis.find(([key]) => key === entry.key)
    if (row === undefined) return []
    const minVersion = Math.max(entry.minVersion, row[1])
    const maxVersion = Math.min(entry.maxVersion, row[2])
    return minVersion <= maxVersion ? [{ ...entry, minVersion, maxVersion }] : []
  })
}
