import type { RecordCodec, Uuid } from '../../../protocol/api.ts'
import {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
  type TopicPartitions,
} from '../../../protocol/generated/consumer-group-records.ts'
import { Reader } from '../../../protocol/reader.ts'
import { Writer } from '../../../protocol/writer.ts'
import type { CoordinatorRecord } from '../../runtime.ts'
import type { ConsumerMember } from './consumer-member.ts'
import { type HeldPartitions, listed, type TargetPartitions } from './partitions.ts'

/** All values have one version so far. */
const VERSION = 0

/** Topics that a regular expression matched, at which version of the metadata and when (KIP-848). */
export interface ResolvedRegex {
  readonly topics: readonly string[]
  readonly version: bigint
  readonly timestampMs: bigint
}

interface OfGroup {
  readonly groupId: string
}

interface OfMember extends OfGroup {
  readonly memberId: string
}

/** A record of `__consumer_offsets` about a group of the consumer protocol. A null value removes what it is about. */
export type ConsumerGroupRecord =
  | (OfGroup & { readonly kind: 'group-epoch'; readonly value: ConsumerGroupMetadataValue | null })
  /** Written by Apache Kafka 4.0 only; later versions keep a hash in its place, and write its tombstone. */
  | (OfGroup & { readonly kind: 'partition-metadata'; readonly value: object | null })
  | (OfMember & { readonly kind: 'member'; readonly value: ConsumerGroupMemberMetadataValue | null })
  | (OfGroup & {
      readonly kind: 'target-epoch'
      readonly value: ConsumerGroupTargetAssignmentMetadataValue | null
    })
  | (OfMember & { readonly kind: 'target'; readonly value: ConsumerGroupTargetAssignmentMemberValue | null })
  | (OfMember & {
      readonly kind: 'current'
      readonly value: ConsumerGroupCurrentMemberAssignmentValue | null
    })
  | (OfGroup & { readonly kind: 'regex'; readonly regex: string; readonly value: ResolvedRegex | null })

/** Reads a record; undefined for a type that is none of these. */
export function readConsumerGroupRecord({ key, value }: CoordinatorRecord): ConsumerGroupRecord | undefined {
  switch (key.readInt16BE(0)) {
    case ConsumerGroupMetadataKey.key:
      return {
        kind: 'group-epoch',
        ...decoded(ConsumerGroupMetadataKey, key),
        value: value && decoded(ConsumerGroupMetadataValue, value),
      }
    case ConsumerGroupPartitionMetadataKey.key:
      return { kind: 'partition-metadata', ...decoded(ConsumerGroupPartitionMetadataKey, key), value }
    case ConsumerGroupMemberMetadataKey.key:
      return {
        kind: 'member',
        ...decoded(ConsumerGroupMemberMetadataKey, key),
        value: value && decoded(ConsumerGroupMemberMetadataValue, value),
      }
    case ConsumerGroupTargetAssignmentMetadataKey.key:
      return {
        kind: 'target-epoch',
        ...decoded(ConsumerGroupTargetAssignmentMetadataKey, key),
        value: value && decoded(ConsumerGroupTargetAssignmentMetadataValue, value),
      }
    case ConsumerGroupTargetAssignmentMemberKey.key:
      return {
        kind: 'target',
        ...decoded(ConsumerGroupTargetAssignmentMemberKey, key),
        value: value && decoded(ConsumerGroupTargetAssignmentMemberValue, value),
      }
    case ConsumerGroupCurrentMemberAssignmentKey.key:
      return {
        kind: 'current',
        ...decoded(ConsumerGroupCurrentMemberAssignmentKey, key),
        value: value && decoded(ConsumerGroupCurrentMemberAssignmentValue, value),
      }
    case ConsumerGroupRegularExpressionKey.key: {
      const { groupId, regularExpression } = decoded(ConsumerGroupRegularExpressionKey, key)
      const resolved = value && decoded(ConsumerGroupRegularExpressionValue, value)
      return {
        kind: 'regex',
        groupId,
        regex: regularExpression,
        value: resolved && {
          topics: resolved.topics,
          version: resolved.version,
          timestampMs: resolved.timestamp,
        },
      }
    }
    default:
      return undefined
  }
}

/** Makes records of consumer groups. Each shard has one, so that a record costs no buffer but its own. */
export class ConsumerGroupRecordWriter {
  readonly #writer = new Writer(1024)

  groupEpoch(groupId: string, epoch: number, metadataHash: bigint): CoordinatorRecord {
    return this.#record(ConsumerGroupMetadataKey, { groupId }, ConsumerGroupMetadataValue, {
      epoch,
      metadataHash,
    })
  }

  groupEpochTombstone(groupId: string): CoordinatorRecord {
    return this.#tombstone(ConsumerGroupMetadataKey, { groupId })
  }

  partitionMetadataTombstone(groupId: string): CoordinatorRecord {
    return this.#tombstone(ConsumerGroupPartitionMetadataKey, { groupId })
  }

  member(groupId: string, member: ConsumerMember): CoordinatorRecord {
    const { memberId } = member
    return this.#record(
      ConsumerGroupMemberMetadataKey,
      { groupId, memberId },
      ConsumerGroupMemberMetadataValue,
      {
        instanceId: member.instanceId,
        rackId: member.rackId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        subscribedTopicNames: [...member.subscribedTopicNames].sort(),
        subscribedTopicRegex: member.subscribedTopicRegex,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        serverAssignor: member.serverAssignor,
        classicMemberMetadata: member.classic,
      },
    )
  }

  memberTombstone(groupId: string, memberId: string): CoordinatorRecord {
    return this.#tombstone(ConsumerGroupMemberMetadataKey, { groupId, memberId })
  }

  targetEpoch(groupId: string, assignmentEpoch: number, assignmentTimestamp: bigint): CoordinatorRecord {
    return this.#record(
      ConsumerGroupTargetAssignmentMetadataKey,
      { groupId },
      ConsumerGroupTargetAssignmentMetadataValue,
      { assignmentEpoch, assignmentTimestamp },
    )
  }

  targetEpochTombstone(groupId: string): CoordinatorRecord {
    return this.#tombstone(ConsumerGroupTargetAssignmentMetadataKey, { groupId })
  }

  target(groupId: string, memberId: string, partitions: TargetPartitions): CoordinatorRecord {
    return this.#record(
      ConsumerGroupTargetAssignmentMemberKey,
      { groupId, memberId },
      ConsumerGroupTargetAssignmentMemberValue,
      { topicPartitions: listed(partitions) },
    )
  }

  targetTombstone(groupId: string, memberId: string): CoordinatorRecord {
    return this.#tombstone(ConsumerGroupTargetAssignmentMemberKey, { groupId, memberId })
  }

  current(groupId: string, member: ConsumerMember): CoordinatorRecord {
    const { memberId } = member
    return this.#record(
      ConsumerGroupCurrentMemberAssignmentKey,
      { groupId, memberId },
      ConsumerGroupCurrentMemberAssignmentValue,
      {
        memberEpoch: member.memberEpoch,
        previousMemberEpoch: member.previousMemberEpoch,
        state: member.state,
        assignedPartitions: withEpochs(member.assigned),
        partitionsPendingRevocation: withEpochs(member.pendingRevocation),
      },
    )
  }

  currentTombstone(groupId: string, memberId: string): CoordinatorRecord {
    return this.#tombstone(ConsumerGroupCurrentMemberAssignmentKey, { groupId, memberId })
  }

  regex(groupId: string, regex: string, resolved: ResolvedRegex): CoordinatorRecord {
    return this.#record(
      ConsumerGroupRegularExpressionKey,
      { groupId, regularExpression: regex },
      ConsumerGroupRegularExpressionValue,
      { topics: resolved.topics, version: resolved.version, timestamp: resolved.timestampMs },
    )
  }

  regexTombstone(groupId: string, regex: string): CoordinatorRecord {
    return this.#tombstone(ConsumerGroupRegularExpressionKey, { groupId, regularExpression: regex })
  }

  /** All that is in the log of a member that goes. In this order, as a member is only gone once nothing belongs to it any more. */
  removedMember(groupId: string, memberId: string): CoordinatorRecord[] {
    return [
      this.currentTombstone(groupId, memberId),
      this.targetTombstone(groupId, memberId),
      this.memberTombstone(groupId, memberId),
    ]
  }

  /** All that is in the log of a group. */
  removedGroup(
    groupId: string,
    memberIds: readonly string[],
    regexes: readonly string[],
  ): CoordinatorRecord[] {
    return [
      ...memberIds.map((memberId) => this.currentTombstone(groupId, memberId)),
      ...memberIds.map((memberId) => this.targetTombstone(groupId, memberId)),
      this.targetEpochTombstone(groupId),
      ...memberIds.map((memberId) => this.memberTombstone(groupId, memberId)),
      ...regexes.map((regex) => this.regexTombstone(groupId, regex)),
      this.partitionMetadataTombstone(groupId),
      this.groupEpochTombstone(groupId),
    ]
  }

  #record<Key, Value>(
    keyCodec: RecordCodec<Key>,
    key: Key,
    valueCodec: RecordCodec<Value>,
    value: Value,
  ): CoordinatorRecord {
    return { key: this.#encode(keyCodec, keyCodec.key, key), value: this.#encode(valueCodec, VERSION, value) }
  }

  #tombstone<Key>(codec: RecordCodec<Key>, key: Key): CoordinatorRecord {
    return { key: this.#encode(codec, codec.key, key), value: null }
  }

  #encode<Message>(codec: RecordCodec<Message>, prefix: number, message: Message): Buffer {
    this.#writer.reset()
    this.#writer.int16(prefix)
    codec.encode(this.#writer, message, VERSION)
    return this.#writer.finishCopy()
  }
}

function withEpochs(held: HeldPartitions): TopicPartitions[] {
  return Array.from(held, ([topicId, epochs]: [Uuid, ReadonlyMap<number, number>]) => ({
    topicId,
    partitions: [...epochs.keys()],
    assignmentEpochs: [...epochs.values()],
  }))
}

/** A key begins with the type of its record, a value with its version; both are two bytes. */
function decoded<Message>(codec: RecordCodec<Message>, bytes: Buffer): Message {
  return codec.decode(new Reader(bytes, 2), VERSION)
}
