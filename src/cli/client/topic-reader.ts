import { ZERO_UUID } from '../../protocol/api.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { Fetch, type PartitionData } from '../../protocol/generated/fetch.ts'
import type { MetadataResponseTopic } from '../../protocol/generated/metadata.ts'
import { readRecords } from '../../protocol/record.ts'
import {
  batchSizeInBytes,
  isControlBatch,
  lastOffset,
  RECORD_BATCH_OVERHEAD,
} from '../../protocol/record-batch.ts'
import { check } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import type { ClientConnection } from './connection.ts'
import { byLeader, EARLIEST, listOffsets } from './topic-partitions.ts'

const MAX_WAIT_MS = 500
const MAX_BYTES = 8 * 1024 * 1024
const MAX_PARTITION_BYTES = 1024 * 1024

/** A record as it lies in a partition. */
export interface FetchedRecord {
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since the epoch; -1 for none. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}

/** From where to where to read a partition. */
export interface Range {
  readonly start: bigint
  /** Offset behind the last record; undefined goes on for ever. */
  readonly end: bigint | undefined
}

interface Position {
  readonly partition: number
  readonly end: bigint | undefined
  offset: bigint
}

/**
 * Reads partitions of a topic and hands each record to `take` until all have reached their end or `take` returns false. Partitions are
 * read side by side; within one the order is that of offsets. Throws `CommandError`.
 */
export async function readTopic(
  cluster: Cluster,
  topic: MetadataResponseTopic,
  ranges: ReadonlyMap<number, Range>,
  take: (record: FetchedRecord) => boolean,
  taken: () => Promise<void>,
): Promise<void> {
  const name = topic.name ?? ''
  let isDone = false
  const positions = topic.partitions.flatMap(({ partitionIndex, leaderId }) => {
    const range = ranges.get(partitionIndex)
    return range ? [{ partition: partitionIndex, leaderId, end: range.end, offset: range.start }] : []
  })
  await Promise.all(
    [...byLeader(positions)].map(async ([leaderId, led]) => {
      const leader = await cluster.broker(leaderId)
      for (;;) {
        const left = led.filter(({ offset, end }) => end === undefined || offset < end)
        if (left.length === 0 || isDone) return
        for (const data of await fetch(leader, name, left)) {
          const position = left.find(({ partition }) => partition === data.partitionIndex)
          if (!position || isDone) continue
          if (data.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) await skipDeleted(cluster, topic, position)
          else check(data.errorCode, `${name}-${position.partition}`)
          isDone = !takeAll(data, position, take)
        }
        await taken()
      }
    }),
  )
}

async function fetch(
  leader: ClientConnection,
  name: string,
  positions: readonly Position[],
): Promise<readonly PartitionData[]> {
  // Version 4 brought record batches; from 13 on topics go by their ids (KIP-516).
  const response = await leader.request(
    Fetch,
    { min: 4, max: 12 },
    () => ({
      clusterId: null,
      replicaId: -1,
      replicaState: { replicaId: -1, replicaEpoch: -1n },
      maxWaitMs: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes: MAX_BYTES,
      isolationLevel: 0,
      sessionId: 0,
      // No fetch session (KIP-227).
      sessionEpoch: -1,
      topics: [
        {
          topic: name,
          topicId: ZERO_UUID,
          partitions: positions.map(({ partition, offset }) => ({
            partition,
            currentLeaderEpoch: -1,
            fetchOffset: offset,
            lastFetchedEpoch: -1,
            logStartOffset: -1n,
            partitionMaxBytes: MAX_PARTITION_BYTES,
            replicaDirectoryId: ZERO_UUID,
            highWatermark: 0x7fffffffffffffffn,
          })),
        },
      ],
      forgottenTopicsData: [],
      rackId: '',
    }),
    MAX_WAIT_MS,
  )
  check(response.errorCode, 'fetch')
  return response.responses[0]?.partitions ?? []
}

/** The records at the position were deleted meanwhile: goes on with those that are there. */
async function skipDeleted(
  cluster: Cluster,
  topic: MetadataResponseTopic,
  position: Position,
): Promise<void> {
  const starts = await listOffsets(cluster, topic, EARLIEST, (partition) => partition === position.partition)
  const start = starts.get(position.partition) ?? position.offset
  const what = `${topic.name}-${position.partition} at offset ${position.offset}`
  if (start <= position.offset) check(ErrorCode.OFFSET_OUT_OF_RANGE, what)
  position.offset = start
}

/** Hands on the records from the position on and moves it; false as soon as nobody wants more. */
function takeAll(data: PartitionData, position: Position, take: (record: FetchedRecord) => boolean): boolean {
  const { records } = data
  if (records === null) return true
  const bytes = Buffer.isBuffer(records) ? records : Buffer.concat(records)
  let at = 0
  // The last batch may be cut off.
  while (at + RECORD_BATCH_OVERHEAD <= bytes.length && at + batchSizeInBytes(bytes, at) <= bytes.length) {
    const batch = bytes.subarray(at, at + batchSizeInBytes(bytes, at))
    at += batch.length
    if (!isControlBatch(batch, 0)) {
      for (const record of readRecords(batch)) {
        if (record.offset < position.offset) continue
        if (position.end !== undefined && record.offset >= position.end) break
        const { offset, timestamp, key, value, headers } = record
        if (!take({ partition: position.partition, offset, timestamp, key, value, headers })) return false
      }
    }
    position.offset = lastOffset(batch, 0) + 1n
  }
  return true
}
