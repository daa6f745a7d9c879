import { ErrorCode } from '../protocol/error-code.ts'
import {
  AlterReplicaLogDirs,
  type AlterReplicaLogDirTopicResult,
} from '../protocol/generated/alter-replica-log-dirs.ts'
import { handler } from './handler.ts'

/**
 * AlterReplicaLogDirs (key 34, KIP-113): moves replicas to other directories of the broker. It has one, so that a replica is where it
 * shall be already, or is asked into a directory that is not the broker's. A replica that stands there twice goes by the last one.
 */
export const alterReplicaLogDirs = handler(AlterReplicaLogDirs, ({ dirs }, { broker: { partitions } }) => {
  const wanted = new Map<string, Map<number, string>>()
  for (const { path, topics } of dirs) {
    for (const { name, partitions: indexes } of topics) {
      for (const index of indexes) {
        const ofTopic = wanted.get(name) ?? new Map<number, string>()
        wanted.set(name, ofTopic.set(index, path))
      }
    }
  }
  const { path: directory } = partitions.describeDirectory()
  const errorOf = (topic: string, index: number, path: string): ErrorCode => {
    if (path !== directory) return ErrorCode.LOG_DIR_NOT_FOUND
    return partitions.get(topic, index) ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  }
  const results = Array.from(wanted, ([topicName, ofTopic]): AlterReplicaLogDirTopicResult => {
    const rows = Array.from(ofTopic, ([partitionIndex, path]) => ({
      partitionIndex,
      errorCode: errorOf(topicName, partitionIndex, path),
    }))
    return { topicName, partitions: rows }
  })
  return { throttleTimeMs: 0, results }
})
