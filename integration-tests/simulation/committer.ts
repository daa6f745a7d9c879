import { ErrorCode } from '../../src/protocol/error-code.ts'
import { FindCoordinator } from '../../src/protocol/generated/find-coordinator.ts'
import { OffsetCommit } from '../../src/protocol/generated/offset-commit.ts'
import { OffsetFetch } from '../../src/protocol/generated/offset-fetch.ts'
import { Actor, outcome } from './actor.ts'
import type { Step } from './plan.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

/** Commits offsets of groups that have no members, and reads them. */
export class CommitterActor extends Actor {
  readonly #index: number

  constructor(world: World, index: number) {
    super(world, `committer ${index}`)
    this.#index = index
  }

  protected async perform(step: Step): Promise<void> {
    if (step.kind !== 'commit' && step.kind !== 'check-commit') return
    const topicId = await this.topicId(step.topic)
    if (topicId === undefined) return
    // The first one makes the topic that holds the offsets.
    await this.ask(FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: [step.group] })
    if (step.kind === 'commit') await this.#commit(step, topicId)
    else await this.#check(step, topicId)
  }

  async #commit(step: Extract<Step, { kind: 'commit' | 'check-commit' }>, topicId: string): Promise<void> {
    const { ledger } = this.world
    const { group, topic, partition } = step
    const register = ledger.commit(group, topicId, topic, partition)
    // Unlike any other: what is read tells which commit it was.
    const offset = step.id * 10 + this.#index
    const write = register.begin(offset, ledger.tick())
    let state: 'acknowledged' | 'unknown' = 'unknown'
    try {
      const { topics } = await this.ask(
        OffsetCommit,
        10,
        commitOf(group, topicId, partition, offset),
        step.cut,
      )
      const { errorCode } = topics[0]!.partitions[0]!
      if (errorCode === 0) state = 'acknowledged'
      else this.forgetTopicId(topic)
      this.log(`#${step.id} ${group} ${topic}-${partition} = ${offset}: ${outcome(errorCode)}`)
    } finally {
      register.end(write, state, ledger.tick())
    }
  }

  async #check(step: Extract<Step, { kind: 'commit' | 'check-commit' }>, topicId: string): Promise<void> {
    const { ledger } = this.world
    const { group, topic, partition } = step
    const { powerLosses } = this.world
    const sent = ledger.tick()
    const { groups } = await this.ask(OffsetFetch, 10, {
      groupId: '',
      topics: [],
      groups: [
        {
          groupId: group,
          memberId: null,
          memberEpoch: -1,
          topics: [{ name: '', topicId, partitionIndexes: [partition] }],
        },
      ],
      requireStable: false,
    })
    const found = groups[0]!.topics[0]?.partitions[0]
    const errorCode = groups[0]!.errorCode || (found?.errorCode ?? 0)
    this.log(`#${step.id} ${group} ${topic}-${partition} is ${found?.committedOffset}: ${outcome(errorCode)}`)
    // What was on its way when the power went may be lost.
    if (powerLosses !== this.world.powerLosses) return
    if (errorCode === ErrorCode.NOT_COORDINATOR && this.world.isSound)
      throw new Violation('groups have a coordinator', `${group} has none`)
    if (errorCode !== 0 || !found) {
      this.forgetTopicId(topic)
      return
    }
    ledger.commit(group, topicId, topic, partition).read(Number(found.committedOffset), sent, ledger.tick())
  }
}

/** A commit by somebody outside of any generation. */
export function commitOf(group: string, topicId: string, partition: number, offset: number) {
  return {
    groupId: group,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    retentionTimeMs: -1n,
    topics: [
      {
        name: '',
        topicId,
        partitions: [
          {
            partitionIndex: partition,
            committedOffset: BigInt(offset),
            commitTimestamp: -1n,
            committedLeaderEpoch: -1,
            committedMetadata: '',
          },
        ],
      },
    ],
  }
}
