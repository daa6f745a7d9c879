import type { MetadataImage, PartitionImage } from '../../metadata/metadata-image.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestContext } from '../handler.ts'

const NONE: readonly never[] = []
const NO_LEADER = -1

/** Address of a broker for one client. */
export interface ReachableBroker {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
  readonly isFenced: boolean
}

/** Where a partition lies, as a client that asks on a certain listener is told. */
export interface PartitionPlace {
  readonly errorCode: number
  readonly partitionIndex: number
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly replicaNodes: readonly number[]
  readonly isrNodes: readonly number[]
  readonly offlineReplicas: readonly number[]
}

/** The cluster as the client of one request sees it: brokers have the addresses of the listener that it came in on. */
export class ClusterView {
  readonly #image: MetadataImage
  readonly #reachable = new Map<number, ReachableBroker>()

  constructor({ broker, connection }: RequestContext) {
    this.#image = broker.metadata
    for (const { id, rack, isFenced } of broker.metadata.brokers.values()) {
      const endpoint = broker.advertisedEndpoint(id, connection)
      if (endpoint) this.#reachable.set(id, { id, ...endpoint, rack, isFenced })
    }
  }

  /** Brokers with an address on this listener. */
  brokers(includeFenced = false): ReachableBroker[] {
    return Array.from(this.#reachable.values()).filter(({ isFenced }) => includeFenced || !isFenced)
  }

  /** A broker that takes requests for the controller, or -1. */
  get controllerId(): number {
    const alive = this.brokers()
    const { controllerId } = this.#image
    return alive.some(({ id }) => id === controllerId) ? controllerId : (alive[0]?.id ?? NO_LEADER)
  }

  /** `missingListener` is the error when the leader has no address on this listener. */
  place(partition: PartitionImage, missingListener: ErrorCode): PartitionPlace {
    const { leader, replicas } = partition
    const isReachable = this.#reachable.has(leader)
    const isKnown = isReachable || this.#image.brokers.has(leader)
    return {
      errorCode: isReachable ? ErrorCode.NONE : isKnown ? missingListener : ErrorCode.LEADER_NOT_AVAILABLE,
      partitionIndex: partition.partition,
      leaderId: isReachable ? leader : NO_LEADER,
      leaderEpoch: partition.leaderEpoch,
      replicaNodes: replicas,
      isrNodes: partition.isr,
      offlineReplicas: this.#isAllOnline(replicas) ? NONE : replicas.filter((id) => !this.#isOnline(id)),
    }
  }

  #isAllOnline(replicas: readonly number[]): boolean {
    for (const id of replicas) if (!this.#isOnline(id)) return false
    return true
  }

  #isOnline(id: number): boolean {
    const broker = this.#reachable.get(id)
    return broker !== undefined && !broker.isFenced
  }
}
