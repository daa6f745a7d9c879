import type { clientMetricsProperties } from '../properties/client-metrics.ts'
import type { groupProperties } from '../properties/group.ts'

/** What the properties of a group are for. */
export const groupDocumentation: Readonly<Record<keyof typeof groupProperties, string>> = {
  'consumer.assignment.interval.ms': 'Least time between two assignments of a consumer group.',
  'consumer.heartbeat.interval.ms': 'How often members of a consumer group send heartbeats.',
  'consumer.session.timeout.ms':
    'After what time without a heartbeat a member is taken out of a consumer group.',
  'share.assignment.interval.ms': 'Least time between two assignments of a share group.',
  'share.auto.offset.reset':
    'Where a share group begins to read: at the latest or the earliest record, or some time ago (by_duration).',
  'share.delivery.count.limit': 'How often a record is delivered at most.',
  'share.heartbeat.interval.ms': 'How often members of a share group send heartbeats.',
  'share.isolation.level': 'Whether a share group reads records of transactions before they are committed.',
  'share.partition.max.record.locks': 'How many records of a partition can be in delivery at once.',
  'share.record.lock.duration.ms': 'For how long a record belongs to the member that it was delivered to.',
  'share.renew.acknowledge.enable': 'Whether a member may ask for more time with a record.',
  'share.session.timeout.ms': 'After what time without a heartbeat a member is taken out of a share group.',
  'streams.assignment.interval.ms': 'Least time between two assignments of a streams group.',
  'streams.heartbeat.interval.ms': 'How often members of a streams group send heartbeats.',
  'streams.initial.rebalance.delay.ms': 'How long a new streams group waits for more members.',
  'streams.num.standby.replicas': 'How many standby copies each task has.',
  'streams.session.timeout.ms':
    'After what time without a heartbeat a member is taken out of a streams group.',
}

/** What the properties of a subscription to clients' metrics are for. */
export const clientMetricsDocumentation: Readonly<Record<keyof typeof clientMetricsProperties, string>> = {
  'interval.ms': 'How often a client sends its metrics.',
  match: 'Which clients the subscription is for, as a list of name=pattern.',
  metrics: 'Which metrics are wanted, by the beginnings of their names; * for all.',
}
