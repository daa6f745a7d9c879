import type { Broker } from '../../src/broker.ts'
import { batchesOf } from '../../src/coordinator/batches.ts'
import type { Partition } from '../../src/log/partition.ts'
import { readRecords } from '../../src/protocol/record.ts'
import { recordCount } from '../../src/protocol/record-batch.ts'
import { ABSENT, type Ledger } from './ledger.ts'
import { verifyLookups } from './lookups.ts'
import type { FoundLog, FoundRecord } from './partition-ledger.ts'
import { textOf } from './sent-record.ts'
import { Violation } from './violation.ts'

/** Compares all that a broker holds with what is known of it; past the wire, so that nothing can come in between. */
export function audit(broker: Broker, ledger: Ledger, isPowerLost: boolean): void {
  const { metadata, partitions, clock } = broker.services
  const time = { nowMs: clock.now(), elapsedMs: clock.elapsedMs() }
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
      const found = foundIn(partition)
      ledger.partition(topicId, topic.name, partition.partition).verify(found, isPowerLost, time)
      verifyLookups(partition.log, found, `${topic.name}-${partition.partition}`)
    }
  }
}

/** Nothing that compaction can remove at any time is left; to be called when it has been at work. */
export function auditCompaction(broker: Broker, ledger: Ledger): void {
  for (const partition of broker.services.partitions.all()) {
    const { topic, topicId, config } = partition
    const isDue = config['min.compaction.lag.ms'] === 0 && config['min.cleanable.dirty.ratio'] === 0
    if (isDue && config['cleanup.policy'].includes('compact') && ledger.topics.has(topicId))
      ledger.partition(topicId, topic, partition.partition).verifyCleaned(foundIn(partition))
  }
}

/** Notes how far each log says that it is on the device. */
export function noteFlushed(broker: Broker, ledger: Ledger): void {
  for (const { topic, topicId, partition, openLog } of broker.services.partitions.all()) {
    if (openLog?.isOnDisk && ledger.topics.has(topicId))
      ledger.partition(topicId, topic, partition).flushedTo(Number(openLog.recoveryPoint))
  }
}

/** What readers can see: behind the high watermark there is only what the disk refused to flush, and to take back when it was asked to. */
function foundIn({ log }: Partition): FoundLog {
  const { highWatermark } = log
  const records: FoundRecord[] = []
  let hasEmptyBatches = false
  for (const buffer of log.batches()) {
    for (const batch of batchesOf(buffer)) {
      hasEmptyBatches ||= recordCount(batch, 0) === 0
      for (const record of readRecords(batch)) {
        const { offset, timestamp } = record
        if (offset >= highWatermark) break
        records.push({ offset: Number(offset), text: textOf(record), timestamp: Number(timestamp) })
      }
    }
  }
  return {
    logStartOffset: Number(log.logStartOffset),
    logEndOffset: Number(highWatermark),
    activeBase: Number(log.segments.at(-1)!.baseOffset),
    records,
    hasEmptyBatches,
  }
}

/** The high watermark that a log was last seen with. */
interface Seen {
  highWatermark: bigint
}

/** What has to hold of every log at every moment of one life of a broker. */
export class Watch {
  readonly #broker: Broker
  readonly #seen = new WeakMap<Partition, Seen>()

  constructor(broker: Broker) {
    this.#broker = broker
  }

  look(): void {
    for (const partition of this.#broker.services.partitions.all()) {
      const log = partition.openLog
      if (log) this.#lookAt(partition, log)
    }
  }

  /** After every event, so it makes no text before there is something to tell. */
  #lookAt(partition: Partition, log: NonNullable<Partition['openLog']>): void {
    if (log.uncleanableReason !== undefined)
      throw new Violation('every log can be compacted', `${nameOf(partition)}: ${log.uncleanableReason}`)
    const { highWatermark, logEndOffset, logStartOffset, lastStableOffset } = log
    const seen = this.#seen.get(partition)
    if (!seen) this.#seen.set(partition, { highWatermark })
    else if (highWatermark < seen.highWatermark)
      throw new Violation(
        'the high watermark never goes back',
        `${nameOf(partition)} from ${seen.highWatermark} to ${highWatermark}`,
      )
    else seen.highWatermark = highWatermark
    if (logStartOffset > highWatermark || highWatermark > logEndOffset || lastStableOffset > highWatermark)
      throw new Violation(
        'offsets are in order',
        `${nameOf(partition)}: start ${logStartOffset}, stable ${lastStableOffset}, high ${highWatermark}, end ${logEndOffset}`,
      )
  }
}

function nameOf({ topic, partition }: Partition): string {
  return `${topic}-${partition}`
}
