import type { Api, Uuid } from '../../src/protocol/api.ts'
import { ZERO_UUID } from '../../src/protocol/api.ts'
import { errorName } from '../../src/protocol/error-code.ts'
import { Metadata } from '../../src/protocol/generated/metadata.ts'
import { ConnectionLost, SimulatedClient } from './client.ts'
import { ABSENT } from './ledger.ts'
import type { Cut, Step } from './plan.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

export const UNKNOWN_TOPIC_OR_PARTITION = 3

/** Somebody who does the steps that are his one after the other, with a client of his own. */
export abstract class Actor {
  readonly name: string
  protected readonly world: World
  protected readonly client: SimulatedClient
  readonly #steps: Step[] = []
  #isBusy = false
  /** Topic ids that were asked for, by name. */
  readonly #topicIds = new Map<string, Uuid>()

  constructor(world: World, name: string) {
    this.world = world
    this.name = name
    this.client = new SimulatedClient(world.network, world.clock, name, (violation) => world.fail(violation))
  }

  /** Does one step to its end. A lost connection is its own business; a violation is not. */
  protected abstract perform(step: Step): Promise<void>

  get isIdle(): boolean {
    return !this.#isBusy && this.#steps.length === 0
  }

  add(step: Step): void {
    this.#steps.push(step)
    if (!this.#isBusy) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    for (let step = this.#steps.shift(); step && !this.world.isOver; step = this.#steps.shift()) {
      try {
        await this.perform(step)
      } catch (error) {
        if (error instanceof ConnectionLost) this.log(`#${step.id} ${error.message}`)
        else this.world.fail(error)
      }
    }
    this.#isBusy = false
  }

  protected log(what: string): void {
    this.world.log(this.name, what)
  }

  protected ask<Request, Response>(
    api: Api<Request, Response>,
    version: number,
    request: Request,
    cut?: Cut,
  ): Promise<Response> {
    return this.client.ask(api, version, request, cut)
  }

  protected sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.world.clock.schedule(ms, resolve))
  }

  /** The id that a topic has, as the broker says; undefined when there is no such topic. */
  protected async topicId(topic: string): Promise<Uuid | undefined> {
    return this.#topicIds.get(topic) ?? (await this.lookUp(topic))
  }

  /** A partition that is there, as far as is known, for the one that a step names. */
  protected partitionThere(
    topicId: Uuid,
    { topic, partition }: { topic: string; partition: number },
  ): number {
    return partition % Math.max(1, this.world.ledger.topic(topicId, topic).partitionCount)
  }

  /** It may have been deleted since. */
  protected forgetTopicId(topic: string): void {
    this.#topicIds.delete(topic)
  }

  /** Asks for it again. */
  protected async lookUp(topic: string): Promise<Uuid | undefined> {
    const { ledger } = this.world
    const sent = ledger.tick()
    const counts = new Map(Array.from(ledger.topics, ([id, { partitionCount }]) => [id, partitionCount]))
    const { topics } = await this.ask(Metadata, 12, {
      topics: [{ topicId: ZERO_UUID, name: topic }],
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    const [found] = topics
    const topicId = found?.errorCode === 0 ? found.topicId : undefined
    ledger.name(topic).read(topicId ?? ABSENT, sent, ledger.tick())
    if (!found || topicId === undefined) return undefined
    this.#topicIds.set(topic, topicId)
    const count = counts.get(topicId) ?? 0
    if (found.partitions.length < count)
      throw new Violation('partitions stay', `${topic} has ${found.partitions.length} of ${count}`)
    return topicId
  }
}

/** How an error is written in the history. */
export function outcome(errorCode: number): string {
  return errorCode === 0 ? 'ok' : errorName(errorCode)
}
