/** What the properties of groups, share groups, streams groups and transactions are for, but those that stand for a group's. */
export const coordinatorDocumentation: Readonly<Record<string, string>> = {
  'group.consumer.assignors': 'Assignors that a consumer group may choose; the first is the default.',
  'group.consumer.max.size': 'How many members a consumer group has at most.',
  'group.consumer.migration.policy':
    'Whether groups change between the classic and the consumer protocol while they live.',
  'group.consumer.regex.refresh.interval.ms': 'How often subscriptions by pattern are looked up again.',
  'group.coordinator.append.linger.ms':
    'How long writes of the coordinator wait for more; -1 lets it decide.',
  'group.coordinator.background.threads': 'Threads for long work of the coordinator.',
  'group.coordinator.cached.buffer.max.bytes': 'Size of the largest buffer that the coordinator keeps.',
  'group.coordinator.rebalance.protocols': 'Kinds of groups that the broker serves.',
  'group.coordinator.threads': 'Threads of the coordinator.',
  'group.initial.rebalance.delay.ms': 'How long a new classic group waits for more members.',
  'group.max.session.timeout.ms': 'Longest session timeout that a member of a classic group may have.',
  'group.max.size': 'How many members a classic group has at most.',
  'group.min.session.timeout.ms': 'Shortest session timeout that a member of a classic group may have.',
  'group.share.assignors': 'Assignors that a share group may choose.',
  'group.share.initialize.retry.interval.ms':
    'How often the state of partitions is set up again that failed to be.',
  'group.share.max.share.sessions': 'How many share sessions are remembered.',
  'group.share.max.size': 'How many members a share group has at most.',
  'group.share.persister.class.name': 'Java class that keeps the state of share groups.',
  'group.streams.max.size': 'How many members a streams group has at most.',
  'group.streams.max.standby.replicas': 'How many standby copies of a task a streams group may have.',
  'offset.metadata.max.bytes': 'Length of the longest note that may be committed with an offset.',
  'offsets.commit.timeout.ms': 'How long a commit waits for replicas.',
  'offsets.load.buffer.size': 'How much of the offsets topic is read at once when it is loaded.',
  'offsets.retention.check.interval.ms': 'How often is looked for old offsets.',
  'offsets.retention.minutes': 'How long offsets are kept after the group became empty.',
  'offsets.topic.compression.codec': 'Codec of the offsets topic, by its number.',
  'offsets.topic.num.partitions': 'Partitions of the offsets topic; not to be changed once it is there.',
  'offsets.topic.replication.factor': 'Replicas of the offsets topic, when it is created.',
  'offsets.topic.segment.bytes': 'Size of segments of the offsets topic, when it is created.',
  'share.coordinator.append.linger.ms':
    'How long writes of the share coordinator wait for more; -1 lets it decide.',
  'share.coordinator.cached.buffer.max.bytes': 'Size of the largest buffer that the share coordinator keeps.',
  'share.coordinator.cold.partition.snapshot.interval.ms':
    'How often the whole state of a partition is written that does not change.',
  'share.coordinator.load.buffer.size': 'How much of its topic is read at once when it is loaded.',
  'share.coordinator.snapshot.update.records.per.snapshot':
    'After how many changes the whole state of a partition is written.',
  'share.coordinator.state.topic.compression.codec':
    'Codec of the topic of the share coordinator, by its number.',
  'share.coordinator.state.topic.min.isr': 'Least in-sync replicas of that topic.',
  'share.coordinator.state.topic.num.partitions': 'Partitions of that topic.',
  'share.coordinator.state.topic.prune.interval.ms': 'How often old records of that topic are deleted.',
  'share.coordinator.state.topic.replication.factor': 'Replicas of that topic, when it is created.',
  'share.coordinator.state.topic.segment.bytes': 'Size of segments of that topic.',
  'share.coordinator.threads': 'Threads of the share coordinator.',
  'share.coordinator.write.timeout.ms': 'How long a write of the share coordinator waits for replicas.',
  'share.fetch.purgatory.purge.interval.requests':
    'After how many requests finished share fetches are cleared away.',
  'add.partitions.to.txn.retry.backoff.max.ms':
    'Longest wait of the broker while a transaction is still ending.',
  'add.partitions.to.txn.retry.backoff.ms': 'First wait of the broker while a transaction is still ending.',
  'producer.id.expiration.check.interval.ms': 'How often is looked for producers that are silent for long.',
  'producer.id.expiration.ms':
    'After what time a silent producer is forgotten, and with it what it sent last.',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms':
    'How often is looked for transactions that took too long.',
  'transaction.max.timeout.ms': 'Longest timeout that a transaction may have.',
  'transaction.partition.verification.enable':
    'Whether a partition asks if a transaction is really going on before it takes its records.',
  'transaction.remove.expired.transaction.cleanup.interval.ms':
    'How often is looked for transactional ids that nobody uses.',
  'transaction.state.log.load.buffer.size':
    'How much of the topic of transactions is read at once when it is loaded.',
  'transaction.state.log.min.isr': 'Least in-sync replicas of the topic of transactions.',
  'transaction.state.log.num.partitions':
    'Partitions of the topic of transactions; not to be changed once it is there.',
  'transaction.state.log.replication.factor': 'Replicas of the topic of transactions, when it is created.',
  'transaction.state.log.segment.bytes': 'Size of segments of the topic of transactions.',
  'transaction.two.phase.commit.enable': 'Whether transactions may be part of a two-phase commit.',
  'transactional.id.expiration.ms': 'After what time a transactional id that nobody uses is forgotten.',
}
