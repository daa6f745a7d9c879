/** Stands for "nobody asked". */
export const NOT_ASKED = -2147483648

/** Everything that can be done to a topic, a bit for each (KIP-430): READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS. */
const ALL_OF_A_TOPIC = bits(3, 4, 5, 6, 7, 8, 10, 11)
/** Everything that can be done to the cluster: CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE. */
const ALL_OF_THE_CLUSTER = bits(5, 7, 8, 9, 10, 11, 12)

function bits(...operations: number[]): number {
  return operations.reduce((all, operation) => all | (1 << operation), 0)
}

/** What the client may do to a topic: without an authorizer, all of it. */
export function topicOperations(isAsked: boolean): number {
  return isAsked ? ALL_OF_A_TOPIC : NOT_ASKED
}

/** What the client may do to the cluster: without an authorizer, all of it. */
export function clusterOperations(isAsked: boolean): number {
  return isAsked ? ALL_OF_THE_CLUSTER : NOT_ASKED
}
