import { ZERO_UUID } from '../../src/protocol/api.ts'
import { AddOffsetsToTxn } from '../../src/protocol/generated/add-offsets-to-txn.ts'
import { AddPartitionsToTxn } from '../../src/protocol/generated/add-partitions-to-txn.ts'
import { EndTxn } from '../../src/protocol/generated/end-txn.ts'
import { FindCoordinator } from '../../src/protocol/generated/find-coordinator.ts'
import { InitProducerId } from '../../src/protocol/generated/init-producer-id.ts'
import { Produce } from '../../src/protocol/generated/produce.ts'
import { TxnOffsetCommit } from '../../src/protocol/generated/txn-offset-commit.ts'
import { ApiConnection } from '../client/api-connection.ts'
import { patiently } from './patience.ts'

const TIMEOUT_MS = 20_000
/** The transaction before is not over yet. */
const CONCURRENT_TRANSACTIONS = 51
/** Kinds of keys of a coordinator. */
const OF_GROUP = 0
const OF_TRANSACTION = 1

/** A producer with a transactional id, for a broker that has transactions. */
export class TransactionalProducer {
  readonly #connection: ApiConnection
  readonly #transactionalId: string
  #producerId = -1n
  #producerEpoch = -1

  private constructor(connection: ApiConnection, transactionalId: string) {
    this.#connection = connection
    this.#transactionalId = transactionalId
  }

  static async open(bootstrapServers: string, transactionalId: string): Promise<TransactionalProducer> {
    const producer = new TransactionalProducer(await ApiConnection.open(bootstrapServers), transactionalId)
    await producer.#init()
    return producer
  }

  get producer(): { readonly producerId: bigint; readonly producerEpoch: number } {
    return { producerId: this.#producerId, producerEpoch: this.#producerEpoch }
  }

  close(): void {
    this.#connection.close()
  }

  /** Resolves when the transaction before is over, with all its markers written. */
  async #init(): Promise<void> {
    const transactionalId = this.#transactionalId
    await this.#findCoordinator(transactionalId, OF_TRANSACTION)
    const request = {
      transactionalId,
      transactionTimeoutMs: 60_000,
      producerId: -1n,
      producerEpoch: -1,
      enable2Pc: false,
      keepPreparedTxn: false,
    }
    const { producerId, producerEpoch } = await patiently(
      `init ${transactionalId}`,
      () => this.#connection.ask(InitProducerId, 4, request),
      CONCURRENT_TRANSACTIONS,
    )
    this.#producerId = producerId
    this.#producerEpoch = producerEpoch
  }

  /** Takes a partition into the transaction, which begins with the first. */
  async add(topic: string, partition: number): Promise<void> {
    await patiently(
      `add ${topic} to ${this.#transactionalId}`,
      async () => {
        const { resultsByTopicV3AndBelow } = await this.#connection.ask(AddPartitionsToTxn, 3, {
          transactions: [],
          v3AndBelowTransactionalId: this.#transactionalId,
          v3AndBelowProducerId: this.#producerId,
          v3AndBelowProducerEpoch: this.#producerEpoch,
          v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
        })
        return { errorCode: resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode }
      },
      CONCURRENT_TRANSACTIONS,
    )
  }

  async produce(name: string, index: number, records: Buffer): Promise<void> {
    await patiently(`produce to ${name}-${index} in a transaction`, async () => {
      const { responses } = await this.#connection.ask(Produce, 9, {
        transactionalId: this.#transactionalId,
        acks: -1,
        timeoutMs: TIMEOUT_MS,
        topicData: [{ name, topicId: ZERO_UUID, partitionData: [{ index, records }] }],
      })
      return responses[0]!.partitionResponses[0]!
    })
  }

  /** Commits an offset of partition 0 of a topic as part of the transaction. */
  async commitOffset(groupId: string, topic: string, offset: bigint, metadata: string): Promise<void> {
    const transaction = { transactionalId: this.#transactionalId, ...this.producer, groupId }
    await this.#findCoordinator(groupId, OF_GROUP)
    await patiently(`add offsets of ${groupId}`, () => this.#connection.ask(AddOffsetsToTxn, 3, transaction))
    await patiently(`commit offsets of ${groupId}`, async () => {
      const partition = {
        partitionIndex: 0,
        committedOffset: offset,
        committedLeaderEpoch: -1,
        committedMetadata: metadata,
      }
      const { topics } = await this.#connection.ask(TxnOffsetCommit, 3, {
        ...transaction,
        generationId: -1,
        memberId: '',
        groupInstanceId: null,
        topics: [{ name: topic, partitions: [partition] }],
      })
      return topics[0]!.partitions[0]!
    })
  }

  /** Ends the transaction, and waits until all of it is written. */
  async end(committed: boolean): Promise<void> {
    await patiently(`end the transaction of ${this.#transactionalId}`, () =>
      this.#connection.ask(EndTxn, 3, {
        transactionalId: this.#transactionalId,
        producerId: this.#producerId,
        producerEpoch: this.#producerEpoch,
        committed,
      }),
    )
    await this.#init()
  }

  /** The first one makes the topic that the coordinator keeps. */
  async #findCoordinator(key: string, keyType: number): Promise<void> {
    await patiently(`find the coordinator of ${key}`, () =>
      this.#connection.ask(FindCoordinator, 2, { key, keyType, coordinatorKeys: [] }),
    )
  }
}
