import type { Partition } from '../log/partition.ts'
import type { TimestampedOffset } from '../log/partition-log.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  ListOffsets,
  type ListOffsetsPartition,
  type ListOffsetsPartitionResponse,
  type ListOffsetsRequest,
  type ListOffsetsTopicResponse,
} from '../protocol/generated/list-offsets.ts'
import { handler, type RequestContext } from './handler.ts'
import { checkLeaderEpoch } from './leader-epoch.ts'

/** KIP-320 */
const FIRST_VERSION_WITH_LEADER_EPOCH = 4
const LATEST = -1n
const EARLIEST = -2n
const MAX_TIMESTAMP = -3n
const EARLIEST_LOCAL = -4n
const LATEST_TIERED = -5n
const EARLIEST_PENDING_UPLOAD = -6n

/** The first version in which a negative timestamp has a meaning of its own. */
const sinceVersion: ReadonlyMap<bigint, number> = new Map([
  [LATEST, 0],
  [EARLIEST, 0],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
])

const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1

/**
 * ListOffsets (key 2): the offset at either end of a partition, or the first one at or after a time.
 *
 * - 0 lists several offsets, the newest first; 1 answers one, with the record's own time (KIP-79); 2 read_committed (KIP-98);
 *   4 leader epochs (KIP-320); 7 the record with the largest timestamp (KIP-734); 8 earliest local, 9 last tiered, 11 earliest pending
 *   upload: without tiered storage (KIP-405) all is local and nothing is tiered.
 */
export const listOffsets = handler(ListOffsets, (request, context) => {
  const { isolationLevel } = request
  if (context.apiVersion === 0) return { throttleTimeMs: 0, topics: listOldStyle(request, context) }
  const isReadCommitted = isolationLevel === READ_COMMITTED
  const isLevelKnown = isReadCommitted || isolationLevel === READ_UNCOMMITTED
  return {
    throttleTimeMs: 0,
    topics: Array.from(wantedOf(request), ([name, partitions]) => ({
      name,
      partitions: Array.from(partitions.values(), ({ wanted, isRepeated }) => {
        if (!isLevelKnown) return unknown(wanted.partitionIndex, ErrorCode.UNKNOWN_SERVER_ERROR)
        if (isRepeated) return unknown(wanted.partitionIndex, ErrorCode.INVALID_REQUEST)
        return listPartition(name, wanted, isReadCommitted, context)
      }),
    })),
  }
})

interface WantedPartition {
  readonly wanted: ListOffsetsPartition
  readonly isRepeated: boolean
}

/** A topic has one entry, also when the request names it twice; a partition that is asked for twice gets one row, and an error. */
function wantedOf({ topics }: ListOffsetsRequest): Map<string, Map<number, WantedPartition>> {
  const all = new Map<string, Map<number, WantedPartition>>()
  for (const { name, partitions } of topics) {
    if (partitions.length === 0) continue
    const known = all.get(name) ?? new Map<number, WantedPartition>()
    all.set(name, known)
    for (const wanted of partitions)
      known.set(wanted.partitionIndex, { wanted, isRepeated: known.has(wanted.partitionIndex) })
  }
  return all
}

function listPartition(
  topic: string,
  wanted: ListOffsetsPartition,
  isReadCommitted: boolean,
  { broker, apiVersion }: RequestContext,
): ListOffsetsPartitionResponse {
  const { partitionIndex, timestamp, currentLeaderEpoch } = wanted
  if (timestamp < 0n && apiVersion < (sinceVersion.get(timestamp) ?? Number.POSITIVE_INFINITY)) {
    return unknown(partitionIndex, ErrorCode.UNSUPPORTED_VERSION)
  }
  const partition = broker.partitions.get(topic, partitionIndex)
  if (!partition) return unknown(partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const errorCode = checkLeaderEpoch(partition, currentLeaderEpoch)
  if (errorCode !== ErrorCode.NONE) return unknown(partitionIndex, errorCode)
  try {
    const end = isReadCommitted ? partition.log.lastStableOffset : partition.log.highWatermark
    const found = lookUp(partition, timestamp, end)
    if (!found) return unknown(partitionIndex, ErrorCode.NONE)
    const leaderEpoch = apiVersion >= FIRST_VERSION_WITH_LEADER_EPOCH ? found.leaderEpoch : -1
    return { ...unknown(partitionIndex, ErrorCode.NONE), ...found, leaderEpoch }
  } catch (error) {
    if (error instanceof ApiError) return unknown(partitionIndex, error.code)
    throw error
  }
}

/** The answer for one time. The two ends of a partition are places, not records: they have no timestamp. */
function lookUp(partition: Partition, timestamp: bigint, end: bigint): TimestampedOffset | undefined {
  const { log, leaderEpoch } = partition
  switch (timestamp) {
    case LATEST:
      return { timestamp: -1n, offset: end, leaderEpoch }
    case EARLIEST:
    case EARLIEST_LOCAL: {
      const offset = log.logStartOffset
      return {
        timestamp: -1n,
        offset,
        leaderEpoch: offset < log.logEndOffset ? log.epochForOffset(offset) : leaderEpoch,
      }
    }
    case LATEST_TIERED:
      return undefined
    case EARLIEST_PENDING_UPLOAD:
      return undefined
    case MAX_TIMESTAMP:
      return log.maxTimestampOffset()
    default: {
      const found = log.offsetForTimestamp(timestamp)
      return found && found.offset < end ? found : undefined
    }
  }
}

/** Version 0: nothing is merged, every row is answered in its place. */
function listOldStyle({ topics }: ListOffsetsRequest, context: RequestContext): ListOffsetsTopicResponse[] {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((wanted) => listPartitionOldStyle(name, wanted, context)),
  }))
}

function listPartitionOldStyle(
  topic: string,
  wanted: ListOffsetsPartition,
  { broker }: RequestContext,
): ListOffsetsPartitionResponse {
  const { partitionIndex, timestamp, maxNumOffsets } = wanted
  if (timestamp < EARLIEST) return unknown(partitionIndex, ErrorCode.UNSUPPORTED_VERSION)
  const partition = broker.partitions.get(topic, partitionIndex)
  if (!partition) return unknown(partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  if (maxNumOffsets < 0) return unknown(partitionIndex, ErrorCode.UNKNOWN_SERVER_ERROR)
  return {
    ...unknown(partitionIndex, ErrorCode.NONE),
    oldStyleOffsets: offsetsBefore(partition, timestamp, broker.clock.now()).slice(0, maxNumOffsets),
  }
}

/**
 * The offsets at which segments begin, and the end, which is of this moment, as far as they were there at a time; the newest first. Kafka
 * goes by the last change of a segment's file. We go by its largest timestamp; records without one count as just written, so that a
 * client that looks for older ones begins too early rather than too late.
 */
function offsetsBefore({ log }: Partition, timestamp: bigint, nowMs: number): bigint[] {
  const now = BigInt(nowMs)
  const { segments } = log.describe()
  const places = segments.map(({ baseOffset, maxTimestamp, sizeInBytes }) => {
    const isCut = baseOffset < log.logStartOffset
    const isTimeless = maxTimestamp < 0n && sizeInBytes > 0
    return { offset: isCut ? log.logStartOffset : baseOffset, timestamp: isTimeless ? now : maxTimestamp }
  })
  const isLastUsed = segments.at(-1)!.sizeInBytes > 0
  if (isLastUsed) places.push({ offset: log.logEndOffset, timestamp: now })
  const isThere = (place: { timestamp: bigint }) => timestamp === LATEST || place.timestamp <= timestamp
  const last = timestamp === EARLIEST ? 0 : places.findLastIndex(isThere)
  const offsets = places.slice(0, last + 1).map(({ offset }) => offset)
  const visible = offsets.filter((offset) => offset <= log.highWatermark)
  if (visible.length < offsets.length) visible.push(log.highWatermark)
  return visible.reverse()
}

function unknown(partitionIndex: number, errorCode: number): ListOffsetsPartitionResponse {
  return { partitionIndex, errorCode, oldStyleOffsets: [], timestamp: -1n, offset: -1n, leaderEpoch: -1 }
}
