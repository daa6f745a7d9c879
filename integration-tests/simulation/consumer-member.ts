import { ErrorCode } from '../../src/protocol/error-code.ts'
import {
  ConsumerGroupHeartbeat,
  type ConsumerGroupHeartbeatRequest,
} from '../../src/protocol/generated/consumer-group-heartbeat.ts'
import { FindCoordinator } from '../../src/protocol/generated/find-coordinator.ts'
import { OffsetCommit } from '../../src/protocol/generated/offset-commit.ts'
import { Actor, outcome } from './actor.ts'
import { ConnectionLost } from './client.ts'
import { commitOf } from './committer.ts'
import type { Holder } from './holdings.ts'
import type { Step } from './plan.ts'
import { KEYED_TOPICS, TOPICS } from './plan-topics.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

const GROUP = 'followers'
/** The default of `group.consumer.session.timeout.ms`. */
const SESSION_TIMEOUT_MS = 45_000
const HEARTBEAT_MS = 12_000
/** A member that was told of a change says at once what it has given up. */
const PROMPT_MS = 100
const RETRY_MS = 900
/** Longer than any outage: only the session ends a member. */
const REBALANCE_TIMEOUT_MS = 3_600_000
/** A member that has gone on for so long without a step that speaks of it leaves by itself. */
const MAX_HEARTBEATS = 60
const LEAVE_EPOCH = -1
/** The broker does not know the member any more: it gives up all that it has, and joins anew. */
const FENCED: readonly number[] = [ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.FENCED_MEMBER_EPOCH]

/** A member of a group of the consumer protocol (KIP-848). It leaves when it is told to, or vanishes without a word. */
export class ConsumerMemberActor extends Actor {
  readonly #index: number
  #incarnation = 0
  #holder: Holder | undefined
  #isRunning = false
  #isWanted = false
  #heartbeats = 0
  #commits = 0
  /** Nothing is left out of the next heartbeat: an answer may have been lost. */
  #tellsAll = true
  /** What was last said to be held. */
  #told = ''

  constructor(world: World, index: number) {
    super(world, `follower ${index}`)
    this.#index = index
  }

  get isMember(): boolean {
    return this.#isWanted && this.#holder !== undefined
  }

  protected async perform(step: Step): Promise<void> {
    if (step.kind === 'join') {
      this.#isWanted = true
      this.#heartbeats = 0
      if (!this.#isRunning) void this.#live()
    } else if (step.kind === 'vanish') {
      this.#isWanted = false
      this.#forget()
      this.client.close()
    } else if (step.kind === 'leave') {
      this.#isWanted = false
      await this.#leave()
    }
  }

  async #leave(): Promise<void> {
    const holder = this.#holder
    this.#forget()
    if (!holder) return
    const { errorCode } = await this.#send(requestOf(holder, { memberEpoch: LEAVE_EPOCH }))
    this.log(`left: ${outcome(errorCode)}`)
  }

  #forget(): void {
    if (this.#holder) this.world.ledger.holdings.leave(this.#holder)
    this.#holder = undefined
  }

  async #live(): Promise<void> {
    this.#isRunning = true
    try {
      while (this.#isWanted && !this.world.isOver) {
        let restMs = RETRY_MS
        try {
          restMs = await this.#beat()
        } catch (error) {
          if (!(error instanceof ConnectionLost)) throw error
          this.log(error.message)
          this.#tellsAll = true
        }
        if (++this.#heartbeats > MAX_HEARTBEATS) this.#isWanted = false
        await this.sleep(restMs)
      }
      await this.#leave()
    } catch (error) {
      if (!(error instanceof ConnectionLost)) this.world.fail(error)
    }
    this.#isRunning = false
  }

  /** One heartbeat, with what follows from it; how long until the next one. */
  async #beat(): Promise<number> {
    const { ledger, clock } = this.world
    const holder = this.#holder ?? (await this.#join())
    const { powerLosses } = this.world
    const sentMs = clock.elapsedMs()
    const owned = [...holder.held].sort()
    const isAll = this.#tellsAll || holder.epoch === 0
    const hasChanged = owned.join(' ') !== this.#told
    const answer = await this.#send(
      requestOf(holder, isAll ? everythingOf(owned) : hasChanged ? { topicPartitions: listed(owned) } : {}),
    )
    // It has left or vanished meanwhile, or the power went with what the broker knew.
    if (this.#holder !== holder) return 0
    if (answer.errorCode !== 0) {
      this.log(`heartbeat at ${holder.epoch}: ${outcome(answer.errorCode)}`)
      this.#tellsAll = true
      if (FENCED.includes(answer.errorCode) || answer.errorCode === ErrorCode.GROUP_ID_NOT_FOUND)
        this.#forget()
      return RETRY_MS
    }
    if (powerLosses !== this.world.powerLosses) {
      // The answer tells of what may be lost: as after a restart of its own.
      this.#forget()
      return RETRY_MS
    }
    this.#tellsAll = false
    this.#told = owned.join(' ')
    const assigned = answer.assignment?.topicPartitions.flatMap(({ topicId, partitions }) =>
      partitions.map((partition) => `${topicId}/${partition}`),
    )
    if (holder.epoch !== answer.memberEpoch || assigned)
      this.log(
        `epoch ${answer.memberEpoch}: ${assigned ? assigned.map(shortName).join(' ') || 'nothing' : 'as it was'}`,
      )
    ledger.holdings.told(holder, {
      epoch: answer.memberEpoch,
      assigned,
      nowMs: clock.elapsedMs(),
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
    })
    holder.acceptedMs = sentMs
    await this.#commitSome(holder)
    return assigned ? PROMPT_MS : HEARTBEAT_MS
  }

  async #join(): Promise<Holder> {
    await this.ask(FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: [GROUP] })
    const holder: Holder = {
      group: GROUP,
      memberId: `follower-${this.#index}-${++this.#incarnation}`,
      epoch: 0,
      leastEpoch: 0,
      acceptedMs: Number.NEGATIVE_INFINITY,
      held: new Set(),
      claimed: new Set(),
    }
    this.#forget()
    this.#holder = holder
    this.#tellsAll = true
    this.world.ledger.holdings.enter(holder)
    return holder
  }

  #send(request: ConsumerGroupHeartbeatRequest) {
    return this.ask(ConsumerGroupHeartbeat, 1, request)
  }

  /** Commits an offset of one of its partitions, in its epoch. */
  async #commitSome(holder: Holder): Promise<void> {
    const { ledger } = this.world
    const held = [...holder.held].sort()
    const partition = held[++this.#commits % Math.max(1, held.length)]
    if (partition === undefined) return
    const at = partition.lastIndexOf('/')
    const topicId = partition.slice(0, at)
    const topic = ledger.topics.get(topicId)
    if (!topic) return
    const index = Number(partition.slice(at + 1))
    const offset = this.#commits * 10 + this.#index
    const register = ledger.commit(GROUP, topicId, topic.name, index)
    const write = register.begin(offset, ledger.tick())
    let state: 'acknowledged' | 'unknown' = 'unknown'
    try {
      const { topics } = await this.ask(OffsetCommit, 10, {
        ...commitOf(GROUP, topicId, index, offset),
        generationIdOrMemberEpoch: holder.epoch,
        memberId: holder.memberId,
      })
      const { errorCode } = topics[0]!.partitions[0]!
      this.log(`${topic.name}-${index} = ${offset}: ${outcome(errorCode)}`)
      if (errorCode === 0) state = 'acknowledged'
    } finally {
      register.end(write, state, ledger.tick())
    }
  }
}

/** Behind a time of rest: every partition of the topics that members subscribe to has an owner. */
export function verifyAllOwned(world: World, members: readonly ConsumerMemberActor[]): void {
  const { ledger } = world
  if (!members.some((member) => member.isMember)) return
  const held = ledger.holdings.heldIn(GROUP)
  for (const [topicId, { name, partitionCount }] of ledger.topics) {
    if (!SUBSCRIBED.includes(name)) continue
    for (let index = 0; index < partitionCount; index++) {
      if (!held.has(`${topicId}/${index}`))
        throw new Violation('every partition finds an owner', `${name}-${index} has none in ${GROUP}`)
    }
  }
}

const SUBSCRIBED = [TOPICS[0]!, TOPICS[2]!, KEYED_TOPICS[0]!]

function requestOf(
  { group, memberId, epoch }: Holder,
  more: Partial<ConsumerGroupHeartbeatRequest>,
): ConsumerGroupHeartbeatRequest {
  return {
    groupId: group,
    memberId,
    memberEpoch: epoch,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: null,
    subscribedTopicRegex: null,
    serverAssignor: null,
    topicPartitions: null,
    ...more,
  }
}

function everythingOf(owned: readonly string[]): Partial<ConsumerGroupHeartbeatRequest> {
  return {
    rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
    subscribedTopicNames: SUBSCRIBED,
    topicPartitions: listed(owned),
  }
}

function listed(owned: readonly string[]): { topicId: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const partition of owned) {
    const at = partition.lastIndexOf('/')
    const topicId = partition.slice(0, at)
    topics.set(topicId, [...(topics.get(topicId) ?? []), Number(partition.slice(at + 1))])
  }
  return Array.from(topics, ([topicId, partitions]) => ({ topicId, partitions }))
}

function shortName(partition: string): string {
  return `${partition.slice(0, 4)}${partition.slice(partition.lastIndexOf('/'))}`
}
