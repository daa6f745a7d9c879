import type { BrokerConfig } from '../config/broker-config.ts'
import type { GroupTopics } from '../coordinator/group/consumer/topics.ts'
import { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import type { Partitions } from '../log/partitions.ts'
import type { MetadataImage, TopicImage } from '../metadata/metadata-image.ts'
import type { Logger } from '../platform/logger.ts'
import type { Platform } from '../platform/platform.ts'

const OFFSETS_TOPIC = '__consumer_offsets'

interface Surroundings {
  readonly platform: Platform
  readonly config: BrokerConfig
  readonly logger: Logger
  readonly partitions: Partitions
  readonly image: MetadataImage
}

/** The coordinator of groups, on the partitions of its topic. */
export function composeGroups(surroundings: Surroundings): GroupCoordinator {
  const { platform, config, logger, partitions, image } = surroundings
  const { clock, random } = platform
  return new GroupCoordinator({
    clock,
    random,
    config,
    logger,
    append: (partition, batch) => offsetsPartition(partitions, partition).append(batch).baseOffset,
    readAll: (partition) => offsetsPartition(partitions, partition).log.batches(),
    partitionCount: () => partitions.ofTopic(OFFSETS_TOPIC).length,
    topics: groupTopics(image),
    groupConfigs: (groupId) => image.configs('group', groupId),
  })
}

/** Topics of the cluster, as groups see them. */
function groupTopics(image: MetadataImage): GroupTopics {
  const view = (topic: TopicImage | undefined) =>
    topic && {
      name: topic.name,
      topicId: topic.topicId,
      partitionCount: topic.partitions.length,
      racks: (partition: number) =>
        topic.partitions[partition]!.replicas.flatMap((id) => image.brokers.get(id)?.rack ?? []),
    }
  return {
    byName: (name) => view(image.topic(name)),
    byId: (topicId) => view(image.topicById(topicId)),
    names: () => image.topics.keys(),
    version: () => image.lastAppliedOffset,
  }
}

function offsetsPartition(partitions: Partitions, index: number) {
  const partition = partitions.get(OFFSETS_TOPIC, index)
  if (!partition) throw new Error(`${OFFSETS_TOPIC} has no partition ${index}`)
  return partition
}
