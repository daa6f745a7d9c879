import type { BrokerConfig } from '../../../config/broker-config.ts'
import type { Logger } from '../../../platform/logger.ts'
import type { Random } from '../../../platform/platform.ts'
import type { ShardTimers } from '../../runtime.ts'
import type { ClassicGroup } from '../classic-group.ts'
import type { GroupRecordWriter } from '../group-records.ts'
import type { Rebalance } from '../rebalance.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupRecordWriter } from './consumer-group-records.ts'
import type { GroupSettings } from './group-settings.ts'
import type { MemberTimers } from './member-timers.ts'
import type { TopicHashes } from './metadata-hash.ts'
import type { GroupTopics } from './topics.ts'

/** A group of either protocol. */
export type Group = ClassicGroup | ConsumerGroup

/** What the parts of the consumer protocol in one shard share. */
export interface ConsumerServices {
  /** Groups of the shard, as its records made them. */
  readonly groups: ReadonlyMap<string, Group>
  readonly topics: GroupTopics
  readonly hashes: TopicHashes
  readonly records: ConsumerGroupRecordWriter
  readonly classicRecords: GroupRecordWriter
  /** What moves a classic group on: one comes out of a consumer group when its last member of the new protocol goes. */
  readonly rebalance: Rebalance
  readonly settings: GroupSettings
  readonly config: BrokerConfig
  readonly timers: ShardTimers
  readonly memberTimers: MemberTimers
  readonly random: Random
  readonly logger: Logger
}

/** The consumer group of the shard, if there is one of that name. */
export function consumerGroup(
  { groups }: Pick<ConsumerServices, 'groups'>,
  groupId: string,
): ConsumerGroup | undefined {
  const group = groups.get(groupId)
  return group?.type === 'consumer' ? group : undefined
}
