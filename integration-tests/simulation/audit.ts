import type { Broker } from '../../src/broker.ts'
import { topicConfig } from '../../src/config/topic-config.ts'
import { batchesOf } from '../../src/coordinator/batches.ts'
import type { Partition } from '../../src/log/partition.ts'
import { readRecords } from '../../src/protocol/record.ts'
import { ABSENT, type Ledger } from './ledger.ts'
import type { FoundLog } from './partition-ledger.ts'
import { Violation } from './violation.ts'

/** Compares all that a broker holds with what is known of it; past the wire, so that nothing can come in between. */
export function audit(broker: Broker, ledger: Ledger, isPowerLost: boolean): void {
  const { metadata, partitions } = broker.services
  const now = ledger.tick()
  for (const [name, register] of ledger.names) {
    register.read(metadata.topic(name)?.topicId ?? ABSENT, now, now)
  }
  for (const [topicId, topic] of ledger.topics) {
    const image = metadata.topicById(topicId)
    if (!image) {
      ledger.forgetTopic(topicId)
      continue
    }
    if (image.partitions.length < topic.partitionCount)
      throw new Violation(
        'partitions stay',
        `${topic.name} has ${image.partitions.length} of ${topic.partitionCount}`,
      )
    const configs = metadata.configs('topic', topic.name)
    for (const [name, register] of topic.configs) register.read(configs.get(name) ?? null, now, now)
    for (const partition of partitions.ofTopic(topic.name)) {
      ledger.partition(topicId, topic.name, partition.partition).verify(foundIn(partition), isPowerLost)
    }
  }
}

/** Notes how far each log says that it is on the device. */
export function noteFlushed(broker: Broker, ledger: Ledger): void {
  for (const { topic, topicId, partition, openLog } of broker.services.partitions.all()) {
    if (openLog?.isOnDisk && ledger.topics.has(topicId))
      ledger.partition(topicId, topic, partition).flushedTo(Number(openLog.recoveryPoint))
  }
}

/** All that was acknowledged of topics and settings is on the device. */
export function isMetadataFlushed({ services }: Broker): boolean {
  const { log } = services.partitions.openMetadataLog(topicConfig(new Map(), services.config))
  return log.recoveryPoint === log.logEndOffset
}

function foundIn({ log }: Partition): FoundLog {
  const records: { offset: number; value: string }[] = []
  for (const buffer of log.batches()) {
    for (const batch of batchesOf(buffer)) {
      for (const { offset, value } of readRecords(batch)) {
        records.push({ offset: Number(offset), value: value?.toString() ?? 'null' })
      }
    }
  }
  return { logStartOffset: Number(log.logStartOffset), logEndOffset: Number(log.logEndOffset), records }
}

/** What has to hold of every log at every moment of one life of a broker. */
export class Watch {
  readonly #broker: Broker
  readonly #highWatermarks = new WeakMap<Partition, bigint>()

  constructor(broker: Broker) {
    this.#broker = broker
  }

  look(): void {
    for (const partition of this.#broker.services.partitions.all()) {
      const log = partition.openLog
      if (!log) continue
      const { highWatermark, logEndOffset, logStartOffset, lastStableOffset } = log
      const where = `${partition.topic}-${partition.partition}`
      const before = this.#highWatermarks.get(partition) ?? 0n
      if (highWatermark < before)
        throw new Violation(
          'the high watermark never goes back',
          `${where} from ${before} to ${highWatermark}`,
        )
      this.#highWatermarks.set(partition, highWatermark)
      if (logStartOffset > highWatermark || highWatermark > logEndOffset || lastStableOffset > highWatermark)
        throw new Violation(
          'offsets are in order',
          `${where}: start ${logStartOffset}, stable ${lastStableOffset}, high ${highWatermark}, end ${logEndOffset}`,
        )
    }
  }
}
