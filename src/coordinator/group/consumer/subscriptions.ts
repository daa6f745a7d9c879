import { type ConsumerMember, regexOf } from './consumer-member.ts'

interface Subscribers {
  /** Members that name the topic. */
  readonly byName: number
  /** Regular expressions that it matches. */
  readonly byRegex: number
}

const NOBODY: Subscribers = { byName: 0, byRegex: 0 }

/** What the members of a group subscribe to together. Counted, so that a member that comes or goes costs only its own topics. */
export class Subscriptions {
  readonly #topics = new Map<string, Subscribers>()
  readonly #regexes = new Map<string, number>()

  copy(): Subscriptions {
    const copy = new Subscriptions()
    for (const [topic, subscribers] of this.#topics) copy.#topics.set(topic, subscribers)
    for (const [regex, count] of this.#regexes) copy.#regexes.set(regex, count)
    return copy
  }

  /** Topics that somebody subscribes to, by name or by a regular expression that has been resolved. They need not exist. */
  get topics(): IterableIterator<string> {
    return this.#topics.keys()
  }

  /** Regular expressions, with the number of members that use each. */
  get regexes(): ReadonlyMap<string, number> {
    return this.#regexes
  }

  has(topic: string): boolean {
    return this.#topics.has(topic)
  }

  add(member: ConsumerMember): void {
    this.#count(member, 1)
  }

  remove(member: ConsumerMember): void {
    this.#count(member, -1)
  }

  /** A regular expression matches these. */
  addResolved(topics: Iterable<string>): void {
    for (const topic of topics) this.#change(topic, 0, 1)
  }

  removeResolved(topics: Iterable<string>): void {
    for (const topic of topics) this.#change(topic, 0, -1)
  }

  /** Whether all members subscribe to the same topics: assignors have a simpler way for such groups. */
  isSameForAll(memberCount: number): boolean {
    const [members] = this.#regexes.values()
    if (members === undefined) {
      return [...this.#topics.values()].every(({ byName }) => byName === memberCount)
    }
    return (
      members === memberCount &&
      [...this.#topics.values()].every(({ byName, byRegex }) => byName === 0 && byRegex === 1)
    )
  }

  #count(member: ConsumerMember, by: 1 | -1): void {
    for (const topic of member.subscribedTopicNames) this.#change(topic, by, 0)
    const regex = regexOf(member)
    if (regex === undefined) return
    const count = (this.#regexes.get(regex) ?? 0) + by
    if (count > 0) this.#regexes.set(regex, count)
    else this.#regexes.delete(regex)
  }

  #change(topic: string, byName: number, byRegex: number): void {
    const old = this.#topics.get(topic) ?? NOBODY
    const subscribers = { byName: old.byName + byName, byRegex: old.byRegex + byRegex }
    if (subscribers.byName > 0 || subscribers.byRegex > 0) this.#topics.set(topic, subscribers)
    else this.#topics.delete(topic)
  }
}
