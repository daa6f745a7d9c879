import { buildBatch } from '../../src/protocol/batch-builder.ts'
import { ErrorCode, isRetriable } from '../../src/protocol/error-code.ts'
import { InitProducerId } from '../../src/protocol/generated/init-producer-id.ts'
import { Produce, type ProduceRequest } from '../../src/protocol/generated/produce.ts'
import { Actor, outcome } from './actor.ts'
import { ConnectionLost } from './client.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import type { Action, Cut, Step } from './plan.ts'
import { isIdempotent } from './plan-people.ts'
import { makeRecords, type SentRecord, toBatchRecord } from './sent-record.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

type Production = Extract<Action, { kind: 'produce' }>

/** A batch on its way, with what the client knows of it. */
interface Outgoing {
  readonly topicId: string
  readonly partition: number
  readonly records: readonly SentRecord[]
  readonly ledger: PartitionLedger
  readonly acks: number
  /** See `PartitionLedger.flushEra`, as it was when the batch was made. */
  readonly flushEra: number | undefined
}

interface Identity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** An idempotent producer tries as often as that, further and further apart: longer than any outage of the plan. */
const MAX_ATTEMPTS = 60
const FIRST_BACKOFF_MS = 50
const MAX_BACKOFF_MS = 5000
/** Instead of a count of losses: the power went while the answer was on its way. */
const LOST_PERHAPS = -1
/** How the producer's state in the log can be gone, so that its next sequence does not follow. */
const NOT_IN_SEQUENCE: readonly number[] = [
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.INVALID_PRODUCER_EPOCH,
]

/** Sends records: plain ones once, whatever comes of it; as an idempotent producer until there is an answer. */
export class ProducerActor extends Actor {
  readonly #isIdempotent: boolean
  #identity: Identity | undefined
  /** Next sequence by topic id and partition, and how often the log had lost records when it was counted. */
  #sequences = new Map<string, { next: number; losses: number }>()

  constructor(world: World, index: number) {
    super(world, `producer ${index}`)
    this.#isIdempotent = isIdempotent(index)
  }

  protected async perform(step: Step): Promise<void> {
    if (step.kind !== 'produce') return
    const topicId = await this.topicId(step.topic)
    if (topicId === undefined) return
    const partition = this.partitionThere(topicId, step)
    const ledger = this.world.ledger.partition(topicId, step.topic, partition)
    const batches = step.batches.map((count, at) => ({
      topicId,
      partition,
      records: makeRecords(step, at, count, this.#now()),
      ledger,
      acks: step.acks,
      flushEra: ledger.flushEra,
    }))
    if (this.#isIdempotent) {
      // One after the other: after a restart the log knows a producer's last batch, not those before it.
      for (const batch of batches) if (!(await this.#sendSurely(step, batch))) break
      return
    }
    const sent = batches.map((batch, at) => this.#send(step, batch, at === 0 ? step.cut : undefined))
    const results = await Promise.allSettled(sent)
    for (const result of results) {
      if (result.status === 'rejected' && !(result.reason instanceof ConnectionLost)) throw result.reason
    }
  }

  #now() {
    const { clock } = this.world
    return { wallMs: clock.now(), elapsedMs: clock.elapsedMs() }
  }

  /** Sends a batch once. Its records may be there or not unless it is acknowledged. The error code is the answer's. */
  async #send(step: Step, batch: Outgoing, cut: Cut | undefined, sequence?: number): Promise<number> {
    const request = this.#requestOf(batch, sequence)
    batch.ledger.send(batch.records)
    if (batch.acks === 0) {
      this.client.tell(Produce, 13, request)
      return 0
    }
    const { powerLosses } = this.world
    const { responses } = await this.ask(Produce, 13, request, cut)
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    const at = errorCode === 0 ? ` at ${baseOffset}` : ''
    this.log(`#${step.id} ${batch.records.length} records of ${batch.partition}: ${outcome(errorCode)}${at}`)
    const isFlushed = batch.flushEra !== undefined && batch.flushEra === batch.ledger.flushEra
    // An answer that was on its way when the power went tells of what may be lost.
    const isLost = powerLosses !== this.world.powerLosses && !isFlushed
    if (errorCode === 0 && !isLost) batch.ledger.acknowledge(Number(baseOffset), batch.records, isFlushed)
    else if (errorCode !== 0) this.forgetTopicId((step as Production).topic)
    return errorCode
  }

  #requestOf({ topicId, partition, records: sent, acks }: Outgoing, baseSequence?: number): ProduceRequest {
    const records = buildBatch({
      baseOffset: 0n,
      leaderEpoch: -1,
      records: sent.map(toBatchRecord),
      ...(baseSequence === undefined ? {} : { ...this.#identity!, baseSequence }),
    })
    return {
      transactionalId: null,
      acks,
      timeoutMs: 30_000,
      topicData: [{ name: '', topicId, partitionData: [{ index: partition, records }] }],
    }
  }

  /** Until it is acknowledged, or refused for good: whether the next batch may follow. */
  async #sendSurely(step: Step, batch: Outgoing): Promise<boolean> {
    const { cut } = step as Production
    for (let attempt = 0; attempt < MAX_ATTEMPTS && !this.world.isOver; attempt++) {
      if (attempt > 0) await this.sleep(Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1)))
      try {
        await this.#introduce()
        const sequence = this.#sequenceOf(batch)
        const { powerLosses } = this.world
        const errorCode = await this.#send(step, batch, attempt === 0 ? cut : undefined, sequence.next)
        if (errorCode === 0) {
          sequence.next += batch.records.length
          sequence.losses = powerLosses === this.world.powerLosses ? batch.ledger.losses : LOST_PERHAPS
          return true
        }
        if (isRetriable(errorCode) && errorCode !== ErrorCode.UNKNOWN_TOPIC_ID) continue
        this.#startOver(batch, errorCode, sequence.losses)
        return false
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
        this.log(`#${step.id} attempt ${attempt + 1}: ${error.message}`)
      }
    }
    // Nobody knows what became of it: the next one begins anew.
    this.#identity = undefined
    return false
  }

  /** Gets an id, as at its first start. */
  async #introduce(): Promise<void> {
    while (!this.#identity) {
      const answer = await this.ask(InitProducerId, 4, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
        producerId: -1n,
        producerEpoch: -1,
        enable2Pc: false,
        keepPreparedTxn: false,
      })
      const { errorCode, producerId, producerEpoch } = answer
      this.log(`id ${producerId}: ${outcome(errorCode)}`)
      if (errorCode !== 0) throw new ConnectionLost('no producer id yet')
      this.world.ledger.giveProducerId(producerId)
      this.#identity = { producerId, producerEpoch }
      this.#sequences = new Map()
    }
  }

  #sequenceOf({ topicId, partition, ledger }: Outgoing): { next: number; losses: number } {
    const key = `${topicId} ${partition}`
    let sequence = this.#sequences.get(key)
    if (!sequence) {
      sequence = { next: 0, losses: ledger.losses }
      this.#sequences.set(key, sequence)
    }
    return sequence
  }

  /** A sequence that does not follow is the broker's fault, unless what came before was lost with the power. */
  #startOver({ ledger, partition }: Outgoing, errorCode: number, losses: number): void {
    this.#identity = undefined
    if (NOT_IN_SEQUENCE.includes(errorCode) && ledger.losses === losses && !ledger.isDeleted)
      throw new Violation(
        'producers go on where they were',
        `${this.name} in ${partition}: ${outcome(errorCode)}`,
      )
  }
}
