import { BrokerConfig } from '../../config/broker-config.ts'
import { silentLogger } from '../../platform/logger.ts'
import { ManualClock } from '../../platform/manual-clock.ts'
import type { Random } from '../../platform/platform.ts'
import { ApiError, type ErrorCode } from '../../protocol/error-code.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../protocol/generated/consumer-group-heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/generated/join-group.ts'
import type { SyncGroupResponse } from '../../protocol/generated/sync-group.ts'
import type { ConsumerGroup } from '../group/consumer/consumer-group.ts'
import { GroupCoordinator } from '../group/group-coordinator.ts'
import type { OffsetToCommit } from '../group/group-offsets.ts'
import { TopicList } from './topic-list.ts'

/** An answer that may still be open: `value` is there once it is given. */
export interface Answer<Response> {
  value: Response | undefined
}

type JoinOptions = Partial<Omit<JoinGroupRequest, 'protocols'>> & {
  protocols?: Record<string, string | Buffer>
  apiVersion?: number
}

const NO_ANSWER: ConsumerGroupHeartbeatResponse = {
  throttleTimeMs: 0,
  errorCode: 0,
  errorMessage: null,
  memberId: null,
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
  assignment: null,
}

/** A group coordinator over logs in memory, under a clock that stands still, with requests in short. */
export class CoordinatorHarness {
  readonly clock = new ManualClock()
  readonly logs: Buffer[][] = [[], []]
  readonly topics = new TopicList()
  readonly groupConfigs = new Map<string, Map<string, string>>()
  coordinator: GroupCoordinator
  /** Set: the log refuses what it is given. */
  appendError: ErrorCode | undefined
  appends = 0
  readonly #config: BrokerConfig
  #nextId = 0

  constructor(properties: Record<string, string> = {}) {
    this.#config = BrokerConfig.fromProperties(
      new Map(Object.entries({ 'group.initial.rebalance.delay.ms': '0', ...properties })),
    )
    this.coordinator = this.#create()
  }

  /** A new coordinator over the same logs, as after a restart. */
  restart(): void {
    this.coordinator.stop()
    this.coordinator = this.#create()
    this.coordinator.start()
  }

  join(groupId: string, memberId: string, options: JoinOptions = {}): Answer<JoinGroupResponse> {
    const { protocols = { range: 'm' }, apiVersion = 9, ...rest } = options
    const request: JoinGroupRequest = {
      groupId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 30_000,
      memberId,
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: Object.entries(protocols).map(([name, metadata]) => ({
        name,
        metadata: bytesOf(metadata),
      })),
      reason: null,
      ...rest,
    }
    return track(
      this.coordinator.joinGroup(request, { apiVersion, clientId: 'client', clientHost: '/127.0.0.1' }),
    )
  }

  /** Joins as a new dynamic member: asks for an id, then joins with it. */
  async enter(
    groupId: string,
    options: JoinOptions = {},
  ): Promise<{ memberId: string; join: Answer<JoinGroupResponse> }> {
    const first = this.join(groupId, '', options)
    await this.settle()
    const memberId = first.value!.memberId
    const join = this.join(groupId, memberId, options)
    await this.advance(this.#config.get('group.initial.rebalance.delay.ms'))
    return { memberId, join }
  }

  sync(
    groupId: string,
    memberId: string,
    generationId: number,
    assignments: Record<string, string | Buffer> = {},
    rest: { groupInstanceId?: string; protocolName?: string } = {},
  ): Answer<SyncGroupResponse> {
    return track(
      this.coordinator.syncGroup({
        groupId,
        memberId,
        generationId,
        groupInstanceId: null,
        protocolType: null,
        protocolName: null,
        assignments: Object.entries(assignments).map(([id, text]) => ({
          memberId: id,
          assignment: bytesOf(text),
        })),
        ...rest,
      }),
    )
  }

  heartbeat(
    groupId: string,
    memberId: string,
    generationId: number,
    groupInstanceId: string | null = null,
  ): ErrorCode {
    return this.coordinator.heartbeat({ groupId, memberId, generationId, groupInstanceId })
  }

  /** A heartbeat of the consumer protocol: its answer, or the code that it is refused with. Epoch 0 joins, with all that a join needs. */
  beat(
    groupId: string,
    memberId: string,
    memberEpoch: number,
    more: Partial<ConsumerGroupHeartbeatRequest> & { owned?: Record<string, number[]> } = {},
  ): ConsumerGroupHeartbeatResponse {
    const { owned, ...rest } = more
    const isJoin = memberEpoch === 0
    const request: ConsumerGroupHeartbeatRequest = {
      groupId,
      memberId,
      memberEpoch,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: isJoin ? 30_000 : -1,
      subscribedTopicNames: isJoin && !more.subscribedTopicRegex ? ['t'] : null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: isJoin ? [] : owned ? this.#partitionsOf(owned) : null,
      ...rest,
    }
    const caller = { apiVersion: 1, clientId: 'client', clientHost: '/127.0.0.1' }
    try {
      return this.coordinator.consumerGroupHeartbeat(request, caller)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { ...NO_ANSWER, errorCode: error.code, errorMessage: error.explanation }
    }
  }

  /** What a heartbeat's answer assigns, by name of the topic, with the partitions in order; undefined when it assigns nothing anew. */
  assigned({ assignment }: ConsumerGroupHeartbeatResponse): Record<string, number[]> | undefined {
    if (!assignment) return undefined
    return Object.fromEntries(
      assignment.topicPartitions.map(({ topicId, partitions }) => [
        this.topics.byId(topicId)!.name,
        [...partitions].sort((a, b) => a - b),
      ]),
    )
  }

  /** A consumer group, as its records made it. */
  consumerGroup(groupId: string): ConsumerGroup {
    const group = this.coordinator.group(groupId)
    if (group?.type !== 'consumer') throw new Error(`${groupId} is no consumer group`)
    return group
  }

  leave(groupId: string, memberId: string, groupInstanceId: string | null = null): number {
    return this.coordinator.leaveGroup(groupId, [{ memberId, groupInstanceId, reason: null }])[0]!.errorCode
  }

  /** Commits one offset of topic `t`; the code that it is answered with. */
  commit(
    groupId: string,
    offset: number,
    by: { memberId?: string; generationId?: number; groupInstanceId?: string; apiVersion?: number } = {},
    what: Partial<OffsetToCommit> = {},
  ): ErrorCode {
    const committer = { groupId, memberId: '', generationId: -1, groupInstanceId: null, apiVersion: 8, ...by }
    const committed = {
      topic: 't',
      partition: 0,
      offset: BigInt(offset),
      leaderEpoch: -1,
      metadata: '',
      commitTimestampMs: BigInt(this.clock.now()),
      expireTimestampMs: -1n,
      topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
      ...what,
    }
    try {
      return this.coordinator.commitOffsets(committer, [committed])[0]!
    } catch (error) {
      if (error instanceof ApiError) return error.code
      throw error
    }
  }

  offset(groupId: string, topic = 't', partition = 0): bigint | undefined {
    return this.coordinator.offsetsOf(groupId).get(topic, partition)?.offset
  }

  /** Lets what is ready run: timers that are due now, and promises. */
  async settle(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      this.clock.advance(0)
      await Promise.resolve()
    }
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms)
    await this.settle()
  }

  /** A group of two, stable: the first leads. */
  async stablePair(groupId: string, options: JoinOptions = {}) {
    const first = await this.enter(groupId, options)
    const second = await this.enter(groupId, options)
    const rejoin = this.join(groupId, first.memberId, options)
    await this.settle()
    const { generationId } = rejoin.value!
    const waiting = this.sync(groupId, second.memberId, generationId)
    const leading = this.sync(groupId, first.memberId, generationId, {
      [first.memberId]: 'a1',
      [second.memberId]: 'a2',
    })
    await this.settle()
    return {
      leader: first.memberId,
      follower: second.memberId,
      generationId,
      waiting,
      leading,
      rejoin,
      join: second.join,
    }
  }

  /** What a restart has to bring back of classic groups. */
  durable(groupIds: readonly string[]): object[] {
    return groupIds.map((groupId) => {
      const known = this.coordinator.group(groupId)
      const group = known?.type === 'classic' ? known : undefined
      const members = [...(group?.members.values() ?? [])].map(
        ({ memberId, groupInstanceId, assignment, sessionTimeoutMs }) => ({
          memberId,
          groupInstanceId,
          assignment: assignment.toString(),
          sessionTimeoutMs,
        }),
      )
      return {
        groupId,
        group: group && {
          state: group.state,
          generationId: group.generationId,
          protocolType: group.protocolType,
          protocolName: group.protocolName,
          leaderId: group.leaderId,
          stateTimestampMs: group.stateTimestampMs,
        },
        members: members.sort((a, b) => (a.memberId < b.memberId ? -1 : 1)),
        offsets: [...this.coordinator.offsetsOf(groupId).all()].map(([topic, partitions]) => [
          topic,
          [...partitions],
        ]),
      }
    })
  }

  #partitionsOf(owned: Record<string, number[]>) {
    return Object.entries(owned).map(([name, partitions]) => ({
      topicId: this.topics.byName(name)!.topicId,
      partitions,
    }))
  }

  #create(): GroupCoordinator {
    return new GroupCoordinator({
      clock: this.clock,
      random: this.#random(),
      config: this.#config,
      logger: silentLogger,
      append: (partition, batch) => {
        if (this.appendError !== undefined) throw new ApiError(this.appendError)
        this.appends++
        return BigInt(this.logs[partition]!.push(batch) - 1)
      },
      readAll: (partition) => [Buffer.concat(this.logs[partition]!)],
      partitionCount: () => this.logs.length,
      topics: this.topics,
      groupConfigs: (groupId) => this.groupConfigs.get(groupId) ?? new Map(),
    })
  }

  #random(): Random {
    return {
      bytes: (length) => Buffer.alloc(length),
      uuid: () => 'AAAAAAAAAAAAAAAAAAAAAA',
      dashedUuid: () => String(++this.#nextId),
      integer: () => 0,
    }
  }
}

function bytesOf(value: string | Buffer): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : value
}

function track<Response>(result: Response | Promise<Response>): Answer<Response> {
  const answer: Answer<Response> = { value: undefined }
  if (result instanceof Promise) {
    void result.then((value) => {
      answer.value = value
    })
  } else answer.value = result
  return answer
}
