import type { TopicPropertyName } from '../topic-config.ts'

/** What the properties of a topic are for. */
export const topicDocumentation: Readonly<Record<TopicPropertyName, string>> = {
  'cleanup.policy':
    'What happens to old records: delete removes whole segments that are too old or too many, compact keeps the last record of each key, an empty list keeps everything.',
  'compression.gzip.level': 'How hard gzip works when the broker compresses; -1 leaves it to the codec.',
  'compression.lz4.level': 'How hard lz4 works when the broker compresses.',
  'compression.type':
    'How batches are stored: by one codec, uncompressed, or as the producer sent them (producer).',
  'compression.zstd.level': 'How hard zstd works when the broker compresses.',
  'delete.retention.ms':
    'How long compaction keeps the markers of deleted keys, so that readers can still see them.',
  'file.delete.delay.ms': 'How long files of removed segments stay on disk.',
  'flush.messages':
    'After how many records the log is forced to disk; the largest number leaves it to the operating system.',
  'flush.ms':
    'After what time new records are forced to disk; the largest number leaves it to the operating system.',
  'follower.replication.throttled.replicas':
    'Replicas whose fetching as a follower is slowed down; * for all.',
  'index.interval.bytes': 'How many bytes of records lie between two entries of an index.',
  'internal.segment.bytes': 'Size of a segment without a lower limit, for tests.',
  'leader.replication.throttled.replicas': 'Replicas whose sending as a leader is slowed down; * for all.',
  'local.retention.bytes':
    'With tiered storage: how many bytes of a partition stay on the broker; -2 takes retention.bytes.',
  'local.retention.ms': 'With tiered storage: how long records stay on the broker; -2 takes retention.ms.',
  'max.compaction.lag.ms': 'After what time a record is compacted at the latest.',
  'max.message.bytes': 'Size of the largest batch that may be written, as it is stored.',
  'message.timestamp.after.max.ms': "How far a record's timestamp may lie ahead of the broker's clock.",
  'message.timestamp.before.max.ms': "How far a record's timestamp may lie behind the broker's clock.",
  'message.timestamp.type':
    "Whose time a record carries: that of the producer (CreateTime) or that of the broker's clock (LogAppendTime).",
  'min.cleanable.dirty.ratio': 'Which share of a log has to be not compacted before it is compacted again.',
  'min.compaction.lag.ms': 'For what time a record is left as it is at least.',
  'min.insync.replicas': 'How many replicas have to be in sync before a write with acks=all is taken.',
  preallocate: "Whether a segment's file is given its full size when it is created.",
  'remote.log.copy.disable': 'With tiered storage: whether nothing more is copied to it.',
  'remote.log.delete.on.disable':
    'With tiered storage: whether what lies there is deleted when the topic leaves it.',
  'remote.storage.enable': 'Whether the topic uses tiered storage.',
  'retention.bytes': 'How large a partition may become before its oldest segments are deleted; -1: no limit.',
  'retention.ms': 'How old records may become before their segment is deleted; -1: no limit.',
  'segment.bytes': 'Size at which a new segment is begun.',
  'segment.index.bytes': 'Size of the largest index of a segment.',
  'segment.jitter.ms': 'By how much, at random, segments are begun earlier, so that not all begin at once.',
  'segment.ms': 'Age at which a new segment is begun, even when the old one is not full.',
  'unclean.leader.election.enable':
    'Whether a replica that is not in sync may become leader, which can lose records.',
}
