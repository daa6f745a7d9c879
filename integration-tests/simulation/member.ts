import { ErrorCode } from '../../src/protocol/error-code.ts'
import { FindCoordinator } from '../../src/protocol/generated/find-coordinator.ts'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../src/protocol/generated/group-blobs.ts'
import { Heartbeat } from '../../src/protocol/generated/heartbeat.ts'
import { JoinGroup, type JoinGroupResponse } from '../../src/protocol/generated/join-group.ts'
import { LeaveGroup } from '../../src/protocol/generated/leave-group.ts'
import { OffsetCommit } from '../../src/protocol/generated/offset-commit.ts'
import { SyncGroup } from '../../src/protocol/generated/sync-group.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { Actor, outcome } from './actor.ts'
import { ConnectionLost } from './client.ts'
import { commitOf } from './committer.ts'
import type { Step } from './plan.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

const GROUP = 'members'
const SUBSCRIBED = ['orders', 'users']
const PARTITIONS = 3
const SESSION_TIMEOUT_MS = 60_000
const HEARTBEAT_MS = 15_000
const RETRY_MS = 700
/** A member vanishes by itself at last: what it could find out, it has. */
const MAX_TURNS = 60
const MAX_HEARTBEATS = 80

interface Generation {
  readonly generationId: number
  readonly leader: string
  /** `topic-partition` */
  readonly partitions: readonly string[]
}

/** A member of a classic group, from when it is told to join until it is told to leave, or vanishes without a word. */
export class MemberActor extends Actor {
  #memberId = ''
  #isWanted = false
  #isRunning = false
  #commits = 0
  #heartbeats = 0
  readonly #index: number

  constructor(world: World, index: number) {
    super(world, `member ${index}`)
    this.#index = index
  }

  protected async perform(step: Step): Promise<void> {
    if (step.kind === 'join') {
      this.#isWanted = true
      if (!this.#isRunning) void this.#live()
    } else if (step.kind === 'vanish') {
      this.#isWanted = false
      this.#memberId = ''
      this.client.close()
    } else if (step.kind === 'leave') await this.#leave()
  }

  async #leave(): Promise<void> {
    const memberId = this.#memberId
    this.#isWanted = false
    this.#memberId = ''
    if (memberId === '') return
    const { errorCode } = await this.ask(LeaveGroup, 2, { groupId: GROUP, memberId, members: [] })
    this.log(`left: ${outcome(errorCode)}`)
  }

  async #live(): Promise<void> {
    this.#isRunning = true
    try {
      for (let turn = 0; turn < MAX_TURNS && this.#isWanted && !this.world.isOver; turn++) {
        try {
          const generation = await this.#join()
          if (generation) await this.#stay(generation)
        } catch (error) {
          if (!(error instanceof ConnectionLost)) throw error
          this.log(error.message)
        }
        await this.sleep(RETRY_MS)
      }
    } catch (error) {
      this.world.fail(error)
    }
    this.#isRunning = false
    this.#isWanted = false
  }

  async #join(): Promise<Generation | undefined> {
    await this.ask(FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: [GROUP] })
    const writer = new Writer()
    writer.int16(0)
    ConsumerProtocolSubscription.encode(
      writer,
      { topics: SUBSCRIBED, userData: null, ownedPartitions: [], generationId: -1, rackId: null },
      0,
    )
    const joined = await this.ask(JoinGroup, 5, {
      groupId: GROUP,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: SESSION_TIMEOUT_MS,
      memberId: this.#memberId,
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: writer.finishCopy() }],
      reason: null,
    })
    this.log(`joined ${joined.generationId} of ${joined.members.length}: ${outcome(joined.errorCode)}`)
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.#memberId = joined.memberId
    else if (joined.errorCode === ErrorCode.UNKNOWN_MEMBER_ID) this.#memberId = ''
    if (joined.errorCode !== 0) return undefined
    this.#memberId = joined.memberId
    return this.#sync(joined)
  }

  async #sync({
    generationId,
    leader,
    memberId,
    members,
  }: JoinGroupResponse): Promise<Generation | undefined> {
    const { assignment, errorCode } = await this.ask(SyncGroup, 3, {
      groupId: GROUP,
      generationId,
      memberId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: leader === memberId ? assignmentsOf(members.map((member) => member.memberId)) : [],
    })
    if (errorCode !== 0) {
      this.log(`synced ${generationId}: ${outcome(errorCode)}`)
      this.#lost(errorCode)
      return undefined
    }
    const partitions = partitionsIn(assignment)
    this.log(`synced ${generationId}: ${partitions.join(' ')}`)
    for (const partition of partitions)
      this.world.ledger.own(GROUP, generationId, leader, partition, memberId)
    return { generationId, leader, partitions }
  }

  /** Sends heartbeats and commits until there is another generation. */
  async #stay({ generationId, partitions }: Generation): Promise<void> {
    const memberId = this.#memberId
    while (this.#isWanted && !this.world.isOver) {
      if (++this.#heartbeats % MAX_HEARTBEATS === 0) this.#isWanted = false
      await this.sleep(HEARTBEAT_MS)
      if (memberId !== this.#memberId) return
      const { errorCode } = await this.ask(Heartbeat, 3, {
        groupId: GROUP,
        generationId,
        memberId,
        groupInstanceId: null,
      })
      if (errorCode !== 0) {
        this.log(`heartbeat in ${generationId}: ${outcome(errorCode)}`)
        this.#lost(errorCode)
        return
      }
      const partition = partitions[this.#commits % Math.max(1, partitions.length)]
      if (partition !== undefined && memberId === this.#memberId)
        await this.#commit(generationId, memberId, partition)
    }
  }

  async #commit(generationId: number, memberId: string, partition: string): Promise<void> {
    const { ledger } = this.world
    const [topic, index] = partition.split('-') as [string, string]
    const topicId = await this.topicId(topic)
    if (topicId === undefined) return
    const offset = ++this.#commits * 10 + this.#index
    const register = ledger.commit(GROUP, topicId, topic, Number(index))
    const write = register.begin(offset, ledger.tick())
    let state: 'acknowledged' | 'unknown' = 'unknown'
    try {
      const { topics } = await this.ask(OffsetCommit, 10, {
        ...commitOf(GROUP, topicId, Number(index), offset),
        generationIdOrMemberEpoch: generationId,
        memberId,
      })
      const { errorCode } = topics[0]!.partitions[0]!
      this.log(`${partition} = ${offset}: ${outcome(errorCode)}`)
      if (errorCode === 0) state = 'acknowledged'
      else this.forgetTopicId(topic)
    } finally {
      register.end(write, state, ledger.tick())
    }
  }

  #lost(errorCode: number): void {
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) this.#memberId = ''
  }
}

/** Gives all partitions to the members in turn. */
function assignmentsOf(memberIds: readonly string[]): { memberId: string; assignment: Buffer }[] {
  const all = SUBSCRIBED.flatMap((topic) =>
    Array.from({ length: PARTITIONS }, (_, index) => ({ topic, index })),
  )
  return memberIds.map((memberId, turn) => {
    const mine = all.filter((_, at) => at % memberIds.length === turn)
    const writer = new Writer()
    writer.int16(0)
    ConsumerProtocolAssignment.encode(
      writer,
      {
        assignedPartitions: SUBSCRIBED.map((topic) => ({
          topic,
          partitions: mine.filter((each) => each.topic === topic).map(({ index }) => index),
        })),
        userData: null,
      },
      0,
    )
    return { memberId, assignment: writer.finishCopy() }
  })
}

function partitionsIn(assignment: Buffer): string[] {
  if (assignment.length === 0) throw new Violation('members get what the leader said', 'an empty assignment')
  const { assignedPartitions } = ConsumerProtocolAssignment.decode(new Reader(assignment, 2), 0)
  return assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((index) => `${topic}-${index}`))
}
