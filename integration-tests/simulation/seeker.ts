import { ListOffsets } from '../../src/protocol/generated/list-offsets.ts'
import { Actor, outcome } from './actor.ts'
import { EARLIEST, listRequest } from './consumer.ts'
import { reachOf } from './fetching.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import type { Step } from './plan.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

/** What ListOffsets takes for the record with the largest timestamp. */
const MAX_TIMESTAMP = -3n

/** What was asked for, what was known then, and what came. */
interface Lookup {
  readonly ledger: PartitionLedger
  readonly start: number
  readonly end: number
  readonly offset: number
  readonly timestamp: number
}

/** Looks up offsets by time, and compares them with the times of the records that are known. */
export class SeekerActor extends Actor {
  constructor(world: World) {
    super(world, 'seeker')
  }

  protected async perform(step: Step): Promise<void> {
    if (step.kind !== 'seek') return
    const { topic, percent, shiftMs } = step
    const topicId = await this.topicId(topic)
    if (topicId === undefined) return
    const partition = this.partitionThere(topicId, step)
    const ledger = this.world.ledger.partition(topicId, topic, partition)
    const { powerLosses } = this.world
    const { end, losses } = ledger
    const place = percent === undefined ? undefined : Math.floor((end * percent) / 100)
    const time =
      place === undefined ? undefined : (ledger.timestampAt(place) ?? this.world.clock.now()) + shiftMs
    const wanted = time === undefined ? MAX_TIMESTAMP : BigInt(time)
    const found = await this.#list(topic, partition, wanted)
    const start = await this.#list(topic, partition, EARLIEST)
    this.log(
      `#${step.id} ${topic}-${partition} ${time ?? 'latest'}: ${outcome(found.errorCode)} ${found.offset} of ${found.timestamp}`,
    )
    if (found.errorCode !== 0 || start.errorCode !== 0) {
      this.forgetTopicId(topic)
      return
    }
    // It may be another topic of that name by now, or have lost records with the power.
    if (powerLosses !== this.world.powerLosses || losses !== ledger.losses) return
    if ((await this.lookUp(topic)) !== topicId) return
    const lookup = {
      ledger,
      start: Number(start.offset),
      end,
      offset: Number(found.offset),
      timestamp: Number(found.timestamp),
    }
    if (time === undefined) this.#checkLatest(lookup)
    else this.#check(lookup, time)
  }

  async #list(topic: string, partition: number, timestamp: bigint) {
    const { topics } = await this.ask(ListOffsets, 7, listRequest(topic, partition, timestamp))
    return topics[0]!.partitions[0]!
  }

  #check(lookup: Lookup, wanted: number): void {
    const { ledger, start, end, offset, timestamp } = lookup
    this.#checkRecord(lookup)
    if (offset >= 0 && timestamp < wanted)
      throw new Violation('times are found', `offset ${offset} of ${timestamp} is older than ${wanted}`)
    // As in Apache Kafka a record that was deleted or compacted away hides later ones: its segment still promises it.
    if (offset < 0 && (ledger.isKeyed || start > 0)) return
    const reach = reachOf(this.world)
    // What comes in front of it is older; when there is none, everything is.
    const until = offset < 0 ? end : offset
    for (let at = start; at < until; at++) {
      const known = ledger.timestampAt(at)
      if (known !== undefined && known >= wanted && ledger.firstKept(at, at + 1, reach) !== undefined)
        throw new Violation(
          'times are found',
          `${offset} is told for ${wanted}, but offset ${at} is of ${known}`,
        )
    }
  }

  #checkLatest(lookup: Lookup): void {
    const { ledger, start, end, offset, timestamp } = lookup
    this.#checkRecord(lookup)
    // As in Apache Kafka a batch that compaction has emptied hides what is latest.
    if (offset < 0 && ledger.isKeyed) return
    const reach = reachOf(this.world)
    for (let at = start; at < end; at++) {
      const known = ledger.timestampAt(at)
      const isLater = known !== undefined && (known > timestamp || (known === timestamp && at < offset))
      if (isLater && ledger.firstKept(at, at + 1, reach) !== undefined)
        throw new Violation(
          'times are found',
          `${offset} of ${timestamp} is told as latest, ${at} is of ${known}`,
        )
    }
  }

  #checkRecord({ ledger, offset, timestamp }: Lookup): void {
    const known = ledger.timestampAt(offset)
    if (known !== undefined && known !== timestamp)
      throw new Violation(
        'times are found',
        `offset ${offset} is told to be of ${timestamp}, it is of ${known}`,
      )
  }
}
