import { InvalidRecordsError } from '../log/append-validation.ts'
import type { Partition } from '../log/partition.ts'
import { ApiError, ErrorCode } from '../protocol/error-code.ts'
import {
  type BatchIndexAndErrorMessage,
  type PartitionProduceData,
  type PartitionProduceResponse,
  Produce,
  type ProduceRequest,
  type TopicProduceData,
} from '../protocol/generated/produce.ts'
import { CloseConnectionError, handler, NO_RESPONSE, type RequestContext } from './handler.ts'
import { isInternalTopic } from './internal-topics.ts'
import { isTransactionalBatch, leadingBatch } from './produce/leading-batch.ts'

/** The one client that may write to internal topics, to repair them by hand. */
const ADMIN_CLIENT_ID = '__admin_client'

/** Errors for which Kafka does not tell the log start offset. */
const WITHOUT_LOG_START: ReadonlySet<number> = new Set([
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
])

const NO_RECORD_ERRORS: readonly BatchIndexAndErrorMessage[] = []
const NO_LEADER = { leaderId: -1, leaderEpoch: -1 }

/** Per version, so that an append allocates nothing for it. */
const requestInfos = Array.from({ length: Produce.maxVersion + 1 }, (_, produceVersion) => ({
  produceVersion,
}))

/**
 * Produce (key 0): appends record batches. The bytes go to the log as they came.
 *
 * - 0 and 1 carry message format 0, 2 format 1, which are refused for now with UNSUPPORTED_FOR_MESSAGE_FORMAT; 3 and newer exactly one
 *   batch of format 2 per partition (KIP-98), else INVALID_RECORD for that partition; 7 zstd (KIP-110); 8 errors per record (KIP-467);
 *   10 names the leader to turn to (KIP-951); 12 implies AddPartitionsToTxn (KIP-890); 13 topic ids (KIP-516).
 * - With acks 0 there is no answer; an error closes the connection, which is how such a client learns of it.
 */
export const produce = handler(Produce, (request, context) => {
  const refusal = refusalOf(request)
  const rows =
    request.topicData.length === 1 && request.topicData[0]!.partitionData.length === 1
      ? [only(request, request.topicData[0]!, refusal, context)]
      : several(request, refusal, context)
  if (request.acks === 0) {
    for (const { topic, row } of rows) {
      if (row.errorCode === ErrorCode.NONE) continue
      throw new CloseConnectionError(
        `produce without acknowledgement to ${topic.name}-${row.index}: error ${row.errorCode}`,
      )
    }
    return NO_RESPONSE
  }
  return { responses: grouped(rows), throttleTimeMs: 0, nodeEndpoints: [] }
})

interface Row {
  readonly topic: TopicProduceData
  readonly row: PartitionProduceResponse
}

/** An error that refuses the request as a whole. */
function refusalOf(request: ProduceRequest): ErrorCode {
  const { acks, transactionalId, topicData } = request
  if (acks !== -1 && acks !== 0 && acks !== 1) return ErrorCode.INVALID_REQUIRED_ACKS
  if (transactionalId === null) {
    for (const { partitionData } of topicData) {
      for (const { records } of partitionData) {
        if (isTransactionalBatch(records)) return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
      }
    }
  }
  return ErrorCode.NONE
}

function only(
  request: ProduceRequest,
  topic: TopicProduceData,
  refusal: ErrorCode,
  context: RequestContext,
): Row {
  const data = topic.partitionData[0]!
  if (refusal !== ErrorCode.NONE) return { topic, row: refused(data.index, refusal) }
  const partition = find(topic, data.index, context)
  const row =
    typeof partition === 'number' ? refused(data.index, partition) : append(request, data, partition, context)
  return { topic, row }
}

/** Of a partition that stands in the request twice the last one counts, and it gets one row: as in Kafka. */
function several(request: ProduceRequest, refusal: ErrorCode, context: RequestContext): Row[] {
  const rows: Row[] = []
  const wanted = new Map<Partition, { topic: TopicProduceData; data: PartitionProduceData }>()
  for (const topic of request.topicData) {
    for (const data of topic.partitionData) {
      const partition = refusal === ErrorCode.NONE ? find(topic, data.index, context) : refusal
      if (typeof partition === 'number') rows.push({ topic, row: refused(data.index, partition) })
      else wanted.set(partition, { topic, data })
    }
  }
  for (const [partition, { topic, data }] of wanted)
    rows.push({ topic, row: append(request, data, partition, context) })
  return rows
}

function find(topic: TopicProduceData, index: number, context: RequestContext): Partition | ErrorCode {
  const { broker, apiVersion, clientId } = context
  let { name } = topic
  if (apiVersion >= 13) {
    const known = broker.metadata.topicById(topic.topicId)
    if (!known) return ErrorCode.UNKNOWN_TOPIC_ID
    name = known.name
  }
  if (isInternalTopic(name) && clientId !== ADMIN_CLIENT_ID) return ErrorCode.INVALID_TOPIC_EXCEPTION
  return broker.partitions.get(name, index) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
}

function append(
  request: ProduceRequest,
  data: PartitionProduceData,
  partition: Partition,
  context: RequestContext,
): PartitionProduceResponse {
  const { index, records } = data
  const batch = leadingBatch(records, context.apiVersion)
  if (typeof batch === 'number') return refused(index, batch)
  // The partition is in no transaction that a coordinator knows, because there is none yet: to the client that is a retriable error.
  if (isTransactionalBatch(batch)) return refused(index, ErrorCode.NOT_ENOUGH_REPLICAS)
  if (request.acks === -1 && !hasEnoughReplicas(partition))
    return refused(index, ErrorCode.NOT_ENOUGH_REPLICAS)
  try {
    const info = partition.append(batch, partition.leaderEpoch, 'client', requestInfos[context.apiVersion])
    return {
      index,
      errorCode: ErrorCode.NONE,
      baseOffset: info.baseOffset,
      logAppendTimeMs: info.logAppendTimeMs,
      logStartOffset: info.logStartOffset,
      recordErrors: NO_RECORD_ERRORS,
      errorMessage: null,
      currentLeader: NO_LEADER,
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return failed(index, error, partition)
  }
}

/** A partition cannot ask for more replicas than it has. */
function hasEnoughReplicas(partition: Partition): boolean {
  return partition.isr.length >= Math.min(partition.config['min.insync.replicas'], partition.replicas.length)
}

function failed(index: number, error: ApiError, partition: Partition): PartitionProduceResponse {
  const row = refused(index, error.code)
  const logStartOffset = WITHOUT_LOG_START.has(error.code) ? -1n : partition.log.logStartOffset
  if (!(error instanceof InvalidRecordsError)) return { ...row, logStartOffset }
  return { ...row, logStartOffset, recordErrors: error.recordErrors, errorMessage: error.message }
}

function refused(index: number, errorCode: ErrorCode): PartitionProduceResponse {
  return {
    index,
    errorCode,
    baseOffset: -1n,
    logAppendTimeMs: -1n,
    logStartOffset: -1n,
    recordErrors: NO_RECORD_ERRORS,
    errorMessage: null,
    currentLeader: NO_LEADER,
  }
}

/** One entry per topic, also when the request names it twice. */
function grouped(rows: readonly Row[]) {
  if (rows.length === 1) {
    const { topic, row } = rows[0]!
    return [{ name: topic.name, topicId: topic.topicId, partitionResponses: [row] }]
  }
  const topics = new Map<
    string,
    { name: string; topicId: string; partitionResponses: PartitionProduceResponse[] }
  >()
  for (const { topic, row } of rows) {
    // One of the two is empty, as the version decides.
    const key = topic.name + topic.topicId
    const known = topics.get(key)
    if (known) known.partitionResponses.push(row)
    else topics.set(key, { name: topic.name, topicId: topic.topicId, partitionResponses: [row] })
  }
  return [...topics.values()]
}
