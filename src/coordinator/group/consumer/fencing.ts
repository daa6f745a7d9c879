import type { CoordinatorRecord, Outcome } from '../../runtime.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, regexOf } from './consumer-member.ts'
import { type ConsumerServices, consumerGroup } from './consumer-services.ts'
import type { Downgrade } from './downgrade.ts'

const unchanged: Outcome<void> = { records: [], answer: () => {} }

/** How members go: of their own will, by an administrator, or because time is up. */
export class Fencing {
  readonly #services: ConsumerServices
  readonly #downgrade: Downgrade

  constructor(services: ConsumerServices, downgrade: Downgrade) {
    this.#services = services
    this.#downgrade = downgrade
  }

  /** Takes members out. The group becomes a classic one when only members of that protocol are left. */
  remove<Response>(
    group: ConsumerGroup,
    members: readonly ConsumerMember[],
    response: Response,
  ): Outcome<Response> {
    if (members.length === 0) return { records: [], answer: () => response }
    if (this.#downgrade.isDueWithout(group, members)) {
      const { records, afterwards } = this.#downgrade.without(group, members)
      return {
        records,
        answer: () => {
          afterwards()
          return response
        },
      }
    }
    const { groupId } = group
    const { records: writer, hashes, memberTimers } = this.#services
    const records: CoordinatorRecord[] = members.flatMap(({ memberId }) =>
      writer.removedMember(groupId, memberId),
    )
    const subscriptions = group.subscriptions.copy()
    for (const member of members) subscriptions.remove(member)
    for (const regex of new Set(members.flatMap((member) => regexOf(member) ?? []))) {
      if (subscriptions.regexes.has(regex)) continue
      records.push(writer.regexTombstone(groupId, regex))
      subscriptions.removeResolved(group.resolvedRegexes.get(regex)?.topics ?? [])
    }
    records.push(writer.groupEpoch(groupId, group.groupEpoch + 1, hashes.ofGroup(subscriptions.topics)))
    return {
      records,
      answer: () => {
        for (const { memberId } of members) memberTimers.cancelMember(groupId, memberId)
        return response
      },
    }
  }

  /** Without a heartbeat within this time the member is out. */
  startSession(
    groupId: string,
    memberId: string,
    timeoutMs = this.#services.settings.sessionTimeoutMs(groupId),
  ): void {
    this.#services.memberTimers.start(groupId, memberId, 'session', timeoutMs, () =>
      this.#fence(groupId, memberId, 'its session expired'),
    )
  }

  /** A member that has to give up partitions has its rebalance timeout for that. */
  startRebalanceTimer(groupId: string, { memberId, memberEpoch, rebalanceTimeoutMs }: ConsumerMember): void {
    this.#services.memberTimers.start(groupId, memberId, 'rebalance', rebalanceTimeoutMs, () => {
      const member = consumerGroup(this.#services, groupId)?.members.get(memberId)
      if (member?.memberEpoch !== memberEpoch) return unchanged
      return this.#fence(groupId, memberId, 'it did not give up its partitions in time')
    })
  }

  /** A member of the classic protocol has been told to join again. */
  expectJoin(groupId: string, { memberId, rebalanceTimeoutMs }: ConsumerMember): void {
    if (this.#services.memberTimers.isRunning(groupId, memberId, 'join')) return
    this.#services.memberTimers.start(groupId, memberId, 'join', rebalanceTimeoutMs, () =>
      this.#fence(groupId, memberId, 'it did not join in time'),
    )
  }

  /** A member of the classic protocol has joined, and is to ask for its assignment. */
  expectSync(groupId: string, memberId: string, timeoutMs: number): void {
    this.#services.memberTimers.start(groupId, memberId, 'sync', timeoutMs, () =>
      this.#fence(groupId, memberId, 'it did not sync in time'),
    )
  }

  #fence(groupId: string, memberId: string, reason: string): Outcome<void> {
    const group = consumerGroup(this.#services, groupId)
    const member = group?.members.get(memberId)
    if (!group || !member) return unchanged
    this.#services.logger.debug({ groupId, memberId, reason }, 'Member is taken out of its group')
    return this.remove(group, [member], undefined)
  }
}
