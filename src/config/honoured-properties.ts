import type { BrokerPropertyName } from './broker-properties.ts'
import { brokerSynonyms, type TopicPropertyName } from './topic-config.ts'

const names: readonly BrokerPropertyName[] = [
  'advertised.listeners',
  'auto.create.topics.enable',
  'broker.id',
  'broker.rack',
  'connections.max.idle.ms',
  'controller.listener.names',
  'controller.quorum.bootstrap.servers',
  'controller.quorum.voters',
  'default.replication.factor',
  'delete.topic.enable',
  'fetch.max.bytes',
  'group.initial.rebalance.delay.ms',
  'group.max.session.timeout.ms',
  'group.max.size',
  'group.min.session.timeout.ms',
  'inter.broker.listener.name',
  'listener.security.protocol.map',
  'listeners',
  'log.dir',
  'log.dirs',
  'log.flush.offset.checkpoint.interval.ms',
  'log.flush.scheduler.interval.ms',
  'log.initial.task.delay.ms',
  'log.retention.check.interval.ms',
  'log.retention.hours',
  'log.retention.minutes',
  'log.roll.hours',
  'log.roll.jitter.hours',
  'max.connections',
  'max.connections.per.ip',
  'max.connections.per.ip.overrides',
  'max.incremental.fetch.session.cache.slots',
  'max.request.partition.size.limit',
  'node.id',
  'num.partitions',
  'offset.metadata.max.bytes',
  'offsets.retention.check.interval.ms',
  'offsets.retention.minutes',
  'offsets.topic.num.partitions',
  'offsets.topic.replication.factor',
  'offsets.topic.segment.bytes',
  'process.roles',
  'producer.id.expiration.ms',
  'security.inter.broker.protocol',
  'socket.listen.backlog.size',
  'socket.request.max.bytes',
  'transaction.state.log.min.isr',
  'transaction.state.log.num.partitions',
  'transaction.state.log.replication.factor',
  'transaction.state.log.segment.bytes',
]

/** Properties of topics that are taken and described, but change nothing yet: those of compaction, tiered storage and several brokers. */
export const topicPropertiesWithoutEffect: ReadonlySet<string> = new Set<TopicPropertyName>([
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.type',
  'compression.zstd.level',
  'delete.retention.ms',
  'follower.replication.throttled.replicas',
  'leader.replication.throttled.replicas',
  'local.retention.bytes',
  'local.retention.ms',
  'max.compaction.lag.ms',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'preallocate',
  'remote.log.copy.disable',
  'remote.log.delete.on.disable',
  'remote.storage.enable',
  'segment.jitter.ms',
  'unclean.leader.election.enable',
])

const ofTopics = Object.entries(brokerSynonyms)
  .filter(([name]) => !topicPropertiesWithoutEffect.has(name))
  .map(([, broker]) => broker)

/** Properties that this broker goes by. Whoever makes it read another one adds it here; until then its user is warned. */
export const honouredProperties: ReadonlySet<string> = new Set<string>([...names, ...ofTopics])
