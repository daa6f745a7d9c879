import { InvalidRecordsError } from '../log/append-rules.ts'
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
import { isTransactionalBatch, isUnreadable, leadingBatch } from './produce/leading-batch.ts'

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
 * Produce (key 0): appends record batches. The bytes go to the log as they came, but for older formats.
 *
 * - 0 and 1 carry message format 0, 2 format 1 (KIP-32), which become one batch of format 2; 3 and newer exactly one batch of format 2 per
 *   partition (KIP-98), else INVALID_RECORD for that partition; 7 zstd (KIP-110); 8 errors per record (KIP-467); 10 names the leader to
 *   turn to (KIP-951); 12 implies AddPartitionsToTxn (KIP-890); 13 topic ids (KIP-516).
 * - With acks 0 there is no answer; an error closes the connection, which is how such a client learns of it.
 */
export const produce = handler(Produce, (request, context) => {
  const refusal = refusalOf(request)
  const rows = refusal ? refuseAll(request, refusal) : rowsOf(request, context)
  if (!refusal) context.meter?.produced()
  if (request.acks === 0) {
    context.meter?.exempt()
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

/** A partition that may be written to, with the batch for it. */
interface Append {
  readonly topic: TopicProduceData
  readonly index: number
  readonly name: string
  readonly partition: Partition
  readonly batch: Buffer
}

interface Refusal {
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
}

/** What refuses the request as a whole: the first of these batches, in the order of the request. */
function refusalOf({ transactionalId, topicData }: ProduceRequest): Refusal | undefined {
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) {
      if (isUnreadable(records))
        return { errorCode: ErrorCode.CORRUPT_MESSAGE, errorMessage: 'the header of a batch cannot be read' }
      if (!isTransactionalBatch(records)) continue
      if (transactionalId !== null) return undefined
      return { errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, errorMessage: null }
    }
  }
  return undefined
}

function refuseAll({ topicData }: ProduceRequest, { errorCode, errorMessage }: Refusal): Row[] {
  const rows = new Map<string, Row>()
  for (const topic of topicData) {
    for (const { index } of topic.partitionData)
      rows.set(keyOf(topic, index), { topic, row: { ...refused(index, errorCode), errorMessage } })
  }
  return [...rows.values()]
}

/** Of name and id one is empty, as the version decides. */
function keyOf({ name, topicId }: TopicProduceData, index: number): string {
  return `${name}${topicId}:${index}`
}

function rowsOf(request: ProduceRequest, context: RequestContext): Row[] {
  const first = request.topicData[0]
  if (request.topicData.length !== 1 || first!.partitionData.length !== 1) return several(request, context)
  const wanted = prepare(first!, first!.partitionData[0]!, context)
  return [isRow(wanted) ? wanted : { topic: first!, row: append(request, wanted, context) }]
}

/**
 * A partition that stands in the request twice gets one row. The last batch that could be read is appended; the row tells of one that
 * could not: as in Kafka.
 */
function several(request: ProduceRequest, context: RequestContext): Row[] {
  const failed = new Map<string, Row>()
  const wanted = new Map<string, Append>()
  for (const topic of request.topicData) {
    for (const data of topic.partitionData) {
      const key = keyOf(topic, data.index)
      const prepared = prepare(topic, data, context)
      if (isRow(prepared)) failed.set(key, prepared)
      else wanted.set(key, prepared)
    }
  }
  const rows = [...failed.values()]
  for (const [key, prepared] of wanted) {
    const row = append(request, prepared, context)
    if (!failed.has(key)) rows.push({ topic: prepared.topic, row })
  }
  return rows
}

function isRow(prepared: Append | Row): prepared is Row {
  return 'row' in prepared
}

/** Finds the partition and looks at the outside of the batch. */
function prepare(topic: TopicProduceData, data: PartitionProduceData, context: RequestContext): Append | Row {
  const { broker, apiVersion } = context
  const { index } = data
  let { name } = topic
  if (apiVersion >= 13) {
    const known = broker.metadata.topicById(topic.topicId)
    if (!known) return { topic, row: refused(index, ErrorCode.UNKNOWN_TOPIC_ID) }
    name = known.name
  }
  const partition = broker.partitions.get(name, index)
  if (!partition) return { topic, row: refused(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) }
  const batch = leadingBatch(data.records, apiVersion)
  if (typeof batch === 'number') return { topic, row: refused(index, batch) }
  return { topic, index, name, partition, batch }
}

function append(
  { acks }: ProduceRequest,
  { index, name, partition, batch }: Append,
  { apiVersion, clientId }: RequestContext,
): PartitionProduceResponse {
  if (acks !== -1 && acks !== 0 && acks !== 1) return refused(index, ErrorCode.INVALID_REQUIRED_ACKS)
  // There is no transaction coordinator yet that could know the transactional id.
  if (isTransactionalBatch(batch)) return refused(index, ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  if (isInternalTopic(name) && clientId !== ADMIN_CLIENT_ID)
    return refused(index, ErrorCode.INVALID_TOPIC_EXCEPTION)
  if (acks === -1 && !hasEnoughReplicas(partition)) return refused(index, ErrorCode.NOT_ENOUGH_REPLICAS)
  try {
    // Versions 0 to 2 may bring nothing, and are told that all went well.
    if (batch.length === 0)
      return { ...refused(index, ErrorCode.NONE), logStartOffset: partition.log.logStartOffset }
    const info = partition.append(batch, partition.leaderEpoch, 'client', requestInfos[apiVersion])
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
