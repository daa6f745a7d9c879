import { apis } from '../../src/handlers/index.ts'
import type { Actor } from './actor.ts'
import { AdminActor } from './admin.ts'
import { CommitterActor } from './committer.ts'
import { ConsumerActor } from './consumer.ts'
import { ConsumerMemberActor, verifyAllOwned } from './consumer-member.ts'
import { READ_COMMITTED } from './fetching.ts'
import { History } from './history.ts'
import { MemberActor } from './member.ts'
import type { Plan, Step } from './plan.ts'
import { COMMITTERS, CONSUMERS, MEMBERS, PRODUCERS } from './plan-people.ts'
import { ProducerActor } from './producer.ts'
import { SeekerActor } from './seeker.ts'
import { SessionConsumerActor } from './session-consumer.ts'
import { Violation } from './violation.ts'
import { World } from './world.ts'

/** What came of a plan. */
export interface Outcome {
  /** What went wrong; undefined when all promises were kept. */
  readonly failure: Violation | undefined
  /** SHA-256 of the history. */
  readonly digest: string
  readonly history: readonly string[]
  /** Things that happened: timers, arrivals, completions. */
  readonly events: number
  readonly virtualMs: number
}

/** After the last step clients have so long for what they have begun. */
const REST_MS = 20 * 60_000
/** Groups have so long to give every partition an owner. */
const SETTLED_MS = 3 * 60_000
const MAX_EVENTS = 3_000_000

/** Loads what is loaded on its first use: real time must not decide when that is. */
export async function loadHandlers(): Promise<void> {
  await Promise.all(apis.map((entry) => entry.load()))
}

/**
 * Carries out a plan in virtual time. `loadHandlers` has to have been called. Without its history, which tells what went wrong, errors have
 * no stack traces either: most of them are made on purpose, and traces took a tenth of the time.
 */
export async function simulate(plan: Plan, isHistoryKept = false): Promise<Outcome> {
  const { stackTraceLimit } = Error
  if (!isHistoryKept) Error.stackTraceLimit = 0
  try {
    return await new Simulation(plan, new History(isHistoryKept)).run()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

class Simulation {
  readonly #plan: Plan
  readonly #history: History
  readonly #world: World
  readonly #actors: Actor[]
  readonly #producers: Actor[]
  readonly #consumers: Actor[]
  readonly #committers: Actor[]
  readonly #members: Actor[]
  readonly #followers: ConsumerMemberActor[]
  readonly #poller: Actor
  readonly #seeker: Actor
  readonly #admin: Actor
  readonly #auditor: Actor
  #events = 0

  constructor(plan: Plan, history: History) {
    this.#plan = plan
    this.#history = history
    const world = new World(plan, history)
    const several = <One extends Actor>(count: number, make: (index: number) => One) =>
      Array.from({ length: count }, (_, index) => make(index))
    this.#world = world
    this.#producers = several(PRODUCERS, (index) => new ProducerActor(world, index))
    this.#consumers = several(CONSUMERS, (index) => new ConsumerActor(world, index))
    this.#committers = several(COMMITTERS, (index) => new CommitterActor(world, index))
    this.#followers = several(MEMBERS / 2, (index) => new ConsumerMemberActor(world, index))
    this.#members = [...several(MEMBERS / 2, (index) => new MemberActor(world, index)), ...this.#followers]
    this.#poller = new SessionConsumerActor(world)
    this.#seeker = new SeekerActor(world)
    this.#admin = new AdminActor(world)
    this.#auditor = new CommitterActor(world, COMMITTERS)
    this.#actors = [
      ...this.#producers,
      ...this.#consumers,
      ...this.#committers,
      ...this.#members,
      this.#poller,
      this.#seeker,
      this.#admin,
      this.#auditor,
    ]
    world.onRecovered = () => this.#checkCommits()
  }

  async run(): Promise<Outcome> {
    const world = this.#world
    try {
      // Whoever calls may be no microtask, behind which the first turn would come too early.
      await turn()
      this.#begin(world.start())
      for (const step of this.#plan.steps) world.clock.schedule(step.atMs, () => this.#give(step))
      const lastMs = this.#plan.steps.at(-1)?.atMs ?? 0
      await this.#runWhile(() => world.clock.elapsedMs() < lastMs + 1)
      await this.#conclude()
    } catch (error) {
      world.fail(error)
    }
    const { failure } = world
    if (failure !== undefined && !(failure instanceof Violation)) throw failure
    return {
      failure,
      digest: this.#history.digest(),
      history: this.#history.lines,
      events: this.#events,
      virtualMs: world.clock.elapsedMs(),
    }
  }

  /** Everything sound again: all clients come to an end, and what is there is what they know of, also after a restart. */
  async #conclude(): Promise<void> {
    const world = this.#world
    world.heal()
    const untilMs = world.clock.elapsedMs() + REST_MS
    const isResting = () => world.clock.elapsedMs() < untilMs
    await this.#runWhile(() => isResting() && !(world.isUp && this.#actors.every((actor) => actor.isIdle)))
    world.isSound = true
    await this.#runFor(SETTLED_MS)
    // With it the ledger knows of deletions whose answers were lost.
    if (world.isUp) world.audit()
    if (world.isUp) verifyAllOwned(world, this.#followers)
    this.#checkCommits()
    for (const { name, partitions } of world.ledger.topics.values()) {
      for (const partition of partitions.keys()) {
        this.#consumers[0]!.add({
          id: -1,
          atMs: 0,
          kind: 'consume',
          maxBytes: 10_000,
          isPipelined: false,
          isFromStart: true,
          isolationLevel: READ_COMMITTED,
          consumer: 0,
          topic: name,
          partition,
        })
      }
    }
    await this.#runWhile(() => isResting() && !this.#actors.every((actor) => actor.isIdle))
    world.end()
    for (let restart = 0; restart < 2 && world.failure === undefined; restart++) {
      if (world.isUp) world.audit()
      if (restart === 1) await this.#runUntil(world.auditCompaction())
      await this.#runUntil(world.stop())
      await this.#runUntil(world.start())
    }
    await this.#runUntil(world.stop())
  }

  #checkCommits(): void {
    for (const { group, topic, partition } of this.#world.ledger.committed) {
      this.#auditor.add({
        id: -1,
        atMs: 0,
        kind: 'check-commit',
        committer: 0,
        group,
        topic,
        partition,
        cut: undefined,
      })
    }
  }

  #give(step: Step): void {
    const actor = this.#actorOf(step)
    if (actor) actor.add(step)
    else this.#world.perform(step)
  }

  /** Who does it; undefined when it happens to the broker. */
  #actorOf(step: Step): Actor | undefined {
    switch (step.kind) {
      case 'produce':
        return this.#producers[step.producer]
      case 'consume':
        return this.#consumers[step.consumer]
      case 'poll':
        return this.#poller
      case 'seek':
        return this.#seeker
      case 'commit':
      case 'check-commit':
        return this.#committers[step.committer]
      case 'join':
      case 'leave':
      case 'vanish':
        return this.#members[step.member]
      case 'create-topic':
      case 'delete-topic':
      case 'create-partitions':
      case 'delete-records':
      case 'alter-config':
        return this.#admin
      default:
        return undefined
    }
  }

  #begin(work: Promise<void>): void {
    work.catch((error: unknown) => this.#world.fail(error))
  }

  #runFor(ms: number): Promise<void> {
    const { clock } = this.#world
    const untilMs = clock.elapsedMs() + ms
    return this.#runWhile(() => clock.elapsedMs() < untilMs)
  }

  async #runUntil(work: Promise<void>): Promise<void> {
    let isDone = false
    this.#begin(
      work.finally(() => {
        isDone = true
      }),
    )
    await turn()
    await this.#runWhile(() => !isDone)
  }

  /** An error that nobody catches would be the end of a real process. */
  #runNext(): boolean {
    try {
      return this.#world.clock.runNext()
    } catch (error) {
      if (error instanceof Violation) throw error
      throw new Violation(
        'a broker does not die',
        error instanceof Error ? (error.stack ?? error.message) : 'unknown',
      )
    }
  }

  /** Lets one thing happen after the other, each with all that follows from it at once. */
  async #runWhile(goesOn: () => boolean): Promise<void> {
    const world = this.#world
    await turn()
    while (world.failure === undefined && goesOn()) {
      if (++this.#events > MAX_EVENTS) throw new Violation('it comes to an end', `${MAX_EVENTS} events`)
      if (!this.#runNext()) throw new Violation('it comes to an end', 'nothing is going to happen any more')
      await turn()
      world.check()
    }
  }
}

/** Resolves when all promises that can go on have: when a microtask asks, Node's next tick comes once no microtask is left. */
function turn(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
