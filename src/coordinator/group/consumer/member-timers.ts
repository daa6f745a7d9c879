import type { Timer } from '../../../platform/platform.ts'
import type { Outcome, ShardTimers } from '../../runtime.ts'

/**
 * What a member of a consumer group is waited for:
 * `session` its next heartbeat; `rebalance` that it gives up partitions; `join` and `sync` the next request of a member that speaks the
 * classic protocol.
 */
export type MemberTimerKind = 'session' | 'rebalance' | 'join' | 'sync'

/** What the log did not take is tried again after so long, as Apache Kafka does. */
const RETRY_MS = 500

/** Timers of the members of consumer groups. They are not in the log: a start begins them anew. */
export class MemberTimers {
  readonly #timers: ShardTimers
  readonly #running = new Map<string, Map<string, Timer>>()

  constructor(timers: ShardTimers) {
    this.#timers = timers
  }

  /** Runs `expired` once time is up, and again until the log has taken its records; begins anew when it runs already. */
  start(
    groupId: string,
    memberId: string,
    kind: MemberTimerKind,
    delayMs: number,
    expired: () => Outcome<void>,
  ): void {
    this.cancel(groupId, memberId, kind)
    let ofGroup = this.#running.get(groupId)
    if (!ofGroup) {
      ofGroup = new Map()
      this.#running.set(groupId, ofGroup)
    }
    const key = keyOf(memberId, kind)
    const timer = this.#timers.after(delayMs, () => {
      this.#forget(groupId, key)
      const outcome = expired()
      // Whoever is silent is not heard of again: without another try the member would keep its partitions for ever.
      const failed = () => this.start(groupId, memberId, kind, RETRY_MS, expired)
      return { failed, ...outcome }
    })
    ofGroup.set(key, timer)
  }

  isRunning(groupId: string, memberId: string, kind: MemberTimerKind): boolean {
    return this.#running.get(groupId)?.has(keyOf(memberId, kind)) ?? false
  }

  cancel(groupId: string, memberId: string, kind: MemberTimerKind): void {
    const key = keyOf(memberId, kind)
    this.#running.get(groupId)?.get(key)?.cancel()
    this.#forget(groupId, key)
  }

  cancelMember(groupId: string, memberId: string): void {
    for (const kind of ['session', 'rebalance', 'join', 'sync'] as const) this.cancel(groupId, memberId, kind)
  }

  cancelGroup(groupId: string): void {
    for (const timer of this.#running.get(groupId)?.values() ?? []) timer.cancel()
    this.#running.delete(groupId)
  }

  cancelAll(): void {
    for (const groupId of [...this.#running.keys()]) this.cancelGroup(groupId)
  }

  #forget(groupId: string, key: string): void {
    const ofGroup = this.#running.get(groupId)
    ofGroup?.delete(key)
    if (ofGroup?.size === 0) this.#running.delete(groupId)
  }
}

function keyOf(memberId: string, kind: MemberTimerKind): string {
  return `${kind} ${memberId}`
}
