import { ErrorCode } from '../protocol/error-code.ts'
import { OffsetDelete } from '../protocol/generated/offset-delete.ts'
import { orCode } from './group-caller.ts'
import { handler } from './handler.ts'

/** OffsetDelete (47, KIP-496): removes committed offsets; those of topics that the group's members read stay. */
export const offsetDelete = handler(OffsetDelete, ({ groupId, topics }, { broker }) => {
  const partitionCount = (name: string) => broker.metadata.topic(name)?.partitions.length ?? 0
  const toDelete = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions
      .map(({ partitionIndex }) => partitionIndex)
      .filter((index) => index < partitionCount(name)),
  }))
  const deleted = orCode(() => broker.groups.deleteOffsets(groupId, toDelete))
  if (!('answer' in deleted)) return { errorCode: deleted.code, throttleTimeMs: 0, topics: [] }
  return {
    errorCode: ErrorCode.NONE,
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode:
          partitionIndex >= 0 && partitionIndex < partitionCount(name)
            ? (deleted.answer.get(name) ?? ErrorCode.NONE)
            : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      })),
    })),
  }
})
