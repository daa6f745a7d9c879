/** What may stand behind the 20 digits. */
export type SegmentSuffix = '.log' | '.index' | '.timeindex' | '.txnindex' | '.snapshot'

/** `00000000000000000042.log` in a folder. */
export function segmentPath(directory: string, baseOffset: bigint, suffix: SegmentSuffix): string {
  return `${directory}/${baseOffset.toString().padStart(20, '0')}${suffix}`
}

/** The parts of such a name; undefined when it is none. */
export function parseSegmentName(name: string): { baseOffset: bigint; suffix: SegmentSuffix } | undefined {
  const match = /^(\d{20})(\.log|\.index|\.timeindex|\.txnindex|\.snapshot)$/.exec(name)
  return match ? { baseOffset: BigInt(match[1]!), suffix: match[2] as SegmentSuffix } : undefined
}

const MAX_NAME_LENGTH = 255

/** `topic-7`. */
export function partitionDirectoryName(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/** Topic and partition of a folder's name; undefined when it is none. */
export function parsePartitionDirectoryName(name: string): { topic: string; partition: number } | undefined {
  const match = /^([a-zA-Z0-9._-]{1,249})-(0|[1-9]\d{0,9})$/.exec(name)
  return match ? { topic: match[1]!, partition: Number(match[2]) } : undefined
}

/** `topic-7.<32 hex>-delete` (or `-stray`): the topic's name is cut so that the whole stays a legal file name. */
export function detachedDirectoryName(
  topic: string,
  partition: number,
  uniqueId: Buffer,
  suffix: 'delete' | 'stray',
): string {
  const rest = `-${partition}.${uniqueId.toString('hex')}-${suffix}`
  return topic.slice(0, MAX_NAME_LENGTH - rest.length) + rest
}

/** Is that the folder of a deleted partition? */
export function isDeletedDirectoryName(name: string): boolean {
  return /\.[0-9a-f]{32}-delete$/.test(name)
}

/** Is that a folder that belongs to no partition in use: deleted, put aside, or being moved by Apache Kafka? */
export function isDetachedDirectoryName(name: string): boolean {
  return /\.[0-9a-f]{32}-(delete|stray|future)$/.test(name)
}
