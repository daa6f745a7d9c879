import { ZERO_UUID } from '../../src/protocol/api.ts'
import { CreateTopics } from '../../src/protocol/generated/create-topics.ts'
import { DeleteTopics } from '../../src/protocol/generated/delete-topics.ts'
import { ListOffsets } from '../../src/protocol/generated/list-offsets.ts'
import { Produce } from '../../src/protocol/generated/produce.ts'
import { type FrameClient, type PreparedRequest, prepareRequest } from './frame-client.ts'

/** Versions that Apache Kafka from 2.4 on and most others serve; topics go by name in them. */
const CREATE_TOPICS = 5
const DELETE_TOPICS = 4
const LIST_OFFSETS = 5
export const PRODUCE = 9
export const FETCH = 12

const LATEST = -1n
/** Answers that a new topic may give before its leader is known. */
const NOT_YET: ReadonlySet<number> = new Set([3, 5, 6])
const PATIENCE_MS = 10_000

export async function createTopic(client: FrameClient, name: string, numPartitions: number): Promise<void> {
  const { topics } = await client.request(CreateTopics, CREATE_TOPICS, {
    topics: [
      {
        name,
        numPartitions,
        replicationFactor: 1,
        assignments: [],
        // What a run has deleted shall not fill the page cache of the next.
        configs: [{ name: 'file.delete.delay.ms', value: '500' }],
      },
    ],
    timeoutMs: 30_000,
    validateOnly: false,
  })
  const code = topics[0]?.errorCode
  if (code !== 0)
    throw new Error(`cannot create the topic ${name}: error ${code}, ${topics[0]?.errorMessage}`)
}

export async function deleteTopic(client: FrameClient, name: string): Promise<void> {
  await client.request(DeleteTopics, DELETE_TOPICS, {
    topics: [],
    topicNames: [name],
    timeoutMs: 30_000,
  })
}

/** A Produce request of one batch for each of the partitions, acknowledged by all replicas. */
export function prepareProduce(topic: string, partitions: readonly number[], batch: Buffer): PreparedRequest {
  return prepareRequest(Produce, PRODUCE, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 30_000,
    topicData: [
      {
        name: topic,
        topicId: ZERO_UUID,
        partitionData: partitions.map((index) => ({ index, records: batch })),
      },
    ],
  })
}

/** Sends a batch to every partition until each has taken one: from then on the topic can be used. */
export async function produceUntilTaken(
  client: FrameClient,
  topic: string,
  partitions: number,
  batch: Buffer,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs
  for (let partition = 0; partition < partitions; ) {
    const code = await new Promise<number>((resolve, reject) => {
      client.onFailure = reject
      client.send(prepareProduce(topic, [partition], batch), (body) =>
        resolve(Produce.response.decode(body, PRODUCE).responses[0]!.partitionResponses[0]!.errorCode),
      )
    })
    if (code === 0) partition++
    else if (!NOT_YET.has(code) || performance.now() > deadline)
      throw new Error(`${topic}-${partition} takes no records: error ${code}`)
    else await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** Offset behind the last record of each partition. */
export async function endOffsets(client: FrameClient, topic: string, partitions: number): Promise<number[]> {
  const { topics } = await client.request(ListOffsets, LIST_OFFSETS, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [
      {
        name: topic,
        partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
          partitionIndex,
          currentLeaderEpoch: -1,
          timestamp: LATEST,
          maxNumOffsets: 1,
        })),
      },
    ],
    timeoutMs: 30_000,
  })
  const rows = topics[0]?.partitions ?? []
  return Array.from({ length: partitions }, (_, index) => {
    const row = rows.find(({ partitionIndex }) => partitionIndex === index)
    if (row?.errorCode !== 0)
      throw new Error(`${topic}-${index} does not tell its end: error ${row?.errorCode}`)
    return Number(row.offset)
  })
}
