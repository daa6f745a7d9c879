import { xxh3 } from '../../../protocol/xxh3.ts'
import type { GroupTopic, GroupTopics } from './topics.ts'

/** First byte of what is hashed for a topic: the version of that layout. */
const LAYOUT = 0

/** Hashes of topics, kept until a topic changes. */
export class TopicHashes {
  readonly #topics: GroupTopics
  readonly #hashes = new Map<string, bigint>()

  constructor(topics: GroupTopics) {
    this.#topics = topics
  }

  /** The hash of a group that subscribes to these topics; those that do not exist do not count. */
  ofGroup(names: Iterable<string>): bigint {
    const hashes = new Map<string, bigint>()
    for (const name of names) {
      const hash = this.#of(name)
      if (hash !== undefined) hashes.set(name, hash)
    }
    return groupMetadataHash(hashes)
  }

  forget(name: string): void {
    this.#hashes.delete(name)
  }

  #of(name: string): bigint | undefined {
    const topic = this.#topics.byName(name)
    if (!topic) return undefined
    let hash = this.#hashes.get(name)
    if (hash === undefined) {
      hash = topicMetadataHash(topic)
      this.#hashes.set(name, hash)
    }
    return hash
  }
}

/** What a ConsumerGroupMetadata record keeps of a group's topics: one number that is other when a topic has changed (KIP-1101). */
export function groupMetadataHash(topicHashes: ReadonlyMap<string, bigint>): bigint {
  if (topicHashes.size === 0) return 0n
  const bytes = Buffer.alloc(topicHashes.size * 8)
  for (const [i, name] of [...topicHashes.keys()].sort().entries()) {
    bytes.writeBigInt64LE(BigInt.asIntN(64, topicHashes.get(name)!), i * 8)
  }
  return BigInt.asIntN(64, xxh3(bytes))
}

/** Over a topic's id, name, partitions and their racks. */
export function topicMetadataHash(topic: GroupTopic): bigint {
  const parts = [
    Buffer.from([LAYOUT]),
    uuidBytes(topic.topicId),
    text(topic.name),
    number(topic.partitionCount),
  ]
  for (let partition = 0; partition < topic.partitionCount; partition++) {
    parts.push(number(partition))
    for (const rack of [...topic.racks(partition)].sort()) parts.push(number(rack.length), text(rack))
  }
  return BigInt.asIntN(64, xxh3(Buffer.concat(parts)))
}

/** A `Uuid` as two little-endian numbers. */
function uuidBytes(topicId: string): Buffer {
  const bytes = Buffer.from(topicId, 'base64url')
  bytes.subarray(0, 8).reverse()
  bytes.subarray(8).reverse()
  return bytes
}

/** UTF-16, then how many units that were. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from(value, 'utf16le'), number(value.length)])
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
