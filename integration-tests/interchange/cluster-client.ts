import { setTimeout as delay } from 'node:timers/promises'
import type { AbortedTransaction } from '../../src/log/partition-log.ts'
import { ZERO_UUID } from '../../src/protocol/api.ts'
import { CreatePartitions } from '../../src/protocol/generated/create-partitions.ts'
import { CreateTopics } from '../../src/protocol/generated/create-topics.ts'
import { DeleteRecords } from '../../src/protocol/generated/delete-records.ts'
import { DeleteTopics } from '../../src/protocol/generated/delete-topics.ts'
import { DescribeConfigs } from '../../src/protocol/generated/describe-configs.ts'
import { Fetch } from '../../src/protocol/generated/fetch.ts'
import { FindCoordinator } from '../../src/protocol/generated/find-coordinator.ts'
import { IncrementalAlterConfigs } from '../../src/protocol/generated/incremental-alter-configs.ts'
import { InitProducerId } from '../../src/protocol/generated/init-producer-id.ts'
import { ListGroups } from '../../src/protocol/generated/list-groups.ts'
import { ListOffsets } from '../../src/protocol/generated/list-offsets.ts'
import { Metadata } from '../../src/protocol/generated/metadata.ts'
import { OffsetCommit } from '../../src/protocol/generated/offset-commit.ts'
import { OffsetFetch } from '../../src/protocol/generated/offset-fetch.ts'
import { Produce } from '../../src/protocol/generated/produce.ts'
import {
  baseOffset,
  batchSizeInBytes,
  isControlBatch,
  lastOffset,
  producerId,
} from '../../src/protocol/record-batch.ts'
import { ApiConnection } from '../client/api-connection.ts'
import { check, patiently } from './patience.ts'

const TIMEOUT_MS = 20_000
const TOPIC = 2
const SET_BY_TOPIC = 1
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1

/** Asks one broker for one thing at a time, in versions that Apache Kafka 4 and Odradek know; an error code is thrown. */
export class ClusterClient {
  readonly #connection: ApiConnection

  private constructor(connection: ApiConnection) {
    this.#connection = connection
  }

  static async open(bootstrapServers: string): Promise<ClusterClient> {
    return new ClusterClient(await ApiConnection.open(bootstrapServers))
  }

  close(): void {
    this.#connection.close()
  }

  async metadata() {
    return this.#connection.ask(Metadata, 12, {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
  }

  async createTopic(
    name: string,
    numPartitions: number,
    configs: Readonly<Record<string, string>>,
  ): Promise<void> {
    const topic = {
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([config, value]) => ({ name: config, value })),
    }
    const { topics } = await this.#connection.ask(CreateTopics, 7, {
      topics: [topic],
      timeoutMs: TIMEOUT_MS,
      validateOnly: false,
    })
    check(`create ${name}`, topics[0]!.errorCode, topics[0]!.errorMessage)
  }

  async createPartitions(name: string, count: number): Promise<void> {
    const { results } = await this.#connection.ask(CreatePartitions, 3, {
      topics: [{ name, count, assignments: null }],
      timeoutMs: TIMEOUT_MS,
      validateOnly: false,
    })
    check(`partitions of ${name}`, results[0]!.errorCode, results[0]!.errorMessage)
  }

  async deleteTopic(name: string): Promise<void> {
    const { responses } = await this.#connection.ask(DeleteTopics, 6, {
      topics: [{ name, topicId: ZERO_UUID }],
      topicNames: [],
      timeoutMs: TIMEOUT_MS,
    })
    check(`delete ${name}`, responses[0]!.errorCode, responses[0]!.errorMessage)
    // The controller has answered; the broker beside it may hear of it a moment later.
    while ((await this.metadata()).topics.some((topic) => topic.name === name)) await delay(20)
  }

  async setTopicConfig(topic: string, name: string, value: string | null): Promise<void> {
    const config = { name, configOperation: value === null ? 1 : 0, value }
    const { responses } = await this.#connection.ask(IncrementalAlterConfigs, 1, {
      resources: [{ resourceType: TOPIC, resourceName: topic, configs: [config] }],
      validateOnly: false,
    })
    check(`alter ${topic}`, responses[0]!.errorCode, responses[0]!.errorMessage)
  }

  /** Settings that topics have of their own. */
  async topicConfigs(topics: readonly string[]): Promise<Map<string, Record<string, string | null>>> {
    const { results } = await this.#connection.ask(DescribeConfigs, 4, {
      resources: topics.map((resourceName) => ({
        resourceType: TOPIC,
        resourceName,
        configurationKeys: null,
      })),
      includeSynonyms: false,
      includeDocumentation: false,
    })
    return new Map(
      results.map(({ resourceName, errorCode, configs }) => {
        check(`configs of ${resourceName}`, errorCode)
        const own = configs.filter(({ configSource }) => configSource === SET_BY_TOPIC)
        const sorted = own
          .map(({ name, value }) => [name, value] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1))
        return [resourceName, Object.fromEntries(sorted)]
      }),
    )
  }

  async initProducerId(): Promise<{ producerId: bigint; producerEpoch: number }> {
    const request = {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
      producerId: -1n,
      producerEpoch: -1,
      enable2Pc: false,
      keepPreparedTxn: false,
    }
    return patiently('init a producer', () => this.#connection.ask(InitProducerId, 4, request))
  }

  /** Returns the base offset; resolves when the broker has acknowledged it. */
  async produce(name: string, index: number, records: Buffer): Promise<bigint> {
    const { baseOffset } = await patiently(`produce to ${name}-${index}`, async () => {
      const { responses } = await this.#connection.ask(Produce, 9, {
        transactionalId: null,
        acks: -1,
        timeoutMs: TIMEOUT_MS,
        topicData: [{ name, topicId: ZERO_UUID, partitionData: [{ index, records }] }],
      })
      return responses[0]!.partitionResponses[0]!
    })
    return baseOffset
  }

  async deleteRecords(name: string, partitionIndex: number, offset: bigint): Promise<void> {
    await patiently(`delete records of ${name}-${partitionIndex}`, async () => {
      const { topics } = await this.#connection.ask(DeleteRecords, 2, {
        topics: [{ name, partitions: [{ partitionIndex, offset }] }],
        timeoutMs: TIMEOUT_MS,
      })
      return topics[0]!.partitions[0]!
    })
  }

  /** What ListOffsets says of a time, or of -1 (the end), -2 (the start), -3 (the largest time). */
  async offsetFor(
    name: string,
    partitionIndex: number,
    timestamp: bigint,
    isolationLevel = 0,
  ): Promise<{ timestamp: bigint; offset: bigint }> {
    const found = await patiently(`offsets of ${name}-${partitionIndex}`, async () => {
      const { topics } = await this.#connection.ask(ListOffsets, 7, {
        replicaId: -1,
        isolationLevel,
        timeoutMs: TIMEOUT_MS,
        topics: [
          { name, partitions: [{ partitionIndex, currentLeaderEpoch: -1, timestamp, maxNumOffsets: 1 }] },
        ],
      })
      return topics[0]!.partitions[0]!
    })
    return { timestamp: found.timestamp, offset: found.offset }
  }

  /** The batches of a partition, each as it is stored. */
  async batches(topic: string, partition: number): Promise<Buffer[]> {
    return (await this.#read(topic, partition, READ_UNCOMMITTED)).batches
  }

  /**
   * The transactions that a consumer with read_committed is told to pass over, by the first of their batches that is left. An index that is
   * built anew after a crash, by either broker, knows no others: retention or compaction may have taken all but the marker.
   */
  async aborted(topic: string, partition: number): Promise<string[]> {
    const { batches, aborted } = await this.#read(topic, partition, READ_COMMITTED)
    const told = aborted.flatMap(({ producerId: id, firstOffset }) => {
      const first = batches.find(
        (batch) => producerId(batch, 0) === id && lastOffset(batch, 0) >= firstOffset,
      )
      return first && !isControlBatch(first, 0) ? [`${id} from ${baseOffset(first, 0)}`] : []
    })
    return [...new Set(told)].sort()
  }

  /** All that a consumer gets, from the start of the log on. */
  async #read(topic: string, partition: number, isolationLevel: number) {
    const batches: Buffer[] = []
    const aborted: AbortedTransaction[] = []
    let { offset } = await this.offsetFor(topic, partition, -2n, isolationLevel)
    const end = await this.offsetFor(topic, partition, -1n, isolationLevel)
    while (offset < end.offset) {
      const fetched = await this.#fetch(topic, partition, offset, isolationLevel)
      const whole = wholeBatches(fetched.bytes)
      // Compaction may have left nothing at the end.
      if (whole.length === 0) break
      batches.push(...whole)
      aborted.push(...fetched.aborted)
      offset = lastOffset(whole.at(-1)!, 0) + 1n
    }
    return { batches, aborted }
  }

  async #fetch(
    topic: string,
    partition: number,
    fetchOffset: bigint,
    isolationLevel: number,
  ): Promise<{ bytes: Buffer; aborted: readonly AbortedTransaction[] }> {
    const { records, abortedTransactions } = await patiently(`fetch ${topic}-${partition}`, async () => {
      const wanted = {
        partition,
        currentLeaderEpoch: -1,
        fetchOffset,
        lastFetchedEpoch: -1,
        logStartOffset: -1n,
        partitionMaxBytes: 4_000_000,
        replicaDirectoryId: ZERO_UUID,
        highWatermark: -1n,
      }
      const { responses } = await this.#connection.ask(Fetch, 12, {
        clusterId: null,
        replicaId: -1,
        replicaState: { replicaId: -1, replicaEpoch: -1n },
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: 8_000_000,
        isolationLevel,
        sessionId: 0,
        sessionEpoch: -1,
        topics: [{ topic, topicId: ZERO_UUID, partitions: [wanted] }],
        forgottenTopicsData: [],
        rackId: '',
      })
      return responses[0]!.partitions[0]!
    })
    const parts = records === null ? [] : Buffer.isBuffer(records) ? [records] : [...records]
    return { bytes: Buffer.concat(parts), aborted: abortedTransactions ?? [] }
  }

  /** Commits an offset of a group without members. */
  async commit(
    groupId: string,
    topic: string,
    partitionIndex: number,
    offset: bigint,
    metadata: string,
  ): Promise<void> {
    await this.#findCoordinator(groupId, 0)
    const partition = {
      partitionIndex,
      committedOffset: offset,
      commitTimestamp: -1n,
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    }
    await patiently(`commit of ${groupId}`, async () => {
      const { topics } = await this.#connection.ask(OffsetCommit, 8, {
        groupId,
        generationIdOrMemberEpoch: -1,
        memberId: '',
        groupInstanceId: null,
        retentionTimeMs: -1n,
        topics: [{ name: topic, topicId: ZERO_UUID, partitions: [partition] }],
      })
      return topics[0]!.partitions[0]!
    })
  }

  /** `keyType` 0 for a group, 1 for a transactional id. The first one makes the topic that the coordinator keeps. */
  async #findCoordinator(key: string, keyType: number): Promise<void> {
    await patiently(`find the coordinator of ${key}`, () =>
      this.#connection.ask(FindCoordinator, 2, { key, keyType, coordinatorKeys: [] }),
    )
  }

  async groups(): Promise<{ groupId: string; state: string; type: string }[]> {
    const { groups } = await patiently('list groups', () =>
      this.#connection.ask(ListGroups, 5, { statesFilter: [], typesFilter: [] }),
    )
    return groups
      .map(({ groupId, groupState, groupType }) => ({ groupId, state: groupState, type: groupType }))
      .sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  }

  /** All offsets that a group has committed. */
  async committed(groupId: string): Promise<Record<string, string>> {
    const { topics } = await patiently(`offsets of ${groupId}`, async () => {
      const group = { groupId, memberId: null, memberEpoch: -1, topics: null }
      const { groups } = await this.#connection.ask(OffsetFetch, 8, {
        groupId: '',
        topics: [],
        groups: [group],
        requireStable: false,
      })
      return groups[0]!
    })
    const rows = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset, metadata }) => {
        return [`${name}-${partitionIndex}`, `${committedOffset} ${metadata}`] as const
      }),
    )
    return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

function wholeBatches(bytes: Buffer): Buffer[] {
  const batches: Buffer[] = []
  for (let at = 0; at + 12 <= bytes.length && at + batchSizeInBytes(bytes, at) <= bytes.length; ) {
    const size = batchSizeInBytes(bytes, at)
    batches.push(Buffer.from(bytes.subarray(at, at + size)))
    at += size
  }
  return batches
}
