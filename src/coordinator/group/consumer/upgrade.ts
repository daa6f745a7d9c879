import { ApiError, ErrorCode } from '../../../protocol/error-code.ts'
import type { CoordinatorRecord } from '../../runtime.ts'
import type { ClassicGroup } from '../classic-group.ts'
import type { ClassicMember } from '../classic-member.ts'
import { joinError, syncError } from '../responses.ts'
import { readAssignment, readSubscription } from '../subscription.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, keepClassic, MemberState, newMember, uniqueNames } from './consumer-member.ts'
import type { ConsumerServices } from './consumer-services.ts'
import type { Fencing } from './fencing.ts'
import { heldSince, NO_TARGET, type TargetPartitions } from './partitions.ts'

/** A member of the new protocol joins a classic group: the group becomes a consumer group, its members stay what they are (KIP-848). */
export class Upgrade {
  readonly #services: ConsumerServices
  readonly #fencing: Fencing

  constructor(services: ConsumerServices, fencing: Fencing) {
    this.#services = services
    this.#fencing = fencing
  }

  /** The group as it will be; adds the records that make it, and what to do then. Throws GROUP_ID_NOT_FOUND when it may not become one. */
  convert(group: ClassicGroup, records: CoordinatorRecord[], afterwards: (() => void)[]): ConsumerGroup {
    this.#refuse(group)
    const { groupId } = group
    const members = Array.from(group.members.values(), (member) => this.#converted(group, member))
    const made = this.#recordsOf(group, members)
    records.push(this.#services.classicRecords.groupTombstone(groupId), ...made)
    afterwards.push(() => {
      for (const member of group.members.values()) {
        // Whoever waits joins again, now in the other protocol's group.
        member.completeJoin(joinError(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId))
        member.completeSync(syncError(ErrorCode.REBALANCE_IN_PROGRESS))
        this.#fencing.startSession(groupId, member.memberId, member.sessionTimeoutMs)
      }
      this.#services.logger.info({ groupId }, 'Classic group has become a consumer group')
    })
    return ConsumerGroup.fromRecords(groupId, made)
  }

  #refuse(group: ClassicGroup): void {
    const { config } = this.#services
    const policy = config.get('group.consumer.migration.policy').toLowerCase()
    if (policy !== 'bidirectional' && policy !== 'upgrade') throw refusal(group, 'online upgrade is disabled')
    if (!group.usesConsumerProtocol)
      throw refusal(group, 'the group does not use the consumer embedded protocol')
    if (group.members.size > config.get('group.consumer.max.size'))
      throw refusal(group, 'the group size exceeds the consumer group maximum size')
  }

  #recordsOf({ groupId, generationId }: ClassicGroup, members: readonly Converted[]): CoordinatorRecord[] {
    const { records, hashes } = this.#services
    const topics = new Set(members.flatMap(({ member }) => member.subscribedTopicNames))
    return [
      ...members.map(({ member }) => records.member(groupId, member)),
      records.groupEpoch(groupId, generationId, hashes.ofGroup(topics)),
      ...members.map(({ member, target }) => records.target(groupId, member.memberId, target)),
      records.targetEpoch(groupId, generationId, 0n),
      ...members.map(({ member }) => records.current(groupId, member)),
    ]
  }

  /** Its last assignment is what it has and what it is to have. */
  #converted(group: ClassicGroup, classic: ClassicMember): Converted {
    const { memberId, groupInstanceId, sessionTimeoutMs, protocols } = classic
    const subscription = readSubscription(classic.metadataOf(group.protocolName ?? '') ?? Buffer.alloc(0))
    if (!subscription) throw refusal(group, 'the embedded consumer protocol is malformed')
    const target = this.#assignmentOf(group, classic)
    const member: ConsumerMember = {
      ...newMember(memberId),
      memberEpoch: group.generationId,
      previousMemberEpoch: group.generationId,
      state: MemberState.STABLE,
      instanceId: groupInstanceId,
      rackId: subscription.rackId || null,
      rebalanceTimeoutMs: classic.rebalanceTimeoutMs,
      clientId: classic.clientId,
      clientHost: classic.clientHost,
      subscribedTopicNames: uniqueNames(subscription.topics),
      assigned: heldSince(target, group.generationId),
      classic: keepClassic({ sessionTimeoutMs, supportedProtocols: protocols }),
    }
    return { member, target }
  }

  #assignmentOf(group: ClassicGroup, { assignment }: ClassicMember): TargetPartitions {
    // A member that has never synced has none.
    if (assignment.length === 0) return NO_TARGET
    const read = readAssignment(assignment)
    if (!read) throw refusal(group, 'the embedded consumer protocol is malformed')
    if (read.userData && read.userData.length > 0) {
      throw refusal(
        group,
        'an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor before re-attempting the upgrade',
      )
    }
    return new Map(
      read.assignedPartitions.flatMap(({ topic, partitions }) => {
        const known = this.#services.topics.byName(topic)
        return known ? [[known.topicId, new Set(partitions)] as const] : []
      }),
    )
  }
}

interface Converted {
  readonly member: ConsumerMember
  readonly target: TargetPartitions
}

function refusal({ groupId }: ClassicGroup, reason: string): ApiError {
  return new ApiError(
    ErrorCode.GROUP_ID_NOT_FOUND,
    `Cannot upgrade classic group ${groupId} to consumer group because ${reason}.`,
  )
}
