import { ApiError, ErrorCode } from '../../../protocol/error-code.ts'
import type { CoordinatorRecord, Outcome } from '../../runtime.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ResolvedRegex } from './consumer-group-records.ts'
import { regexOf } from './consumer-member.ts'
import { type ConsumerServices, consumerGroup } from './consumer-services.ts'
import type { MemberChange } from './membership.ts'
import { PatternSyntaxError } from './pattern-syntax.ts'
import { TopicPattern } from './topic-pattern.ts'

/** However often topics are created, names are gone through no more often than this for one group. */
const LEAST_INTERVAL_MS = 10_000

/** What became of a member's regular expression: nothing; another one; another one (or none) of which the topics are known already. */
export type RegexChange = 'same' | 'updated' | 'resolved'

/**
 * Subscriptions by regular expression (KIP-848): the names of all topics are gone through after the answer to a heartbeat, and what is found
 * goes to the log, from where it counts for all members of the group.
 */
export class RegexRefresh {
  readonly #services: ConsumerServices
  readonly #scheduled = new Set<string>()
  /** Version of the metadata that brought the last new topic. */
  #newestTopicVersion: bigint

  constructor(services: ConsumerServices) {
    this.#services = services
    this.#newestTopicVersion = services.topics.version()
  }

  onTopicsCreated(): void {
    this.#newestTopicVersion = this.#services.topics.version()
  }

  /** Looks at what a member subscribes to now. Throws INVALID_REGULAR_EXPRESSION. */
  subscribe(change: MemberChange): RegexChange {
    const { group, before, after, records, afterwards } = change
    const { groupId } = group
    const { regexes } = group.subscriptions
    const oldRegex = regexOf(before)
    const newRegex = regexOf(after)
    const isNewToGroup = oldRegex !== newRegex && newRegex !== undefined && !regexes.has(newRegex)
    const kind = this.#kindOf(change)
    if (kind !== 'same' && oldRegex !== undefined && regexes.get(oldRegex) === 1)
      records.push(this.#services.records.regexTombstone(groupId, oldRegex))
    if (isNewToGroup) refuseInvalid(newRegex)
    if (isNewToGroup || regexes.size > 0) {
      const subscribed = new Map(regexes)
      if (oldRegex !== undefined) subscribed.set(oldRegex, subscribed.get(oldRegex)! - 1)
      if (newRegex !== undefined) subscribed.set(newRegex, (subscribed.get(newRegex) ?? 0) + 1)
      const wanted = [...subscribed].flatMap(([regex, members]) => (members > 0 ? regex : []))
      if (wanted.length > 0 && this.#isDue(group, wanted, isNewToGroup))
        afterwards.push(() => this.#schedule(groupId, wanted))
    }
    return kind
  }

  #kindOf({ group, before, after }: MemberChange): RegexChange {
    if (before.subscribedTopicRegex === after.subscribedTopicRegex) return 'same'
    const newRegex = regexOf(after)
    if (newRegex === undefined) return regexOf(before) === undefined ? 'updated' : 'resolved'
    return group.subscriptions.regexes.has(newRegex) && group.resolvedRegexes.has(newRegex)
      ? 'resolved'
      : 'updated'
  }

  #isDue(group: ConsumerGroup, wanted: readonly string[], isNewToGroup: boolean): boolean {
    if (this.#scheduled.has(group.groupId)) return false
    const nowMs = this.#services.timers.clock.now()
    const [last] = group.resolvedRegexes.values()
    const lastMs = last ? Number(last.timestampMs) : Number.NEGATIVE_INFINITY
    if (nowMs <= lastMs + LEAST_INTERVAL_MS) return false
    return (
      isNewToGroup ||
      wanted.length !== group.resolvedRegexes.size ||
      (last?.version ?? 0n) < this.#newestTopicVersion ||
      nowMs > lastMs + this.#services.config.get('group.consumer.regex.refresh.interval.ms')
    )
  }

  #schedule(groupId: string, regexes: readonly string[]): void {
    this.#scheduled.add(groupId)
    this.#services.timers.after(0, () => {
      this.#scheduled.delete(groupId)
      return { records: this.#resolve(groupId, regexes), answer: () => {} } satisfies Outcome<void>
    })
  }

  #resolve(groupId: string, regexes: readonly string[]): CoordinatorRecord[] {
    const group = consumerGroup(this.#services, groupId)
    if (!group) return []
    const { topics, hashes, records: writer, timers } = this.#services
    const records: CoordinatorRecord[] = []
    const subscriptions = group.subscriptions.copy()
    let isNewEpoch = false
    for (const regex of regexes) {
      if (!group.subscriptions.regexes.has(regex)) continue
      const resolved: ResolvedRegex = {
        topics: matching(regex, topics.names()),
        version: topics.version(),
        timestampMs: BigInt(timers.clock.now()),
      }
      const old = group.resolvedRegexes.get(regex)?.topics ?? []
      if (old.join() !== resolved.topics.join()) {
        isNewEpoch = true
        subscriptions.removeResolved(old)
        subscriptions.addResolved(resolved.topics)
      }
      records.push(writer.regex(groupId, regex, resolved))
    }
    const hash = hashes.ofGroup(subscriptions.topics)
    if (isNewEpoch || hash !== group.metadataHash)
      records.push(writer.groupEpoch(groupId, group.groupEpoch + 1, hash))
    return records
  }
}

function refuseInvalid(regex: string): void {
  try {
    new TopicPattern(regex)
  } catch (error) {
    if (!(error instanceof PatternSyntaxError)) throw error
    throw new ApiError(
      ErrorCode.INVALID_REGULAR_EXPRESSION,
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${error.message}.`,
    )
  }
}

/** Sorted, as in the record. A pattern of another implementation that is not understood here matches nothing. */
function matching(regex: string, names: Iterable<string>): string[] {
  try {
    const pattern = new TopicPattern(regex)
    return [...names].filter((name) => pattern.matches(name)).sort()
  } catch (error) {
    if (error instanceof PatternSyntaxError) return []
    throw error
  }
}
