import { ApiVersions } from '../../src/protocol/generated/api-versions.ts'
import { DescribeQuorum } from '../../src/protocol/generated/describe-quorum.ts'
import { UpdateFeatures } from '../../src/protocol/generated/update-features.ts'
import { ApiConnection } from '../client/api-connection.ts'

const UPGRADE = 1
const TIMEOUT_MS = 20_000

export interface QuorumView {
  /** Levels that the cluster has agreed on. */
  readonly features: Readonly<Record<string, number>>
  /** `id directory` of each. */
  readonly voters: readonly string[]
}

/** What clients can tell of the features and the voters of a cluster. */
export async function quorumView(bootstrapServers: string): Promise<QuorumView> {
  return withConnection(bootstrapServers, async (connection) => {
    const { finalizedFeatures } = await connection.ask(ApiVersions, 4, {
      clientSoftwareName: 'odradek-tests',
      clientSoftwareVersion: '1',
    })
    const { topics } = await connection.ask(DescribeQuorum, 2, {
      topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
    })
    const levels = finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel] as const)
    return {
      features: Object.fromEntries(levels.sort(([a], [b]) => (a < b ? -1 : 1))),
      voters: topics[0]!.partitions[0]!.currentVoters.map(
        ({ replicaId, replicaDirectoryId }) => `${replicaId} ${replicaDirectoryId}`,
      ),
    }
  })
}

/** Raises a feature's level. */
export async function upgradeFeature(
  bootstrapServers: string,
  feature: string,
  level: number,
): Promise<void> {
  await withConnection(bootstrapServers, async (connection) => {
    const update = { feature, maxVersionLevel: level, allowDowngrade: false, upgradeType: UPGRADE }
    const { errorCode, errorMessage } = await connection.ask(UpdateFeatures, 2, {
      timeoutMs: TIMEOUT_MS,
      featureUpdates: [update],
      validateOnly: false,
    })
    if (errorCode !== 0) throw new Error(`${feature} to ${level}: error ${errorCode} ${errorMessage}`)
  })
}

async function withConnection<Answer>(
  bootstrapServers: string,
  ask: (connection: ApiConnection) => Promise<Answer>,
): Promise<Answer> {
  const connection = await ApiConnection.open(bootstrapServers)
  try {
    return await ask(connection)
  } finally {
    connection.close()
  }
}
