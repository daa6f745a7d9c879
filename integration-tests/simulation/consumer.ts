import { ErrorCode } from '../../src/protocol/error-code.ts'
import { Fetch, type PartitionData } from '../../src/protocol/generated/fetch.ts'
import { ListOffsets } from '../../src/protocol/generated/list-offsets.ts'
import { Actor, outcome } from './actor.ts'
import { fetchRequest, type Position, partitionToFetch, reachOf, take, upToDate } from './fetching.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import type { Step } from './plan.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

type Consumption = Extract<Step, { kind: 'consume' }>

/** So many fetches one step makes at most. */
const MAX_FETCHES = 40
/** What ListOffsets takes for the first offset. */
export const EARLIEST = -2n

/** Reads partitions from where it was, and compares what it gets with the ledger. */
export class ConsumerActor extends Actor {
  /** By topic id and partition. */
  readonly #positions = new Map<string, Position>()

  constructor(world: World, index: number) {
    super(world, `consumer ${index}`)
  }

  protected async perform(step: Step): Promise<void> {
    if (step.kind !== 'consume') return
    const topicId = await this.topicId(step.topic)
    if (topicId === undefined) return
    await this.#consume(topicId, { ...step, partition: this.partitionThere(topicId, step) })
  }

  async #consume(topicId: string, step: Consumption): Promise<void> {
    const ledger = this.world.ledger.partition(topicId, step.topic, step.partition)
    const key = `${topicId} ${step.partition}`
    const position = upToDate(this.#positions.get(key) ?? { next: 0, losses: ledger.losses }, ledger)
    this.#positions.set(key, position)
    if (step.isFromStart) position.next = (await this.#earliest(step)) ?? position.next
    const { isolationLevel } = step
    const reading = { name: this.name, world: this.world, isolationLevel }
    const from = position.next
    for (let count = 0; count < MAX_FETCHES; count++) {
      const { powerLosses } = this.world
      const { end } = ledger
      const fetched = this.#fetch(topicId, step, position.next)
      const [found] = await Promise.all(step.isPipelined ? [fetched, this.#earliest(step)] : [fetched])
      // What was on its way when the power went may be lost.
      if (powerLosses !== this.world.powerLosses) break
      if (found.errorCode !== 0) {
        await this.#failed(step, topicId, found.errorCode, position, ledger)
        return
      }
      if (take(reading, found, position, ledger) > 0) continue
      ledger.skipped(position.next, end, `${this.name}, who got nothing,`, reachOf(this.world))
      break
    }
    this.log(`#${step.id} read ${from} to ${position.next} of ${step.topic}-${step.partition}`)
  }

  async #fetch(
    topicId: string,
    { partition, maxBytes, isolationLevel }: Consumption,
    offset: number,
  ): Promise<PartitionData> {
    const topics = [{ topic: '', topicId, partitions: [partitionToFetch(partition, offset, maxBytes)] }]
    const { responses, errorCode } = await this.ask(
      Fetch,
      13,
      fetchRequest({ maxBytes, isolationLevel, topics }),
    )
    const found = responses[0]?.partitions[0]
    if (!found)
      throw new Violation('a fetch is answered', `${this.name}: error ${outcome(errorCode)}, no partition`)
    return found
  }

  async #failed(
    step: Consumption,
    topicId: string,
    errorCode: number,
    position: Position,
    ledger: PartitionLedger,
  ): Promise<void> {
    this.log(`#${step.id} at ${position.next}: ${outcome(errorCode)}`)
    if (errorCode !== ErrorCode.OFFSET_OUT_OF_RANGE) {
      this.forgetTopicId(step.topic)
      return
    }
    const start = await this.#earliest(step)
    // It may be another topic of that name by now.
    if (start === undefined || (await this.lookUp(step.topic)) !== topicId) return
    if (position.next >= start && position.next <= ledger.end && position.losses === ledger.losses)
      throw new Violation(
        'what was acknowledged is kept',
        `${this.name} cannot read ${position.next}, the log starts at ${start}`,
      )
    position.next = start
    position.losses = ledger.losses
  }

  async #earliest({ topic, partition }: Consumption): Promise<number | undefined> {
    const { topics } = await this.ask(ListOffsets, 7, listRequest(topic, partition, EARLIEST))
    const found = topics[0]!.partitions[0]!
    return found.errorCode === 0 ? Number(found.offset) : undefined
  }
}

/** Asks for the offset of a time. */
export function listRequest(topic: string, partitionIndex: number, timestamp: bigint) {
  return {
    replicaId: -1,
    isolationLevel: 0,
    topics: [
      { name: topic, partitions: [{ partitionIndex, currentLeaderEpoch: -1, timestamp, maxNumOffsets: 1 }] },
    ],
    timeoutMs: 0,
  }
}
