import type { BrokerConfig } from '../../config/broker-config.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/platform.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { CoordinatorRecord, CoordinatorShard, Outcome, ShardTimers } from '../runtime.ts'
import { ClassicGroup } from './classic-group.ts'
import { ClassicJoin } from './classic-join.ts'
import { ClassicRequests } from './classic-requests.ts'
import { GroupOffsets } from './group-offsets.ts'
import { GroupRecordWriter, readGroupRecord } from './group-records.ts'
import { OffsetStore } from './offset-store.ts'
import { Rebalance } from './rebalance.ts'
import { joinError, syncError } from './responses.ts'

/** The groups and offsets of one partition of `__consumer_offsets`. */
export class GroupShard implements CoordinatorShard {
  readonly groups = new Map<string, ClassicGroup>()
  readonly store = new OffsetStore()
  readonly offsets: GroupOffsets
  readonly joins: ClassicJoin
  readonly requests: ClassicRequests
  readonly #rebalance: Rebalance
  readonly #records = new GroupRecordWriter()
  readonly #timers: ShardTimers
  readonly #config: BrokerConfig
  readonly #logger: Logger

  constructor(timers: ShardTimers, config: BrokerConfig, logger: Logger, random: Random) {
    const maxSize = () => config.get('group.max.size')
    this.#timers = timers
    this.#config = config
    this.#logger = logger
    this.#rebalance = new Rebalance(timers, logger, this.#records, () =>
      config.get('group.initial.rebalance.delay.ms'),
    )
    this.joins = new ClassicJoin(this.#rebalance, this.#records, random, logger, maxSize)
    this.requests = new ClassicRequests(this.#rebalance, this.#records, logger)
    this.offsets = new GroupOffsets(this.groups, this.store, this.#rebalance, this.#records, () =>
      config.get('offset.metadata.max.bytes'),
    )
  }

  /** A group that nobody knew: it is in the log before its first member is. */
  create(groupId: string): Outcome<void> {
    return {
      records: [this.#records.emptyGroup(new ClassicGroup(groupId), 0, this.#timers.clock.now())],
      answer: () => {},
    }
  }

  replay(record: CoordinatorRecord): void {
    const read = readGroupRecord(record)
    if (!read) return
    if (read.kind === 'group') {
      if (read.value) this.#group(read.groupId).replay(read.value)
      else this.#forget(read.groupId)
    } else if (read.value) {
      // A group may consist of nothing but its offsets.
      this.#group(read.groupId)
      this.store.put(read.groupId, read.topic, read.partition, read.value)
    } else {
      this.store.remove(read.groupId, read.topic, read.partition)
    }
  }

  onLoaded(): void {
    for (const group of this.groups.values()) {
      group.onLoaded()
      // Members have a whole session to show that they outlived the restart.
      for (const member of group.members.values()) this.#rebalance.touch(group, member)
      if (group.members.size > this.#config.get('group.max.size')) {
        this.#rebalance.begin(group, 'the group is larger than group.max.size')
      }
    }
  }

  close(): void {
    for (const group of this.groups.values()) {
      group.cancelTimers()
      for (const member of group.members.values()) {
        member.completeJoin(joinError(ErrorCode.NOT_COORDINATOR, member.memberId))
        member.completeSync(syncError(ErrorCode.NOT_COORDINATOR))
      }
    }
  }

  describe(): object[] {
    const nowMs = this.#timers.clock.elapsedMs()
    return Array.from(this.groups.values(), (group) => ({
      ...group.describe(nowMs),
      offsets: [...this.store.ofGroup(group.groupId)].flatMap(([topic, partitions]) =>
        Array.from(partitions, ([partition, { offset }]) => ({ topic, partition, offset })),
      ),
    }))
  }

  #group(groupId: string): ClassicGroup {
    const known = this.groups.get(groupId)
    if (known) return known
    const group = new ClassicGroup(groupId)
    this.groups.set(groupId, group)
    return group
  }

  #forget(groupId: string): void {
    const group = this.groups.get(groupId)
    if (!group) return
    group.cancelTimers()
    group.state = 'Dead'
    this.groups.delete(groupId)
    this.#logger.debug({ groupId }, 'Group is gone')
  }
}
