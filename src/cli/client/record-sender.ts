import { ZERO_UUID } from '../../protocol/api.ts'
import { type BatchRecord, buildBatch } from '../../protocol/batch-builder.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { MetadataResponseTopic } from '../../protocol/generated/metadata.ts'
import { Produce } from '../../protocol/generated/produce.ts'
import { murmur2Partition } from '../../protocol/hash.ts'
import { CommandError } from '../host.ts'
import { BrokerError } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import { byLeader } from './topic-partitions.ts'

/** Room for the fields of a record and of its headers beside their bytes, and more. */
const RECORD_OVERHEAD_BYTES = 32
/** Well below the megabyte that a batch may have by default. */
const MAX_PENDING_BYTES = 256 * 1024
const ALL_REPLICAS = -1
const REPLICATION_TIMEOUT_MS = 10_000

/** After these nothing was written, so that sending again writes nothing twice. */
const NOTHING_WRITTEN: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_ENOUGH_REPLICAS,
])

/** A record on its way to a partition, or to the one that its key belongs to. */
export interface RecordToSend extends BatchRecord {
  readonly partition: number | undefined
}

/** Writes records into one topic, in order, acknowledged by all replicas. */
export class RecordSender {
  readonly #cluster: Cluster
  #topic: MetadataResponseTopic
  #pending = new Map<number, RecordToSend[]>()
  #pendingBytes = 0
  #nextPartition: number
  #sent = 0

  constructor(cluster: Cluster, topic: MetadataResponseTopic) {
    this.#cluster = cluster
    this.#topic = topic
    // So that many short runs do not all begin with the same partition.
    this.#nextPartition = Math.floor(Math.random() * topic.partitions.length)
  }

  /** How many records have been acknowledged. */
  get sent(): number {
    return this.#sent
  }

  /** Takes a record; sends what has gathered before when it does not fit in with that any more. Throws `CommandError`. */
  async add(record: RecordToSend): Promise<void> {
    const partition = this.#partitionOf(record)
    const size = sizeOf(record)
    if (this.#pendingBytes > 0 && this.#pendingBytes + size > MAX_PENDING_BYTES) await this.flush()
    this.#pendingBytes += size
    const records = this.#pending.get(partition)
    if (records) records.push(record)
    else this.#pending.set(partition, [record])
  }

  /** Resolves when all that was taken is acknowledged. Throws `CommandError`. */
  async flush(): Promise<void> {
    const pending = this.#pending
    this.#pending = new Map()
    this.#pendingBytes = 0
    await this.#cluster.retrying(
      async () => {
        const failure = await this.#send(pending)
        if (failure === undefined) return
        if (NOTHING_WRITTEN.has(failure.code)) {
          this.#topic = await this.#cluster.topic(this.#topic.name ?? '', { create: true })
        }
        throw failure
      },
      (code) => NOTHING_WRITTEN.has(code),
    )
  }

  /** Sends to all leaders at once and removes from `pending` what they acknowledged; the first error. */
  async #send(pending: Map<number, RecordToSend[]>): Promise<BrokerError | undefined> {
    const partitions = this.#topic.partitions.filter(({ partitionIndex }) => pending.has(partitionIndex))
    const failures = await Promise.all(
      [...byLeader(partitions)].map(([leaderId, led]) =>
        this.#sendTo(
          leaderId,
          led.map(({ partitionIndex }) => partitionIndex),
          pending,
        ),
      ),
    )
    return failures.find((failure) => failure !== undefined)
  }

  async #sendTo(
    leaderId: number,
    partitions: readonly number[],
    pending: Map<number, RecordToSend[]>,
  ): Promise<BrokerError | undefined> {
    const name = this.#topic.name ?? ''
    const leader = await this.#cluster.broker(leaderId)
    const partitionData = partitions.map((index) => ({
      index,
      records: buildBatch({ baseOffset: 0n, leaderEpoch: -1, records: pending.get(index) ?? [] }),
    }))
    // Version 3 brought record batches; from 13 on topics go by their ids (KIP-516).
    const { responses } = await leader.request(
      Produce,
      { min: 3, max: 12 },
      () => ({
        transactionalId: null,
        acks: ALL_REPLICAS,
        timeoutMs: REPLICATION_TIMEOUT_MS,
        topicData: [{ name, topicId: ZERO_UUID, partitionData }],
      }),
      REPLICATION_TIMEOUT_MS,
    )
    let failure: BrokerError | undefined
    for (const { index, errorCode, errorMessage } of responses[0]?.partitionResponses ?? []) {
      if (errorCode === ErrorCode.NONE) {
        this.#sent += pending.get(index)?.length ?? 0
        pending.delete(index)
      } else failure ??= new BrokerError(errorCode, `topic ${name}, partition ${index}`, errorMessage)
    }
    return failure
  }

  /** Java's producer hashes keys the same way; records without a key go to one partition after the other. */
  #partitionOf({ partition, key }: RecordToSend): number {
    const { name, partitions } = this.#topic
    if (partition === undefined) {
      return key === null
        ? this.#nextPartition++ % partitions.length
        : murmur2Partition(key, partitions.length)
    }
    if (partition < partitions.length) return partition
    throw new CommandError(`topic ${name} has no partition ${partition}, only 0 to ${partitions.length - 1}`)
  }
}

function sizeOf({ key, value, headers }: RecordToSend): number {
  let size = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers)
    size += RECORD_OVERHEAD_BYTES + header.key.length * 3 + (header.value?.length ?? 0)
  return size
}
