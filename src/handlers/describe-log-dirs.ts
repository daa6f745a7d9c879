import type { Partition } from '../log/partition.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import {
  DescribeLogDirs,
  type DescribeLogDirsRequest,
  type DescribeLogDirsTopic,
} from '../protocol/generated/describe-log-dirs.ts'
import { type BrokerServices, handler } from './handler.ts'

/**
 * DescribeLogDirs (key 35, KIP-113): sizes of the partitions in the broker's directory; the metadata log is not told of. 3 has an error
 * for the whole answer, 4 the room on the volume (KIP-827), 5 whether the directory takes new partitions (KIP-1066).
 */
export const describeLogDirs = handler(DescribeLogDirs, (request, { broker }) => {
  const { path, totalBytes, usableBytes } = broker.partitions.describeDirectory()
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    results: [
      {
        errorCode: ErrorCode.NONE,
        logDir: path,
        topics: describeTopics(broker, partitionsOf(request, broker)),
        totalBytes: BigInt(totalBytes),
        usableBytes: BigInt(usableBytes),
        isCordoned: false,
      },
    ],
  }
})

/** Those that were asked for and are here, each once. */
function partitionsOf(
  { topics }: DescribeLogDirsRequest,
  { partitions }: BrokerServices,
): Iterable<Partition> {
  if (topics === null) return partitions.all()
  const found = new Set<Partition>()
  for (const { topic, partitions: indexes } of topics) {
    for (const index of indexes) {
      const partition = partitions.get(topic, index)
      if (partition) found.add(partition)
    }
  }
  return found
}

function describeTopics({ partitions }: BrokerServices, wanted: Iterable<Partition>): DescribeLogDirsTopic[] {
  const topics = new Map<string, DescribeLogDirsTopic['partitions'][number][]>()
  for (const partition of wanted) {
    const row = {
      partitionIndex: partition.partition,
      partitionSize: BigInt(partitions.sizeInBytes(partition)),
      // A replica that lags behind, or moves to another directory, would have one.
      offsetLag: 0n,
      isFutureKey: false,
    }
    const rows = topics.get(partition.topic)
    if (rows) rows.push(row)
    else topics.set(partition.topic, [row])
  }
  return Array.from(topics, ([name, rows]) => ({ name, partitions: rows }))
}
