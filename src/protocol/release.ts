/** What a broker of one release of Apache Kafka advertises. */
export interface Release {
  /** Without the last number: `2.8`, `0.10.2`. */
  readonly name: string
  /**
   * How ApiVersions tells the levels that the cluster has agreed on: not at all, as a cluster with ZooKeeper that has none, or those of
   * KRaft's metadata.
   */
  readonly finalizedFeatures: 'untold' | 'own' | { readonly epoch: bigint }
  readonly apis: readonly (readonly [key: number, minVersion: number, maxVersion: number])[]
  /** `level`: what a new cluster of that release agrees on. */
  readonly features: readonly (readonly [
    name: string,
    minVersion: number,
    maxVersion: number,
    level: number,
  ])[]
}

/** Nobody has released this. */
export class UnknownReleaseError extends Error {
  override readonly name = 'UnknownReleaseError'
}

/**
 * The release of this name, `2.8` or `2.8.1`. The table is loaded for it. Rejects with `UnknownReleaseError`, whose message lists those that there are.
 */
export async function loadRelease(name: string): Promise<Release> {
  const { releases } = await import('./generated/releases.ts')
  const release = releases.find((each) => name === each.name || name.startsWith(`${each.name}.`))
  if (release && /^\d+(\.\d+)+$/.test(name)) return release
  throw new UnknownReleaseError(
    `there is no release "${name}" to emulate: ${releases.map((each) => each.name).join(', ')}`,
  )
}
