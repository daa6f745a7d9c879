import type { Voter } from '../../metadata/control-record.ts'
import { type Uuid, ZERO_UUID } from '../../protocol/api.ts'
import { ErrorCode } from '../../protocol/error-code.ts'

/** The answer to a request that would change who votes about the metadata log. */
export interface VoterRefusal {
  readonly throttleTimeMs: number
  readonly errorCode: ErrorCode
  readonly errorMessage: string
}

interface VoterRequest {
  readonly clusterId: string | null
  readonly voterId: number
  readonly voterDirectoryId: Uuid
}

export function refuseVoter(errorCode: ErrorCode, errorMessage: string): VoterRefusal {
  return { throttleTimeMs: 0, errorCode, errorMessage }
}

/** What is wrong with the voter that a request names, if anything. */
export function checkVoter(
  { clusterId, voterId, voterDirectoryId }: VoterRequest,
  ownClusterId: string,
  operation: 'Add' | 'Remove',
): VoterRefusal | undefined {
  if (clusterId !== null && clusterId !== ownClusterId) {
    return refuseVoter(
      ErrorCode.INCONSISTENT_CLUSTER_ID,
      `The given id "${clusterId}" doesn't match the cluster id "${ownClusterId}"`,
    )
  }
  if (voterId < 0 || voterDirectoryId === ZERO_UUID) {
    return refuseVoter(ErrorCode.INVALID_REQUEST, `${operation} voter request didn't include a valid voter`)
  }
  return undefined
}

/** As Apache Kafka prints a voter. */
export function describeVoter({
  voterId,
  voterDirectoryId,
}: Pick<Voter, 'voterId' | 'voterDirectoryId'>): string {
  return `ReplicaKey(id=${voterId}, directoryId=${voterDirectoryId})`
}

/** With `kraft.version` 0 the voters are those of the configuration. */
export function refuseStaticQuorum(operation: string): VoterRefusal {
  return refuseVoter(
    ErrorCode.UNSUPPORTED_VERSION,
    `Cluster doesn't support ${operation} voter because the kraft.version feature is 0`,
  )
}
