import { ZERO_UUID } from '../../src/protocol/api.ts'
import { buildBatch } from '../../src/protocol/batch-builder.ts'
import { Fetch } from '../../src/protocol/generated/fetch.ts'
import { readRecords } from '../../src/protocol/record.ts'
import { baseOffset, batchSizeInBytes, isControlBatch, producerId } from '../../src/protocol/record-batch.ts'
import { ApiConnection } from '../client/api-connection.ts'
import { patiently } from './patience.ts'
import type { TransactionalProducer } from './transactional-producer.ts'

const READ_COMMITTED = 1

/** One transaction: a record on partition 0 of a topic, and an offset of a group. */
export async function runTransaction(
  producer: TransactionalProducer,
  topic: string,
  value: string,
  groupId: string,
  offset: bigint,
  end: 'commit' | 'abort',
): Promise<void> {
  const records = buildBatch({
    baseOffset: 0n,
    leaderEpoch: -1,
    ...producer.producer,
    // Each transaction has an epoch of its own, whose sequence numbers begin anew.
    baseSequence: 0,
    isTransactional: true,
    records: [{ key: null, value: Buffer.from(value), headers: [], timestamp: BigInt(Date.now()) }],
  })
  await producer.add(topic, 0)
  await producer.produce(topic, 0, records)
  await producer.commitOffset(groupId, topic, offset, value)
  await producer.end(end === 'commit')
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
