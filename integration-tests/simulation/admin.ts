import { CreatePartitions } from '../../src/protocol/generated/create-partitions.ts'
import { CreateTopics } from '../../src/protocol/generated/create-topics.ts'
import { DeleteRecords } from '../../src/protocol/generated/delete-records.ts'
import { DeleteTopics } from '../../src/protocol/generated/delete-topics.ts'
import { IncrementalAlterConfigs } from '../../src/protocol/generated/incremental-alter-configs.ts'
import { Actor, outcome } from './actor.ts'
import { ABSENT } from './ledger.ts'
import type { Step } from './plan.ts'
import type { World } from './world.ts'

const TIMEOUT_MS = 30_000
const TOPIC_RESOURCE = 2
const SET = 0
const DELETE = 1

type Of<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

/** Changes topics, one thing after the other. */
export class AdminActor extends Actor {
  constructor(world: World) {
    super(world, 'admin')
  }

  protected async perform(step: Step): Promise<void> {
    switch (step.kind) {
      case 'create-topic':
        return this.#createTopic(step)
      case 'delete-topic':
        return this.#deleteTopic(step)
      case 'create-partitions':
        return this.#createPartitions(step)
      case 'delete-records':
        return this.#deleteRecords(step)
      case 'alter-config':
        return this.#alterConfig(step)
    }
  }

  async #createTopic(step: Of<'create-topic'>): Promise<void> {
    const { ledger } = this.world
    const { topic, partitions, configs } = step
    const register = ledger.name(topic)
    const write = register.begin(undefined, ledger.tick())
    let state: 'acknowledged' | 'unknown' | 'refused' = 'unknown'
    try {
      const creation = {
        name: topic,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: configs.map(([name, value]) => ({ name, value })),
      }
      const { topics } = await this.ask(CreateTopics, 7, {
        topics: [creation],
        timeoutMs: TIMEOUT_MS,
        validateOnly: false,
      })
      const { errorCode, topicId } = topics[0]!
      this.log(`#${step.id} create ${topic}: ${outcome(errorCode)}`)
      state = errorCode === 0 ? 'acknowledged' : this.#refusal(errorCode)
      if (errorCode === 0) {
        write.value = topicId
        ledger.topicCreated(topicId, topic, partitions, new Map(configs))
      }
    } finally {
      register.end(write, state, ledger.tick())
      this.forgetTopicId(topic)
    }
  }

  async #deleteTopic(step: Of<'delete-topic'>): Promise<void> {
    const { ledger } = this.world
    const { topic } = step
    const topicId = await this.topicId(topic)
    if (topicId === undefined) return
    const register = ledger.name(topic)
    const write = register.begin(ABSENT, ledger.tick())
    let state: 'acknowledged' | 'unknown' | 'refused' = 'unknown'
    try {
      const { responses } = await this.ask(DeleteTopics, 6, {
        topics: [{ name: null, topicId }],
        topicNames: [],
        timeoutMs: TIMEOUT_MS,
      })
      const { errorCode } = responses[0]!
      this.log(`#${step.id} delete ${topic}: ${outcome(errorCode)}`)
      state = errorCode === 0 ? 'acknowledged' : this.#refusal(errorCode)
      if (errorCode === 0) ledger.forgetTopic(topicId)
    } finally {
      register.end(write, state, ledger.tick())
      this.forgetTopicId(topic)
    }
  }

  async #createPartitions({ id, topic, more }: Of<'create-partitions'>): Promise<void> {
    const topicId = await this.topicId(topic)
    if (topicId === undefined) return
    const known = this.world.ledger.topic(topicId, topic)
    const count = known.partitionCount + more
    const { results } = await this.ask(CreatePartitions, 3, {
      topics: [{ name: topic, count, assignments: null }],
      timeoutMs: TIMEOUT_MS,
      validateOnly: false,
    })
    const { errorCode } = results[0]!
    this.log(`#${id} ${topic} with ${count} partitions: ${outcome(errorCode)}`)
    if (errorCode !== 0) return
    known.partitionCount = Math.max(known.partitionCount, count)
  }

  async #deleteRecords(step: Of<'delete-records'>): Promise<void> {
    const { id, topic, percent } = step
    const topicId = await this.topicId(topic)
    if (topicId === undefined) return
    const partition = this.partitionThere(topicId, step)
    const ledger = this.world.ledger.partition(topicId, topic, partition)
    const { powerLosses } = this.world
    const offset = Math.floor((ledger.end * percent) / 100)
    ledger.attemptStart(offset)
    const { topics } = await this.ask(DeleteRecords, 2, {
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, offset: BigInt(offset) }] }],
      timeoutMs: TIMEOUT_MS,
    })
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!
    this.log(`#${id} ${topic}-${partition} from ${offset} on: ${outcome(errorCode)}`)
    if (errorCode === 0 && powerLosses === this.world.powerLosses)
      ledger.acknowledgeStart(Number(lowWatermark))
  }

  async #alterConfig({ id, topic, name, value }: Of<'alter-config'>): Promise<void> {
    const { ledger } = this.world
    const topicId = await this.topicId(topic)
    if (topicId === undefined) return
    const known = ledger.topic(topicId, topic)
    ledger.alters(known, name, value)
    const { powerLosses } = this.world
    const register = ledger.config(topicId, topic, name)
    const write = register.begin(value, ledger.tick())
    let state: 'acknowledged' | 'unknown' | 'refused' = 'unknown'
    try {
      const config = { name, configOperation: value === null ? DELETE : SET, value }
      const { responses } = await this.ask(IncrementalAlterConfigs, 1, {
        resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic, configs: [config] }],
        validateOnly: false,
      })
      const { errorCode } = responses[0]!
      this.log(`#${id} ${topic} ${name}=${value}: ${outcome(errorCode)}`)
      state = errorCode === 0 ? 'acknowledged' : this.#refusal(errorCode)
      if (errorCode === 0 && powerLosses === this.world.powerLosses) ledger.altered(known, name, value)
    } finally {
      register.end(write, state, ledger.tick())
    }
  }

  /** What a disk that failed may have kept of it nobody knows; any other refusal is one. */
  #refusal(errorCode: number): 'unknown' | 'refused' {
    return outcome(errorCode) === 'KAFKA_STORAGE_ERROR' ? 'unknown' : 'refused'
  }
}
