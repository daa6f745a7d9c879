import type { CoordinatorRecord } from '../../runtime.ts'
import { ClassicGroup } from '../classic-group.ts'
import { ClassicMember } from '../classic-member.ts'
import { EMPTY_BYTES } from '../responses.ts'
import { writeAssignment } from '../subscription.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'
import type { ConsumerServices } from './consumer-services.ts'
import type { TargetPartitions } from './partitions.ts'

/** The records that make a classic group of a consumer group, and what to do once they are in the log. */
export interface Conversion {
  readonly records: readonly CoordinatorRecord[]
  readonly afterwards: () => void
}

/** The last member of the new protocol goes: those that are left speak the classic protocol, and so does the group from then on (KIP-848). */
export class Downgrade {
  readonly #services: ConsumerServices

  constructor(services: ConsumerServices) {
    this.#services = services
  }

  isDueWithout(group: ConsumerGroup, leaving: readonly ConsumerMember[]): boolean {
    const left = group.members.size - leaving.length
    const classicLeft = group.classicMemberCount - leaving.filter(({ classic }) => classic).length
    return left > 0 && classicLeft === left && this.#isAllowed(left)
  }

  /** A static member of the classic protocol takes the place of the only member of the new one. */
  isDueWithReplaced(group: ConsumerGroup, replaced: ConsumerMember | undefined): boolean {
    if (!replaced || replaced.classic) return false
    const { size } = group.members
    return group.classicMemberCount === size - 1 && this.#isAllowed(size)
  }

  without(group: ConsumerGroup, leaving: readonly ConsumerMember[]): Conversion {
    const staying = [...group.memberOrder].flatMap((memberId) => {
      const member = group.members.get(memberId)!
      return leaving.includes(member) ? [] : { member, target: group.target(memberId) }
    })
    return this.#convert(group, group.tombstones(this.#services.records), staying, true)
  }

  /** With `joining` in place of the static member that had its instance id. */
  withReplaced(
    group: ConsumerGroup,
    joining: ConsumerMember,
    replaced: ConsumerMember,
    rebalances: boolean,
  ): Conversion {
    const memberIds = [...group.memberOrder]
    const others = memberIds.flatMap((memberId) =>
      memberId === replaced.memberId
        ? []
        : { member: group.members.get(memberId)!, target: group.target(memberId) },
    )
    // The records before these have replaced the member already.
    const names = memberIds.map((memberId) => (memberId === replaced.memberId ? joining.memberId : memberId))
    const regexes = [...group.resolvedRegexes.keys()]
    const tombstones = this.#services.records.removedGroup(group.groupId, names, regexes)
    const target = group.target(replaced.memberId)
    return this.#convert(group, tombstones, [...others, { member: joining, target }], rebalances)
  }

  #isAllowed(size: number): boolean {
    const { config } = this.#services
    const policy = config.get('group.consumer.migration.policy').toLowerCase()
    return (policy === 'bidirectional' || policy === 'downgrade') && size <= config.get('group.max.size')
  }

  #convert(
    { groupId, groupEpoch }: ConsumerGroup,
    tombstones: readonly CoordinatorRecord[],
    staying: readonly { readonly member: ConsumerMember; readonly target: TargetPartitions }[],
    rebalances: boolean,
  ): Conversion {
    const { classicRecords, timers } = this.#services
    const model = new ClassicGroup(groupId)
    for (const { member } of staying) model.add(classicMember(member), 'consumer')
    model.generationId = groupEpoch
    model.protocolName = model.selectProtocol()
    const assignments = new Map(
      staying.map(({ member: { memberId }, target }) => [
        memberId,
        this.#assignment(model, memberId, target),
      ]),
    )
    const assignmentOf = ({ memberId }: ClassicMember) => assignments.get(memberId) ?? EMPTY_BYTES
    const nowMs = timers.clock.now()
    return {
      records: [
        ...tombstones,
        classicRecords.generation(model, model.leaderId, model.members.values(), assignmentOf, nowMs),
      ],
      afterwards: () => this.#begin(model, rebalances),
    }
  }

  #assignment(model: ClassicGroup, memberId: string, target: TargetPartitions): Buffer {
    const subscription = model.members.get(memberId)?.metadataOf(model.protocolName ?? '')
    if (!subscription) return EMPTY_BYTES
    const assignedPartitions = [...target].flatMap(([topicId, partitions]) => {
      const topic = this.#services.topics.byId(topicId)?.name
      return topic === undefined ? [] : { topic, partitions: [...partitions] }
    })
    return writeAssignment({ assignedPartitions, userData: null }, subscription)
  }

  /** The log has only one protocol of each member; the others are known here, and the next generation may choose among them. */
  #begin(model: ClassicGroup, rebalances: boolean): void {
    const { groups, rebalance, memberTimers, logger } = this.#services
    const { groupId } = model
    memberTimers.cancelGroup(groupId)
    const group = groups.get(groupId)
    if (group?.type !== 'classic') return
    for (const member of group.members.values()) {
      member.protocols = model.members.get(member.memberId)?.protocols ?? member.protocols
      rebalance.touch(group, member)
    }
    group.onLoaded()
    logger.info({ groupId }, 'Consumer group has become a classic group')
    if (rebalances) rebalance.begin(group, 'the last member of the consumer protocol is gone')
  }
}

function classicMember(member: ConsumerMember): ClassicMember {
  return new ClassicMember({
    memberId: member.memberId,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    sessionTimeoutMs: member.classic?.sessionTimeoutMs ?? 0,
    protocols: member.classic?.supportedProtocols ?? [],
  })
}
