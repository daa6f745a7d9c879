import { ErrorCode } from '../protocol/error-code.ts'
import {
  OffsetDelete,
  type OffsetDeleteResponsePartition,
  type OffsetDeleteResponseTopic,
} from '../protocol/generated/offset-delete.ts'
import { orCode } from './group-caller.ts'
import { handler } from './handler.ts'
import { mergeRows } from './merge-rows.ts'

/** OffsetDelete (47, KIP-496): removes committed offsets; those of topics that the group's members read stay. */
export const offsetDelete = handler(OffsetDelete, ({ groupId, topics }, { broker }) => {
  const toDelete: { readonly name: string; readonly partitions: number[] }[] = []
  const refused: OffsetDeleteResponseTopic[] = []
  for (const { name, partitions } of topics) {
    const partitionCount = broker.metadata.topic(name)?.partitions.length
    const known: number[] = []
    const unknown: OffsetDeleteResponsePartition[] = []
    for (const { partitionIndex } of partitions) {
      if (partitionIndex >= 0 && partitionIndex < (partitionCount ?? 0)) known.push(partitionIndex)
      else unknown.push({ partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
    }
    if (unknown.length > 0 || partitionCount === undefined) refused.push({ name, partitions: unknown })
    if (known.length > 0) toDelete.push({ name, partitions: known })
  }
  const deleted = orCode(() => broker.groups.deleteOffsets(groupId, toDelete))
  if (!('answer' in deleted)) return { errorCode: deleted.code, throttleTimeMs: 0, topics: [] }
  const answered = toDelete.map(({ name, partitions }) => {
    const errorCode = deleted.answer.get(name) ?? ErrorCode.NONE
    return { name, partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode })) }
  })
  return {
    errorCode: ErrorCode.NONE,
    throttleTimeMs: 0,
    topics: mergeRows(refused, answered, ({ name }) => name),
  }
})
