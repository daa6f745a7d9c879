/** A record as a test looks at it. */
export class KafkaRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: Buffer | null
  /** null: a tombstone. */
  readonly value: Buffer | null
  /** In the order in which they were sent; a key may come more than once. */
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]

  constructor(
    facts: Pick<KafkaRecord, 'topic' | 'partition' | 'offset' | 'timestamp' | 'key' | 'value' | 'headers'>,
  ) {
    this.topic = facts.topic
    this.partition = facts.partition
    this.offset = facts.offset
    this.timestamp = facts.timestamp
    this.key = facts.key
    this.value = facts.value
    this.headers = facts.headers
  }

  /** The value as UTF-8. */
  text(): string {
    return this.value?.toString('utf8') ?? ''
  }

  /** The value as parsed JSON; throws when it is none. */
  json<Value = unknown>(): Value {
    try {
      return JSON.parse(this.text()) as Value
    } catch (cause) {
      const where = `${this.topic}-${this.partition} offset ${this.offset}`
      throw new Error(`the value of ${where} is no JSON: ${JSON.stringify(this.text().slice(0, 200))}`, {
        cause,
      })
    }
  }
}

/** What to write. A string or bytes are taken as they are, null is a tombstone, anything else becomes JSON. */
export interface MessageToProduce {
  readonly key?: string | Buffer | null
  readonly value: unknown
  readonly headers?: Readonly<Record<string, string | Buffer | null>>
  /** Left out: by the key, as Kafka's own producer does; without a key one partition after the other. */
  readonly partition?: number
  /** Milliseconds since the epoch; the broker's clock when left out. */
  readonly timestamp?: number
}

/** Where a record went. */
export interface ProducedRecord {
  readonly partition: number
  readonly offset: bigint
}
