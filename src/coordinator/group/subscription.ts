import type { Codec } from '../../protocol/api.ts'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../protocol/generated/group-blobs.ts'
import { MalformedMessageError, Reader } from '../../protocol/reader.ts'
import { Writer } from '../../protocol/writer.ts'

/** Later versions of the blobs are read as this one. */
const LAST_KNOWN_VERSION = 3

/**
 * Topics of a consumer's subscription blob. As in Kafka all of it has to be readable, not only the topics. Undefined when the bytes are
 * something else.
 */
export function subscribedTopics(blob: Buffer): readonly string[] | undefined {
  return readSubscription(blob)?.topics
}

/** What a consumer of the classic protocol says about itself; undefined when the bytes are something else. */
export function readSubscription(blob: Buffer): ConsumerProtocolSubscription | undefined {
  return read(ConsumerProtocolSubscription, blob)
}

/** What the leader gave to a consumer of the classic protocol; undefined when the bytes are something else. */
export function readAssignment(blob: Buffer): ConsumerProtocolAssignment | undefined {
  return read(ConsumerProtocolAssignment, blob)
}

/** An assignment in the version in which the consumer wrote its subscription. */
export function writeAssignment(assignment: ConsumerProtocolAssignment, subscription: Buffer): Buffer {
  const version = Math.min(subscription.readInt16BE(0), LAST_KNOWN_VERSION)
  const writer = new Writer(256)
  writer.int16(version)
  ConsumerProtocolAssignment.encode(writer, assignment, version)
  return writer.finishCopy()
}

/** A blob begins with its version. */
function read<Blob>(codec: Codec<Blob>, blob: Buffer): Blob | undefined {
  const reader = new Reader(blob)
  try {
    const version = Math.min(reader.int16('version'), LAST_KNOWN_VERSION)
    return version < 0 ? undefined : codec.decode(reader, version)
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined
    throw error
  }
}
