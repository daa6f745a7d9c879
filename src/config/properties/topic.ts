import { boolean, choice, double, int, LONG_MAX, list, long, type Rules } from '../property.ts'

const throttledReplicas: Rules = {
  check: (text) => text === '*' || /^(\d+:\d+)?(\s*,\s*(\d+:\d+)?)*$/.test(text),
  allowed: '* or a list of partition:broker',
}

/** Properties of a topic. */
export const topicProperties = {
  'cleanup.policy': list('delete', { oneOf: ['compact', 'delete'] }),
  'compression.gzip.level': int(-1, { min: 1, max: 9, also: -1 }),
  'compression.lz4.level': int(9, { min: 1, max: 17 }),
  'compression.type': choice('producer', ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer']),
  'compression.zstd.level': int(3, { min: -131_072, max: 22 }),
  'delete.retention.ms': long(86_400_000, { min: 0 }),
  'file.delete.delay.ms': long(60_000, { min: 0 }),
  'flush.messages': long(LONG_MAX, { min: 1 }),
  'flush.ms': long(LONG_MAX, { min: 0 }),
  'follower.replication.throttled.replicas': list('', throttledReplicas),
  'index.interval.bytes': int(4096, { min: 0 }),
  'internal.segment.bytes': int(null, { isInternal: true }),
  'leader.replication.throttled.replicas': list('', throttledReplicas),
  'local.retention.bytes': long(-2, { min: -2 }),
  'local.retention.ms': long(-2, { min: -2 }),
  'max.compaction.lag.ms': long(LONG_MAX, { min: 1 }),
  'max.message.bytes': int(1_048_588, { min: 0 }),
  'message.timestamp.after.max.ms': long(3_600_000, { min: 0 }),
  'message.timestamp.before.max.ms': long(LONG_MAX, { min: 0 }),
  'message.timestamp.type': choice('CreateTime', ['CreateTime', 'LogAppendTime']),
  'min.cleanable.dirty.ratio': double(0.5, { min: 0, max: 1 }),
  'min.compaction.lag.ms': long(0, { min: 0 }),
  'min.insync.replicas': int(1, { min: 1 }),
  preallocate: boolean(false),
  'remote.log.copy.disable': boolean(false),
  'remote.log.delete.on.disable': boolean(false),
  'remote.storage.enable': boolean(false),
  'retention.bytes': long(-1),
  'retention.ms': long(604_800_000, { min: -1 }),
  'segment.bytes': int(1_073_741_824, { min: 1_048_576 }),
  'segment.index.bytes': int(10_485_760, { min: 4 }),
  'segment.jitter.ms': long(0, { min: 0 }),
  'segment.ms': long(604_800_000, { min: 1 }),
  'unclean.leader.election.enable': boolean(false),
}
