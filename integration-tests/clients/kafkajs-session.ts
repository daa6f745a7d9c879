import {
  type Consumer,
  type ConsumerConfig,
  type EachMessagePayload,
  Kafka,
  logLevel,
  Partitioners,
  type Producer,
  type ProducerConfig,
} from 'kafkajs'

/** A record as a consumer of the tests saw it. */
export interface SeenRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: string | null
  readonly value: string | null
}

/** Records in the order in which consumers saw them, and a way to wait for a number of them. */
export class Seen {
  readonly records: SeenRecord[] = []
  readonly #waiting = new Set<() => void>()

  readonly eachMessage = async ({ topic, partition, message }: EachMessagePayload): Promise<void> => {
    this.add({
      topic,
      partition,
      offset: BigInt(message.offset),
      key: message.key?.toString() ?? null,
      value: message.value?.toString() ?? null,
    })
  }

  add(record: SeenRecord): void {
    this.records.push(record)
    for (const look of this.#waiting) look()
  }

  /** Resolves when there are at least so many. */
  async count(count: number): Promise<void> {
    if (this.records.length >= count) return
    await new Promise<void>((resolve) => {
      const look = () => {
        if (this.records.length < count) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
    })
  }

  values(): (string | null)[] {
    return this.records.map(({ value }) => value)
  }
}

/** kafkajs against one broker. Remembers what it logged as an error, and closes what it opened. */
export class KafkajsSession {
  readonly kafka: Kafka
  readonly errors: string[] = []
  readonly #closeables: { disconnect(): Promise<void> }[] = []

  constructor(brokers: string[], clientId = 'odradek-tests') {
    this.kafka = new Kafka({
      clientId,
      brokers,
      logLevel: logLevel.ERROR,
      logCreator: () => (entry) => {
        // Told to each member whenever a group changes, and logged by kafkajs as an error.
        if (String(entry.log.error).includes('The group is rebalancing')) return
        this.errors.push(`${entry.namespace} ${entry.log.message} ${String(entry.log.error ?? '')}`)
      },
    })
  }

  async producer(config: ProducerConfig = {}): Promise<Producer> {
    const producer = this.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...config })
    this.#closeables.push(producer)
    await producer.connect()
    return producer
  }

  consumer(config: ConsumerConfig): Consumer {
    const consumer = this.kafka.consumer({ maxWaitTimeInMs: 100, ...config })
    this.#closeables.push(consumer)
    return consumer
  }

  async admin() {
    const admin = this.kafka.admin()
    this.#closeables.push(admin)
    await admin.connect()
    return admin
  }

  async close(): Promise<void> {
    await Promise.all(this.#closeables.splice(0).map((each) => each.disconnect()))
  }
}

/** Resolves when the consumers of a group share out all partitions of a topic, none of them idle. */
export function untilShared(
  consumers: readonly Consumer[],
  topic: string,
  partitionCount: number,
): Promise<void> {
  const shares = new Map<Consumer, number>()
  return new Promise((resolve) => {
    for (const consumer of consumers) {
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        shares.set(consumer, payload.memberAssignment[topic]?.length ?? 0)
        const counts = [...shares.values()]
        const total = counts.reduce((sum, count) => sum + count, 0)
        if (
          counts.length === consumers.length &&
          counts.every((count) => count > 0) &&
          total === partitionCount
        )
          resolve()
      })
    }
  })
}
