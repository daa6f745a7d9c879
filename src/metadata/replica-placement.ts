import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import type { BrokerImage } from './metadata-image.ts'

/** Replicas of a partition, the preferred leader first. */
export type ReplicaAssignment = readonly number[]

/** Brokers that can take partitions. */
export function usableBrokers(brokers: ReadonlyMap<number, BrokerImage>): number[] {
  return Array.from(brokers.values())
    .filter(({ isFenced }) => !isFenced)
    .map(({ id }) => id)
}

/**
 * Spreads replicas over the brokers: each partition begins one broker further than the one before. Throws INVALID_REPLICATION_FACTOR
 * when there are too few brokers.
 */
export function placeReplicas(
  brokers: ReadonlyMap<number, BrokerImage>,
  partitions: number,
  replicationFactor: number,
  firstBroker: number,
): ReplicaAssignment[] {
  const usable = usableBrokers(brokers)
  if (replicationFactor > brokers.size || usable.length === 0) {
    const reason =
      usable.length === 0
        ? 'all brokers are fenced'
        : `the target replication factor of ${replicationFactor} cannot be reached because only ${brokers.size} broker(s) are registered`
    throw new ApiError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Unable to replicate the partition ${replicationFactor} time(s): ${reason}.`,
    )
  }
  // Fenced brokers come last: they hold a copy when there are no others, and never lead.
  const fenced = Array.from(brokers.keys()).filter((id) => !usable.includes(id))
  const turns = usable.map((_, turn) =>
    [...usable.slice(turn), ...usable.slice(0, turn), ...fenced].slice(0, replicationFactor),
  )
  return Array.from(
    { length: partitions },
    (_, partition) => turns[(firstBroker + partition) % turns.length]!,
  )
}

/** Checks replicas that a client has chosen for a new partition; throws INVALID_REPLICA_ASSIGNMENT. */
export function checkAssignment(
  brokers: ReadonlyMap<number, BrokerImage>,
  replicas: ReplicaAssignment,
  replicationFactor: number | undefined,
): void {
  checkReplicas(brokers, replicas, replicationFactor)
  if (replicas.every((id) => brokers.get(id)!.isFenced)) {
    throw invalidAssignment('All brokers specified in the manual partition assignment are fenced.')
  }
}

/** The same for a partition that has a leader already: the others may come later. */
export function checkReplicas(
  brokers: ReadonlyMap<number, BrokerImage>,
  replicas: ReplicaAssignment,
  replicationFactor: number | undefined,
): void {
  const refuse = (reason: string): never => {
    throw invalidAssignment(reason)
  }
  if (replicas.length === 0) refuse('The manual partition assignment includes an empty replica list.')
  const unknown = replicas.find((id) => !brokers.has(id))
  if (unknown !== undefined) {
    refuse(`The manual partition assignment includes broker ${unknown}, but no such broker is registered.`)
  }
  if (new Set(replicas).size < replicas.length) {
    refuse(`The manual partition assignment ${replicas.join(', ')} names a broker more than once.`)
  }
  if (replicationFactor !== undefined && replicas.length !== replicationFactor) {
    refuse(
      `The manual partition assignment includes a partition with ${replicas.length} replica(s), but others have ${replicationFactor}.`,
    )
  }
}

function invalidAssignment(reason: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, reason)
}
