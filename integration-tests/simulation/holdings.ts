import { Violation } from './violation.ts'

/** A member of a group of the consumer protocol, as it sees itself. */
export interface Holder {
  readonly group: string
  readonly memberId: string
  /** Of the last answer; 0 before it has joined. */
  epoch: number
  /** It must not get an earlier one; 0 when nothing is known. */
  leastEpoch: number
  /** When its last heartbeat that the broker accepted was sent. */
  acceptedMs: number
  /** What it has, each as `topic id/partition`. */
  readonly held: Set<string>
  /** What of that the broker must know of. */
  readonly claimed: Set<string>
}

/** Who has which partitions in groups of the consumer protocol (KIP-848), as far as clients know. */
export class Holdings {
  readonly #holders = new Set<Holder>()

  /** A member has joined. */
  enter(holder: Holder): void {
    this.#holders.add(holder)
  }

  /** It has left, crashed, or was told that it is out. */
  leave(holder: Holder): void {
    this.#holders.delete(holder)
  }

  /** Power was lost, and with it perhaps what the broker knew of members. */
  forgetAll(): void {
    for (const holder of this.#holders) {
      holder.claimed.clear()
      holder.leastEpoch = 0
      holder.acceptedMs = Number.NEGATIVE_INFINITY
    }
  }

  /**
   * The broker tells a member its epoch, and perhaps what it may have from now on; `nowMs`: when the answer came. A partition that another
   * one has not given up yet must not be among that, unless that one may have been taken for dead.
   */
  told(
    holder: Holder,
    answer: {
      epoch: number
      assigned: readonly string[] | undefined
      nowMs: number
      sessionTimeoutMs: number
    },
  ): void {
    const { epoch, assigned, nowMs, sessionTimeoutMs } = answer
    const others = [...this.#holders].filter(
      (other) =>
        other !== holder && other.group === holder.group && nowMs - other.acceptedMs < sessionTimeoutMs,
    )
    if (epoch < holder.leastEpoch)
      throw new Violation(
        'member epochs never go back',
        `${holder.memberId} from ${holder.epoch} to ${epoch}`,
      )
    const isNew = holder.epoch === 0
    const newest = others.reduce((most, other) => Math.max(most, other.leastEpoch), 0)
    if (isNew && epoch < newest)
      throw new Violation(
        'group epochs never go back',
        `${holder.memberId} joins at ${epoch} behind ${newest}`,
      )
    holder.epoch = epoch
    holder.leastEpoch = epoch
    if (assigned === undefined) return
    for (const partition of assigned) {
      const owner = others.find(({ claimed }) => claimed.has(partition))
      if (owner && !holder.claimed.has(partition))
        throw new Violation(
          'a partition has one owner',
          `${partition} is given to ${holder.memberId} at ${epoch}, ${owner.memberId} has it at ${owner.epoch}`,
        )
    }
    for (const set of [holder.held, holder.claimed]) {
      set.clear()
      for (const partition of assigned) set.add(partition)
    }
  }

  /** All partitions that somebody has in a group. */
  heldIn(group: string): Set<string> {
    const held = new Set<string>()
    for (const holder of this.#holders)
      if (holder.group === group) for (const one of holder.held) held.add(one)
    return held
  }
}
