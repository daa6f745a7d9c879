import type { TopicImage } from '../metadata/metadata-image.ts'
import { topicNameFault } from '../metadata/topic-names.ts'
import { ZERO_UUID } from '../protocol/api.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsRequestCursor,
  type DescribeTopicPartitionsResponse,
  type DescribeTopicPartitionsResponseTopic,
} from '../protocol/generated/describe-topic-partitions.ts'
import { handler } from './handler.ts'
import { isInternalTopic } from './internal-topics.ts'
import { NOT_ASKED, topicOperations } from './topics/authorized-operations.ts'
import { ClusterView } from './topics/cluster-view.ts'

/**
 * DescribeTopicPartitions (key 75, KIP-966): partitions of some topics, or of all, by name, a page at a time. A page ends when it holds
 * as many partitions as the client or the broker allows, and says where the next one begins.
 */
export const describeTopicPartitions = handler(DescribeTopicPartitions, (request, context) => {
  const { broker } = context
  const { cursor } = request
  const asked = new Set(request.topics.map(({ name }) => name))
  if (cursor && (cursor.partitionIndex < 0 || (asked.size > 0 && !asked.has(cursor.topicName)))) {
    return refuse([...asked])
  }
  const limit = Math.min(
    request.responsePartitionLimit,
    broker.config.get('max.request.partition.size.limit'),
  )
  const page = new Page(new ClusterView(context), cursor, Math.max(limit, 1))
  const names = asked.size > 0 ? asked : broker.metadata.topics.keys()
  for (const name of Array.from(names).sort()) {
    if (cursor && name < cursor.topicName) continue
    if (!page.add(name, broker.metadata.topic(name))) break
  }
  return page.response()
})

function refuse(names: readonly string[]): DescribeTopicPartitionsResponse {
  return {
    throttleTimeMs: 0,
    topics: names.map((name) => absent(name, ErrorCode.INVALID_REQUEST, NOT_ASKED)),
    nextCursor: null,
  }
}

function absent(
  name: string,
  errorCode: number,
  topicAuthorizedOperations: number,
): DescribeTopicPartitionsResponseTopic {
  return {
    errorCode,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations,
  }
}

/** One answer, filled topic by topic. */
class Page {
  readonly #view: ClusterView
  readonly #cursor: DescribeTopicPartitionsRequestCursor | null
  #room: number
  readonly #topics: DescribeTopicPartitionsResponseTopic[] = []
  #nextCursor: DescribeTopicPartitionsRequestCursor | null = null

  constructor(view: ClusterView, cursor: DescribeTopicPartitionsRequestCursor | null, room: number) {
    this.#view = view
    this.#cursor = cursor
    this.#room = room
  }

  /** Adds a topic; false when the page was full before its end. */
  add(name: string, topic: TopicImage | undefined): boolean {
    if (this.#room === 0) return this.#endAt(name, 0)
    if (!topic) {
      const isLegal = topicNameFault(name) === undefined
      const errorCode = isLegal ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION
      this.#topics.push(absent(name, errorCode, topicOperations(true)))
      return true
    }
    const from = this.#cursor?.topicName === name ? this.#cursor.partitionIndex : 0
    const partitions = topic.partitions.slice(from, from + this.#room)
    this.#room -= partitions.length
    this.#topics.push({
      errorCode: ErrorCode.NONE,
      name,
      topicId: topic.topicId,
      isInternal: isInternalTopic(name),
      partitions: partitions.map((partition) => ({
        ...this.#view.place(partition, ErrorCode.LISTENER_NOT_FOUND),
        eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
        lastKnownElr: partition.lastKnownElr,
      })),
      topicAuthorizedOperations: topicOperations(true),
    })
    const end = from + partitions.length
    return end >= topic.partitions.length || this.#endAt(name, end)
  }

  #endAt(topicName: string, partitionIndex: number): false {
    this.#nextCursor = { topicName, partitionIndex }
    return false
  }

  response(): DescribeTopicPartitionsResponse {
    return { throttleTimeMs: 0, topics: this.#topics, nextCursor: this.#nextCursor }
  }
}
