import type { Uuid } from '../../src/protocol/api.ts'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { Fetch, type FetchResponse, type PartitionData } from '../../src/protocol/generated/fetch.ts'
import { ListOffsets } from '../../src/protocol/generated/list-offsets.ts'
import { Actor, outcome } from './actor.ts'
import { EARLIEST, listRequest } from './consumer.ts'
import { fetchRequest, type Position, partitionToFetch, reachOf, take, upToDate } from './fetching.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import type { Step } from './plan.ts'
import { KEYED_TOPICS, MAX_PARTITIONS, TOPICS } from './plan-topics.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

type Poll = Extract<Step, { kind: 'poll' }>

const MAX_POLLS = 40
const SUBSCRIBED = [...TOPICS, ...KEYED_TOPICS]

/** A partition that it reads, and what the broker's session knows of that. */
interface Followed {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  readonly ledger: PartitionLedger
  readonly position: Position
  /** The offset that the session was told last; undefined when it does not know the partition. */
  told: number | undefined
}

/** Reads all partitions of all topics with one incremental fetch session (KIP-227), and compares what it gets with the ledger. */
export class SessionConsumerActor extends Actor {
  readonly #followed = new Map<string, Followed>()
  /** Partitions that the session knows and that are gone. */
  #forgotten: Followed[] = []
  #sessionId = 0
  #epoch = 0

  constructor(world: World) {
    super(world, 'poller')
  }

  protected async perform(step: Step): Promise<void> {
    if (step.kind !== 'poll') return
    await this.#refresh()
    if (step.isAnew) {
      this.#beginAnew()
      for (const { position } of this.#followed.values()) position.next = 0
    }
    for (let count = 0; count < MAX_POLLS && this.#followed.size > 0; count++) {
      if (!(await this.#poll(step))) break
    }
  }

  /** Looks which topics there are. */
  async #refresh(): Promise<void> {
    const { ledger } = this.world
    for (const topic of SUBSCRIBED) {
      const topicId = await this.lookUp(topic)
      for (const [key, followed] of this.#followed) {
        if (followed.topic === topic && followed.topicId !== topicId) this.#unfollow(key, followed)
      }
      if (topicId === undefined) continue
      const count = Math.min(MAX_PARTITIONS, ledger.topic(topicId, topic).partitionCount)
      for (let partition = 0; partition < count; partition++) {
        const key = `${topicId} ${partition}`
        if (this.#followed.has(key)) continue
        const known = ledger.partition(topicId, topic, partition)
        const position = { next: 0, losses: known.losses }
        this.#followed.set(key, { topic, topicId, partition, ledger: known, position, told: undefined })
      }
    }
  }

  #unfollow(key: string, followed: Followed): void {
    this.#followed.delete(key)
    if (followed.told !== undefined) this.#forgotten.push(followed)
  }

  #beginAnew(): void {
    this.#sessionId = 0
    this.#epoch = 0
    this.#forgotten = []
    for (const followed of this.#followed.values()) followed.told = undefined
  }

  /** One fetch; false when there is nothing more to read for now. */
  async #poll({ id, maxBytes, isolationLevel }: Poll): Promise<boolean> {
    const { powerLosses } = this.world
    for (const { position, ledger } of this.#followed.values()) upToDate(position, ledger)
    const ends = new Map(Array.from(this.#followed, ([key, { ledger }]) => [key, ledger.end]))
    const answer = await this.#ask(maxBytes, isolationLevel)
    // What was on its way when the power went may be lost, and the session is.
    if (!answer || powerLosses !== this.world.powerLosses) {
      this.#beginAnew()
      return false
    }
    if (answer.errorCode !== 0) {
      this.log(`#${id} session ${this.#epoch}: ${outcome(answer.errorCode)}`)
      this.#beginAnew()
      return false
    }
    if (this.#epoch === 0) this.#sessionId = answer.sessionId
    this.#epoch = this.#sessionId === 0 ? 0 : this.#epoch + 1
    let batches = 0
    for (const { topicId, partitions } of answer.responses) {
      for (const found of partitions) batches += await this.#takeRow(id, topicId, found, isolationLevel)
    }
    if (batches === 0) this.#checkIsAll(ends)
    this.log(`#${id} got ${batches} batches in epoch ${this.#epoch}`)
    return batches > 0
  }

  async #ask(maxBytes: number, isolationLevel: number): Promise<FetchResponse | undefined> {
    const isNew = this.#epoch === 0
    const changed = [...this.#followed.values()].filter(
      ({ told, position }) => isNew || told !== position.next,
    )
    const topics = [...new Set(changed.map(({ topicId }) => topicId))].map((topicId) => ({
      topic: '',
      topicId,
      partitions: changed
        .filter((followed) => followed.topicId === topicId)
        .map(({ partition, position }) => partitionToFetch(partition, position.next, maxBytes)),
    }))
    for (const followed of changed) followed.told = followed.position.next
    const forgotten = isNew ? [] : this.#forgotten
    this.#forgotten = []
    try {
      return await this.ask(
        Fetch,
        13,
        fetchRequest({
          maxBytes,
          isolationLevel,
          topics,
          sessionId: this.#sessionId,
          sessionEpoch: this.#epoch,
          forgottenTopicsData: forgotten.map(({ topicId, partition }) => ({
            topic: '',
            topicId,
            partitions: [partition],
          })),
        }),
      )
    } catch (error) {
      this.#beginAnew()
      throw error
    }
  }

  async #takeRow(id: number, topicId: Uuid, found: PartitionData, isolationLevel: number): Promise<number> {
    const key = `${topicId} ${found.partitionIndex}`
    const followed = this.#followed.get(key)
    if (!followed) {
      throw new Violation(
        'a session tells what was asked for',
        `${this.name} got a row of ${topicId.slice(0, 4)}-${found.partitionIndex}`,
      )
    }
    const { topic, partition, position, ledger } = followed
    if (found.errorCode === 0) {
      const reading = { name: this.name, world: this.world, isolationLevel }
      return take(reading, found, position, ledger)
    }
    this.log(`#${id} ${topic}-${partition} at ${position.next}: ${outcome(found.errorCode)}`)
    if (found.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) await this.#moveToStart(followed)
    else if (found.errorCode !== ErrorCode.KAFKA_STORAGE_ERROR) this.#unfollow(key, followed)
    // An error is news: who asks again may get more.
    return 1
  }

  async #moveToStart({ topic, partition, position, ledger }: Followed): Promise<void> {
    const { topics } = await this.ask(ListOffsets, 7, listRequest(topic, partition, EARLIEST))
    const found = topics[0]!.partitions[0]!
    if (found.errorCode !== 0) return
    position.next = Number(found.offset)
    position.losses = ledger.losses
  }

  /** Nothing came, so there was nothing: not in partitions either of which the answer says nothing. */
  #checkIsAll(ends: ReadonlyMap<string, number>): void {
    const reach = reachOf(this.world)
    for (const [key, { position, ledger, told }] of this.#followed) {
      if (told !== position.next || ledger.isDeleted) continue
      ledger.skipped(position.next, ends.get(key) ?? 0, `${this.name}, whose session told nothing,`, reach)
    }
  }
}
