import { setTimeout as delay } from 'node:timers/promises'
import { ZERO_UUID } from '../../src/protocol/api.ts'
import { buildBatch } from '../../src/protocol/batch-builder.ts'
import { AddOffsetsToTxn } from '../../src/protocol/generated/add-offsets-to-txn.ts'
import { AddPartitionsToTxn } from '../../src/protocol/generated/add-partitions-to-txn.ts'
import { EndTxn } from '../../src/protocol/generated/end-txn.ts'
import { Fetch } from '../../src/protocol/generated/fetch.ts'
import { FindCoordinator } from '../../src/protocol/generated/find-coordinator.ts'
import { InitProducerId } from '../../src/protocol/generated/init-producer-id.ts'
import { Produce } from '../../src/protocol/generated/produce.ts'
import { TxnOffsetCommit } from '../../src/protocol/generated/txn-offset-commit.ts'
import { readRecords } from '../../src/protocol/record.ts'
import { baseOffset, batchSizeInBytes, isControlBatch, producerId } from '../../src/protocol/record-batch.ts'
import { ApiConnection } from '../client/api-connection.ts'

const TIMEOUT_MS = 20_000
/** Errors of a coordinator that is not ready, or still at the transaction before. */
const PASSING = new Set([3, 14, 15, 16, 51])
const READ_COMMITTED = 1
/** Kinds of keys of a coordinator. */
const GROUP = 0
const TRANSACTION = 1

/** A producer of transactions on partition 0 of a topic, which sends the offsets of a group along. */
export class Transactions {
  readonly #connection: ApiConnection
  readonly #transactionalId: string
  #producerId = -1n
  #producerEpoch = -1
  #sequence = 0

  private constructor(connection: ApiConnection, transactionalId: string) {
    this.#connection = connection
    this.#transactionalId = transactionalId
  }

  static async open(bootstrapServers: string, transactionalId: string): Promise<Transactions> {
    const connection = await ApiConnection.open(bootstrapServers)
    const transactions = new Transactions(connection, transactionalId)
    await findCoordinator(connection, transactionalId, TRANSACTION)
    const producer = await patiently('init', () =>
      connection.ask(InitProducerId, 4, {
        transactionalId,
        transactionTimeoutMs: 60_000,
        producerId: -1n,
        producerEpoch: -1,
        enable2Pc: false,
        keepPreparedTxn: false,
      }),
    )
    transactions.#producerId = producer.producerId
    transactions.#producerEpoch = producer.producerEpoch
    return transactions
  }

  close(): void {
    this.#connection.close()
  }

  /** Writes a record and an offset of `groupId` in a transaction, and ends that. */
  async run(
    topic: string,
    value: string,
    groupId: string,
    offset: bigint,
    end: 'commit' | 'abort',
  ): Promise<void> {
    const transactionalId = this.#transactionalId
    const producer = { producerId: this.#producerId, producerEpoch: this.#producerEpoch }
    await patiently('add a partition', async () => {
      const { resultsByTopicV3AndBelow } = await this.#connection.ask(AddPartitionsToTxn, 3, {
        transactions: [],
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: this.#producerId,
        v3AndBelowProducerEpoch: this.#producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [0] }],
      })
      return { errorCode: resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode }
    })
    await patiently('produce', async () => {
      const { responses } = await this.#connection.ask(Produce, 9, {
        transactionalId,
        acks: -1,
        timeoutMs: TIMEOUT_MS,
        topicData: [
          { name: topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records: this.#batch(value) }] },
        ],
      })
      return responses[0]!.partitionResponses[0]!
    })
    this.#sequence++
    await findCoordinator(this.#connection, groupId, GROUP)
    await patiently('add offsets', () =>
      this.#connection.ask(AddOffsetsToTxn, 3, { transactionalId, ...producer, groupId }),
    )
    await patiently('commit offsets', async () => {
      const partition = {
        partitionIndex: 0,
        committedOffset: offset,
        committedLeaderEpoch: -1,
        committedMetadata: value,
      }
      const { topics } = await this.#connection.ask(TxnOffsetCommit, 3, {
        transactionalId,
        groupId,
        ...producer,
        generationId: -1,
        memberId: '',
        groupInstanceId: null,
        topics: [{ name: topic, partitions: [partition] }],
      })
      return topics[0]!.partitions[0]!
    })
    await patiently(end, () =>
      this.#connection.ask(EndTxn, 3, { transactionalId, ...producer, committed: end === 'commit' }),
    )
  }

  #batch(value: string): Buffer {
    return buildBatch({
      baseOffset: 0n,
      leaderEpoch: -1,
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
      baseSequence: this.#sequence,
      isTransactional: true,
      records: [{ key: null, value: Buffer.from(value), headers: [], timestamp: BigInt(Date.now()) }],
    })
  }
}

/** The first one makes the topic that the coordinator keeps. */
async function findCoordinator(connection: ApiConnection, key: string, keyType: number): Promise<void> {
  await patiently(`find the coordinator of ${key}`, () =>
    connection.ask(FindCoordinator, 2, { key, keyType, coordinatorKeys: [] }),
  )
}

/** The values in partition 0 of a topic that a consumer reads which sees only what was committed. */
export async function committedValues(bootstrapServers: string, topic: string): Promise<string[]> {
  const connection = await ApiConnection.open(bootstrapServers)
  try {
    const found = await patiently('fetch', async () => {
      const partition = {
        partition: 0,
        currentLeaderEpoch: -1,
        fetchOffset: 0n,
        lastFetchedEpoch: -1,
        logStartOffset: -1n,
        partitionMaxBytes: 1_000_000,
        replicaDirectoryId: ZERO_UUID,
        highWatermark: -1n,
      }
      const { responses } = await connection.ask(Fetch, 12, {
        clusterId: null,
        replicaId: -1,
        replicaState: { replicaId: -1, replicaEpoch: -1n },
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: 1_000_000,
        isolationLevel: READ_COMMITTED,
        sessionId: 0,
        sessionEpoch: -1,
        topics: [{ topic, topicId: ZERO_UUID, partitions: [partition] }],
        forgottenTopicsData: [],
        rackId: '',
      })
      return responses[0]!.partitions[0]!
    })
    const { records } = found
    const bytes =
      records === null ? Buffer.alloc(0) : Buffer.isBuffer(records) ? records : Buffer.concat([...records])
    return valuesIn(bytes, found.abortedTransactions ?? [])
  } finally {
    connection.close()
  }
}

/** As clients do it: what an aborted transaction wrote from its first offset to its mark is passed over. */
function valuesIn(
  bytes: Buffer,
  abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[],
): string[] {
  const pending = [...abortedTransactions]
  const aborting = new Set<bigint>()
  const values: string[] = []
  for (let at = 0; at < bytes.length; ) {
    const batch = bytes.subarray(at, at + batchSizeInBytes(bytes, at))
    at += batch.length
    for (const { producerId: aborted, firstOffset } of pending)
      if (firstOffset === baseOffset(batch, 0)) aborting.add(aborted)
    const producer = producerId(batch, 0)
    if (isControlBatch(batch, 0)) aborting.delete(producer)
    else if (!aborting.has(producer))
      for (const { value } of readRecords(batch)) values.push(value!.toString())
  }
  return values
}

async function patiently<Answer extends { readonly errorCode: number }>(
  what: string,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const deadline = performance.now() + TIMEOUT_MS
  for (;;) {
    const answer = await ask()
    if (answer.errorCode === 0) return answer
    if (!PASSING.has(answer.errorCode) || performance.now() > deadline)
      throw new Error(`${what}: error ${answer.errorCode}`)
    await delay(50)
  }
}
