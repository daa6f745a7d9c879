import { buildBatch } from '../../src/protocol/batch-builder.ts'
import { COMPRESSION_NAMES } from '../../src/protocol/compression/compression.ts'
import { ClusterClient } from './cluster-client.ts'
import { commitAsMember } from './consumer-member.ts'
import type { SeededRandom } from './seeded-random.ts'
import { TransactionalProducer } from './transactional-producer.ts'

const HOUR_MS = 3_600_000
const PAST_HOURS = 20
/** Segments of the topics that set it to this roll by the time of their records. */
const SEGMENT_MS = 60_000
const GROUPS = ['billing', 'audit', 'mail']
/** Groups of the newer protocol. */
const MEMBER_GROUPS = ['ships', 'stores']
const TRANSACTIONAL_IDS = ['payments', 'refunds']
/** Settings that change nothing of what is there already. */
const SETTINGS: readonly (readonly [name: string, values: readonly string[]])[] = [
  ['max.message.bytes', ['1000000', '1500000', '2000000']],
  ['compression.type', ['producer', 'gzip', 'lz4', 'uncompressed']],
  ['file.delete.delay.ms', ['200', '300']],
]
const OPERATIONS_AT_LEAST = 25
const OPERATIONS_MORE = 20

/** What topics are made with; between them they bring every kind of file and of work about. */
const KINDS: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'segment.ms': `${SEGMENT_MS}`, 'index.interval.bytes': '200' },
  {
    'cleanup.policy': 'compact',
    'segment.ms': `${SEGMENT_MS}`,
    'min.cleanable.dirty.ratio': '0.01',
    'delete.retention.ms': '100',
    'file.delete.delay.ms': '200',
  },
  {
    'segment.ms': `${SEGMENT_MS}`,
    'retention.ms': `${HOUR_MS}`,
    'file.delete.delay.ms': '200',
  },
  { 'cleanup.policy': 'compact,delete', 'segment.ms': `${SEGMENT_MS}`, 'min.cleanable.dirty.ratio': '0.01' },
  { 'message.timestamp.type': 'LogAppendTime', 'compression.type': 'gzip' },
  { 'compression.type': 'zstd', 'max.message.bytes': '2000000' },
]

/** An idempotent producer of one partition, as it goes on from broker to broker. */
interface Producer {
  readonly producerId: bigint
  readonly producerEpoch: number
  nextSequence: number
  /** The batch that was acknowledged last, and its offset: sent again, it must not be there twice. */
  last: { readonly records: Buffer; readonly baseOffset: bigint } | undefined
}

interface Topic {
  readonly name: string
  readonly kind: number
  partitions: number
  /** By partition. */
  readonly producers: Map<number, Producer>
  /** By partition: the time of the next record of the past. */
  readonly clocks: Map<number, number>
}

/** Random work of clients, which goes on from broker to broker over the same topics. What it does comes from the seed. */
export class Workload {
  readonly #random: SeededRandom
  readonly #topics: Topic[] = []
  readonly counts: Record<string, number> = {}
  #made = 0

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** Makes a topic of each kind and writes to it, so that even a short run has seen all of them. */
  async found(bootstrapServers: string): Promise<void> {
    await this.#with(bootstrapServers, async (client) => {
      for (let kind = 0; kind < KINDS.length; kind++) {
        const topic = await this.#createTopic(client, kind)
        for (let turn = 0; turn < 8; turn++)
          await this.#produce(client, topic, turn % COMPRESSION_NAMES.length)
        await this.#produceIdempotent(client, topic)
        await this.#commit(client, topic)
      }
    })
  }

  /** A few dozen operations. The first ones are those that show whether a producer's and a group's state came along. */
  async work(bootstrapServers: string, hasTransactions: boolean): Promise<void> {
    await this.#with(bootstrapServers, async (client) => {
      for (const topic of this.#topics) await this.#resendLast(client, topic)
      for (const group of MEMBER_GROUPS) await this.#commitAsMember(client, bootstrapServers, group)
      const count = OPERATIONS_AT_LEAST + this.#random.below(OPERATIONS_MORE)
      for (let turn = 0; turn < count; turn++) await this.#operation(client)
      if (!hasTransactions) return
      for (const id of TRANSACTIONAL_IDS) await this.#transact(bootstrapServers, id)
    })
  }

  /** Operations that leave nothing for a cleaner to do: what is looked at right after them stays. */
  async burst(bootstrapServers: string): Promise<void> {
    await this.#with(bootstrapServers, async (client) => {
      const quiet = this.#topics.filter(({ kind }) => kind <= 1)
      for (let turn = 0; turn < 10 && quiet.length > 0; turn++) {
        const topic = this.#random.pick(quiet)
        await this.#produceIdempotent(client, topic)
        await this.#commit(client, topic)
      }
    })
  }

  async #with(bootstrapServers: string, act: (client: ClusterClient) => Promise<void>): Promise<void> {
    const client = await ClusterClient.open(bootstrapServers)
    try {
      await act(client)
    } finally {
      client.close()
    }
  }

  async #operation(client: ClusterClient): Promise<void> {
    const topic = this.#random.pick(this.#topics)
    const dice = this.#random.below(100)
    if (dice < 45) await this.#produce(client, topic, this.#random.below(COMPRESSION_NAMES.length))
    else if (dice < 65) await this.#produceIdempotent(client, topic)
    else if (dice < 77) await this.#commit(client, topic)
    else if (dice < 84) await this.#deleteRecords(client, topic)
    else if (dice < 89) await this.#alter(client, topic)
    else if (dice < 93) await this.#grow(client, topic)
    else if (dice < 98) await this.#createTopic(client, this.#random.below(KINDS.length))
    else if (dice < 99) await this.#deleteTopic(client, topic)
    else await this.#recreateTopic(client, topic)
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  async #createTopic(client: ClusterClient, kind: number): Promise<Topic> {
    const name = `kind${kind}.topic-${this.#made++}`
    const partitions = 1 + this.#random.below(3)
    await client.createTopic(name, partitions, KINDS[kind]!)
    const topic = { name, kind, partitions, producers: new Map(), clocks: new Map() }
    this.#topics.push(topic)
    this.#count('topics created')
    return topic
  }

  /** One that has the name of another, and nothing of what that was. */
  async #recreateTopic(client: ClusterClient, topic: Topic): Promise<void> {
    await client.deleteTopic(topic.name)
    topic.partitions = 1 + this.#random.below(3)
    topic.producers.clear()
    topic.clocks.clear()
    await client.createTopic(topic.name, topic.partitions, KINDS[topic.kind]!)
    this.#count('topics made anew')
    if (this.#random.below(2) === 0) await this.#produceIdempotent(client, topic)
  }

  async #deleteTopic(client: ClusterClient, topic: Topic): Promise<void> {
    if (this.#topics.length < 4) return
    await client.deleteTopic(topic.name)
    this.#topics.splice(this.#topics.indexOf(topic), 1)
    this.#count('topics deleted')
  }

  async #produce(client: ClusterClient, topic: Topic, codec: number): Promise<void> {
    const partition = this.#random.below(topic.partitions)
    const records = buildBatch({
      baseOffset: 0n,
      leaderEpoch: -1,
      records: this.#records(topic, partition),
      compression: COMPRESSION_NAMES[codec]!,
    })
    await client.produce(topic.name, partition, records)
    this.#count('batches produced')
  }

  async #produceIdempotent(client: ClusterClient, topic: Topic): Promise<void> {
    const partition = this.#random.below(topic.partitions)
    const producer = await this.#producerOf(client, topic, partition)
    const { producerId, producerEpoch, nextSequence: baseSequence } = producer
    const content = this.#records(topic, partition)
    const records = buildBatch({
      baseOffset: 0n,
      leaderEpoch: -1,
      records: content,
      producerId,
      producerEpoch,
      baseSequence,
      compression: this.#random.pick(COMPRESSION_NAMES),
    })
    // The broker writes into the batch that it gets.
    const copy = Buffer.from(records)
    const baseOffset = await client.produce(topic.name, partition, records)
    producer.nextSequence += content.length
    producer.last = { records: copy, baseOffset }
    this.#count('idempotent batches produced')
  }

  async #producerOf(client: ClusterClient, topic: Topic, partition: number): Promise<Producer> {
    let producer = topic.producers.get(partition)
    if (!producer) {
      const { producerId, producerEpoch } = await client.initProducerId()
      producer = { producerId, producerEpoch, nextSequence: 0, last: undefined }
      topic.producers.set(partition, producer)
    }
    return producer
  }

  /** A producer that had no answer sends again: the broker that comes after has to know the batch. */
  async #resendLast(client: ClusterClient, topic: Topic): Promise<void> {
    for (const [partition, { last }] of topic.producers) {
      const start = await client.offsetFor(topic.name, partition, -2n)
      // Of a log that has become empty Apache Kafka forgets the producers when it starts.
      if (!last || last.baseOffset < start.offset) continue
      const baseOffset = await client.produce(topic.name, partition, Buffer.from(last.records))
      if (baseOffset !== last.baseOffset) {
        throw new Error(
          `a batch of ${topic.name}-${partition} was sent again: it had offset ${last.baseOffset} and got ${baseOffset}`,
        )
      }
      this.#count('batches sent again')
    }
  }

  #records(topic: Topic, partition: number) {
    const isOfThePast = topic.kind >= 1 && topic.kind <= 4
    const count = 1 + this.#random.below(12)
    return Array.from({ length: count }, () => ({
      key:
        this.#random.below(8) === 0 && topic.kind !== 2 && topic.kind !== 4
          ? null
          : Buffer.from(`k${this.#random.below(20)}`),
      value: this.#random.below(6) === 0 ? null : this.#value(),
      headers: this.#headers(),
      timestamp: BigInt(isOfThePast ? this.#pastTime(topic, partition) : Date.now()),
    }))
  }

  /** Goes through a past of hours in steps of which a few make a segment. Not of a day: brokers forget producers by these times. */
  #pastTime(topic: Topic, partition: number): number {
    const before = topic.clocks.get(partition) ?? Date.now() - PAST_HOURS * HOUR_MS
    const next = Math.min(Date.now(), before + this.#random.below(SEGMENT_MS))
    topic.clocks.set(partition, next)
    return next
  }

  #value(): Buffer {
    const text = `${this.#random.below(1_000_000)} `
    return Buffer.from(text.repeat(1 + this.#random.below(60)))
  }

  #headers() {
    if (this.#random.below(3) > 0) return []
    return [
      { key: 'trace', value: Buffer.from(`${this.#random.below(1000)}`) },
      { key: 'empty', value: null },
    ]
  }

  async #commit(client: ClusterClient, topic: Topic): Promise<void> {
    const partition = this.#random.below(topic.partitions)
    const group = this.#random.pick(GROUPS)
    const end = await client.offsetFor(topic.name, partition, -1n)
    const offset = BigInt(this.#random.below(Number(end.offset) + 1))
    await client.commit(group, topic.name, partition, offset, this.#random.below(2) === 0 ? '' : 'noted')
    this.#count('offsets committed')
  }

  async #commitAsMember(client: ClusterClient, bootstrapServers: string, group: string): Promise<void> {
    const topic = this.#random.pick(this.#topics)
    const partition = this.#random.below(topic.partitions)
    const end = await client.offsetFor(topic.name, partition, -1n)
    await commitAsMember(bootstrapServers, group, topic.name, partition, end.offset)
    this.#count('offsets committed by members')
  }

  /** A transaction over a few partitions; one of three is aborted. */
  async #transact(bootstrapServers: string, transactionalId: string): Promise<void> {
    const transaction = await TransactionalProducer.open(bootstrapServers, transactionalId)
    try {
      for (let turn = 0; turn < 3; turn++) {
        const topic = this.#random.pick(this.#topics)
        for (let partition = 0; partition < topic.partitions; partition++) {
          await transaction.add(topic.name, partition)
          const content = this.#records(topic, partition)
          const kind = { ...transaction.producer, baseSequence: 0, isTransactional: true }
          const compression = this.#random.pick(COMPRESSION_NAMES)
          const records = buildBatch({
            baseOffset: 0n,
            leaderEpoch: -1,
            records: content,
            compression,
            ...kind,
          })
          await transaction.produce(topic.name, partition, records)
        }
        const isCommitted = this.#random.below(3) > 0
        await transaction.end(isCommitted)
        this.#count(isCommitted ? 'transactions committed' : 'transactions aborted')
      }
    } finally {
      transaction.close()
    }
  }

  async #deleteRecords(client: ClusterClient, topic: Topic): Promise<void> {
    // Of a topic that is only compacted nothing can be deleted.
    if (topic.kind === 2) return
    const partition = this.#random.below(topic.partitions)
    const start = await client.offsetFor(topic.name, partition, -2n)
    const end = await client.offsetFor(topic.name, partition, -1n)
    const offset = start.offset + BigInt(this.#random.below(Number(end.offset - start.offset) + 1))
    await client.deleteRecords(topic.name, partition, offset)
    this.#count('records deleted')
  }

  async #alter(client: ClusterClient, topic: Topic): Promise<void> {
    const [name, values] = this.#random.pick(SETTINGS)
    const value = this.#random.below(3) === 0 ? null : this.#random.pick(values)
    await client.setTopicConfig(topic.name, name, value)
    this.#count('settings altered')
  }

  async #grow(client: ClusterClient, topic: Topic): Promise<void> {
    if (topic.partitions >= 5) return
    await client.createPartitions(topic.name, topic.partitions + 1)
    topic.partitions++
    this.#count('partitions added')
  }
}
