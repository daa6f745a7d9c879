import { ErrorCode } from '../protocol/error-code.ts'

/**
 * What a client believes about the leader must be true (KIP-320): an older epoch is fenced, a newer one has not arrived here yet. -1 asks
 * for no check.
 */
export function checkLeaderEpoch(
  partition: { readonly leaderEpoch: number },
  believedEpoch: number,
): ErrorCode {
  if (believedEpoch === -1 || believedEpoch === partition.leaderEpoch) return ErrorCode.NONE
  return believedEpoch < partition.leaderEpoch
    ? ErrorCode.FENCED_LEADER_EPOCH
    : ErrorCode.UNKNOWN_LEADER_EPOCH
}
