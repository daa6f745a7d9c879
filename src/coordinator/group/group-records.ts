import type { Codec } from '../../protocol/api.ts'
import { ZERO_UUID } from '../../protocol/api.ts'
import {
  GroupMetadataKey,
  GroupMetadataValue,
  LegacyOffsetCommitKey,
  OffsetCommitKey,
  OffsetCommitValue,
} from '../../protocol/generated/consumer-offsets-records.ts'
import { Reader } from '../../protocol/reader.ts'
import { Writer } from '../../protocol/writer.ts'
import type { CoordinatorRecord } from '../runtime.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'
import { type ConsumerGroupRecord, readConsumerGroupRecord } from './consumer/consumer-group-records.ts'
import type { CommittedOffset } from './offset-store.ts'
import { EMPTY_BYTES } from './responses.ts'

/**
 * Records of `__consumer_offsets`. A key begins with the int16 type of the record, a value with the int16 version of its layout.
 * Written are the versions that Apache Kafka 4.3 writes; read are all.
 */
const OFFSET_COMMIT = 1
const GROUP_METADATA = 2
const GROUP_METADATA_VERSION = 3
/** With the topic's id (KIP-848 era); the id tells a topic's offsets from those of one that had its name before. */
const OFFSET_COMMIT_VERSION = 4
/** The only layout that has an expire timestamp, which commits up to version 4 may ask for. */
const OFFSET_COMMIT_VERSION_WITH_EXPIRY = 1

export type GroupRecord =
  | {
      readonly kind: 'offset'
      readonly groupId: string
      readonly topic: string
      readonly partition: number
      readonly value: CommittedOffset | null
    }
  | { readonly kind: 'group'; readonly groupId: string; readonly value: GroupMetadataValue | null }
  | ConsumerGroupRecord

/** Reads a record; undefined for a type that this coordinator does not keep. */
export function readGroupRecord(record: CoordinatorRecord): GroupRecord | undefined {
  const { key, value } = record
  const type = key.readInt16BE(0)
  if (type === GROUP_METADATA) {
    const { group } = GroupMetadataKey.decode(new Reader(key, 2), 0)
    return { kind: 'group', groupId: group, value: value && decodeVersioned(GroupMetadataValue, value) }
  }
  if (type !== 0 && type !== OFFSET_COMMIT) return readConsumerGroupRecord(record)
  const { group, topic, partition } = (type === 0 ? LegacyOffsetCommitKey : OffsetCommitKey).decode(
    new Reader(key, 2),
    0,
  )
  return { kind: 'offset', groupId: group, topic, partition, value: value && readCommittedOffset(value) }
}

/** Makes records. Each shard has one, so that a record costs no buffer but its own. */
export class GroupRecordWriter {
  readonly #writer = new Writer(1024)

  offset(groupId: string, topic: string, partition: number, committed: CommittedOffset): CoordinatorRecord {
    const hasExpiry = committed.expireTimestampMs !== -1n
    const version = hasExpiry ? OFFSET_COMMIT_VERSION_WITH_EXPIRY : OFFSET_COMMIT_VERSION
    const value = {
      offset: committed.offset,
      leaderEpoch: hasExpiry ? -1 : committed.leaderEpoch,
      metadata: committed.metadata,
      commitTimestamp: committed.commitTimestampMs,
      expireTimestamp: committed.expireTimestampMs,
      topicId: hasExpiry ? ZERO_UUID : committed.topicId,
    }
    return {
      key: this.#offsetKey(groupId, topic, partition),
      value: this.#encode(OffsetCommitValue, version, version, value),
    }
  }

  offsetTombstone(groupId: string, topic: string, partition: number): CoordinatorRecord {
    return { key: this.#offsetKey(groupId, topic, partition), value: null }
  }

  /** A group without members: one that is new, or whose last member went. */
  emptyGroup(group: ClassicGroup, generation: number, nowMs: number): CoordinatorRecord {
    return this.#group(group.groupId, {
      protocolType: group.protocolType ?? '',
      generation,
      protocol: null,
      leader: null,
      currentStateTimestamp: BigInt(nowMs),
      members: [],
    })
  }

  /** The current generation with who leads, its members and what each was assigned. */
  generation(
    group: ClassicGroup,
    leaderId: string | null,
    members: Iterable<ClassicMember>,
    assignmentOf: (member: ClassicMember) => Buffer,
    nowMs: number,
  ): CoordinatorRecord {
    const protocolName = group.protocolName ?? ''
    return this.#group(group.groupId, {
      protocolType: group.protocolType ?? '',
      generation: group.generationId,
      protocol: group.protocolName,
      leader: leaderId,
      currentStateTimestamp: BigInt(nowMs),
      members: Array.from(members, (member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: member.metadataOf(protocolName) ?? EMPTY_BYTES,
        assignment: assignmentOf(member),
      })),
    })
  }

  groupTombstone(groupId: string): CoordinatorRecord {
    return { key: this.#groupKey(groupId), value: null }
  }

  #group(groupId: string, value: GroupMetadataValue): CoordinatorRecord {
    const version = GROUP_METADATA_VERSION
    return { key: this.#groupKey(groupId), value: this.#encode(GroupMetadataValue, version, version, value) }
  }

  #groupKey(group: string): Buffer {
    return this.#encode(GroupMetadataKey, GROUP_METADATA, 0, { group })
  }

  #offsetKey(group: string, topic: string, partition: number): Buffer {
    return this.#encode(OffsetCommitKey, OFFSET_COMMIT, 0, { group, topic, partition })
  }

  #encode<Message>(codec: Codec<Message>, prefix: number, version: number, message: Message): Buffer {
    this.#writer.reset()
    this.#writer.int16(prefix)
    codec.encode(this.#writer, message, version)
    return this.#writer.finishCopy()
  }
}

function readCommittedOffset(bytes: Buffer): CommittedOffset {
  const value = decodeVersioned(OffsetCommitValue, bytes)
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp,
    topicId: value.topicId,
  }
}

function decodeVersioned<Value>(codec: Codec<Value>, bytes: Buffer): Value {
  return codec.decode(new Reader(bytes, 2), bytes.readInt16BE(0))
}
