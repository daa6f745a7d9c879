import { batchesOf } from '../../src/coordinator/batches.ts'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { Fetch, type PartitionData } from '../../src/protocol/generated/fetch.ts'
import { ListOffsets } from '../../src/protocol/generated/list-offsets.ts'
import { readRecords } from '../../src/protocol/record.ts'
import { Actor, outcome } from './actor.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import type { Step } from './plan.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

/** So many fetches one step makes at most. */
const MAX_FETCHES = 40
/** What ListOffsets takes for the first offset. */
const EARLIEST = -2n
/** The last fetch of a step waits for records that may come. */
const MAX_WAIT_MS = 1000

/** Next offset to read, and how often the log had lost records when it was found. */
interface Position {
  next: number
  losses: number
}

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
    const ledger = this.world.ledger.partition(topicId, step.topic, step.partition)
    const key = `${topicId} ${step.partition}`
    const position = this.#positions.get(key) ?? { next: 0, losses: ledger.losses }
    this.#positions.set(key, position)
    if (position.losses !== ledger.losses) {
      // What it has read may be gone; a real consumer would find out by the leader epochs.
      position.next = Math.min(position.next, ledger.end)
      position.losses = ledger.losses
    }
    const from = position.next
    for (let count = 0; count < MAX_FETCHES; count++) {
      const { powerLosses } = this.world
      const fetched = this.#fetch(topicId, step, position.next)
      const [found] = await Promise.all(step.isPipelined ? [fetched, this.#earliest(step)] : [fetched])
      // What was on its way when the power went may be lost.
      if (powerLosses !== this.world.powerLosses) break
      if (found.errorCode !== 0) {
        await this.#failed(step, topicId, found.errorCode, position, ledger)
        return
      }
      if (this.#take(found, position, ledger) === 0) break
    }
    this.log(`#${step.id} read ${from} to ${position.next} of ${step.topic}-${step.partition}`)
  }

  async #fetch(
    topicId: string,
    { partition, maxBytes }: Extract<Step, { kind: 'consume' }>,
    offset: number,
  ): Promise<PartitionData> {
    const { responses, errorCode } = await this.ask(Fetch, 13, {
      clusterId: null,
      replicaId: -1,
      replicaState: { replicaId: -1, replicaEpoch: -1n },
      maxWaitMs: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: '', topicId, partitions: [partitionToFetch(partition, offset, maxBytes)] }],
      forgottenTopicsData: [],
      rackId: '',
    })
    const found = responses[0]?.partitions[0]
    if (!found)
      throw new Violation('a fetch is answered', `${this.name}: error ${outcome(errorCode)}, no partition`)
    return found
  }

  /** Compares records with the ledger and goes on behind them; the count of them. */
  #take(
    { records, highWatermark }: PartitionData,
    position: { next: number },
    ledger: PartitionLedger,
  ): number {
    let count = 0
    const bytes =
      records === null ? Buffer.alloc(0) : Buffer.isBuffer(records) ? records : Buffer.concat(records)
    for (const batch of batchesOf(bytes)) {
      for (const { offset, value } of readRecords(batch)) {
        if (Number(offset) < position.next) continue
        if (Number(offset) !== position.next || offset >= highWatermark)
          throw new Violation(
            'offsets are contiguous',
            `${this.name} got ${offset} where ${position.next} was due, below ${highWatermark}`,
          )
        ledger.observe(Number(offset), value?.toString() ?? 'null')
        position.next++
        count++
      }
    }
    return count
  }

  async #failed(
    step: Extract<Step, { kind: 'consume' }>,
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

  async #earliest({ topic, partition }: Extract<Step, { kind: 'consume' }>): Promise<number | undefined> {
    const { topics } = await this.ask(ListOffsets, 7, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          name: topic,
          partitions: [
            { partitionIndex: partition, currentLeaderEpoch: -1, timestamp: EARLIEST, maxNumOffsets: 1 },
          ],
        },
      ],
      timeoutMs: 0,
    })
    const found = topics[0]!.partitions[0]!
    return found.errorCode === 0 ? Number(found.offset) : undefined
  }
}

function partitionToFetch(partition: number, offset: number, partitionMaxBytes: number) {
  return {
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(offset),
    lastFetchedEpoch: -1,
    logStartOffset: -1n,
    partitionMaxBytes,
    replicaDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA',
    highWatermark: -1n,
  }
}
