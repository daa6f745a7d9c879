import { MalformedMessageError, Reader } from '../../protocol/reader.ts'

/** Later versions are read as this one: it adds the rack (KIP-881), 2 the generation, 1 the partitions that are owned (KIP-429). */
const LAST_KNOWN_VERSION = 3

/**
 * Topics of a consumer's subscription blob. As in Kafka all of it has to be readable, not only the topics. Undefined when the bytes are
 * something else.
 */
export function subscribedTopics(blob: Buffer): readonly string[] | undefined {
  const reader = new Reader(blob)
  try {
    const version = Math.min(reader.int16('version'), LAST_KNOWN_VERSION)
    if (version < 0) return undefined
    const topics = Array.from({ length: reader.arrayLength('topics', 2) }, () => reader.string('topic'))
    reader.nullableBytes('userData')
    if (version >= 1) skipOwnedPartitions(reader)
    if (version >= 2) reader.int32('generationId')
    if (version >= 3) reader.nullableString('rackId')
    return topics
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined
    throw error
  }
}

function skipOwnedPartitions(reader: Reader): void {
  for (let topics = reader.arrayLength('ownedPartitions', 6); topics > 0; topics--) {
    reader.string('topic')
    for (let left = reader.arrayLength('partitions', 4); left > 0; left--) reader.int32('partition')
  }
}
