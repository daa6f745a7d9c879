import { createHash } from 'node:crypto'
import {
  baseOffset,
  crcOf,
  lastOffset,
  maxTimestamp,
  partitionLeaderEpoch,
  recordCount,
} from '../../src/protocol/record-batch.ts'
import { ClusterClient } from './cluster-client.ts'

/** All that clients can tell of a cluster and that has to be the same whichever broker serves it. */
export interface ClusterView {
  readonly clusterId: string | null
  readonly topics: Readonly<Record<string, TopicView>>
  readonly groups: Readonly<Record<string, GroupView>>
}

interface TopicView {
  readonly topicId: string
  readonly configs: Readonly<Record<string, string | null>>
  readonly partitions: readonly PartitionView[]
}

interface PartitionView {
  /** Start, end, and the place of the largest time. */
  readonly offsets: string
  /** A line for each batch, and a hash of their bytes. */
  readonly batches: readonly string[]
  readonly bytes: string
  /** What is found for times around those of the batches. */
  readonly byTime: readonly string[]
  /** Transactions whose records a consumer with read_committed does not get. */
  readonly aborted: readonly string[]
}

interface GroupView {
  readonly state: string
  readonly type: string
  readonly committed: Readonly<Record<string, string>>
}

/** Batches whose times are asked for: as many, spread over the log. */
const TIMES_ASKED = 6

/** Looks at everything, through one connection. */
export async function viewOf(bootstrapServers: string): Promise<ClusterView> {
  const client = await ClusterClient.open(bootstrapServers)
  try {
    const { clusterId, topics } = await client.metadata()
    const sorted = topics.map((topic) => topic.name!).sort()
    const configs = await client.topicConfigs(sorted)
    const views: Record<string, TopicView> = {}
    for (const name of sorted) {
      const { topicId, isInternal, partitions } = topics.find((topic) => topic.name === name)!
      const partitionViews: PartitionView[] = []
      // What is in there the groups tell; coordinators write to it whenever they like.
      if (!isInternal) {
        for (let partition = 0; partition < partitions.length; partition++) {
          partitionViews.push(await partitionView(client, name, partition))
        }
      }
      views[name] = { topicId, configs: configs.get(name)!, partitions: partitionViews }
    }
    return { clusterId, topics: views, groups: await groupViews(client) }
  } finally {
    client.close()
  }
}

/**
 * A view of Odradek, with Apache Kafka's answer for the times of which that one says that there is nothing: it looks no further than the
 * first segment that promises a time, and misses what is behind it when the record that it looked for was deleted or compacted away.
 */
export function asKafkaLooks(ours: ClusterView, kafka: ClusterView): ClusterView {
  const topics = Object.entries(ours.topics).map(([name, topic]) => {
    const partitions = topic.partitions.map((partition, index) => {
      const theirs = kafka.topics[name]?.partitions[index]?.byTime ?? []
      const byTime = partition.byTime.map((line, at) => {
        const miss = `${line.slice(0, line.indexOf(':'))}: -1 -1`
        return theirs[at] === miss ? miss : line
      })
      return { ...partition, byTime }
    })
    return [name, { ...topic, partitions }] as const
  })
  return { ...ours, topics: Object.fromEntries(topics) }
}

async function partitionView(
  client: ClusterClient,
  topic: string,
  partition: number,
): Promise<PartitionView> {
  const [start, end, latest, stable] = [
    await client.offsetFor(topic, partition, -2n),
    await client.offsetFor(topic, partition, -1n),
    await client.offsetFor(topic, partition, -3n),
    await client.offsetFor(topic, partition, -1n, 1),
  ]
  const batches = await client.batches(topic, partition)
  const hash = createHash('sha256')
  for (const batch of batches) hash.update(batch)
  const step = Math.max(1, Math.floor(batches.length / TIMES_ASKED))
  const times = new Set(batches.filter((_, at) => at % step === 0).flatMap((batch) => timesAround(batch)))
  const byTime: string[] = []
  const doubtfulUntil = latestOfEmpty(batches)
  for (const time of times) {
    if (time <= doubtfulUntil) continue
    const found = await client.offsetFor(topic, partition, time)
    byTime.push(`${time}: ${found.offset} ${found.timestamp}`)
  }
  return {
    offsets: `${start.offset} to ${end.offset}, stable ${stable.offset}, largest time ${latest.timestamp} at ${latest.offset}`,
    batches: batches.map(describeBatch),
    bytes: hash.digest('hex'),
    byTime,
    aborted: await client.aborted(topic, partition),
  }
}

/**
 * The largest time of a batch that compaction left without records. Apache Kafka looks no further than the first segment that promises a
 * time, and answers that there is none when it was such a batch; Odradek goes on to the records behind it.
 */
function latestOfEmpty(batches: readonly Buffer[]): bigint {
  let latest = -1n
  for (const batch of batches) {
    if (recordCount(batch, 0) === 0 && maxTimestamp(batch, 0) > latest) latest = maxTimestamp(batch, 0)
  }
  return latest
}

function timesAround(batch: Buffer): bigint[] {
  const time = maxTimestamp(batch, 0)
  return [time - 1n, time, time + 1n]
}

function describeBatch(batch: Buffer): string {
  const offsets = `${baseOffset(batch, 0)}-${lastOffset(batch, 0)}`
  return `${offsets} epoch ${partitionLeaderEpoch(batch, 0)} records ${recordCount(batch, 0)} bytes ${batch.length} crc ${crcOf(batch, 0)}`
}

async function groupViews(client: ClusterClient): Promise<Record<string, GroupView>> {
  const views: Record<string, GroupView> = {}
  for (const { groupId, state, type } of await client.groups()) {
    views[groupId] = { state, type, committed: await client.committed(groupId) }
  }
  return views
}
