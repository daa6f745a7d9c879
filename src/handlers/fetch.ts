import type { Partition } from '../log/partition.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  Fetch,
  type FetchableTopicResponse,
  type FetchRequest,
  type FetchResponse,
  type PartitionData,
} from '../protocol/generated/fetch.ts'
import { Writer } from '../protocol/writer.ts'
import type { RequestMeter } from '../quotas/request-meter.ts'
import { errorRow, FetchOperation } from './fetch/fetch-operation.ts'
import type { FetchContext, FetchedRow, FetchTarget } from './fetch/fetch-sessions.ts'
import {
  convertRow,
  FIRST_VERSION_WITH_WHOLE_BATCH,
  FIRST_VERSION_WITH_ZSTD,
  unknownCodecRow,
} from './fetch/old-formats.ts'
import { type BrokerServices, handler, type RequestContext } from './handler.ts'

const READ_COMMITTED = 1

/** Only to see how long an answer is; what is written to it goes nowhere. */
const measure = new Writer()

/**
 * Fetch (key 1): records from an offset on, waiting for them when there are too few.
 *
 * - 0 and 1 are for message format 0, 2 and 3 for format 1: records are stored in format 2 and converted down. All transactions are seen.
 * - 3 total limit, and the first batch comes even if it is larger (KIP-74), before that the limit of a partition is hard; 4 format 2,
 *   read_committed (KIP-98); 5 log start offset; 7 sessions (KIP-227); 9 the client's leader epoch (KIP-320); 10 zstd (KIP-110); 11 rack
 *   (followers do not serve consumers here yet); 12 diverging epochs (KIP-595); 13 topic ids (KIP-516); 16 and 18 tell followers more.
 */
export const fetch = handler(Fetch, (request, context) => {
  const { broker, apiVersion, meter } = context
  if (request.isolationLevel !== 0 && request.isolationLevel !== READ_COMMITTED)
    return refuse(request, apiVersion)
  const usesTopicIds = apiVersion >= 13
  const session = broker.fetchSessions.begin({
    sessionId: request.sessionId,
    sessionEpoch: request.sessionEpoch,
    usesTopicIds,
    targets: targetsOf(request),
    forgotten: forgottenOf(request),
  })
  if (session.kind === 'error') return respond(session.errorCode, 0, [])

  const isFromFollower = (apiVersion >= 15 ? request.replicaState.replicaId : request.replicaId) >= 0
  if (isFromFollower) meter?.exempt()
  const maxBytes = Math.min(
    request.maxBytes,
    broker.config.get('fetch.max.bytes'),
    isFromFollower || !meter ? Number.POSITIVE_INFINITY : meter.maxFetchBytes(),
  )
  const limits = {
    maxBytes,
    minBytes: Math.min(request.minBytes, maxBytes),
    isReadCommitted: request.isolationLevel === READ_COMMITTED,
    hasFirstBatchRule: apiVersion >= FIRST_VERSION_WITH_WHOLE_BATCH,
    isFromFollower,
  }
  const operation = new FetchOperation(session.targets, limits, (target) =>
    find(broker, target, usesTopicIds),
  )
  const rows =
    request.maxWaitMs <= 0 || operation.isReady()
      ? operation.rows()
      : park(operation, request.maxWaitMs, context)
  if (rows instanceof Promise) return rows.then((all) => metered(session, all, context, isFromFollower))
  return metered(session, rows, context, isFromFollower)
})

/** The answer, unless its client has had too much already. */
function metered(
  session: ServedContext,
  rows: PartitionData[],
  context: RequestContext,
  isFromFollower: boolean,
): FetchResponse {
  const { meter } = context
  if (meter && !isFromFollower && isTooMuch(session, rows, context, meter)) return throttled(session)
  return answer(session, rows, context)
}

function park(
  operation: FetchOperation,
  maxWaitMs: number,
  { broker, connection }: RequestContext,
): Promise<PartitionData[]> {
  const done = operation.whenDone()
  const parked = broker.fetchPurgatory.park(operation, operation.watched(), maxWaitMs)
  connection.onDisconnect = () => parked.cancel()
  return done
}

function find(broker: BrokerServices, target: FetchTarget, usesTopicIds: boolean): Partition | ErrorCode {
  if (!usesTopicIds) {
    return broker.partitions.get(target.topic, target.partition) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  }
  const partition = broker.partitions.byTopicId(target.topicId, target.partition)
  if (partition) {
    target.topic = partition.topic
    return partition
  }
  const topic = broker.metadata.topicById(target.topicId)
  if (topic) target.topic = topic.name
  // Created again in the meantime, under another id.
  else if (broker.partitions.get(target.topic, target.partition)) return ErrorCode.INCONSISTENT_TOPIC_ID
  // A session that knew the name of a topic which is gone says 3; an id that nobody knew says 100.
  return target.topic === '' ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
}

type ServedContext = Exclude<FetchContext, { kind: 'error' }>

function answer(session: ServedContext, rows: PartitionData[], context: RequestContext): FetchResponse {
  const { broker, apiVersion } = context
  const { targets } = session
  const served =
    apiVersion >= FIRST_VERSION_WITH_ZSTD
      ? rows
      : rows.map((row, i) => forOldClient(row, targets[i]!, context))
  if (session.kind === 'sessionless') return respond(ErrorCode.NONE, 0, grouped(targets, served))
  if (session.kind === 'full') {
    const created = broker.fetchSessions.create(targets, served.map(seenBySession), apiVersion >= 13)
    return respond(ErrorCode.NONE, created?.id ?? 0, grouped(targets, served))
  }
  if (session.session.epoch !== session.epoch) return respond(ErrorCode.INVALID_FETCH_SESSION_EPOCH, 0, [])
  const isNews = session.session.told(targets, served.map(seenBySession))
  const news = grouped(
    targets.filter((_, i) => isNews[i]),
    served.filter((_, i) => isNews[i]),
  )
  return respond(ErrorCode.NONE, session.session.id, news)
}

/** Counts what would be sent, before any conversion, and changes nothing. */
function isTooMuch(
  session: ServedContext,
  rows: PartitionData[],
  { apiVersion }: RequestContext,
  meter: RequestMeter,
): boolean {
  const { targets } = session
  let isSent: readonly boolean[] | undefined
  if (session.kind === 'incremental') {
    const isValid = session.session.epoch === session.epoch
    isSent = isValid ? session.session.isNews(targets, rows.map(seenBySession)) : rows.map(() => false)
  }
  const topics = grouped(
    isSent ? targets.filter((_, i) => isSent[i]) : targets,
    isSent ? rows.filter((_, i) => isSent[i]) : rows,
  )
  return meter.fetched(sizeOf(respond(ErrorCode.NONE, 0, topics), apiVersion))
}

/** As Kafka counts it: the length in front as well, the header not. */
function sizeOf(response: FetchResponse, apiVersion: number): number {
  measure.reset()
  Fetch.response.encode(measure, response, apiVersion)
  const bytes = 4 + measure.size
  measure.reset()
  return bytes
}

/** Nothing, to ask again for when the client is no longer held back. Its session is as if it had not asked. */
function throttled(session: ServedContext): FetchResponse {
  if (session.kind !== 'incremental') return respond(ErrorCode.NONE, 0, [])
  const isValid = session.session.epoch === session.epoch
  const errorCode = isValid ? ErrorCode.NONE : ErrorCode.INVALID_FETCH_SESSION_EPOCH
  return respond(errorCode, session.session.id, [])
}

function respond(errorCode: number, sessionId: number, responses: FetchableTopicResponse[]): FetchResponse {
  return { throttleTimeMs: 0, errorCode, sessionId, responses, nodeEndpoints: [] }
}

/** Rows of one topic that follow each other stand under one name; the order stays. */
function grouped(targets: readonly FetchTarget[], rows: readonly PartitionData[]): FetchableTopicResponse[] {
  const topics: { topic: string; topicId: string; partitions: PartitionData[] }[] = []
  let last: (typeof topics)[number] | undefined
  for (let i = 0; i < targets.length; i++) {
    const { topic, topicId } = targets[i]!
    if (last === undefined || last.topic !== topic || last.topicId !== topicId) {
      last = { topic, topicId, partitions: [] }
      topics.push(last)
    }
    last.partitions.push(rows[i]!)
  }
  return topics
}

function targetsOf(request: FetchRequest): FetchTarget[] {
  const targets: FetchTarget[] = []
  for (const { topic, topicId, partitions } of request.topics) {
    for (const {
      partition,
      fetchOffset,
      partitionMaxBytes,
      currentLeaderEpoch,
      lastFetchedEpoch,
    } of partitions) {
      targets.push({
        topic,
        topicId,
        partition,
        fetchOffset,
        maxBytes: partitionMaxBytes,
        currentLeaderEpoch,
        lastFetchedEpoch,
      })
    }
  }
  return targets.length > 1 ? distinct(targets) : targets
}

/** A partition that stands in the request twice is fetched once: in its first place, as it was asked for last. */
function distinct(targets: FetchTarget[]): FetchTarget[] {
  const topics = new Map<string, Map<number, number>>()
  const kept: FetchTarget[] = []
  for (const target of targets) {
    // One of the two is empty or zero, as the version decides.
    const key = target.topic || target.topicId
    let places = topics.get(key)
    if (!places) {
      places = new Map()
      topics.set(key, places)
    }
    const place = places.get(target.partition)
    if (place === undefined) places.set(target.partition, kept.push(target) - 1)
    else kept[place] = target
  }
  return kept
}

function forgottenOf(request: FetchRequest): Pick<FetchTarget, 'topic' | 'topicId' | 'partition'>[] {
  return request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
    partitions.map((partition) => ({ topic, topicId, partition })),
  )
}

function seenBySession(row: PartitionData): FetchedRow {
  return {
    errorCode: row.errorCode,
    highWatermark: row.highWatermark,
    logStartOffset: row.logStartOffset,
    hasRecords: hasRecords(row),
    hasDivergingEpoch: row.divergingEpoch.epoch >= 0,
  }
}

function hasRecords({ records }: PartitionData): boolean {
  return records !== null && records.length > 0
}

/** What a client before zstd (KIP-110) gets: it is refused topics that are kept in it, and given the message format that it knows. */
function forOldClient(
  row: PartitionData,
  target: FetchTarget,
  { broker, apiVersion }: RequestContext,
): PartitionData {
  const partition = broker.partitions.get(target.topic, target.partition)
  if (partition?.config['compression.type'] === 'zstd') {
    return unknownCodecRow(target, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
  }
  return convertRow(row, target, apiVersion)
}

/** An isolation level that does not exist: like Kafka an error for all, before version 13 in each partition too. */
function refuse(request: FetchRequest, apiVersion: number): FetchResponse {
  const errorCode = ErrorCode.UNKNOWN_SERVER_ERROR
  const targets = apiVersion < 13 ? targetsOf(request) : []
  const rows = targets.map((target) => errorRow(target, errorCode, []))
  return respond(errorCode, 0, grouped(targets, rows))
}
